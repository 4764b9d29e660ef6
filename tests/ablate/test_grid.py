"""A grid's bookkeeping: order, recipes, resumed commands."""

import json
from pathlib import Path

import pytest

from ava_det.ablate.grid import Figure, Grid, Run, execute, load_grid, measure, runs_of, tidy
from ava_det.ablate.rows import key_of
from ava_det.formats.lock import lock
from ava_det.structures import InputError


def two_commands(arm, seed, run):
    return [["-c", f"print({arm!r}, {seed})", str(run)], ["tools/x.py", "--seed", str(seed)]]


GRID = Grid(["a", "b, 25 %"], range(2), two_commands, {"top-1": Figure("r.json", "mAP")})


def test_one_seed_of_all_arms_comes_first(tmp_path):
    runs = list(runs_of(GRID, tmp_path))
    assert [(run.arm, run.seed) for run in runs] == [
        ("a", 0),
        ("b, 25 %", 0),
        ("a", 1),
        ("b, 25 %", 1),
    ]
    assert runs[1].folder.name == f"b-25-0-{runs[1].recipe}"
    assert runs[1].commands[0][-1] == str(runs[1].folder)
    assert len({run.key for run in runs}) == 4


def test_a_recipe_is_what_is_run_not_where(tmp_path):
    def other(arm, seed, run):
        return [*two_commands(arm, seed, run), ["tools/y.py"]]

    here, there = (list(runs_of(GRID, tmp_path / name)) for name in "xy")
    changed = list(runs_of(Grid(GRID.arms, GRID.seeds, other, GRID.figures), tmp_path / "x"))
    assert [run.key for run in here] == [run.key for run in there]
    assert not {run.key for run in here} & {run.key for run in changed}


def test_defaults_compare_with_the_first_arm():
    grid = Grid(["a", "b", "c"], [0], two_commands, GRID.figures)
    assert list(grid.comparisons) == [("b", "a"), ("c", "a")]
    assert grid.panels == {"all arms": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": []}, "needs arms, seeds and figures"),
        ({"comparisons": [("a", "z")]}, "no arm z"),
        ({"panels": {"p": ["y", "a"]}}, "no arm y"),
    ],
)
def test_a_grid_that_means_nothing_is_refused(changes, message):
    parts = {"arms": ["a", "b"], "seeds": [0], "commands": two_commands, "figures": GRID.figures}
    with pytest.raises(InputError, match=message):
        Grid(**(parts | changes))


@pytest.mark.parametrize("text", [None, "x = 1", "grid = 3"])
def test_what_is_no_grid_file_is_refused(tmp_path, text):
    path = tmp_path / "g.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=r"g\.py: no (such grid|variable `grid`)"):
        load_grid(path)


def run_of(folder: Path, *programs: str) -> Run:
    return Run("a", 0, "r", folder, [["-c", program, str(folder)] for program in programs])


COUNT = """
import sys, pathlib
path = pathlib.Path(sys.argv[1]) / "{0}"
path.write_text(path.read_text() + "x" if path.exists() else "x")
"""
FAILS_ONCE = """
import sys, pathlib
path = pathlib.Path(sys.argv[1]) / "second"
first = not path.exists()
path.write_text("")
sys.exit("error: no luck" if first else 0)
"""


def test_a_failed_run_goes_on_at_the_command_that_failed(tmp_path):
    run = run_of(tmp_path, COUNT.format("first"), FAILS_ONCE, COUNT.format("third"))
    with lock(tmp_path) as held:
        with pytest.raises(InputError, match=r"failed with exit code 1: error: no luck \(.*txt\)"):
            execute(run, held)
        assert not (tmp_path / "third").exists()
        row = execute(run, held)
    assert (tmp_path / "first").read_text() == (tmp_path / "third").read_text() == "x"
    assert key_of(row) == ("a", "0", "r")
    assert float(row["seconds"]) >= 0
    assert row["machine"].endswith("cores")


def test_commands_have_one_thread(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with lock(tmp_path) as held:
        execute(run_of(tmp_path, "import os; print(os.environ['OMP_NUM_THREADS'])"), held)
    assert (tmp_path / "output.txt").read_text() == "1\n"


def test_the_config_s_hash_is_of_what_is_alike_in_all_seeds(tmp_path):
    rows = []
    for name, seed, lr in (("x", 0, 0.1), ("y", 1, 0.1), ("z", 0, 0.2)):
        run = run_of(tmp_path / name, "pass")._replace(seed=seed)
        with lock(run.folder) as held:
            run.folder.mkdir()
            text = f"train:\n  seed: {seed}\n  init: {run.folder}/m\nlr: {lr}\n"
            (run.folder / "config.yaml").write_text(text)
            rows.append(execute(run, held)["config"])
    assert rows[0] == rows[1] != rows[2]


def test_figures_of_a_log_and_of_a_result(tmp_path):
    lines = [{"iteration": k, "r/top1": v} for k, v in ((249, 10.0), (499, 31.0), (500, 30.0))]
    (tmp_path / "metrics.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "result.json").write_text('{"mAP": 0.25, "video_mAP": {"0.5": 0.125}}')
    figures = {
        "top-1": Figure("metrics.json", "r/top1"),
        "frame": Figure("t/result.json", "mAP", 100),
        "video": Figure("t/result.json", "video_mAP/0.5", 100),
        "less": Figure("t/result.json", "mAP", 100, minus="other.json"),
    }
    (tmp_path / "other.json").write_text('{"mAP": 0.125}')
    assert measure(run_of(tmp_path), figures) == {
        "top-1": "30",
        "top-1 best": "31",
        "top-1 curve": "249:10 499:31 500:30",
        "steps": "500",
        "frame": "25",
        "video": "12.5",
        "less": "12.5",
    }


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (Figure("metrics.json", "top5"), "no top5; the file has top1"),
        (Figure("r.json", "mAP/x"), "no number mAP/x"),
        (Figure("r.json", "ap"), "no number ap"),
    ],
)
def test_a_figure_that_is_not_there_is_named(tmp_path, figure, message):
    (tmp_path / "metrics.json").write_text('{"iteration": 1, "top1": 2}\n')
    (tmp_path / "r.json").write_text('{"mAP": 0.5}')
    with pytest.raises(InputError, match=message):
        measure(run_of(tmp_path), {"f": figure})


def test_tidying_leaves_the_weights(tmp_path):
    for name in ("a/model_0009.pth", "a/model.safetensors", "claim"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    tidy(run_of(tmp_path))
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["claim", "model.safetensors"]
