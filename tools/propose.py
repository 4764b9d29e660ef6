"""Run `ava-det propose` from a checkout."""

from ava_det.commands import run

if __name__ == "__main__":
    run("propose")
