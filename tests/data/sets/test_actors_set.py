"""The rendered actors on disk: the tree, its two data sets, and what `prepare` does about it."""

import dataclasses
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ava_det.data.actors.actions import ACTIONS, SOLO_ACTIONS, class_map
from ava_det.data.actors.produce import CLOCK, SceneBias, Sizes, scripts
from ava_det.data.actors.scenes import SCENES
from ava_det.data.sets import actors
from ava_det.data.sets.actors import load_keyframes, load_videos, prepare
from ava_det.formats.class_map import read_class_map
from ava_det.structures import InputError
from ava_det.video.video import Video

TINY = Sizes(
    train=3, test=2, clips_train=2, clips_test=1, seconds=2.0, clip_seconds=0.4, height=48, width=64
)
MADE = ("train", "test", "clips_train", "clips_test")  # what of it is made


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("actors")
    prepare(folder, TINY, seed=1, workers=1)
    return folder


def assert_same(root: Path, other: Path) -> None:
    """Equal rows, and equal pictures as far as x264 lets them: its bytes differ by run."""
    one, two = contents(root), contents(other)
    assert one.keys() == two.keys()
    for name in one:
        if name.endswith(".mp4"):
            pictures = [[p for _, p in Video(folder / name).stream()] for folder in (root, other)]
            first, second = np.array(pictures, np.float64)
            assert np.abs(first - second).mean() < 4
        else:
            assert one[name] == two[name]


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_tree(root: Path):
    names = sorted(contents(root))
    videos = [f"videos/{s}_{k:04d}.mp4" for s in MADE for k in range(getattr(TINY, s))]
    tables = ["class_map.pbtxt", "scenes.csv", "settings.json", *(f"{s}.csv" for s in MADE)]
    assert names == sorted(videos + tables)
    assert read_class_map(root / "class_map.pbtxt") == class_map()


@pytest.mark.parametrize(("split", "count"), [("train", 3), ("test", 2)])
def test_keyframes_are_frames_of_their_files(root: Path, split: str, count: int):
    records = load_keyframes(root, split)
    assert Counter(record.people.keyframe.video for record in records) == {
        f"{split}_{k:04d}": 1 for k in range(count)
    }  # of 2 seconds, 1 second is the one with 0.75 on both sides
    for record in records:
        video = Video(record.path)
        assert (video.height, video.width) == (48, 64)
        np.testing.assert_allclose(video.frame_times, np.arange(30) / 15, atol=1e-4)
        time = CLOCK.seconds(record.people.keyframe.tick)
        assert np.abs(video.frame_times - time).min() < 1e-3
        assert all(actions for actions in record.people.actions)


def test_videos_have_the_labels_of_what_is_done(root: Path):
    videos = load_videos(root, "train")
    plan = scripts("clips_train", TINY, seed=1)
    assert [video.video for video in videos] == [script.video for script in plan]
    for video, script in zip(videos, plan, strict=True):
        assert SOLO_ACTIONS[video.label] is ACTIONS[script.actors[0].action_ids[-1] - 1]
        assert len(Video(video.path).frame_times) == 6


@pytest.mark.slow
def test_another_number_of_processes_makes_the_same_files(root: Path, tmp_path: Path):
    prepare(tmp_path, TINY, seed=1, workers=2)
    assert_same(root, tmp_path)


def test_what_is_there_is_kept_and_what_is_missing_made(root: Path, tmp_path: Path):
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    kept, lost = tmp_path / "videos/train_0000.mp4", tmp_path / "videos/train_0001.mp4"
    stamp = kept.stat().st_mtime_ns
    lost.unlink()
    (tmp_path / "test.csv").unlink()
    prepare(tmp_path, TINY, seed=1, workers=1)
    assert_same(root, tmp_path)
    assert kept.stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": 3}, r"settings\.json: made with seed 1, not 3: ask for the same, or"),
        ({"sizes": dataclasses.replace(TINY, train=4)}, r"made with train 3, not 4"),
        ({"scene_bias": 0.5}, r"made with scene_bias 0\.0, not 0\.5"),
        ({"sizes": dataclasses.replace(TINY, swapped=1)}, r"made with swapped 0, not 1"),
    ],
)
def test_a_folder_of_other_settings_is_refused(root: Path, arguments, message: str):
    before = contents(root)
    with pytest.raises(InputError, match=message):
        prepare(root, **({"sizes": TINY, "seed": 1, "workers": 1} | arguments))
    assert contents(root) == before


