"""What an evaluation costs: made results, and processes that are measured."""

from pathlib import Path

import numpy as np
import pytest

from ava_det.evaluation.timing import made_results, official_cost, our_cost
from ava_det.formats.ava_csv import BOX, read_ground_truth, write_detections
from ava_det.formats.class_map import ClassMap, write_class_map
from ava_det.structures import InputError

TOOL = Path(__file__).resolve().parents[2] / "tools" / "evaluate.py"
MAP = ClassMap({1: "stand", 3: "wave", 4: "run"})


@pytest.fixture
def files(tmp_path):
    """Class map, ground truth and results."""
    write_class_map(tmp_path / "map.pbtxt", MAP)
    text = "".join(f"v,{t},0.1,0.1,0.5,0.9,{1 + 2 * (t % 2)},0\n" for t in range(902, 922))
    (tmp_path / "gt.csv").write_text(text)
    made = made_results(read_ground_truth(tmp_path / "gt.csv"), MAP, 100, seed=0)
    write_detections(tmp_path / "det.csv", made)
    return tmp_path / "map.pbtxt", tmp_path / "gt.csv", tmp_path / "det.csv"


def test_made_results(files):
    made = made_results(read_ground_truth(files[1]), MAP, 100, seed=0)
    assert len(made) == 100
    assert made["action"].tolist()[:6] == [1, 3, 4, 1, 3, 4]
    people = made.drop_duplicates(["video", "tick", *BOX])
    assert len(people) == 34  # 20 people, the first 14 twice
    assert np.abs(made[BOX] - [0.1, 0.1, 0.5, 0.9]).to_numpy().max() < 0.1
    assert made["score"].between(0, 1).all()


@pytest.mark.slow
def test_our_cost(files):
    cost = our_cost(TOOL, *files)
    assert 0 < cost.mAP < 1
    assert 0 < cost.computing < 60
    assert 2e7 < cost.memory < 2e9


def test_an_evaluator_like_the_official_one(files, tmp_path):
    folder = tmp_path / "Evaluation"
    (folder / "ava").mkdir(parents=True)
    with pytest.raises(InputError, match=r"has no get_ava_performance.py"):
        official_cost(folder, *files)
    (folder / "get_ava_performance.py").write_text(
        "import numpy as np\n"
        "def run_evaluation(labels, truth, results):\n"
        "    assert np.float is float and len(list(results)) == 100\n"
        "    print({'PascalBoxes_Precision/mAP@0.5IOU': np.float64(0.25)})\n"
    )
    assert official_cost(folder, *files).mAP == 0.25
    (folder / "get_ava_performance.py").write_text("raise OSError('no')\n")
    with pytest.raises(InputError, match="OSError: no"):
        official_cost(folder, *files)
