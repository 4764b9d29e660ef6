"""ava_det.data.prepare.parallel: what is wrong with which item."""

from pathlib import Path

import pytest

from ava_det.data.prepare.parallel import problems_of


def size_problem(path: Path) -> str:
    return "" if path.stat().st_size else "empty"


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_problems_by_item(tmp_path, capsys, workers):
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text("" if path.name == "b" else "text")
    assert problems_of(paths, size_problem, workers, "looking", done=2) == {paths[1]: "empty"}
    assert "5/5" in capsys.readouterr().err
    assert problems_of([], size_problem, workers) == {}


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_what_is_raised_ends_the_work(tmp_path, workers):
    with pytest.raises(FileNotFoundError):
        problems_of([tmp_path / "gone"] * 3, size_problem, workers)
