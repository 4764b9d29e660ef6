import json

import pytest

from ava_det.formats.metrics import read_metrics
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


@pytest.mark.parametrize("line", ["loss 3", "[1]", '{"total_loss": 1}', '{"iteration": null}'])
def test_not_a_log(tmp_path, line):
    path = tmp_path / "metrics.json"
    path.write_text(f"{line}\n" * 2)
    with pytest.raises(InputError) as error:
        read_metrics(path)
    assert str(error.value) == f"{path}: row 1: not a line of a training log"
