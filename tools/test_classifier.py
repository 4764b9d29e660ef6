"""Run `ava-det test classifier` from a checkout."""

from ava_det.commands import run

if __name__ == "__main__":
    run("test_classifier")
