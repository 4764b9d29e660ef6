"""ava_det.cli: how a program ends."""

import argparse
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ava_det import cli
from ava_det.structures import InputError

ROOT = Path(__file__).resolve().parents[1]


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


def name(text: str) -> str:
    """A type of argument that raises what readers raise."""
    if text != "light":
        raise InputError(f"{text}: no such file (did you mean light?)")
    return text


@pytest.fixture
def parser() -> cli.Parser:
    parser = cli.Parser(prog="tool")
    parser.add_argument("input")
    parser.add_argument("--output", required=True)
    parser.add_argument("--score-threshold", type=cli.fraction, default=0.5)
    parser.add_argument("--protocol", choices=["activitynet", "uncapped"])
    parser.add_argument("--persons", type=name)
    parser.add_argument("--shift", type=float)
    parser.add_argument("overrides", nargs="*")
    return parser


@pytest.mark.holds("13.12 a misspelt option or choice is refused with the nearest right one")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("x --ouput y", "unrecognized option --ouput (did you mean --output?)"),
        (
            "x --output y --score-treshold=3",
            "--score-treshold (did you mean --score-threshold?)",
        ),
        ("x --output y --Protocol uncapped", "option --Protocol (did you mean --protocol?)"),
        ("x -output y", "unrecognized option -output (did you mean --output?)"),
        ("x --output y --score 0.5", "unrecognized option --score"),
        ("x --out y", "unrecognized option --out"),
        ("x --output y --zzz", "unrecognized option --zzz\n"),
        ("x --output y --protocol uncaped", "(did you mean uncapped?)"),
        ("x --output y --protocol official", "(choose from"),
        (
            "x --output y --persons lite",
            "--persons: lite: no such file (did you mean light?)",
        ),
        ("x --output y --score-threshold 30", "30 is not a number from 0 to 1; 30 % is 0.3"),
        ("x --output y --score-threshold -0.1", "-0.1 is not a number from 0 to 1"),
        ("x --output y --score-threshold nan", "nan is not a number from 0 to 1"),
        ("x --output y --score-threshold inf", "inf is not a number from 0 to 1"),
        ("x --output y --score-threshold half", "invalid fraction value: 'half'"),
    ],
)
def test_a_misspelt_word_is_a_usage_error(parser, capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments.split())
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines(keepends=True)[-1]


@pytest.mark.parametrize(
    ("arguments", "overrides"),
    [
        ("x --output y", []),
        ("x a.b=1 +c=-1 --output=y --shift -1.5", ["a.b=1", "+c=-1"]),
        ("x --output y --score-threshold 0 --persons light", []),
        ("--output y --score-threshold 1 -- x --strange", ["--strange"]),
        ("--output y -- x -1", ["-1"]),
        ("--help", None),
    ],
)
def test_what_is_spelt_rightly_is_taken(parser, capsys, arguments, overrides):
    if overrides is None:
        with pytest.raises(SystemExit, match="0"):
            parser.parse_args(arguments.split())
    else:
        assert parser.parse_args(arguments.split()).overrides == overrides


@pytest.mark.holds("13.12 a misspelt option or choice is refused with the nearest right one")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("inspct x", "(did you mean inspect?)"),
        ("inspect x --nams", "--nams (did you mean --names?)"),
    ],
)
def test_subcommands_are_as_strict(capsys, arguments, message):
    parser = cli.Parser()
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect")
    inspect.add_argument("file")
    inspect.add_argument("--names", action="store_true")
    assert parser.parse_args(["inspect", "x", "--names"]).names
    with pytest.raises(SystemExit):
        parser.parse_args(arguments.split())
    assert message in capsys.readouterr().err


TOOLS = [
    *(path for path in sorted(ROOT.glob("ava_det/commands/*.py")) if path.stem != "__init__"),
    *sorted(ROOT.glob("datasets/prepare_*.py")),
    *(ROOT / "tools" / f"{name}.py" for name in ("benchmark", "drill")),
]


@pytest.mark.holds("13.12 a misspelt option is refused with the nearest right one: every tool")
@pytest.mark.parametrize("tool", TOOLS, ids=lambda path: path.stem)
def test_every_tool_refuses_options_that_it_does_not_have(tool):
    text = tool.read_text()
    assert "cli.Parser(" in text
    assert "argparse.ArgumentParser(" not in text
    assert "type=float" not in text  # numbers have bounds


