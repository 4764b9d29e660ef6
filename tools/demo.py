"""Run `ava-det demo` from a checkout."""

from ava_det.commands import run

if __name__ == "__main__":
    run("demo")
