"""Person boxes as a user makes them: train on a small world, then run over its keyframes."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_sets import of_keyframes, of_videos, registered
from made_sets import replace as put

from ava_det.data.mapper import PeopleTestMapper
from ava_det.data.proposals import people_to_test
from ava_det.data.sets.catalog import get_dataset
from ava_det.detect.backends.torch import TorchPersons
from ava_det.detect.protocols import People
from ava_det.formats.ava_csv import people_by_keyframe, read_boxes, read_ground_truth
from ava_det.formats.class_map import ClassMap
from ava_det.structures import (
    AVA_CLOCK,
    FRAME_CLOCK,
    AnnotatedKeyframe,
    InputError,
    Keyframe,
    LabelledVideo,
    PersonBoxes,
)
from ava_det.video.frame_folders import FrameFolder
from ava_det.video.video import VideoReader
from ava_det.video.writer import VideoWriter

SMALL = [
    "model.arguments.width=8",
    "clip.short_side=64",
    "dataloader.train.mapper.transform={lowest:64,highest:64}",
    "dataloader.train.batch_size=2",
    "dataloader.train.num_workers=0",
    "test.loader.num_workers=0",
    "test.loader.records.every=1",
    "train.log_period=1",
]


@pytest.fixture
def world(tmp_path):
    """Two registered data sets of one film: a bright block that moves over a dark floor."""
    path = tmp_path / "film.mp4"
    records = []
    with VideoWriter(path, height=64, width=96, rate=25, threads=1) as writer:
        for tick in range(8):
            frame = np.full((64, 96, 3), 40, np.uint8)
            frame[16:48, 8 * tick : 8 * tick + 16] = 220
            writer.write(frame)
            box = np.array([[8 * tick / 96, 0.25, (8 * tick + 16) / 96, 0.75]])
            people = PersonBoxes(
                Keyframe("film", tick), box, ((1,),), np.ones(1), np.full(1, -1, np.int64)
            )
            records.append(AnnotatedKeyframe(str(path), people))
    others = [replace(r, people=replace(r.people, actions=((7,),))) for r in records]
    nobody = [replace(r, people=PersonBoxes.nobody(r.people.keyframe)) for r in records]
    names = {"toy_train": records, "toy_test": records[::2], "toy_others": others}
    names["toy_nobody"] = nobody
    slide, rest = ClassMap({1: "slide"}), ClassMap({7: "rest"})
    sets = [
        of_keyframes(name, part, rest if name == "toy_others" else slide)
        for name, part in names.items()
    ]
    clips = of_videos("toy_clips", [LabelledVideo("film", str(path), 0)], slide)
    with registered(*sets, replace(clips, clock=AVA_CLOCK)):
        yield "toy"


def test_train_then_run(world, run_tool, tmp_path):
    output = tmp_path / "run"
    trained = run_tool(
        "propose",
        "--train",
        "--dataset",
        "toy_train",
        "--output",
        output,
        *SMALL,
        "train.max_iter=3",
    )
    assert trained.code == 0, trained.err
    lines = [json.loads(line) for line in (output / "metrics.json").read_text().splitlines()]
    figures = {name for line in lines for name in line if name.startswith("persons/")}
    assert figures == {"persons/AP", "persons/AP50", "persons/recall50"}

    boxes = tmp_path / "boxes" / "toy.csv"
    arguments = ["--dataset", "toy_test", "--weights", output / "model.safetensors"]
    ran = run_tool("propose", *arguments, "--output", boxes, "--score-threshold", 0)
    assert ran.code == 0, ran.err
    assert "recall at IoU 0.5" in ran.out
    found = people_by_keyframe(read_boxes(boxes))
    assert set(found) == {Keyframe("film", tick) for tick in (0, 2, 4, 6)}
    assert all((people.scores <= 1).all() and not any(people.actions) for people in found.values())

    ran = run_tool("propose", *arguments, "--output", boxes, "--score-threshold", 1, "--overwrite")
    assert ran.code == 0, ran.err
    assert "0 boxes on 4 keyframes" in ran.out
    assert set(people_by_keyframe(read_boxes(boxes))) == set(found)  # listed as empty


def test_people_of_any_actions_and_frames_of_nobody(world, run_tool, tmp_path):
    """Sets of other classes are trained on together; where nobody is, nothing is measured."""
    sets = ["--dataset", "toy_nobody", "toy_others", "toy_train", "--test-dataset"]
    output = tmp_path / "run"
    steps = [*SMALL, "train.max_iter=4"]
    ran = run_tool("propose", "--train", *sets, "toy_test", "--output", output, *steps)
    assert ran.code == 0, ran.err
    sets[1:4] = ["toy_others"]
    ran = run_tool("propose", "--train", *sets, "toy_nobody", "--output", tmp_path / "b", *steps)
    assert ran.code == 0, ran.err
    assert "the test keyframes have no annotated people" in ran.err
    assert (tmp_path / "b" / "model.safetensors").is_file()


def test_a_stopped_run_goes_on(two_films, random_weights, run_tool, tmp_path, monkeypatch):
    weights = random_weights / "persons.safetensors"
    arguments = ["--dataset", two_films, "--weights", weights, "--score-threshold", 0]
    whole, stopped = tmp_path / "whole.csv", tmp_path / "stopped.csv"
    ran = run_tool("propose", *arguments, "--output", whole)
    assert ran.code == 0, ran.err
    find, looked = TorchPersons.people, []

    def stop_at_the_second(self, frames):
        looked.append(frames)
        if len(looked) == 2:
            raise InputError("stopped")
        return find(self, frames)

    monkeypatch.setattr(TorchPersons, "people", stop_at_the_second)
    assert run_tool("propose", *arguments, "--output", stopped).code == 1
    assert not stopped.exists()
    assert run_tool("propose", *arguments, "--output", stopped).code == 0
    first, second, again = looked
    assert len(first) == len(second) == 3
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(again, second)  # not the first film again
    assert stopped.read_bytes() == whole.read_bytes()
    assert not stopped.with_name("stopped.csv.part").exists()


@pytest.mark.holds("13.5 nobody is missed where nobody was looked for, in the recall of boxes")
def test_the_recall_is_that_of_the_films_that_were_looked_at(
    two_films, random_weights, run_tool, tmp_path, monkeypatch
):
    box = np.array([[0.2, 0.2, 0.6, 0.8]])

    def somebody(keyframe):
        return PersonBoxes(keyframe, box, ((1,),), np.ones(1), np.full(1, -1))

    records = [
        replace(r, people=somebody(r.people.keyframe)) for r in get_dataset(two_films).keyframes()
    ]
    put(of_keyframes("two_films", records, ClassMap({1: "slide"})))
    (tmp_path / "a.mp4").write_bytes(b"not a film")
    perfect = lambda self, frames: [People(box, np.ones(1)) for _ in frames]  # noqa: E731
    monkeypatch.setattr(TorchPersons, "people", perfect)
    weights = ["--weights", random_weights / "persons.safetensors"]
    ran = run_tool("propose", "--dataset", two_films, *weights, "--output", tmp_path / "boxes.csv")
    assert ran.code == 0, ran.err
    assert "recall at IoU 0.5 1.000, AP50 1.000, AP 1.000" in ran.out


@pytest.mark.holds("13.11 two propose.py into one csv: the second is refused before it writes")
def test_two_at_once_write_one_csv_once(two_films, random_weights, run_tool, tmp_path, monkeypatch):
    weights = random_weights / "persons.safetensors"
    arguments = ["--dataset", two_films, "--weights", weights, "--score-threshold", 0]
    output, whole = tmp_path / "boxes.csv", tmp_path / "whole.csv"
    assert run_tool("propose", *arguments, "--output", whole).code == 0
    find, second = TorchPersons.people, []

    def meanwhile(self, frames):
        """Start another one, of other keyframes, while this one runs."""
        if not second:
            second.append("")
            before = output.with_name("boxes.csv.part").read_bytes()
            second[0] = run_tool("propose", *arguments, "--every", 2, "--output", output)
            assert output.with_name("boxes.csv.part").read_bytes() == before
        return find(self, frames)

    monkeypatch.setattr(TorchPersons, "people", meanwhile)
    assert run_tool("propose", *arguments, "--output", output).code == 0
    assert second[0].code == 1
    assert second[0].err.endswith(
        f"error: {output}: another process is writing to it; wait for its end, or choose another "
        "output\n"
    )
    assert output.read_bytes() == whole.read_bytes()


def test_a_broken_film_costs_its_own_boxes_only(
    two_films, random_weights, run_tool, tmp_path, monkeypatch
):
    """Also where the run is stopped after it."""
    weights = random_weights / "persons.safetensors"
    arguments = ["--dataset", two_films, "--weights", weights, "--score-threshold", 0]
    output = tmp_path / "boxes.csv"
    (tmp_path / "a.mp4").write_bytes(b"not a film")
    find = TorchPersons.people

    def stop(self, frames):
        raise InputError("stopped")

    monkeypatch.setattr(TorchPersons, "people", stop)
    ran = run_tool("propose", *arguments, "--output", output)
    assert ran.err.endswith("error: stopped\n")
    monkeypatch.setattr(TorchPersons, "people", find)
    ran = run_tool("propose", *arguments, "--output", output)
    assert ran.code == 0, ran.err
    assert f"warning: {tmp_path / 'a.mp4'}: not a readable video" in ran.err
    assert "1 of 2 videos cannot be read completely: 3 of 6 keyframes" in ran.err
    found = people_by_keyframe(read_boxes(output))
    assert set(found) == {Keyframe(name, tick) for name in "ab" for tick in range(3)}
    assert [len(found[Keyframe("a", tick)].boxes) for tick in range(3)] == [0, 0, 0]
    assert all(len(found[Keyframe("b", tick)].boxes) for tick in range(3))

    (tmp_path / "b.mp4").unlink()
    output.unlink()
    ran = run_tool("propose", *arguments, "--output", output)
    assert ran.code == 1
    assert ran.err.splitlines()[-1].startswith(
        f"error: no keyframe can be read: {tmp_path / 'a.mp4'}: not a readable video"
    )
    assert list(tmp_path.glob("boxes.csv*")) == []


@pytest.mark.parametrize(
    ("option", "bounds"),
    [
        (("--batch-size", 0), "from 1 to 256"),
        (("--batch-size", 257), "from 1 to 256"),
        (("--every", 0), "of at least 1"),
        (("--every", -1), "of at least 1"),
        (("--person-size", 0), "from 32 to 1448"),
        (("--person-size", 20000), "from 32 to 1448"),
    ],
)
@pytest.mark.holds("13.9 bounds: options that set sizes")
def test_numbers_that_make_no_sense(world, run_tool, tmp_path, option, bounds):
    arguments = ["--dataset", "toy_test", "--weights", "light", "--output", tmp_path / "out"]
    ran = run_tool("propose", *arguments, *option)
    assert ran.code == 2
    assert f"{option[0]}: {option[1]} is not a number {bounds}" in ran.err


def test_annotated_people_are_kept_beside_those_who_are_found(
    world, random_weights, run_tool, tmp_path, monkeypatch
):
    def find(self, frames):
        return [People(CORNERS, SCORES) for _ in frames]

    monkeypatch.setattr(TorchPersons, "people", find)
    path = tmp_path / "people.csv"
    arguments = ["--dataset", "toy_train", "--weights", random_weights / "persons.safetensors"]
    options = ["--keep-annotated", "--every", 4, "--score-threshold", 0.4]
    ran = run_tool("propose", *arguments, *options, "--output", path)
    assert ran.code == 0, ran.err
    people = people_by_keyframe(read_ground_truth(path))
    assert set(people) == {Keyframe("film", 0), Keyframe("film", 4)}
    for keyframe, group in people.items():
        left = keyframe.tick / 12  # the block of the film
        np.testing.assert_allclose(group.boxes, [[left, 0.25, left + 1 / 6, 0.75], CORNERS[0]])
        assert group.actions == ((), ())  # people to train on, who do nothing

    description = tmp_path / "people.toml"  # and training takes it
    description.write_text('annotations = "people.csv"\nvideos = "."\n')
    (record, _) = get_dataset(str(description)).keyframes()
    assert record.people.boxes.shape == (2, 4)


CORNERS = np.array([[0.8, 0.8, 1.0, 1.0], [0.0, 0.9, 0.1, 1.0]])
SCORES = np.array([0.4, 0.3])


def test_tracks_of_boxes_are_tested_on_as_tubes(
    world, random_weights, run_tool, tmp_path, monkeypatch
):
    """The block of the film is found on seven of eight frames, and a weak box beside it."""

    def find(self, frames):
        found = []
        for frame in frames:
            columns = np.flatnonzero(frame[32, :, 0] > 128)
            left = columns.min() // 8 * 8
            boxes = [[left / 96, 0.25, (left + 16) / 96, 0.75], [0.9, 0.0, 1.0, 0.1]]
            chosen = slice(2 if left != 24 else 0)
            found.append(People(np.array(boxes)[chosen], np.array([0.9, 0.3])[chosen]))
        return found

    monkeypatch.setattr(TorchPersons, "people", find)
    path = tmp_path / "boxes.csv"
    arguments = ["--dataset", "toy_train", "--weights", random_weights / "persons.safetensors"]
    ran = run_tool("propose", *arguments, "--tracks", "--output", path)
    assert ran.code == 0, ran.err
    assert "14 boxes on 8 keyframes" in ran.out
    assert path.read_text().startswith("video,tick,x1,y1,x2,y2,action,score,track_id\nfilm,0,")
    records = people_to_test(get_dataset("toy_train"), 4, str(path), tracks=True)
    block, weak = records[0].tracks
    assert block.ticks.tolist() == [0, 1, 2, 4, 5, 6, 7]
    np.testing.assert_allclose(block.boxes[:, 0], block.ticks / 12)
    assert weak.ticks.tolist() == [0]
    assert records[0].people.person_ids.tolist() == [0, -1]

    mapper = PeopleTestMapper(
        VideoReader(), lambda *both: both, None, FRAME_CLOCK, frames=6, tubes=True
    )
    tube = mapper(records[1]).boxes[0][0]  # frames 1 to 6
    np.testing.assert_allclose(tube[:, 0], 8 * np.arange(1, 7), atol=1e-4)

    ran = run_tool("propose", *arguments, "--tracks", "--keep-annotated", "--output", path)
    assert ran.code == 2
    assert "--tracks: detected people only, without --keep-annotated" in ran.err


def test_frames_of_a_list_are_read(two_films, random_weights, run_tool, tmp_path):
    folders = [frames_of(tmp_path / "frames")]
    records = [nobody("a", k, tmp_path / "frames" / "a") for k in range(3)]
    put(of_keyframes(two_films, records, ClassMap({1: "slide"}), frame_folders=folders))
    weights = random_weights / "persons.safetensors"
    ran = run_tool(
        "propose", "--dataset", two_films, "--weights", weights, "--output", tmp_path / "x.csv"
    )
    assert ran.code == 0, ran.err
    assert "on 3 keyframes" in ran.out


def nobody(video: str, tick: int, path: Path) -> AnnotatedKeyframe:
    return AnnotatedKeyframe(str(path), PersonBoxes.nobody(Keyframe(video, tick)))


def frames_of(folder: Path) -> FrameFolder:
    """Three JPEG frames of a video `a`, and their list."""
    (folder / "a").mkdir(parents=True)
    lines = ["original_vido_id video_id frame_id path labels\n"]
    for k in range(3):
        cv2.imwrite(str(folder / "a" / f"{k}.jpg"), np.full((64, 96, 3), 80 * k, np.uint8))
        lines.append(f'a 0 {k} a/{k}.jpg ""\n')
    (folder / "list.csv").write_text("".join(lines))
    return FrameFolder(folder, (folder / "list.csv",), rate=10.0)


@pytest.fixture
def two_films(tmp_path):
    """A registered data set of two films, `a` and `b`, of three frames and nobody annotated."""
    records = []
    for name in "ab":
        path = tmp_path / f"{name}.mp4"
        with VideoWriter(path, height=64, width=96, rate=25, threads=1) as writer:
            for tick in range(3):
                writer.write(np.full((64, 96, 3), 60 * tick + ord(name) % 50, np.uint8))
                records.append(nobody(name, tick, path))
    with registered(of_keyframes("two_films", records, ClassMap({1: "slide"}))) as name:
        yield name


def test_one_of_two_things_is_to_be_done(run_tool):
    done = run_tool("propose", "--dataset", "toy_test", "--output", "boxes.csv")
    assert done.code == 2
    assert "give --weights to find people, or --train to train a detector" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "nowhere", "--weights", __file__], "unknown data set 'nowhere'"),
        (["--dataset", "toy_test", "--weights", __file__], "not a safetensors file"),
        (["--dataset", "toy_test", "--weights", "none.safetensors"], "no such file"),
        pytest.param(
            ["--dataset", "toy_test", "--weights", "light", "--device", "cdua"],
            "--device 'cdua': is none of cpu, cuda, mps, xpu",
            marks=pytest.mark.holds("13.10 a missing GPU says --device cpu, in propose.py"),
        ),
        (["--dataset", "toy_clips", "--weights", "none"], "toy_clips: has no keyframes"),
        (
            ["--train", "--dataset", "toy_train", "toy_clips", "--test-dataset", "toy_test"],
            "toy_clips: the ticks differ from those of toy_train",
        ),
        (["--train", "--dataset", "toy_test"], "toy_test: is in --dataset"),
        (["--train", "--dataset", "toy_train", "--test-dataset", "no"], "unknown data set 'no'"),
        (["--train", "--dataset", "toy_train", "--config", "none.py"], "none.py: no such config"),
    ],
)
def test_misuse_is_told_in_one_line(world, run_tool, tmp_path, arguments, message):
    ran = run_tool("propose", *arguments, "--output", tmp_path / "out")
    assert ran.code == 1
    assert message in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.holds("13.12 results are replaced with --overwrite alone: propose")
def test_a_finished_csv_is_replaced_only_where_that_is_meant(
    world, random_weights, run_tool, tmp_path, monkeypatch
):
    output = tmp_path / "boxes.csv"
    weights = random_weights / "persons.safetensors"
    arguments = ["--dataset", "toy_test", "--weights", weights, "--output", output]
    assert run_tool("propose", *arguments, "--score-threshold", 0).code == 0
    made = output.read_bytes()
    with monkeypatch.context() as context:
        context.setattr(TorchPersons, "people", None)  # is not called
        ran = run_tool("propose", *arguments, "--score-threshold", 0)
    assert ran.code == 0, ran.err
    assert ran.out == f"{output}: is finished already, with the same arguments\n"
    for changed in (["--score-threshold", 1], ["--score-threshold", 0, "--keep-annotated"]):
        ran = run_tool("propose", *arguments, *changed)
        assert ran.code == 1
        assert ran.err == (
            f"error: {output}: exists already; --overwrite replaces it, or choose another output\n"
        )
        assert output.read_bytes() == made
    output.write_bytes(made + made)  # of somebody else
    assert run_tool("propose", *arguments, "--score-threshold", 0).code == 1
    assert run_tool("propose", *arguments, "--score-threshold", 1, "--overwrite").code == 0
    assert output.read_bytes() != made