PRINTS = """
import argparse, os
from ava_det import cli
from ava_det.structures import InputError
def main(args):
    print("out", args.name)
    raise InputError(f"{args.name}: bad")
parser = cli.Parser()
parser.add_argument("name")
cli.run(parser, main)
"""
LOCALES = [
    {"LC_ALL": "C.UTF-8"},
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "utf-8:strict"},
]


@pytest.mark.holds("13.10 names of files that are no text are printed in any locale")
@pytest.mark.parametrize("environment", LOCALES, ids=str)
@pytest.mark.parametrize("odd", [b"a\xff.mp4", "\u00e9\U0001f600.mp4".encode()], ids=ascii)
def test_any_name_of_a_file_is_printed(environment, odd):
    done = subprocess.run(
        [sys.executable, "-c", PRINTS, odd],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith(b"out ")
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.endswith(b".mp4: bad\n")
    assert b"Traceback" not in done.stderr


LONG = f"/begin/{'x' * 5000}/end"


@pytest.mark.holds("13.10 every error is one line that a person can read")
@pytest.mark.parametrize(
    ("error", "start", "end"),
    [
        (InputError(f"{LONG}: row 3: no box"), "/begin/xxx", "xxx/end: row 3: no box"),
        (OSError(36, "File name too long", LONG), "/begin/xxx", "/end: File name too long; choose"),
        (ValueError(f"{LONG}: odd"), "ValueError: /begin/xxx", "xxx/end: odd"),
    ],
)
def test_a_long_path_shows_both_its_ends(error, start, end):
    line = cli.one_line(error)
    assert line.startswith(start)
    assert end in line
    assert "xxx ... xxx" in line
    assert len(line) <= 905


@pytest.mark.holds("13.10 every error is one line that a person can read")
@pytest.mark.parametrize("arguments", ["--persons {}", "--protocol {}", "--score-threshold {}"])
def test_a_long_argument_makes_no_long_usage_error(parser, capsys, arguments):
    with pytest.raises(SystemExit):
        parser.parse_args(["x", "--output", "y", *arguments.format(LONG).split()])
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("tool: error: argument --")
    assert "/begin/xxx" in line
    assert "xxx ... xxx" in line
    assert len(line) <= 905 + len("tool: error: ")


def test_an_error_is_one_line_whatever_is_in_it():
    assert cli.one_line(OSError(2, "No such file", "a\nb\x1b[31m")) == (
        "a b\\x1b[31m: No such file"
    )
    assert cli.one_line(InputError("a:  b\u202e\n c")) == "a: b\\u202e c"
    assert cli.one_line(KeyError()) == "KeyError: no message"


WARNS = """
import subprocess, sys, warnings
from ava_det import cli

CHILD = "import warnings; warnings.warn('of a child', RuntimeWarning)"

def main(args):
    for kind in (Warning, RuntimeWarning, FutureWarning, UserWarning):
        warnings.warn("of a library", kind)
    subprocess.run([sys.executable, "-c", CHILD], check=True)

cli.run(cli.Parser(), main, [])
"""


def test_warnings_of_libraries_are_not_shown():
    environment = {key: os.environ[key] for key in os.environ if key != "PYTHONWARNINGS"}
    done = subprocess.run(
        [sys.executable, "-c", WARNS], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.holds("13.9 bounds: options that set sizes")
@pytest.mark.parametrize(
    ("script", "arguments", "words"),
    [
        ("prepare_ava", ["--short-side", "20000"], "--short-side: 20000 is not a number from 2 to"),
        ("prepare_ava", ["--rate", "1e9"], "--rate: 1e9 is not a number from 0 to 16384"),
        ("prepare_ava", ["--workers", "99999"], "--workers: 99999 is not a number from 1 to 1024"),
        ("prepare_actors", ["--sizes", "train=9999999"], "--sizes: train=9999999: want at most"),
    ],
)
def test_an_option_that_asks_for_absurd_work_is_a_usage_error(capsys, script, arguments, words):
    path = Path(__file__).resolve().parents[1] / "datasets" / f"{script}.py"
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path))["parser"]().parse_args(arguments)
    assert end.value.code == 2
    assert words in capsys.readouterr().err
