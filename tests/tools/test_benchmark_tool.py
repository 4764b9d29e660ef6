"""tools/benchmark.py, and that every published config builds."""

import argparse
import functools
import importlib
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from made_small import write_film

ROOT = Path(__file__).resolve().parents[2]
SMALL = "ava_x3d_m"
TRAINED = ROOT / "configs" / "pretrain" / "jhmdb_slowfast_tiny.py"


def test_flops_of_a_config(run_tool):
    ran = run_tool("benchmark", "flops", SMALL, "--size", 32)
    assert ran.code == 0
    assert ran.out.split() == ["ava_x3d_m", "16", "x", "32", "x", "32", "2.02", "M", "0.2", "GMAC"]


def test_index_of_a_small_set(run_tool):
    sizes = ("--videos", 3, "--keyframes", 20, "--rows", 500, "--frames", 50)
    ran = run_tool("benchmark", "index", *sizes)
    assert ran.code == 0
    _, counts, frames, cost = ran.out.splitlines()
    assert counts.startswith("60 keyframes, ")
    assert frames.startswith("150 frames of 3 videos; 0 MB of arrays")
    assert cost.endswith("MB at the peak")


def test_flops_as_markdown_says_what_the_model_is(run_tool):
    ran = run_tool("benchmark", "flops", SMALL, "--size", 32, "--markdown")
    header, _, row = ran.out.splitlines()
    assert header == "| model | what it is | clip | parameters, M | GMAC |"
    assert row.startswith("| ava_x3d_m | X3D-M; for PyTorchVideo")
    assert row.endswith("| 16 x 32 x 32 | 2.02 | 0.2 |")


@pytest.mark.parametrize("command", ["flops", "load"])
def test_an_unknown_model_is_one_line(run_tool, command):
    ran = run_tool("benchmark", command, "kinetics_slow_r50_8_8")
    assert ran.code == 1
    assert "unknown model 'kinetics_slow_r50_8_8' (did you mean kinetics_slow_r50_8x8?)" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["flops", "--size", 8], "--size: 8 is not a number of at least 32"),
        (["read", ".", "--windows", 0], "--windows: 0 is not a number of at least 1"),
        (["loader", "--config", "x", "--warmup", 2], "--warmup: 2 is not a number of at least 3"),
        (["persons", ".", "--weights", "light", "--frames", 0], "--frames: 0 is not a number of"),
        (["step", "--config", "x", "--rounds", 0], "--rounds: 0 is not a number of at least 1"),
    ],
)
def test_nonsense_numbers_are_usage_errors(run_tool, arguments, said):
    ran = run_tool("benchmark", *arguments)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.slow
def test_an_evaluation(run_tool, tmp_path):
    (tmp_path / "gt.csv").write_text("v,902,0.1,0.1,0.5,0.9,1,0\nv,903,0.1,0.1,0.5,0.9,2,0\n")
    (tmp_path / "map.pbtxt").write_text('item {\n  name: "a"\n  id: 1\n}\n')
    named = ("--ground-truth", tmp_path / "gt.csv", "--class-map", tmp_path / "map.pbtxt")
    ran = run_tool("benchmark", "evaluate", *named, "--rows", 4)
    assert ran.code == 0
    counts, ours = ran.out.splitlines()
    assert counts == "2 rows of ground truth, 4 of results"
    assert ours.startswith("tools/evaluate.py ")
    assert " MB, mAP " in ours


@pytest.mark.slow
def test_a_mix_beside_cutmix_and_a_step(run_tool):
    ran = run_tool("benchmark", "mix", "--batch", 2, "--size", 32, "--rounds", 1)
    assert ran.code == 0, ran.err
    what, mixes, ratio, step, share = ran.out.splitlines()
    assert what == "2 x 3 x 32 x 32 x 32, medians of 1, one core"
    ours, theirs = map(float, re.findall(r"([\d.]+) ms", mixes))
    assert float(ratio.split()[0]) == pytest.approx(ours / theirs, abs=0.1 * ours / theirs + 0.1)
    assert "1 clips" in step
    assert share.endswith("% of it")


