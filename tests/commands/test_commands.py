"""The program `ava-det` and what all of its commands share."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from ava_det import cli
from ava_det.commands import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "cv2", "av", "matplotlib", "PIL", "detectron2", "supervision", "openvino"}


def ava_det(*words: str, folder=None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ava_det", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


@pytest.fixture
def call(monkeypatch, capsys):
    """Run `ava-det` in this process: its exit code and what it printed."""

    def ended(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ava-det", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, *capsys.readouterr()

    return ended


def test_the_help_lists_every_command(call):
    code, out, _ = call("--help")
    assert code == 0
    for name, what in COMMANDS.items():
        assert name in out
        assert what in out


@pytest.mark.parametrize("word", ["help", "-h"])
def test_help_is_what_the_option_prints(call, word):
    assert call(word) == call("--help")


def test_no_command_is_a_usage_error(call):
    code, out, _ = call()
    assert (code, "usage: ava-det COMMAND" in out) == (2, True)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("detekt", "unknown command detekt (did you mean detect?)"),
        ("--verbose", "unknown option --verbose"),
    ],
)
def test_a_misspelt_command_is_answered_with_the_nearest(call, word, message):
    code, _, err = call(word)
    assert (code, err) == (2, f"ava-det: error: {message}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy(name, tmp_path):
    code = (
        "import sys; from ava_det.commands import main\n"
        f"sys.argv = ['ava-det', {name!r}, '--help']\n"
        "try: main()\n"
        f"finally: print('loaded', sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: ava-det {name}" in done.stdout
    assert "loaded []" in done.stdout


@pytest.mark.slow
def test_a_command_works_from_any_folder(tmp_path):
    done = ava_det("detect", "nowhere.mp4", "--output", "out", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "nowhere.mp4" in done.stderr


def options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a command and of its subcommands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from options(below)
        else:
            yield action


def parsers(name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """A command and its subcommands."""
    parser = import_module(f"ava_det.commands.{name}").parser()
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from ((f"{name} {word}", below) for word, below in action.choices.items())


@pytest.mark.parametrize(("name", "parser"), [pair for name in COMMANDS for pair in parsers(name)])
def test_the_help_explains_everything(name, parser):
    text = parser.format_help()
    assert re.search(rf"^    ava-det {name}\b", parser.description, re.MULTILINE), "an example"
    (line,) = re.findall("Read on: (.*)[.]", parser.description)
    for page in line.split(", "):
        assert (ROOT / page).is_file()
        assert page in text
    assert [action.dest for action in options(parser) if not action.help] == []


@pytest.mark.parametrize(("name", "parser"), [pair for name in COMMANDS for pair in parsers(name)])
def test_a_default_that_the_help_names_is_a_choice(name, parser):
    for action in options(parser):
        named = re.search(r"[(]default:? (\w+)[)]", action.help or "")
        if action.choices and named:
            assert named[1] in action.choices


def test_the_help_of_propose_says_when_weights_are_required():
    text = import_module("ava_det.commands.propose").parser().format_help()
    assert "required without --train" in text


def test_the_help_shows_defaults(capsys):
    parser = cli.Parser()
    parser.add_argument("--rate", default=5, help="keyframes a second")
    parser.add_argument("--size", help="pixels (default: as trained)")
    parser.add_argument("--start", type=int, default=0, help="first frame")
    parser.add_argument("--all", action="store_true", help="everything")
    shown = " ".join(parser.format_help().split())
    assert "keyframes a second (default: 5)" in shown
    assert "first frame (default: 0)" in shown
    assert shown.count("default") == 3
