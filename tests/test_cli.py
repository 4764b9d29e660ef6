"""ava_det.cli: how a program ends."""

import argparse
import os
import signal

import pytest

from ava_det import cli


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_a_signal_unwinds_the_program(capsys, number, code):
    before, cleaned = signal.getsignal(signal.SIGTERM), []

    def main(_: argparse.Namespace) -> None:
        try:
            os.kill(os.getpid(), number)
            raise AssertionError("goes on")
        finally:
            cleaned.append(True)

    with pytest.raises(SystemExit) as ended:
        cli.run(argparse.ArgumentParser(), main, [])
    assert (ended.value.code, cleaned) == (code, [True])
    assert capsys.readouterr().err == "\nstopped\n"
    assert signal.getsignal(signal.SIGTERM) == before
