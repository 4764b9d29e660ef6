"""Random access gives what reading through gives, on files that are odd in every usual way."""

import multiprocessing
import os
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path

import made_videos as made
import numpy as np
import pytest

from ava_det.structures import InputError
from ava_det.video import video as video_module
from ava_det.video.opening import feed
from ava_det.video.video import Video, VideoReader

OPEN_GOP = {"x264-params": "open-gop=1:keyint=12:bframes=3:scenecut=0"}
INTRA_REFRESH = {"x264-params": "intra-refresh=1:keyint=12:bframes=0:scenecut=0"}
X265 = {"x265-params": "open-gop=1:keyint=12:bframes=3:log-level=none"}
VARIABLE = np.cumsum(np.random.default_rng(0).integers(10, 200, 40))

FILES: dict[str, Callable[[Path], Path]] = {
    "b_frames.mp4": made.encode,
    "variable_rate.mp4": partial(made.encode, times_ms=VARIABLE),
    "variable_rate.mkv": partial(made.encode, times_ms=VARIABLE),
    "edit_list.mp4": partial(made.encode, cut=10),
    "fragments.mp4": partial(made.encode, container={"movflags": "frag_keyframe+empty_moov"}),
    "open_gop.mp4": partial(made.encode, options=OPEN_GOP),
    "open_gop.mkv": partial(made.encode, options=OPEN_GOP),
    "open_gop.ts": partial(made.encode, options=OPEN_GOP),
    "intra_refresh.mkv": partial(made.encode, options=INTRA_REFRESH),
    "intra_refresh.ts": partial(made.encode, options=INTRA_REFRESH),
    "stamps_that_count.avi": made.encode,
    "stamps_that_count.mxf": made.encode,
    "no_stamps.h264": made.encode,
    "leading.mkv": partial(made.encode, codec="libx265", options=X265),
    "mpeg4_b_frames.avi": partial(made.encode, codec="mpeg4", b_frames=2),
    "mpeg4_packed.avi": made.encode_packed,
    "program_stream.mpg": partial(made.encode, codec="mpeg2video", b_frames=2),
    "hidden_packets.webm": made.encode_hidden,
    "superframes.webm": partial(made.encode, codec="libvpx-vp9"),
    "stills.avi": partial(made.encode, codec="mjpeg", pix_fmt="yuvj420p"),
    "odd_size.mkv": partial(made.encode, codec="ffv1", size=(47, 63), pix_fmt="yuv444p"),
    "one_frame.mp4": partial(made.encode, count=1),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", FILES)
def test_random_access_gives_the_picture_of_reading_through(
    name: str, threads: int, tmp_path: Path
) -> None:
    path = FILES[name](tmp_path / name)
    expected = list(made.read_through(path))
    with Video(path, threads=threads) as video:
        streamed = list(video.stream())
        assert [time for time, _ in streamed] == video.frame_times.tolist()
        assert video.frame_times[0] == 0
        assert (np.diff(video.frame_times) > 0).all()
        np.testing.assert_array_equal([picture for _, picture in streamed], expected)
        rng = np.random.default_rng(1)
        for _ in range(25):
            wanted = rng.integers(0, len(expected), rng.integers(1, 6))  # unsorted, repeated
            got = video.frames(video.frame_times[wanted])
            np.testing.assert_array_equal(got, [expected[i] for i in wanted])


def test_frame_times_are_those_written(tmp_path: Path) -> None:
    with Video(made.encode(tmp_path / "v.mkv", times_ms=VARIABLE)) as video:
        np.testing.assert_allclose(video.frame_times, (VARIABLE - VARIABLE[0]) / 1000, atol=1e-9)
        assert video.rate == pytest.approx(39 / video.frame_times[-1])
    for name in ("v.avi", "v.h264", "v.ts"):
        with Video(made.encode(tmp_path / name)) as video:
            np.testing.assert_allclose(video.frame_times, np.arange(40) / 25, atol=1e-9)
            assert video.rate == pytest.approx(25)


def test_frames_cut_by_an_edit_list_are_not_there(tmp_path: Path) -> None:
    encode = partial(made.encode, codec="mpeg4", b_frames=2)  # x264's output can vary a little
    with Video(encode(tmp_path / "all.mp4")) as whole:
        expected = whole.frames(whole.frame_times[10:])
    with Video(encode(tmp_path / "cut.mp4", cut=10)) as video:
        np.testing.assert_allclose(video.frame_times, np.arange(30) / 25)
        np.testing.assert_array_equal(video.frames(video.frame_times), expected)


def test_a_key_flag_that_lies_is_seen_through(tmp_path: Path) -> None:
    path = made.encode(tmp_path / "v.avi", "mpeg4")
    expected = list(made.read_through(path))
    data = bytearray(path.read_bytes())
    index = data.rindex(b"idx1")
    for entry in range(index + 8, len(data) - 15, 16):
        if data[entry : entry + 4] == b"00dc":
            data[entry + 4] = 0x10  # AVIIF_KEYFRAME, on every packet
    path.write_bytes(data)
    with Video(path) as video:
        for frame in (39, 17, 30, 5):
            np.testing.assert_array_equal(video.frames([frame / 25])[0], expected[frame])


def test_the_nearest_frame_of_two_the_earlier(tmp_path: Path) -> None:
    path = made.encode(tmp_path / "v.mkv", count=5, times_ms=np.array([0, 100, 200, 400, 500]))
    with Video(path) as video:
        pictures = video.frames(video.frame_times)
        got = video.frames([0.3, 0.301, -1, 99, 0.05, 0.051])
        np.testing.assert_array_equal(got, pictures[[2, 3, 0, 4, 0, 1]])
        assert video.frames([]).shape == (0, 48, 64, 3)
        with pytest.raises(ValueError, match="not a finite"):
            video.frames([np.nan])


@pytest.mark.parametrize(
    ("wanted", "most"),
    [
        ([29], 6),  # in the third group of pictures, which starts at 24
        ([26, 29, 26], 6),
        ([23, 24], 14),  # adjacent groups are one run
        ([1, 38], 6),  # far ones are two
    ],
)
def test_only_what_is_needed_is_decoded(
    wanted: list[int], most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made.encode(tmp_path / "v.mp4", b_frames=0)
    fed = []

    def count(stream: object, packet: object, number: int) -> list:
        fed.append(number)
        return feed(stream, packet, number)

    with Video(path) as video:
        monkeypatch.setattr(video_module, "feed", count)
        video.frames(np.array(wanted) / 25)
    ends = 2 if wanted == [1, 38] else 1  # every run ends by emptying the decoder
    assert len(fed) - ends <= most


@pytest.mark.parametrize("rotation", [-90, 90, 180])
def test_rotation_is_applied(rotation: int, tmp_path: Path) -> None:
    path = made.encode(tmp_path / "v.mp4", count=13, rotation=rotation)
    # The matrix that a phone held upright writes: players turn its picture clockwise.
    upright = bytes.fromhex("00000000 00010000 00000000 ffff0000 00000000")
    assert (upright in path.read_bytes()) == (rotation == -90)
    with Video(path) as video:
        assert (video.height, video.width) == ((48, 64) if rotation == 180 else (64, 48))
        picture = video.frames([0.2])[0]
        assert picture.shape == (video.height, video.width, 3)
        assert next(video.stream(0.2))[1].tolist() == picture.tolist()
    red = {-90: picture[:12, -12:], 90: picture[-12:, :12], 180: picture[-12:, -12:]}[rotation]
    np.testing.assert_allclose(red.mean((0, 1)), (255, 0, 0), atol=30)
    with Video(path, short_side=24) as video:
        assert video.frames([0.2]).shape[1:3] == ((24, 32) if rotation == 180 else (32, 24))


@pytest.mark.parametrize(("short_side", "size"), [(24, (24, 32)), (96, (96, 128)), (20, (20, 27))])
def test_short_side_is_exact_up_and_down(
    short_side: int, size: tuple[int, int], tmp_path: Path
) -> None:
    from PIL import Image

    path = made.encode(tmp_path / "v.mp4", count=3)
    with Video(path) as video, Video(path, short_side=short_side) as resized:
        assert (resized.height, resized.width) == size
        got = resized.frames([0.04])[0]
        image = Image.fromarray(video.frames([0.04])[0])
    expected = np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR), np.float64)
    assert got.shape == (*size, 3)

    def difference(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(a - b).mean())

    in_place = difference(got[1:-1, 1:-1], expected[1:-1, 1:-1])
    assert in_place < 9  # on hard edges, with colour at half the size
    moved = [expected[:-2, 1:-1], expected[2:, 1:-1], expected[1:-1, :-2], expected[1:-1, 2:]]
    assert in_place < min(difference(got[1:-1, 1:-1], other) for other in moved)


