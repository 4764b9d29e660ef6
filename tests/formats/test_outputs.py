"""formats/outputs.py: outputs are nobody else's, and replaced only where that is meant."""

import os
from pathlib import Path

import pytest

from ava_det.formats.atomic import atomic_path
from ava_det.formats.outputs import alone, outputs, require_apart, require_free
from ava_det.structures import InputError


@pytest.mark.holds("13.12 results that are there are not silently replaced")
def test_what_is_there_is_replaced_only_where_that_is_meant(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    second.write_text("old")
    message = r"b\.csv: exists already; --overwrite replaces it"
    with pytest.raises(InputError, match=message), outputs(first, second, overwrite=False):
        pytest.fail("writes")
    with outputs(first, second, overwrite=True):
        second.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["b.csv"]


@pytest.mark.holds("13.11 one process an output")
def test_what_another_process_writes_is_refused_also_with_overwrite(tmp_path):
    path = tmp_path / "a.csv"
    message = "another process is writing to it"
    with (
        alone(path),
        pytest.raises(InputError, match=message),
        outputs(path, overwrite=True),
    ):
        pytest.fail("writes")


@pytest.mark.holds("13.11 partial files of killed runs are swept, those of living ones stay")
def test_what_killed_runs_left_of_these_files_is_removed(tmp_path):
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    for written in (path, other):
        _begin_and_die(written)
    assert len(list(tmp_path.iterdir())) == 2
    with outputs(path, overwrite=False):
        assert len(list(tmp_path.glob(".*.csv"))) == 1
    with outputs(other, overwrite=False):
        assert not list(tmp_path.glob(".*.csv"))


def _begin_and_die(path: Path) -> None:
    """Begin to write a file in another process that ends at once, as a killed one does."""
    child = os.fork()
    if child == 0:
        with atomic_path(path):
            os._exit(9)
    os.waitpid(child, 0)


@pytest.mark.holds("13.12 two outputs with one name do not collide")
def test_names_that_differ_by_their_case_alone_are_refused(tmp_path):
    with pytest.raises(InputError, match="ignore letter case"):
        require_free([tmp_path / "Film.xml", tmp_path / "film.xml"], overwrite=True)
    require_free([tmp_path / "film.xml", tmp_path / "other.xml"], overwrite=False)


def test_what_is_no_file_is_let_pass():
    with outputs(Path("/dev/null"), overwrite=False):
        Path("/dev/null").write_text("x")
    assert not Path("/dev/.null.lock").exists()


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_an_input_is_never_replaced(tmp_path, link):
    source, other = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("rows")
    getattr(other, link)(source)
    with pytest.raises(InputError, match=r"out\.csv: would overwrite the input"):
        require_apart([other], [None, tmp_path / "none", source])
    require_apart([tmp_path / "new.csv"], [source])
    with (
        pytest.raises(InputError, match=r"out\.csv: would overwrite the input"),
        outputs(other, overwrite=True, inputs=[None, source]),
    ):
        pytest.fail("the input is held as an output")
    assert source.read_text() == "rows"
