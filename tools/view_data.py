"""Run `ava-det view` from a checkout."""

from ava_det.commands import run

if __name__ == "__main__":
    run("view")
