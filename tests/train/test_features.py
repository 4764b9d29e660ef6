"""Features per person: those that the last layer turns into the very scores."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ava_det.batch import PeopleBatch
from ava_det.model.zoo import build_detector
from ava_det.structures import ActionDetections, Keyframe, PersonBoxes
from ava_det.train.features import FeatureExport
from ava_det.train.run import evaluate
from ava_det.train.tasks import Detection
from ava_det.train.views import mirror

COUNTS = [2, 0, 1]  # people of the keyframes of a batch


def batch(number: int) -> PeopleBatch:
    generator = torch.Generator().manual_seed(number)
    clips = torch.randint(0, 256, (3, 3, 8, 32, 48), generator=generator, dtype=torch.uint8)
    relative = [np.array([[0.1, 0.2, 0.5, 0.9], [0.4, 0, 1, 1]])[:count] for count in COUNTS]
    return PeopleBatch(
        clips,
        sizes=[(32, 48)] * 3,
        boxes=[torch.tensor(b * [48, 32, 48, 32]).float() for b in relative],
        targets=[torch.zeros(n, 3) for n in COUNTS],
        people=[
            PersonBoxes(Keyframe("été", 3 * number + k), b, ((),) * n, np.ones(n), np.zeros(n, int))
            for k, (b, n) in enumerate(zip(relative, COUNTS, strict=True))
        ],
    )


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build_detector("slowfast_tiny", 3, {"width": 8})


class Kept(FeatureExport):
    """Keeps the predictions as well."""

    def process(self, inputs, outputs):
        self.seen: list[ActionDetections] = [*getattr(self, "seen", []), *outputs]
        super().process(inputs, outputs)


def test_the_last_layer_makes_the_scores_of_them(model, tmp_path):
    export = Kept(tmp_path / "features.npz", model.head.projection)
    unreadable = PeopleBatch.join([])  # a batch without a clip
    evaluate(model, Detection(lambda *_: {}), [batch(0), unreadable, batch(1)], export)
    assert [path.name for path in tmp_path.iterdir()] == ["features.npz"]
    with np.load(tmp_path / "features.npz", allow_pickle=False) as file:
        found = dict(file)
    assert set(found) == {"video", "tick", "box", "feature"}
    assert set(found["video"]) == {"été"}
    assert found["tick"].tolist() == [0, 0, 2, 3, 3, 5]
    np.testing.assert_array_equal(found["box"], np.concatenate([d.boxes for d in export.seen]))
    assert found["feature"].dtype == np.float32
    with torch.no_grad():
        scores = model.head.projection(torch.from_numpy(found["feature"])).sigmoid().numpy()
    expected = np.concatenate([d.scores for d in export.seen])
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert len(np.unique(found["feature"], axis=0)) == 6, "people differ"


def test_views_are_averaged(model, tmp_path):
    """The mean over a clip and its mirror image is that of the mirror image and the clip."""
    files = []
    for name, flipped in (("a", False), ("b", True)):
        one = batch(0)
        if flipped:
            boxes = [mirror(b, 48) for b in one.boxes]
            one = replace(one, clips=one.clips.flip(-1), boxes=boxes)
        export = FeatureExport(tmp_path / f"{name}.npz", model.head.projection)
        evaluate(model, Detection(lambda *_: {}, flip=True), [one], export)
        files.append(np.load(tmp_path / f"{name}.npz")["feature"])
    np.testing.assert_allclose(*files, atol=1e-5)


def test_nobody_at_all(model, tmp_path):
    export = FeatureExport(tmp_path / "features.npz", model.head.projection)
    evaluate(model, Detection(lambda *_: {}), [], export)
    found = np.load(tmp_path / "features.npz")
    assert found["feature"].shape == (0, model.head.projection.in_features)
    assert found["video"].shape == (0,)


def test_a_run_that_fails_leaves_nothing(model, tmp_path):
    export = FeatureExport(tmp_path / "features.npz", model.head.projection)
    broken = replace(batch(1), people=[])
    with pytest.raises(RuntimeError, match="split"):
        evaluate(model, Detection(lambda *_: {}), [batch(0), broken], export)
    assert not list(tmp_path.iterdir())