def test_stream_from_the_middle_beside_random_access(tmp_path: Path) -> None:
    path = made.encode(tmp_path / "v.mp4")
    expected = list(made.read_through(path))
    with Video(path) as video:
        for frame, (time, picture) in enumerate(video.stream(0.61), 15):
            assert time == pytest.approx(frame / 25)
            np.testing.assert_array_equal(picture, expected[frame])
            np.testing.assert_array_equal(
                video.frames([(frame * 7 % 40) / 25])[0], expected[frame * 7 % 40]
            )
        assert frame == 39


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_of_a_file_cut_short_what_is_there_can_be_used(share: float, tmp_path: Path) -> None:
    whole = made.encode(tmp_path / "whole.mp4", container={"movflags": "faststart"})
    expected = list(made.read_through(whole))
    data = whole.read_bytes()
    start = data.index(b"mdat")
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: start + int((len(data) - start) * share)])
    with Video(path) as video:
        assert len(video) == 40  # what the file promises, so that no clip ends early unseen
        decoded = []
        with pytest.raises(InputError, match=r"cut.mp4: only \d+ of 40 frames can be decoded") as e:
            decoded += video.stream()
        assert f"only {len(decoded)} of 40" in str(e.value)
        assert 0 < len(decoded) < 40
        times = [time for time, _ in decoded]
        for frame in range(40):
            time = video.frame_times[frame]
            if time in times:
                got = video.frames([time])[0]
                np.testing.assert_array_equal(got, decoded[times.index(time)][1])
                np.testing.assert_array_equal(got, expected[round(time * 25)])
            else:
                with pytest.raises(InputError, match=rf"cut.mp4: frame {frame} of 40 \(at"):
                    video.frames([time])


