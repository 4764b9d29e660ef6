"""One run a folder, and what is left there of killed ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

from ava_det.formats.lock import take
from ava_det.structures import InputError
from ava_det.train.checkpoint import AtomicCheckpointer
from ava_det.train.folder import only_run
from ava_det.train.processes import run_in_processes

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import os, sys, time
from pathlib import Path
from ava_det.train.folder import only_run
with only_run(Path(sys.argv[1])):
    if not os.fork():  # as a loader's worker, which outlives a killed run
        time.sleep(600)
        os._exit(0)
    print("held", flush=True)
    time.sleep(600)
"""


def enter(folder: Path) -> None:
    with only_run(folder):
        (folder / "written").touch()


def seen(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.holds("13.11 a second training in a folder is refused before it writes")
def test_a_second_run_is_refused_until_the_first_is_killed(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "log.txt").write_text("of the first")
    arguments = [sys.executable, "-c", HOLDER, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as holder:
        try:
            assert holder.stdout.readline() == "held\n"
            (folder / f".{'0' * 32}.pth").touch()  # what the first one is writing
            before = seen(folder)
            with pytest.raises(InputError, match=f"{folder}: another training writes"):
                enter(folder)
            with pytest.raises(InputError, match=f"{folder}: another training writes"):
                run_in_processes(enter, (folder,), processes=2)
            assert seen(folder) == before
            holder.kill()
            holder.wait()
            os.killpg(holder.pid, 0)  # the worker is alive
            enter(folder)
            assert sorted(seen(folder)) == ["log.txt", "written"]
        finally:
            os.killpg(holder.pid, 9)


@pytest.mark.holds("13.11 partial files of a killed run are swept by the next")
def test_partial_files_are_swept_and_others_are_not(tmp_path):
    kept = ["model_0000001.pth", "last_checkpoint", ".mine", ".12.notes", "a.part", "metrics.json"]
    left = [f".{'a1' * 16}.pth", f".{'0' * 32}", f".{'0' * 32}.safetensors"]
    (tmp_path / "below").mkdir()
    for name in kept + left:
        (tmp_path / name).touch()
    other = tmp_path / "below" / left[0]
    with take(other):  # of somebody who is alive
        enter(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {*kept, "below", "written"}
    assert other.exists()


def checkpointer_of(folder: Path) -> AtomicCheckpointer:
    return AtomicCheckpointer(nn.Linear(2, 2), str(folder))


def numbers(folder: Path) -> list[int]:
    return sorted(int(path.stem.split("_")[1]) for path in folder.glob("model_0*.pth"))


SWEPT = "13.11 old numbered checkpoints are swept over restarts"


@pytest.mark.holds(SWEPT)
def test_as_many_checkpoints_are_kept_over_restarts(tmp_path):
    for iteration in range(5):
        checkpointer_of(tmp_path).save(f"model_{iteration:07d}")  # a restart each time
    assert numbers(tmp_path) == [3, 4]
    checkpointer_of(tmp_path).save("model_final")
    assert numbers(tmp_path) == [3, 4]


@pytest.mark.holds(SWEPT)
def test_those_that_earlier_restarts_left_are_swept(tmp_path):
    checkpointer_of(tmp_path).save("model_0000002")
    for place, iteration in enumerate([7, 5, 9, 1]):
        path = tmp_path / f"model_{iteration:07d}.pth"
        path.touch()
        os.utime(path, (place, place))
    (tmp_path / "model_best.pth").touch()
    checkpointer_of(tmp_path).sweep()
    assert numbers(tmp_path) == [1, 2]  # the last one, and the youngest of the others
    assert (tmp_path / "model_best.pth").exists()


@pytest.mark.holds(SWEPT)
def test_without_a_last_checkpoint_the_youngest_stay(tmp_path):
    for iteration in range(1, 5):
        (tmp_path / f"model_{iteration:07d}.pth").touch()
    checkpointer_of(tmp_path).sweep()
    assert numbers(tmp_path) == [3, 4]