@pytest.fixture
def benchmarks(monkeypatch):
    """Imports a module of the subcommands."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    return lambda name: importlib.import_module(f"benchmarks.{name}")


def test_medians_take_turns_and_leave_out_the_first_round(benchmarks):
    done, values = "", iter([90, 80, 1, 5, 6, 2, 3, 9])

    def clock(name):
        nonlocal done
        done += name
        return next(values)

    medians = benchmarks("measure").medians({"a": "a", "b": "b"}, 3, clock)
    assert medians == {"a": 2, "b": 6}  # of 1, 2, 3 and of 5, 6, 9
    assert done == "baabbaab"


def test_what_steps_wait_for(benchmarks):
    loader = benchmarks("loader")
    assert loader.waiting_share([1.0, 0.0, 2.0], [4.0, 3.0, 5.0]) == 0.25
    assert [loader.workers_needed(clip, 4.0) for clip in (1.0, 4.0, 4.1, 12.0)] == [1, 1, 2, 3]
    assert loader.Cost(1.5, 2.0, 0.25).total == 3.75


@pytest.fixture
def films(tmp_path):
    """A folder of two real-time films, of 40 and of 25 frames, and something else."""
    (tmp_path / "films").mkdir()
    write_film(tmp_path / "films" / "long.mp4", 40, Fraction(25))
    write_film(tmp_path / "films" / "short.mp4", 25, Fraction(30000, 1001))
    (tmp_path / "films" / "none.mp4").write_text("no film")
    return tmp_path / "films"


def test_windows_are_cut_between_frames(benchmarks, films):
    """As many frames as asked for, wherever they lie, in the longest of the films."""
    args = argparse.Namespace(paths=[films], videos=1, windows=30, frames=39, stride=1, seed=0)
    windows = benchmarks("windows").draw_windows(args)
    assert {window.path.name for window in windows} == {"long.mp4"}
    assert {float(window.times[0]) for window in windows} == {0.0, 0.04}
    for window in windows:
        assert len(window.times) == 39
        inside = np.arange(40) / 25
        inside = inside[(inside >= window.start) & (inside < window.end)]
        np.testing.assert_allclose(inside, window.times)


def test_frames_are_compared(benchmarks):
    read = benchmarks("read")
    ours = np.zeros((2, 4, 5, 3), np.uint8)
    theirs = torch.zeros(3, 2, 4, 5)
    assert read.difference(ours, theirs) == 0
    theirs[1, 0, 2, 3] = 7
    assert read.difference(ours, theirs) == 7
    assert read.difference(ours, theirs[:, :1]) is None
    assert read.difference(ours, None) is None


def test_reading_beside_encoded_video(run_tool, films):
    arguments = ["--videos", 2, "--windows", 4, "--frames", 8, "--stride", 3]
    ran = run_tool("benchmark", "read", films, *arguments)
    assert ran.code == 0, ran.err
    assert f"{films}/long.mp4: 40 frames, 1.6 s" in ran.out
    assert "4 of 4 windows have as many frames of one size" in ran.out
    assert "largest difference is 0 of 255 (4 are equal)" in ran.out
    for how in ("opened for each window", "kept open"):
        row = re.search(
            rf"^{how}: ours ([\d.]+) clips/s, EncodedVideo ([\d.]+);.* ([\d.]+) times",
            ran.out,
            re.M,
        )
        assert all(float(figure) > 0 for figure in row.groups())


def test_readers_take_turns(benchmarks):
    measure, seen = benchmarks("measure"), []
    readers = [
        lambda window: seen.append(f"a{window}") or 2.0,
        lambda window: seen.append(f"b{window}") or 3.0,
    ]
    rounds = ([functools.partial(reader, window) for reader in readers] for window in (1, 2, 3))
    assert measure.in_turns(rounds, lambda action: action()) == [[2.0] * 3, [3.0] * 3]
    assert seen == ["b1", "a1", "a2", "b2", "b3", "a3"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere"),
        (["films", "--frames", 41], "fewer than --frames 41"),
        (["films/none.mp4"], "none.mp4"),
    ],
)
def test_films_that_cannot_be_read_are_one_line(run_tool, films, arguments, said):
    ran = run_tool("benchmark", "read", films.parent / arguments[0], *arguments[1:])
    assert ran.code == 1
    assert said in ran.err
    assert ran.err.count("\n") == 1


@pytest.fixture
def small_run(films, tmp_path):
    """Overrides that train on the films for a moment."""
    (films / "none.mp4").unlink()
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{films}/{name}.mp4 0\n" for name in ("long", "short")))
    small = "model.arguments.width=8 clip.short_side=32 train.max_iter=9"
    data = "dataloader.train.batch_size=2 dataloader.train.num_workers=1"
    sets = [f"data.train={listed}"]
    return [*small.split(), *data.split(), *sets]


@pytest.mark.slow
def test_a_loader_of_films(run_tool, small_run):
    arguments = ["--steps", 2, "--warmup", 3, "--clips", 2, *small_run]
    ran = run_tool("benchmark", "loader", "--config", TRAINED, *arguments)
    assert ran.code == 0, ran.err
    for kind in ("cached", "decoded"):
        said = rf"^{kind}, milliseconds .* model [\d.]+\n    steps of 2 clips .* would keep up$"
        assert re.search(said, ran.out, re.M), ran.out
    shares = re.findall(r"wait ([\d.]+) % of their time, num_workers=1;", ran.out)
    assert len(shares) == 2
    assert all(0 <= float(share) <= 100 for share in shares)


@pytest.mark.slow
def test_steps_in_two_precisions_and_layouts(run_tool, small_run):
    # Of 8 frames, 2 are under slow kernels of 3: refused in bfloat16 where that goes wrong.
    arguments = ["--rounds", 1, *small_run, "clip.frames=16"]
    ran = run_tool("benchmark", "step", "--config", TRAINED, *arguments)
    assert ran.code == 0, ran.err
    head, *rows = ran.out.splitlines()
    assert head == "steps of 2 clips, one core, medians of 1, in turns"
    assert [re.split(r" {2,}", row)[0] for row in rows] == [
        "float32",
        "channels last",
        "bfloat16",
        "both",
    ]
    assert rows[0].endswith(" 1.00")


def test_person_detectors_on_the_same_frames(run_tool, random_weights, tmp_path):
    film = tmp_path / "film.mp4"
    write_film(film, 5, Fraction(25))
    weights = random_weights / "persons.safetensors"
    options = ("--weights", weights, weights, "--frames", 3, "--person-size", 32)
    ran = run_tool("benchmark", "persons", film, *options)
    assert ran.code == 0, ran.err
    head, first, second = ran.out.splitlines()
    assert head.endswith("film.mp4: 3 frames of 64 x 48, one core, medians, in turns")
    line = r"persons.safetensors +(\d+\.\d) ms, +(\d+) a second, (\d+\.\d\d)"
    numbers = [float(number) for number in re.fullmatch(line, first).groups()]
    assert numbers[2] == 1
    assert abs(numbers[0] * numbers[1] - 1000) < 60  # rounded
    assert re.fullmatch(line, second)
    assert run_tool("benchmark", "persons", film, "--weights", "nowhere.onnx").code == 1


@pytest.mark.slow
def test_the_main_paths_are_walked(run_tool):
    ran = run_tool("benchmark", "walks", "--list")
    assert ran.code == 0, ran.err
    paths = re.split(r"^from ", ran.out, flags=re.M)[1:]
    for path, passes in zip(paths, ("frame_map", "Loader", "ActionPipeline.run"), strict=True):
        head, *stops = path.splitlines()
        assert (
            int(re.search(r": (\d+) stops, \d+ outside of readers$", head)[1])
            == len(stops)
            == len(set(stops))
        )
        assert any(passes in stop for stop in stops)
