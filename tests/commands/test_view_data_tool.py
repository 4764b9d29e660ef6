"""tools/view_data.py: what it shows is what training and testing see."""

import numpy as np
import pytest
import torch
from detectron2.config import instantiate
from made_sets import of_keyframes, registered
from PIL import Image

from ava_det.draw import contact_sheet
from ava_det.formats.class_map import ClassMap
from ava_det.structures import AnnotatedKeyframe, Keyframe, PersonBoxes
from ava_det.train.config import load_config
from ava_det.train.loop import mix_generator

PRETRAIN = "configs/pretrain/jhmdb_slowfast_tiny.py"
FINETUNE = "configs/finetune/jhmdb_slowfast_tiny.py"
SMALL = [
    "clip.frames=4",
    "clip.short_side=48",
    "dataloader.train.batch_size=3",
    "dataloader.train.num_workers=0",
    "test.loader.num_workers=0",
    "test.loader.batch_size=2",
]


@pytest.fixture
def small(shared, tmp_path):
    """Overrides for a set of three videos."""
    names = sorted((shared / "data" / "jhmdb" / "videos" / "golf").glob("*.mp4"))[:3]
    rows = "".join(f"{name},{label}\n" for label, name in enumerate(names))
    (tmp_path / "list.csv").write_text(rows)
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    sets = ("data.train", "data.test")
    return [*SMALL, *cached(tmp_path)] + [f"{name}={tmp_path / 'list.csv'}" for name in sets]


def cached(folder):
    """Overrides that keep decoded videos in a folder of the test."""
    parts = ("dataloader.train", "test.loader")
    return [f"{part}.mapper.reader.folder={folder / 'cache'}" for part in parts]


@pytest.fixture
def captions(monkeypatch):
    """What sheets say above their clips, which are drawn all the same."""
    said = []

    def keep(strips, *rest):
        said.extend(strip.caption for strip in strips)
        return drawn(strips, *rest)

    drawn = contact_sheet.contact_sheet
    monkeypatch.setattr(contact_sheet, "contact_sheet", keep)
    return said


def test_a_sheet_has_the_very_mix_of_its_iteration(run_tool, small, captions, tmp_path):
    """Its pixels, as far as they can be seen, and label weights are those that the model gets."""
    arguments = ["--config", PRETRAIN, "--output", tmp_path / "view", "--start", 4, *small]
    done = run_tool("view_data", *arguments)
    assert done.code == 0, done.err
    sheet = np.asarray(Image.open(tmp_path / "view" / "train_000004.png"))

    cfg = load_config(PRETRAIN, small)
    loader = instantiate(cfg.dataloader.train)
    loader.skip(4)
    batch = next(iter(loader))
    normalize = instantiate(cfg.model).normalize
    rng = mix_generator(cfg.train.seed, 4)
    one_hot = torch.eye(3)[batch.labels]
    mixed, targets = instantiate(cfg.task).mix(normalize(batch.clips), one_hot, rng)
    expected = (mixed * normalize.scale + normalize.shift).round().byte()
    first = expected[0, :, 0].permute(1, 2, 0).numpy()
    top = 12 + 26 + 48  # edge, title, caption
    shown = Image.fromarray(sheet[top : top + 150, 12 : 12 + 150]).resize((48, 48), Image.BOX)
    error = np.abs(np.asarray(shown, float) - first).mean()
    others = [
        np.abs(np.asarray(shown, float) - clip[:, 0].permute(1, 2, 0).numpy()).mean()
        for clip in [*expected[1:], *batch.clips]
    ]
    assert error < 6 < min(others)

    assert [video for _, video in captions] == batch.videos
    for (weights, _), target, label in zip(captions, targets, batch.labels, strict=True):
        shown = {part[-1]: float(part.split(" %")[0]) for part in weights.split(" + ")}
        assert list(shown.values()) == sorted(shown.values(), reverse=True)
        assert shown == pytest.approx(
            {"abc"[k]: 100 * share for k, share in enumerate(target.tolist()) if share}, abs=0.051
        )
        assert "abc"[label] in shown
    assert any(" + " in weights for weights, _ in captions), "no pair is mixed"


def test_the_views_of_a_test_are_shown(run_tool, small, tmp_path):
    views = ["--test", "--output", tmp_path / "v", "test.loader.mapper.crops=3", *small]
    done = run_tool("view_data", "--config", PRETRAIN, *views)
    assert done.code == 0, done.err
    sheet = Image.open(tmp_path / "v" / "test_000000.png")
    assert sheet.size[0] == 640 + 2 * 12
    assert sheet.size[1] > 6 * 150  # two videos, three crops each


@pytest.fixture
def two_keyframes(shared):
    """A registered detection set: one golfer with a box, and the same with nobody."""
    file = next((shared / "data" / "jhmdb" / "videos" / "golf").glob("*.mp4"))
    box = np.array([[0.2, 0.2, 0.6, 0.9]])
    who = PersonBoxes(Keyframe("v", 3), box, ((2, 1),), np.ones(1), np.zeros(1, np.int64))
    people = [who, PersonBoxes.nobody(Keyframe("v", 5))]
    records = [AnnotatedKeyframe(str(file), p) for p in people]
    with registered(of_keyframes("two", records, ClassMap({1: "golf", 2: "stand"}))) as name:
        yield name


def test_people_are_shown(run_tool, two_keyframes, tmp_path):
    names = ("data.train", "data.test")
    more = [*SMALL, *cached(tmp_path), "test.loader.records.every=1"]
    more += [f"{name}={two_keyframes}" for name in names]
    done = run_tool("view_data", "--config", FINETUNE, "--output", tmp_path, "--test", *more)
    assert done.code == 0, done.err
    sheet = np.asarray(Image.open(tmp_path / "test_000000.png"))
    # 4 frames of 200 x 150: a box of 80 x 105 with lines 2 thick, on the first clip only.
    orange = (sheet == (255, 176, 0)).all(axis=2)
    assert orange[: len(sheet) // 2].sum() > 4 * 2 * (80 + 105)
    assert not orange[len(sheet) // 2 :].any()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--batches", "0"], "argument --batches: 0 is not a number of at least 1"),
        (["--test", "--start", "3"], "--start is for training"),
    ],
)
def test_bad_options_are_usage_errors(run_tool, tmp_path, more, message):
    done = run_tool("view_data", "--config", PRETRAIN, "--output", tmp_path, *more)
    assert done.code == 2
    assert message in done.err.splitlines()[-1]
