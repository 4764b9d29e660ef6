"""Fixtures that every test may ask for."""

import os
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

# No deadline: the machine may be busy. In CI the same examples every time.
settings.register_profile("ava_det", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("ava_det")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The team's folder of real videos and recorded answers, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"real data not found at {SHARED}")
    return SHARED


class Ran(NamedTuple):
    code: int | None
    out: str
    err: str


@pytest.fixture
def run_tool(monkeypatch, capsys) -> Callable[..., Ran]:
    """Run `tools/NAME.py` with a command line, as if it were a program of its own."""

    def call(name: str, *arguments: object) -> Ran:
        path = str(ROOT / "tools" / f"{name}.py")
        monkeypatch.setattr(sys, "argv", [path, *map(str, arguments)])
        monkeypatch.syspath_prepend(ROOT / "tools")
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(path, run_name="__main__")
        printed = capsys.readouterr()
        return Ran(ended.value.code, printed.out, printed.err)

    return call


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--holds", action="store_true", help="list tests by the line they hold")


def pytest_collection_finish(session: pytest.Session) -> None:
    """List each line of an issue with the tests that hold it, if `--holds` asks for it."""
    if not session.config.option.holds:
        return
    held: dict[str, set[str]] = {}
    for item in session.items:
        for marker in item.iter_markers("holds"):
            held.setdefault(marker.args[0], set()).add(item.nodeid.split("[")[0])
    for line in sorted(held, key=_by_number):
        print(line, *sorted(held[line]), sep="\n    ")
    session.items.clear()


def _by_number(line: str) -> list[int | str]:
    """Order "13.9 ..." before "13.10 ..."."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", line)]
