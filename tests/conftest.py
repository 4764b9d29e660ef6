"""Fixtures that every test may ask for."""

import logging
import os
import re
import runpy
import sys
from collections.abc import Callable, Iterator
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


@pytest.fixture(autouse=True)
def _messages() -> Iterator[None]:
    """Undo what a training run in this process does to the logger that other tests listen to."""
    logger = logging.getLogger("ava_det")
    before = logger.level, logger.propagate
    yield
    logger.setLevel(before[0])
    logger.propagate = before[1]


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


@pytest.fixture
def environment(shared) -> dict[str, str]:
    """Variables of a tool that is run as a program of its own: one thread, the real data."""
    one_thread = {"OMP_NUM_THREADS": "1", "DETECTRON2_DATASETS": str(shared / "data")}
    return {**os.environ, **one_thread}


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory) -> Path:
    """A folder with an `action.safetensors` and a `persons.safetensors` that know nothing."""
    import torch  # here, so that tests of what needs no torch run without

    from ava_det.model.faster_rcnn import build_person_detector
    from ava_det.model.zoo import build_detector
    from ava_det.structures import ClipShape
    from ava_det.weights.card import ModelCard
    from ava_det.weights.native import save_weights

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    arguments = {"architecture": "slowfast_tiny", "num_classes": 3, "arguments": {"width": 8}}
    classes = ((1, "stand", "pose"), (4, "sit (down)", "pose"), (9, "talk", ""))
    card = ModelCard("detector", arguments, classes, ClipShape(8, 2, 25.0, 32))
    save_weights(folder / "action.safetensors", build_detector(**arguments).state_dict(), card)
    arguments = {"architecture": "faster_rcnn_tiny", "arguments": {"width": 8}}
    card = ModelCard("persons", arguments, ((1, "person", ""),), ClipShape(1, 1, None, 96))
    detector = build_person_detector(**arguments)
    save_weights(folder / "persons.safetensors", detector.state_dict(), card)
    return folder


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
