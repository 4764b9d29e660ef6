"""ava_det.data.sets.ava: three kinds of pictures, one data set."""

import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_sets import forget
from numbered import numbers_in, write_numbered

from ava_det.data.prepare.cut import Cut, cut_video
from ava_det.data.sets import ava
from ava_det.data.sets.ava import AvaFiles, built_in, load_clips, load_keyframes, load_with_clips
from ava_det.data.sets.catalog import get_dataset, register
from ava_det.formats.ava_csv import read_ground_truth
from ava_det.formats.class_map import ClassMap, write_class_map
from ava_det.structures import AVA_CLOCK, Clock, InputError, Keyframe
from ava_det.video.frame_folders import FrameFolder
from ava_det.video.sampling import clip_times
from ava_det.video.video import Video, VideoReader

START, SECONDS = 6, 9  # a small AVA: keyframes 8 .. 14 of a film of 20 s, cut from second 6
FILM = Fraction(24000, 1001)
TICKS = range(START + 2, START + SECONDS)
EVERYTHING = ClassMap({1: "stand", 2: "sit", 3: "walk"})
EVALUATED = ClassMap({1: "stand", 3: "walk"})


def as_frames(cut: Path, root: Path) -> None:
    """A cut video as JPEG files and their list, as PySlowFast's recipe makes them."""
    folder = root / "frames" / cut.stem
    folder.mkdir(parents=True)
    lines = ["original_vido_id video_id frame_id path labels\n"]
    with Video(cut) as video:
        for k, (_, picture) in enumerate(video.stream()):
            name = f"{cut.stem}_{k + 1:06d}.jpg"
            cv2.imwrite(str(folder / name), picture[..., ::-1])
            lines.append(f'{cut.stem} 0 {k} {cut.stem}/{name} ""\n')
    (root / "frame_lists").mkdir(exist_ok=True)
    (root / "frame_lists" / "train.csv").write_text("".join(lines))


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A film whole, cut and as frames, with annotations."""
    root = tmp_path_factory.mktemp("ava")
    for name in ("videos", "videos_15min", "annotations"):
        (root / name).mkdir()
    film = write_numbered(root / "videos" / "film.mkv", int(20 * FILM), FILM)
    cut = root / "videos_15min" / "film.mp4"
    assert cut_video(film, cut, Cut(START, SECONDS)) == pytest.approx(SECONDS)
    as_frames(cut, root)
    rows = [f"film,{tick:04d},0.1,0.2,0.6,0.9,{1 + tick % 3},0\n" for tick in TICKS]
    rows += ["film,8,0.1,0.2,0.6,0.9,1,0\n", "film,8,0,0,0.5,0.5,3,1\n", "gone,8,0,0,1,1,1,0\n"]
    (root / "annotations" / "train.csv").write_text("".join(rows))
    write_class_map(root / "annotations" / "all.pbtxt", EVERYTHING)
    write_class_map(root / "annotations" / "evaluated.pbtxt", EVALUATED)
    return root


def files_of(root: Path, kind: str, **more) -> AvaFiles:
    pictures = {
        "cut": root / "videos_15min",
        "whole": root / "videos",
        "frames": FrameFolder(root / "frames", (root / "frame_lists" / "train.csv",)),
    }[kind]
    annotations = root / "annotations"
    clock = Clock(1.0, 0) if kind == "whole" else Clock(1.0, START)
    names = {"annotations": "train.csv", "class_map": "all.pbtxt", "evaluated": "evaluated.pbtxt"}
    paths = {key: annotations / name for key, name in names.items()}
    return AvaFiles(pictures=pictures, clock=clock, **paths, **more)


@pytest.fixture
def registered(root):
    """The names of the three data sets."""
    names = [f"small_{kind}" for kind in ("whole", "cut", "frames")]
    for name in names:
        register(ava.dataset(name, files_of(root, name.removeprefix("small_"))))
    yield names
    for name in names:
        forget(name)


def clip_numbers(name: str) -> dict[Keyframe, list[int]]:
    """What frames of the film the clip of each keyframe of a data set is made of."""
    reader, clock, clips = get_dataset(name).reader(), get_dataset(name).clock, {}
    for record in get_dataset(name).keyframes():
        frame_times = reader.times(record.path)
        time = clock.seconds(record.people.keyframe.tick)
        wanted = clip_times(frame_times, time, frames=8, stride=2, rate=30.0)
        clips[record.people.keyframe] = numbers_in(reader.frames(record.path, wanted))
    return clips


def test_all_three_kinds_of_pictures_give_the_same_frames(registered):
    whole, cut, frames = map(clip_numbers, registered)
    assert list(whole) == list(cut) == list(frames) == [Keyframe("film", tick) for tick in TICKS]
    for keyframe, numbers in whole.items():
        times = keyframe.tick + (np.arange(8) - 4) * 2 / 30
        # Nearest frames; Matroska's times are whole milliseconds.
        assert np.abs(np.subtract(numbers, times * float(FILM))).max() < 0.5 + 0.001 * float(FILM)
        assert np.abs(np.subtract(cut[keyframe], numbers)).max() <= 1
        assert frames[keyframe] == cut[keyframe]


def test_people_labels_and_classes(registered):
    for name in registered:
        first, *others = get_dataset(name).keyframes()
        assert first.people.actions == ((3, 1), (3,))
        assert first.people.person_ids.tolist() == [0, 1]
        assert len(others) == len(TICKS) - 1
        assert get_dataset(name).class_map() == EVERYTHING
        assert get_dataset(name).evaluated_classes() == EVALUATED


def test_the_log_names_the_counts_that_are_not_zero(root, tmp_path, caplog):
    videos, classes = root / "videos_15min", root / "annotations" / "all.pbtxt"
    plain, more = tmp_path / "plain.csv", tmp_path / "more.csv"
    plain.write_text("film,8,0.1,0.2,0.6,0.9,1\nfilm,9,0.1,0.2,0.6,0.9,1\n")
    more.write_text(plain.read_text() + "film,10,0.1,0.2,0.6,0.9,\nfilm,11\n")
    (tmp_path / "excluded.csv").write_text("film,8\n")
    with caplog.at_level(logging.INFO, logger="ava_det.data.sets.ava"):
        load_keyframes(AvaFiles(plain, classes, videos))
        load_keyframes(AvaFiles(more, classes, videos, excluded=tmp_path / "excluded.csv"))
    assert [record.getMessage() for record in caplog.records] == [
        f"{plain}: 2 keyframes, 2 people",
        f"{more}: 3 keyframes, 2 people; keyframes without people: 1; people without a label: 1; "
        "left out, rows of excluded keyframes: 1",
    ]


def test_videos_that_are_not_there_are_counted_and_said(root, caplog):
    with caplog.at_level(logging.WARNING):
        load_keyframes(files_of(root, "cut"))
    assert "1 of 2 videos are missing and left out, gone first" in caplog.text


def test_excluded_and_included(root, tmp_path):
    (tmp_path / "excluded.csv").write_text("film,0009\nfilm,12\nother,10\n")
    (tmp_path / "included.txt").write_text("\n".join(f"{tick:04d}" for tick in range(9, 13)))
    more = {"excluded": tmp_path / "excluded.csv", "included": tmp_path / "included.txt"}
    records = load_keyframes(files_of(root, "cut", **more))
    assert [record.people.keyframe.tick for record in records] == [10, 11]


def test_other_keyframe_rates_and_starts(root, tmp_path):
    """Keyframes every half second, counted from 100 at second 3 of the file."""
    (tmp_path / "rows.csv").write_text("film,100,0,0,1,1,1\nfilm,103,0,0,1,1,1\n")
    clock = Clock(rate=2.0, start=94)
    files = AvaFiles(
        tmp_path / "rows.csv", root / "annotations" / "all.pbtxt", root / "videos", clock
    )
    reader = VideoReader()
    numbers = [
        numbers_in(
            reader.frames(record.path, np.array([clock.seconds(record.people.keyframe.tick)]))
        )
        for record in load_keyframes(files)
    ]
    assert numbers == [[round(3.0 * float(FILM))], [round(4.5 * float(FILM))]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"annotations": Path("nowhere.csv")}, "nowhere.csv: no such file; see datasets/README.md"),
        ({"pictures": Path("nowhere")}, "nowhere: no such folder; datasets/README.md"),
        ({"excluded": Path("nowhere.csv")}, "nowhere.csv: no such file; see datasets/README.md"),
        ({"pictures": FrameFolder(Path("x"), (Path("no.csv"),))}, "no.csv: No such file"),
    ],
)
def test_what_is_missing_is_one_line(root, change, said):
    with pytest.raises(InputError, match=said):
        load_keyframes(replace(files_of(root, "cut"), **change))


def test_no_video_at_all_is_an_error(root, tmp_path):
    (tmp_path / "rows.csv").write_text("one,8,0,0,1,1,1\ntwo,8,0,0,1,1,1\n")
    files = AvaFiles(tmp_path / "rows.csv", root / "annotations" / "all.pbtxt", root / "videos")
    with pytest.raises(InputError, match="all videos are missing"):
        load_keyframes(files)


@pytest.mark.parametrize(
    ("there", "pictures", "clock"),
    [
        ((), "videos_15min", AVA_CLOCK),
        (("videos", "videos_15min/a.mp4", "frame_lists"), "videos_15min", AVA_CLOCK),
        (("videos", "videos_15min"), "videos", Clock(1.0, 0)),
        (("frame_lists", "videos_15min/.a.mp4"), "frames", AVA_CLOCK),
        (("videos", "frame_lists"), "frames", AVA_CLOCK),
        (("videos",), "videos", Clock(1.0, 0)),
    ],
)
def test_the_built_in_set_takes_the_pictures_that_are_there(tmp_path, there, pictures, clock):
    for name in there:
        folder = tmp_path / name
        if folder.suffix:
            folder.parent.mkdir()
            folder.touch()
        else:
            folder.mkdir()
    if "frame_lists" in there:
        (tmp_path / "frame_lists" / "val.csv").touch()
    files = built_in(tmp_path, "v2.2", "val")
    folder = files.pictures.folder if isinstance(files.pictures, FrameFolder) else files.pictures
    assert (folder.name, files.clock) == (pictures, clock)
    assert files.annotations.name == "ava_val_v2.2.csv"
    assert files.excluded.name == "ava_val_excluded_timestamps_v2.2.csv"


def test_the_built_in_sets_are_known_before_they_are_there():
    for name in ("ava_v2.1_train", "ava_v2.2_val", "ava_kinetics_train", "kinetics_ava_val"):
        with pytest.raises(InputError, match="no such f"):
            get_dataset(name).keyframes()


@pytest.fixture
def kinetics(root, tmp_path) -> tuple[Path, Path]:
    """Annotations and videos of two clips and a film."""
    videos = tmp_path / "videos" / "train" / "abseiling"
    videos.mkdir(parents=True)
    for name in ("abc_def-000_000012_000022", "xyz_def-000_000100_000110", "abc_def-001"):
        write_numbered(videos / f"{name}.mp4", 300, Fraction(30))
    rows = [
        "abc_def-000,17.3,0.1,0.1,0.5,0.5,1,0",
        "abc_def-000,17.3,0.1,0.1,0.5,0.5,3,0",
        "xyz_def-000,104,0,0,1,1,2,0",
        "xyz_def-000,99.9,0,0,1,1,2,0",  # before its clip
        "abc_def-001,3.5",  # a whole film, with nobody to be seen
        "gone-000000,3.5,0,0,1,1,2,0",
    ]
    (tmp_path / "kinetics.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "kinetics.csv", tmp_path / "videos"


def test_clips_of_kinetics(kinetics, caplog):
    records = load_clips(*kinetics)
    assert "1 of 4 videos are missing and left out, gone-000000 first" in caplog.text
    said = "1 of 6 rows lie in no clip of their film and are left out, "
    assert said + "xyz_def-000 at second 99.9 first" in caplog.text
    found = [
        (record.people.keyframe.video, record.people.keyframe.tick, record.people.actions)
        for record in records
    ]
    assert found == [
        ("abc_def-000_000012_000022", 5300, ((1, 3),)),
        ("xyz_def-000_000100_000110", 4000, ((2,),)),
        ("abc_def-001", 3500, ()),
    ]
    time = ava.MILLISECONDS.seconds(5300)
    assert numbers_in(VideoReader().frames(records[0].path, np.array([time]))) == [159]


def test_ava_and_the_clips_together(root, kinetics):
    records = load_with_clips(files_of(root, "cut"), *kinetics)
    assert len(records) == len(TICKS) + 3
    assert [record.people.keyframe.tick for record in records[:2]] == [2000, 3000]
    assert records[len(TICKS)].people.keyframe.video == "abc_def-000_000012_000022"


def test_no_instant_at_all(kinetics):
    kinetics[0].write_text("\n")
    with pytest.raises(InputError, match=r"kinetics\.csv: has no rows"):
        load_clips(*kinetics)


def test_no_clip_of_any_second(kinetics):
    kinetics[0].write_text("xyz_def-000,99.9,0,0,1,1,2\n")
    with pytest.raises(InputError, match=r"no row lies within a clip; the first is xyz_def-000 a"):
        load_clips(*kinetics)


def test_no_row_at_all(root):
    files = files_of(root, "cut")
    files.annotations.write_text("video,tick,x1,y1,x2,y2,action\n")
    with pytest.raises(InputError, match=r"\.csv: has no rows"):
        load_keyframes(files)


def test_a_bad_instant_is_named(kinetics):
    kinetics[0].write_text("abc,1.5,0,0,1,1,1\nabc,now,0,0,1,1,1\n")
    with pytest.raises(InputError, match=r"kinetics\.csv: row 2: time is not a number: 'now'"):
        load_clips(*kinetics)


def test_ids_from_0_are_refused(root, kinetics):
    """They would load: class 0 as no action, and all others as their neighbours."""
    files = replace(files_of(root, "cut"), annotations=kinetics[0].with_name("zero.csv"))
    files.annotations.write_text("film,8,0,0,0.5,0.5,-1,1\nfilm,9,0,0,0.5,0.5,0,1\n")
    with pytest.raises(InputError, match=r"zero\.csv: row 2: action 0: ids count from 1"):
        load_keyframes(files)
    kinetics[0].write_text("abc_def-000,17.3,0.1,0.1,0.5,0.5,0,0\n")
    with pytest.raises(InputError, match=r"kinetics\.csv: row 1: action 0: ids count from 1"):
        load_clips(*kinetics)


def test_the_real_annotations(shared, tmp_path):
    """v2.1 val as it is published, on 64 videos that are empty files."""
    annotations = shared / "reference" / "ava_annotations"
    for name in ("videos", "annotations"):
        (tmp_path / name).mkdir()
    names = ("ava_val_v2.1.csv.gz", "ava_included_timestamps_v2.2.txt")
    for name in (*names, "ava_action_list_v2.2.pbtxt"):
        (tmp_path / "annotations" / name).symlink_to(annotations / name)
    excluded = annotations / "ava_val_excluded_timestamps_v2.2.csv"
    (tmp_path / "annotations" / "ava_val_excluded_timestamps_v2.1.csv").symlink_to(excluded)
    table = read_ground_truth(annotations / "ava_val_v2.1.csv.gz")
    for video in table["video"].cat.categories:
        (tmp_path / "videos" / f"{video}.mkv").touch()
    records = load_keyframes(built_in(tmp_path, "v2.1", "val"))
    pairs = set(zip(table["video"], table["tick"], strict=True))
    left_out = {tuple(line.split(",")) for line in excluded.read_text().split()}
    pairs -= {(video, int(tick)) for video, tick in left_out}
    assert {(r.people.keyframe.video, r.people.keyframe.tick) for r in records} == pairs
    assert len({record.path for record in records}) == 64