def test_a_folder_with_other_scenes_is_refused(root: Path, tmp_path: Path):
    for name in ("settings.json", "scenes.csv"):
        shutil.copy(root / name, tmp_path)
    scenes = (tmp_path / "scenes.csv").read_text().splitlines()
    scenes[1] = scenes[1].split(",")[0] + ",nowhere"
    (tmp_path / "scenes.csv").write_text("\n".join(scenes) + "\n")
    with pytest.raises(InputError, match=r"scenes\.csv: the scenes of the videos differ"):
        prepare(tmp_path, TINY, seed=1, workers=1)


def test_a_folder_from_before_the_scene_bias_is_kept(root: Path, tmp_path: Path):
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    settings = json.loads((root / "settings.json").read_text())
    old = {k: v for k, v in settings.items() if k != "scene_bias" and "swapped" not in k}
    assert len(old) == len(settings) - 3
    (tmp_path / "settings.json").write_text(json.dumps(old))
    before = contents(tmp_path)
    prepare(tmp_path, TINY, seed=1, workers=1)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", ["{", "[]", "3"])
def test_a_broken_settings_file_is_named(tmp_path: Path, text: str):
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(InputError, match=r"settings\.json: "):
        prepare(tmp_path, TINY, seed=1, workers=1)


def test_what_was_not_prepared_is_said(tmp_path: Path):
    with pytest.raises(InputError, match=r"train\.csv: not found; render the actors first"):
        load_keyframes(tmp_path, "train")
    with pytest.raises(InputError, match=r"clips_test\.csv: not found"):
        load_videos(tmp_path, "test")


@pytest.mark.parametrize(
    ("row", "message"),
    [("a,99", "row 2: '99' is not an action of a single person"), ("a", "row 2: no action")],
)
def test_a_bad_row_of_labels_is_named(tmp_path: Path, row: str, message: str):
    (tmp_path / "clips_test.csv").write_text(f"video,action\n{row}\n")
    with pytest.raises(InputError, match=message):
        load_videos(tmp_path, "test")


def test_scenes_come_from_the_caller():
    seen = []

    def by_first_action(subset, action_ids, rng):
        seen.append((subset, action_ids))
        return list(SCENES)[action_ids[0][-1] % len(SCENES)]

    plain, biased = scripts("train", TINY, 1), scripts("train", TINY, 1, by_first_action)
    for k, (a, b) in enumerate(zip(plain, biased, strict=True)):
        assert a.actors == b.actors  # who does what does not depend on where
        assert b.scene == list(SCENES)[seen[k][1][0][-1] % len(SCENES)]
        said = sorted(seen[k][1])
        assert said == sorted(actor.action_ids for actor in b.actors)
    assert {subset for subset, _ in seen} == {"train"}
    with pytest.raises(ValueError, match="unknown scene 'moon'; known: park"):
        scripts("train", TINY, 1, lambda *_: "moon")


def own_scene(script) -> str:
    """The place that an action of one person has, said once more: in the order of both."""
    return list(SCENES)[script.actors[0].action_ids[-1] - 1]


@pytest.mark.slow
@pytest.mark.parametrize(("bias", "low", "high"), [(0.0, 0.05, 0.13), (0.5, 0.48, 0.61), (1, 1, 1)])
def test_a_scene_bias_is_the_share_of_training_videos_at_their_action_s_place(bias, low, high):
    sizes = Sizes(clips_train=600, clips_test=400, clips_swapped=400)
    plans = {
        subset: scripts(subset, sizes, 5, SceneBias(bias))
        for subset in ("clips_train", "clips_test", "clips_swapped")
    }
    share = {k: np.mean([s.scene == own_scene(s) for s in plan]) for k, plan in plans.items()}
    # by chance 1 of 11: bias + (1 - bias) / 11, within four deviations
    assert low <= share["clips_train"] <= high
    assert 0.04 < share["clips_test"] < 0.13
    assert share["clips_swapped"] == 0
    places = {script.scene for script in plans["clips_swapped"]}
    assert places == set(list(SCENES)[: len(SOLO_ACTIONS)])  # all of another action
    plain = scripts("clips_train", sizes, 5)
    differing = [a.scene != b.scene for a, b in zip(plain, plans["clips_train"], strict=True)]
    assert any(differing) == (bias > 0)
    for a, b in zip(plain, plans["clips_train"], strict=True):
        assert a.actors == b.actors


@pytest.mark.slow
@pytest.mark.holds("13.4 sets of the scene bias differ in the place alone: as many as actions")
@pytest.mark.parametrize("bias", [0.0, 0.9])
def test_a_place_is_of_an_action_in_every_set_that_is_compared(bias):
    each = 90
    count = each * len(SOLO_ACTIONS)
    sizes = Sizes(clips_train=count, clips_test=count, clips_swapped=count)
    subsets = "clips_train", "clips_test", "clips_swapped"
    plans = [scripts(subset, sizes, 3, SceneBias(bias)) for subset in subsets]
    for plan in plans:
        counts = Counter(script.scene for script in plan)
        actions = Counter(script.actors[0].action_ids[-1] for script in plan)
        assert set(actions.values()) == {each}
        # Each place about as often as any other, within five deviations.
        assert set(counts) == set(list(SCENES)[: len(SOLO_ACTIONS)])
        assert max(abs(n - each) for n in counts.values()) < 5 * each**0.5
    _, test, swapped = plans
    at_home = np.mean([script.scene == own_scene(script) for script in test])
    assert at_home == pytest.approx(1 / len(SOLO_ACTIONS), abs=0.03)
    assert not any(script.scene == own_scene(script) for script in swapped)
    for one, other in zip(swapped, test, strict=True):
        assert one.actors == other.actors


def test_places_are_any_where_nothing_is_compared():
    """What a seed gives to whoever did not ask for an experiment stays what it was."""
    plan = scripts("clips_train", Sizes(clips_train=600), 3)
    assert {script.scene for script in plan} == set(SCENES)


@pytest.mark.holds("13.4 a folder of actors at places of no action is not taken for an experiment")
def test_a_folder_with_a_place_of_no_action_is_refused(tmp_path: Path):
    sizes = dataclasses.replace(TINY, train=0, test=0, clips_train=0, clips_test=1, clips_swapped=1)
    settings = {"edition": 1, "seed": 1, "scene_bias": 0.0, **dataclasses.asdict(sizes)}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(InputError, match=r"made with clip_places 12, not 11: ask for the same"):
        prepare(tmp_path, sizes, seed=1, workers=1)


@pytest.mark.parametrize("subset", ["swapped", "clips_swapped"])
def test_a_swapped_video_is_a_test_video_elsewhere(subset: str):
    sizes = Sizes(test=30, swapped=20, clips_test=30, clips_swapped=20)
    swapped, test = (
        scripts(name, sizes, 2) for name in (subset, subset.replace("swapped", "test"))
    )
    assert len(swapped) == 20
    for one, other in zip(swapped, test, strict=False):
        assert one.video == other.video.replace("test", "swapped")
        same = dataclasses.replace(other, video=one.video, scene=one.scene)
        for field in dataclasses.fields(one):
            if field.name not in ("camera", "light"):  # arrays, of the same stream
                assert getattr(one, field.name) == getattr(same, field.name)
        np.testing.assert_array_equal(one.camera.waves, other.camera.waves)
        np.testing.assert_array_equal(one.light.tint, other.light.tint)


def test_swapped_sets_are_made_and_read(tmp_path: Path):
    sizes = dataclasses.replace(TINY, train=0, test=1, clips_train=0, swapped=1, clips_swapped=1)
    prepare(tmp_path, sizes, seed=1, scene_bias=0.9, workers=1)
    assert json.loads((tmp_path / "settings.json").read_text())["scene_bias"] == 0.9
    (one,) = load_videos(tmp_path, "swapped")
    (other,) = load_videos(tmp_path, "test")
    assert one.label == other.label
    assert (one.video, other.video) == ("clips_swapped_0000", "clips_test_0000")
    (here,), (there,) = load_keyframes(tmp_path, "swapped"), load_keyframes(tmp_path, "test")
    np.testing.assert_array_equal(here.people.boxes, there.people.boxes)
    with pytest.raises(InputError, match=r"train\.csv: not found; render the actors first"):
        load_keyframes(tmp_path, "train")


def test_splits_and_seeds_have_nothing_in_common_and_lists_grow_at_their_end():
    few, many = Sizes(train=2, test=2), Sizes(train=5, test=2)
    assert [s.actors for s in scripts("train", few, 1)] == [
        s.actors for s in scripts("train", many, 1)[:2]
    ]
    looks = [
        actor.look
        for subset, seed in (("train", 1), ("test", 1), ("train", 2))
        for plan in scripts(subset, few, seed)
        for actor in plan.actors
    ]
    assert len(set(looks)) == len(looks)


def test_all_actions_are_about_equally_frequent_and_scenes_do_not_know_them():
    plan = scripts("train", Sizes(train=600), seed=4)
    people = [(script.scene, actor) for script in plan for actor in script.actors]
    counts = Counter(action for _, actor in people for action in actor.action_ids)
    poses = [counts[k] for k, action in enumerate(ACTIONS, 1) if action.group == "pose"]
    others = [counts[k] for k, action in enumerate(ACTIONS, 1) if action.group != "pose"]
    assert max(poses) - min(poses) <= 2
    assert max(others) < 1.6 * min(others)
    table = np.zeros((len(SCENES), len(ACTIONS)))
    for scene, actor in people:
        table[list(SCENES).index(scene), [k - 1 for k in actor.action_ids]] += 1
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
    chi_square = ((table - expected) ** 2 / expected).sum()
    freedom = (len(SCENES) - 1) * (len(ACTIONS) - 1)
    assert chi_square < freedom + 5 * np.sqrt(2 * freedom)  # its mean and five deviations


def test_the_two_with_a_ball_face_each_other_and_share_its_flight():
    for script in scripts("train", Sizes(train=40), seed=3):
        balls = [actor for actor in script.actors if actor.arms and actor.thing is None]
        assert len(balls) == (0 if script.ball is None else 2)
        if script.ball is not None:
            giver, taker = script.ball.giver, script.ball.taker
            assert giver.facing == -taker.facing == np.sign(taker.place[0] - giver.place[0])
            for time in np.linspace(0, 4, 13):
                assert giver.arms.at(time) + taker.arms.at(time) == pytest.approx(1)


@pytest.mark.parametrize("changes", [{"rate": 25}, {"seconds": 1.0}, {"clips_swapped": 2}])
def test_sizes_that_cannot_be_rendered_are_refused(changes):
    with pytest.raises(ValueError, match=r"must be a multiple|no keyframe|no more videos than"):
        dataclasses.replace(TINY, **changes)


@pytest.mark.parametrize("bias", [-0.1, 1.1, float("nan")])
def test_a_bias_that_is_no_share_is_refused(bias):
    with pytest.raises(ValueError, match=r"is not in \[0, 1\]"):
        SceneBias(bias)


def test_settings_say_how_the_folder_was_made(root: Path):
    settings = json.loads((root / "settings.json").read_text())
    assert settings["seed"] == 1
    assert settings["train"] == 3
    assert settings["edition"] == 1


def test_the_data_sets(root: Path):
    sets = {dataset.name: dataset for dataset in actors.datasets(root, "mine")}
    assert len(sets) == 6
    assert len(sets["mine_train"].keyframes()) == 3
    assert len(sets["mine_clips_test"].videos()) == 1
    assert sets["mine_test"].class_map() == class_map()
    assert sets["mine_test"].clock == CLOCK
    assert len(sets["mine_clips_train"].class_map()) == len(SOLO_ACTIONS)