def _folder(path: Path) -> None:
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("not a video\n" * 100)


def _play_list(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://localhost/v.ts\n#EXT-X-ENDLIST\n")


def _no_frames(path: Path) -> None:
    made.encode(path.with_suffix(".avi"), "mjpeg", count=0, pix_fmt="yuvj420p").rename(path)


def _all_damaged(path: Path) -> None:
    data = bytearray(made.encode(path, container={"movflags": "faststart"}).read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file"),
        (_folder, "a folder, not a file"),
        (Path.touch, "not a readable video"),
        (_text, "not a readable video"),
        (_play_list, "not a readable video"),
        (made.encode_audio, "no video in it"),
        (_no_frames, "no (video in it|frame of it can be decoded)"),
        (_all_damaged, "no frame of it can be decoded"),
    ],
)
def test_what_is_no_video_is_one_clear_line(
    make: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.mp4"
    make(path)
    with pytest.raises(InputError, match=f"bad.mp4: {reason}") as error:
        Video(path)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=r"bad.mp4: "):
        VideoReader().times(path)


@pytest.mark.parametrize("name", ["a:b.mp4", "file: c.mp4", "50%03d.mp4", "ö ü.mp4", "-x.mp4"])
def test_names_are_only_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.encode(tmp_path / "plain.mp4", count=3).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with Video(name) as video:
        assert len(video) == 3


def test_a_reader_gives_what_videos_give_and_sees_that_a_file_changed(tmp_path: Path) -> None:
    paths = [made.encode(tmp_path / f"{i}.mp4", count=10 + i) for i in range(4)]
    reader = VideoReader(short_side=24, indexes=2)
    for i in (0, 1, 0, 2, 3, 0):
        with Video(paths[i], short_side=24) as video:
            assert reader.times(paths[i]).tolist() == video.frame_times.tolist()
            assert reader.size(str(paths[i])) == (24, 32)
            np.testing.assert_array_equal(
                reader.frames(paths[i], [0.3, 0.0]), video.frames([0.3, 0.0])
            )
    made.encode(paths[0], count=20)
    os.utime(paths[0], ns=(0, 12345))
    assert len(reader.times(paths[0])) == 20


def test_an_index_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [made.encode(tmp_path / f"{i}.mp4", count=14) for i in range(2)]
    reader = VideoReader()
    expected = [reader.frames(path, [0.5]) for path in paths]
    monkeypatch.setattr(video_module, "read_index", None)
    for path, pictures in zip(paths, expected, strict=True):
        np.testing.assert_array_equal(reader.frames(path, [0.5]), pictures)


def _ask(reader: VideoReader, path: Path, times: list[float], answers: object) -> None:
    answers.put(reader.frames(path, times))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_reader_can_be_handed_to_another_process(method: str, tmp_path: Path) -> None:
    path = made.encode(tmp_path / "v.mp4")
    reader = VideoReader()
    expected = reader.frames(path, [1.0, 0.2])  # the file is open now
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    process = context.Process(target=_ask, args=(reader, path, [1.0, 0.2], answers))
    process.start()
    np.testing.assert_array_equal(answers.get(timeout=120), expected)
    process.join()
    np.testing.assert_array_equal(reader.frames(path, [1.0, 0.2]), expected)
    again = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(again.frames(path, [1.0, 0.2]), expected)
