import json

import pytest

from ava_det.formats.training_log import cut_metrics, read_metrics
from ava_det.structures import InputError


def log(folder, *rows, end="\n"):
    path = folder / "metrics.json"
    path.write_text("\n".join(json.dumps(row) for row in rows) + end)
    return path


def test_a_log_that_was_resumed_and_killed(tmp_path):
    path = log(
        tmp_path,
        {"iteration": 19, "total_loss": 3.0, "lr": 0.1},
        {"iteration": 39, "total_loss": 2.0, "lr": 0.1, "note": "no number"},
        {"iteration": 19, "total_loss": 2.5, "lr": 0.1},
        {"iteration": 59, "detection/frame_mAP_uncapped": 40},
        end='\n{"iteration": 79, "total_l',
    )
    metrics = read_metrics(path)
    assert sorted(metrics) == ["detection/frame_mAP_uncapped", "lr", "total_loss"]
    iterations, losses = metrics["total_loss"]
    assert (iterations.tolist(), losses.tolist()) == ([19, 39], [2.5, 2.0])


@pytest.mark.parametrize(
    "line",
    [
        "loss 3",
        "[1]",
        '{"total_loss": 1}',
        '{"iteration": null}',
        '{"iteration": Infinity}',
        "[" * 9999,
    ],
)
def test_not_a_log(tmp_path, line):
    path = tmp_path / "metrics.json"
    path.write_text(f"{line}\n" * 2)
    with pytest.raises(InputError) as error:
        read_metrics(path)
    assert str(error.value) == f"{path}: row 1: not a line of a training log"


@pytest.mark.holds("13.11 metrics.json repeats no iteration after a resume")
@pytest.mark.parametrize("end", [0, 20, 40])
def test_iterations_that_are_run_again_are_cut(tmp_path, end):
    path = log(
        tmp_path,
        {"iteration": 19, "total_loss": 3.0, "lr": 0.1},
        {"iteration": 39, "total_loss": float("nan")},
        {"iteration": 19, "total_loss": 2.5, "top1": 40.0},
        {"iteration": 59, "total_loss": 1.0},
        end='\n{"iteration": 19, "total_l',
    )
    cut_metrics(path, end)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["iteration"] for row in rows] == [k for k in (19, 39) if k < end]
    if rows:
        assert rows[0] == {"iteration": 19, "total_loss": 2.5, "lr": 0.1, "top1": 40.0}
    assert [entry.name for entry in tmp_path.iterdir()] == ["metrics.json"]


def test_a_log_that_is_not_there_is_not_made(tmp_path):
    cut_metrics(tmp_path / "metrics.json", 5)
    assert not list(tmp_path.iterdir())


def test_a_log_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"metrics\.json: UTF-16 text"):
        cut_metrics(path, 5)
