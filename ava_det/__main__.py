"""Run `python -m ava_det` as `ava-det`."""

from ava_det.commands import main

if __name__ == "__main__":
    main()
