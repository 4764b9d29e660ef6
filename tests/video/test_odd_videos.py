"""Videos that begin, go on or end where they should not, and files that only look like videos."""

import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import made_videos as made
import numpy as np
import pytest
from numbered import numbers_in, write_numbered

from ava_det.data.check.videos import picture_size
from ava_det.data.prepare.cut import Cut, cut_video
from ava_det.detect.clips import KeyframeClip, stream_keyframes
from ava_det.detect.sources import VideoSource
from ava_det.structures import FRAME_CLOCK, ClipShape, InputError
from ava_det.video.cache import CachedVideoReader
from ava_det.video.facts import Facts, file_facts, header_facts
from ava_det.video.files import files_by_stem, has_video, video_files
from ava_det.video.frame_folders import FrameFolder, FrameFolderReader
from ava_det.video.picture_size import MOST_ASPECT
from ava_det.video.video import Video, VideoReader, in_order

OPEN_GOP = {"x264-params": "open-gop=1:keyint=12:bframes=3:scenecut=0"}
X265 = {"x265-params": "open-gop=1:keyint=12:bframes=3:log-level=none"}


def require_decoders_order(path: Path, expected: list[np.ndarray] | None = None) -> Video:
    """Frames are those that PyAV counts, read through and at random; the video, still open."""
    expected = list(made.read_through(path)) if expected is None else expected
    video = Video(path)
    assert len(video) == len(expected)
    np.testing.assert_array_equal([picture for _, picture in video.stream()], expected)
    assert (np.diff(video.frame_times) > 0).all()
    for frame in np.random.default_rng(0).permutation(len(expected))[:12]:
        got = video.frames(video.frame_times[frame : frame + 1])[0]
        np.testing.assert_array_equal(got, expected[frame])
    return video


BEGINNINGS = {
    "plain.mp4": made.encode,
    "plain.ts": made.encode,
    "no_b.mkv": partial(made.encode, b_frames=0),
    "open_gop.mp4": partial(made.encode, options=OPEN_GOP),
    "open_gop.ts": partial(made.encode, options=OPEN_GOP),
    "leading.mp4": partial(made.encode, codec="libx265", options=X265),
    "mpeg2.mpg": partial(made.encode, codec="mpeg2video", b_frames=2),
    "mpeg4.avi": partial(made.encode, codec="mpeg4"),
    "vp9.webm": partial(made.encode, codec="libvpx-vp9"),
    "flash.flv": partial(made.encode, codec="flv"),
}


@pytest.mark.holds("13.6 frames: files that begin between key frames")
@pytest.mark.parametrize("skip", [1, 7, 12, 14])
@pytest.mark.parametrize("name", BEGINNINGS)
def test_frames_are_counted_from_the_first_picture(name: str, skip: int, tmp_path: Path) -> None:
    whole = BEGINNINGS[name](tmp_path / f"whole{Path(name).suffix}")
    path = made.rewrite(whole, tmp_path / name, skip)
    expected = list(made.read_through(path, tolerant=True))
    with require_decoders_order(path, expected):
        pass
    for facts in (file_facts(path), header_facts(path, count=True)):
        assert facts.frames == len(expected)
        if path.suffix != ".avi":  # which counts what was skipped after its first packet
            assert facts.seconds == pytest.approx(len(expected) / 25, abs=0.09)


@pytest.mark.holds("13.6 frames: files that begin between key frames")
def test_the_case_that_begins_between_key_frames(shared: Path) -> None:
    path = shared / "cases/begins_between_key_frames/rtsp.mp4"
    with require_decoders_order(path) as video:
        assert len(video) == 125
        assert video.frame_times[-1] == pytest.approx(124 / 25)
    assert header_facts(path, count=True) == file_facts(path)
    assert file_facts(path).outside(np.array([0, 124, 125]), FRAME_CLOCK).tolist() == [
        False,
        False,
        True,
    ]


PARTS = {
    "parts.ts": {},
    "b_frames.mpg": {"codec": "mpeg2video", "b_frames": 2},
    "open_gop.ts": {"options": OPEN_GOP},
    "parts.m2ts": {},
}


@pytest.mark.holds("13.6 frames: parts behind each other")
@pytest.mark.parametrize("shift", [-20.0, -1.0, -0.3, 0.0, 0.8, 5000.0])
@pytest.mark.parametrize("name", PARTS)
def test_parts_behind_each_other(name: str, shift: float, tmp_path: Path) -> None:
    """The second part's clock starts `shift` seconds from where the first part's did."""
    suffix = Path(name).suffix

    def late(seconds: float, _: int, pts: int, dts: int) -> tuple[int, int]:
        return pts + round(seconds * 90_000), dts + round(seconds * 90_000)

    plain = made.encode(tmp_path / f"plain{suffix}", **PARTS[name])
    first = made.rewrite(plain, tmp_path / f"a{suffix}", change=partial(late, 30.0))
    second = made.rewrite(plain, tmp_path / f"b{suffix}", change=partial(late, 30.0 + shift))
    path = tmp_path / name
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with require_decoders_order(path) as video:
        step = np.diff(video.frame_times)
        assert step.max() < 0.2
        assert video.frame_times[-1] == pytest.approx(len(video) / 25, abs=0.2)


@pytest.mark.holds("13.6 frames: parts behind each other")
def test_parts_of_other_sizes(tmp_path: Path) -> None:
    parts = [made.encode(tmp_path / f"{w}.ts", size=(48, w)).read_bytes() for w in (64, 96)]
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    with Video(tmp_path / "both.ts") as video:
        pictures = [picture for _, picture in video.stream()]
        assert {picture.shape for picture in pictures} == {(48, 64, 3)}
        assert len(pictures) == len(video) >= 78


@pytest.mark.holds("13.6 frames: parts behind each other")
def test_the_case_of_two_parts(shared: Path) -> None:
    with require_decoders_order(shared / "cases/mpegts_parts/half.mpg") as video:
        np.testing.assert_allclose(video.frame_times, np.arange(100) / 25, atol=1e-9)


@pytest.mark.holds("13.6 frames: Matroska longer than its pictures, or late")
@pytest.mark.parametrize("name", ["late.mkv", "late.webm", "late.mp4", "late.flv", "late.ts"])
def test_a_late_start_is_no_length(name: str, tmp_path: Path) -> None:
    codec = {".webm": "libvpx-vp9", ".flv": "flv"}.get(Path(name).suffix, "libx264")
    times = 100_000 + 40 * np.arange(40)
    path = made.encode(tmp_path / name, codec, times_ms=times)
    for facts in (file_facts(path), header_facts(path)):
        assert facts.seconds == pytest.approx(1.6, abs=0.01)
        assert not facts.cut_short
    with require_decoders_order(path):
        pass


@pytest.mark.holds("13.6 frames: Matroska longer than its pictures, or late")
@pytest.mark.parametrize("name", ["late.mkv", "long_audio.mkv"])
def test_the_cases_are_as_long_as_their_pictures(name: str, shared: Path, tmp_path: Path) -> None:
    path = shared / "cases/matroska_sound_longer" / name
    whole = Facts(2.0, 50, 25.0, (192, 144), False, (192, 144))
    assert file_facts(path) == header_facts(path) == whole
    short = tmp_path / name
    short.write_bytes(path.read_bytes()[:3000])
    assert header_facts(short).cut_short
    assert file_facts(short).cut_short


DAMAGED = {
    "v.mkv": {"b_frames": 0},
    "b.mkv": {},
    "v.flv": {"codec": "flv"},
    "v.wmv": {"codec": "wmv2"},
    "v.webm": {"codec": "libvpx-vp9"},
    "v.ts": {},
}


@pytest.mark.holds("13.6 frames: one damaged time stamp")
@pytest.mark.parametrize("place", [0, 1, 20, 38, 39])
@pytest.mark.parametrize("name", DAMAGED)
def test_one_damaged_stamp_loses_nothing(name: str, place: int, tmp_path: Path) -> None:
    seconds = 2_500_000 if name == "v.ts" else 28_000  # 2 to 28

    def damage(number: int, pts: int, dts: int) -> tuple[int, int]:
        return (pts + seconds, dts) if number == place else (pts, dts)

    suffix = Path(name).suffix.replace(".mkv", ".mp4")  # Matroska has no stamps for decoding
    plain = made.encode(tmp_path / f"plain{suffix}", **DAMAGED[name])
    path = made.rewrite(plain, tmp_path / name, change=damage)
    with require_decoders_order(path) as video:
        order = [time for time, _ in video.stream()]
        np.testing.assert_array_equal(order, video.frame_times)
        if 0 < place < 38:
            np.testing.assert_allclose(video.frame_times, np.arange(40) / 25, atol=0.2)


@pytest.mark.holds("13.6 frames: one damaged time stamp")
def test_a_first_frame_of_two_that_is_damaged(tmp_path: Path) -> None:
    plain = made.encode(tmp_path / "plain.mp4", count=2, b_frames=0)
    path = made.rewrite(plain, tmp_path / "v.mkv", change=lambda n, p, d: (p + 9000 * (n == 0), d))
    with require_decoders_order(path):
        pass


@pytest.mark.holds("13.6 frames: one damaged time stamp")
@pytest.mark.parametrize("place", [0, 1, 20, 38, 39])
@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".mp4"])
def test_a_header_is_not_misled_by_a_damaged_stamp(suffix: str, place: int, tmp_path: Path) -> None:
    codec = "libvpx-vp9" if suffix == ".webm" else "libx264"
    plain = made.encode(tmp_path / f"plain{suffix.replace('.mkv', '.mp4')}", codec)
    late = 8000 if suffix == ".webm" else 100_000
    path = made.rewrite(
        plain, tmp_path / f"v{suffix}", change=lambda n, p, d: (p + late * (n == place), d)
    )
    assert header_facts(path).seconds == pytest.approx(file_facts(path).seconds, abs=0.1)


@pytest.mark.holds("13.6 frames: one damaged time stamp")
def test_the_case_of_one_damaged_stamp(shared: Path) -> None:
    with require_decoders_order(shared / "cases/one_bad_timestamp/flip0_wmv.wmv") as video:
        np.testing.assert_allclose(video.frame_times, np.arange(29) / 25, atol=1e-9)
        assert video.index.damaged_stamps == 1


@pytest.mark.holds("13.8 suffixes of cameras are found")
def test_cameras_files_are_found(shared: Path, tmp_path: Path) -> None:
    assert set(video_files(shared / "cases/suffixes/videos")) == {"00001", "a"}
    suffixes = ["MTS", "ts", "m2ts", "3gp", "MPG", "wmv", "Flv", "webm", "mts", "vob", "ogv", "asf"]
    for suffix in suffixes:
        (tmp_path / f"{suffix}.{suffix}").touch()
    assert len(video_files(tmp_path)) == len(files_by_stem(tmp_path)) == len(suffixes)
    assert has_video(tmp_path)


@pytest.mark.holds("13.9 bounds: gaps between time stamps")
@pytest.mark.parametrize("rate", [0.01, 5.0, 1e9])
@pytest.mark.parametrize("name", ["fps_slow.mp4", "gap_1e6s.mkv", "gap_1e8s.mkv"])
def test_work_is_bounded_by_the_frames(
    name: str, rate: float, shared: Path, tmp_path: Path
) -> None:
    path = shared / "cases/timestamp_gap" / name
    with Video(path) as video:
        assert len(video) == 12
        found = stream_keyframes(VideoSource(video).frames(), ClipShape(8, 2, 25.0, 16), rate)
        keyframes = [clip.frame for clip in found if isinstance(clip, KeyframeClip)]
    assert 1 <= len(keyframes) <= 12
    assert keyframes[0] == 0
    for cut_rate in (30.0, 1e9):
        with pytest.raises(InputError, match=rf"{name}: has 1[12] frames in .* s, too few for"):
            cut_video(path, tmp_path / "cut.mp4", Cut(0.0, 1e9, cut_rate))
    assert list(tmp_path.iterdir()) == []
    cut_video(path, tmp_path / "cut.mp4", Cut(0.0, 1e9, None))
    with Video(tmp_path / "cut.mp4") as video:
        assert len(video) == 12


LISTS = {
    "concat": "ffconcat version 1.0\nfile 'other.mp4'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\nother.mp4\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "metadata": ";FFMETADATA1\ntitle=x\n",
}


@pytest.mark.holds("13.9 bounds: a video file reads no other file")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".m3u8", ".avi", ".jpg", ".mpd"])
@pytest.mark.parametrize("kind", LISTS)
def test_play_lists_are_refused(kind: str, suffix: str, tmp_path: Path) -> None:
    made.encode(tmp_path / "other.mp4", count=3)
    path = tmp_path / f"list{suffix}"
    path.write_text(LISTS[kind])
    with pytest.raises(InputError, match=rf"list\{suffix}: not a readable video: it is text"):
        Video(path)


@pytest.mark.holds("13.9 bounds: a video file reads no other file")
@pytest.mark.parametrize("name", ["concat_rel.mp4", "hls.m3u8"])
def test_the_cases_of_play_lists(name: str, shared: Path) -> None:
    with pytest.raises(InputError, match=r"not a readable video: it is text"):
        Video(shared / "cases/play_lists" / name)


@pytest.mark.holds("13.9 bounds: a video file reads no other file")
def test_numbered_pictures_are_not_followed(tmp_path: Path) -> None:
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((48, 64, 3), number, np.uint8))
    with pytest.raises(InputError, match=r"%d\.png: no such file"):
        Video(tmp_path / "%d.png")
    (tmp_path / "1.png").rename(tmp_path / "%d.png")
    with pytest.raises(InputError, match=r"%d\.png: not a readable video"):
        Video(tmp_path / "%d.png")
    with Video(tmp_path / "2.png") as video:
        assert len(video) == 1


@pytest.mark.holds("13.9 bounds: pipes and devices")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    os.mkfifo(tmp_path / "00001.png")
    for path in (tmp_path / "pipe.mp4", Path("/dev/zero")):
        with pytest.raises(InputError, match=f"{path}: a pipe or a device"):
            Video(path)
    with pytest.raises(InputError, match=r"00001\.png: a pipe or a device"):
        _folder_reader(tmp_path).size(tmp_path)


def _folder_reader(folder: Path) -> FrameFolderReader:
    return FrameFolderReader((FrameFolder(folder.parent),), VideoReader(), 256)


@pytest.mark.holds("13.9 bounds: thin and huge pictures")
@pytest.mark.parametrize("size", [(1, 3000), (3000, 1), (16, 16 * MOST_ASPECT + 16)])
def test_thin_pictures_are_refused(size: tuple[int, int], tmp_path: Path) -> None:
    folder = tmp_path / "frames" / "one"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "00001.png"), np.zeros((*size, 3), np.uint8))
    path = made.encode(tmp_path / "thin.mov", "png", 2, size, "rgb24")
    text = rf"pictures of {size[1]} x {size[0]} pixels are too thin"
    with pytest.raises(InputError, match=rf"thin\.mov: {text}"):
        Video(path, short_side=256)
    with pytest.raises(InputError, match=rf"00001\.png: {text}"):
        _folder_reader(folder).size(folder)
    with pytest.raises(InputError, match=text):
        CachedVideoReader(tmp_path / "cache", 256).times(path)


@pytest.mark.holds("13.9 bounds: thin and huge pictures")
def test_the_case_of_thin_pictures(shared: Path) -> None:
    with pytest.raises(InputError, match=r"row\.mkv: pictures of 3000 x 1 pixels are too thin"):
        Video(shared / "cases/thin_pictures/row.mkv")


HUGE = """
import sys
from pathlib import Path
import av, cv2, numpy as np
from fractions import Fraction
folder = Path(sys.argv[1])
with av.open(folder / "huge.mkv", "w") as file:
    stream = file.add_stream("mpeg4", rate=25)
    stream.height, stream.width, stream.pix_fmt = 8000, 8000, "yuv420p"
    frame = av.VideoFrame(8000, 8000, "yuv420p")
    frame.pts = 0
    for packet in (*stream.encode(frame), *stream.encode(None)):
        file.mux(packet)
(folder / "one").mkdir()
cv2.imwrite(str(folder / "one" / "00001.png"), np.zeros((8000, 8000), np.uint8))
"""


@pytest.mark.slow
@pytest.mark.holds("13.9 bounds: thin and huge pictures")
def test_huge_pictures_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", HUGE, tmp_path], check=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=r"huge\.mkv: .* or larger than 8192 x 4320"):
        Video(tmp_path / "huge.mkv")
    assert picture_size(tmp_path / "one" / "00001.png") is None
    with pytest.raises(InputError, match=r"00001\.png: .* of 8000 x 8000 pixels are too large"):
        _folder_reader(tmp_path / "one").size(tmp_path / "one")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


@pytest.mark.holds("13.10 every error names its file: videos")
def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mp4"))
    os.rename(made.encode(tmp_path / "plain.mp4", count=2), path)
    with pytest.raises(InputError, match=r"bad.*\.mp4: the name is not valid UTF-8"):
        Video(path)


@pytest.mark.holds("13.10 every error names its file: videos")
@pytest.mark.parametrize("error", [OverflowError, UnicodeError, ValueError, MemoryError, KeyError])
@pytest.mark.parametrize("method", ["frames", "stream", "pictures"])
def test_whatever_decoding_raises_names_the_file(
    error: type[Exception], method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_numbered(tmp_path / "some.mp4", 5, Fraction(25))
    calls: dict[str, Callable[[Video], object]] = {
        "frames": lambda video: video.frames([0.0]),
        "stream": lambda video: list(video.stream()),
        "pictures": lambda video: list(video.pictures(np.arange(2))),
    }

    def fail(*_: object) -> None:
        raise error("why")

    with Video(path) as video:
        assert numbers_in(video.frames([0.0])) == [0]
        monkeypatch.setattr("ava_det.video.video.feed", fail)  # which decodes a packet
        with pytest.raises(InputError, match=r"some\.mp4: "):
            calls[method](video)


def with_data_in(target: Path, film: bytes) -> bytes:
    """A QuickTime film whose first track has its data in another file ("QuickTime File Format",
    "Data reference atoms"), as editors write it.
    """
    place, path = target.name.encode(), str(target).encode()
    volume = b"\4" + b"disk".ljust(27, b"\0") + bytes(12)
    record = struct.pack(">HH", 2, len(path)) + path + bytes(len(path) % 2) + b"\xff\xff\0\0"
    name = bytes([len(place)]) + place.ljust(63, b"\0") + bytes(16)
    alias = bytes(10) + volume + name + struct.pack(">HH", 1, 1) + bytes(16) + record
    entry = struct.pack(">I4sI", len(alias) + 12, b"al" + b"is", 0) + alias
    places, start = [], 0
    for atom in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        while film[start + 4 : start + 8] != atom:
            start += struct.unpack_from(">I", film, start)[0]
        places.append(start)
        start += 8
    old = places[-1] + 16  # behind the number of entries
    size = struct.unpack_from(">I", film, old)[0]
    result = bytearray(film[:old] + entry + film[old + size :])
    for start in places:
        struct.pack_into(
            ">I", result, start, struct.unpack_from(">I", film, start)[0] + len(entry) - size
        )
    return bytes(result)


@pytest.mark.holds("13.9 bounds: a film with its data in another file does not open that")
def test_data_in_another_file_is_not_read(tmp_path: Path) -> None:
    other = made.encode(tmp_path / "other.mov", "libx264", 5)
    path = tmp_path / "film.mov"
    path.write_bytes(with_data_in(other, other.read_bytes()))
    options = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(path, options=options) as container:  # the reference is a right one
        assert len(list(container.decode(video=0))) == 5
    with pytest.raises(InputError, match=r"film\.mov: no frame of it can be decoded"):
        Video(path)
    other.unlink()
    os.mkfifo(other)  # which would be waited for
    with pytest.raises(InputError, match=r"film\.mov: no frame of it can be decoded"):
        Video(path)


@pytest.mark.holds("13.6 frames: those that a damaged file gives late are not lost")
@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        ([0, 1, 3, 2, 4], range(5), [0, 1, 2, 3, 4]),
        ([9, 19, 10, 20, 11, *range(21, 40)], range(9, 40), [9, 10, 11, *range(19, 40)]),
        ([0, 2, *range(3, 30), 1], range(30), [0, *range(2, 30)]),  # too late
        ([4, 2, 8], [2, 4, 6, 8], [2, 4, 8]),
        ([], range(3), []),
        ([2], range(3), [2]),
    ],
)
def test_late_frames_wait_for_their_turn(given, wanted, expected) -> None:
    pairs = ((number, str(number)) for number in given)
    assert list(in_order(pairs, np.array(wanted))) == [(k, str(k)) for k in expected]  # type: ignore


@pytest.mark.holds("13.6 frames: those that a damaged file gives late are not lost")
def test_a_damaged_stream_gives_all_that_can_be_decoded_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []

    def noting(pairs: Iterable[tuple[int, Any]], wanted: np.ndarray) -> Iterator[tuple[int, Any]]:
        """Note the numbers in the order in which the decoder gives the frames."""
        known = list(pairs)
        decoded[:] = [number for number, _ in known]
        return in_order(known, wanted)

    monkeypatch.setattr("ava_det.video.video.in_order", noting)
    whole = made.encode(tmp_path / "whole.ts", "libx264", 40, b_frames=3).read_bytes()
    path, late = tmp_path / "damaged.ts", 0
    for seed in range(200):
        rng, data = np.random.default_rng(seed), bytearray(whole)
        for place in rng.integers(500, len(whole) - 400, 4).tolist():
            del data[place : place + 188]
        path.write_bytes(data)
        try:
            with Video(path) as video:
                numbers = np.arange(len(video))
                ordered = [number for number, _ in video.pictures(numbers)]
                assert ordered == sorted(decoded)
                late += decoded != sorted(decoded)
        except InputError:
            continue
        if late == 2:
            return
    pytest.fail("no damage made a decoder give frames out of order")


@pytest.mark.holds("13.6 frames: a small wrong stamp reorders no picture")
@pytest.mark.parametrize(
    ("place", "late"),
    [
        (place, late)
        for place in (1, 2, 9, 20)
        for late in (175, 47, -47, -215)
        if 40 * place > -late
    ],
)
def test_a_small_wrong_stamp_reorders_no_picture(tmp_path: Path, place: int, late: int) -> None:
    """Pictures may be that late where there are B-frames, but this codec has none."""
    path = made.encode(tmp_path / "v.mkv", "mpeg4")
    with av.open(path) as file:
        block = [packet.pos for packet in file.demux(video=0) if packet.size][place]
    data = bytearray(path.read_bytes())
    stamp = int.from_bytes(data[block + 1 : block + 3], signed=True)
    data[block + 1 : block + 3] = (stamp + late).to_bytes(2, signed=True)
    path.write_bytes(data)
    with require_decoders_order(path) as video:
        np.testing.assert_allclose(video.frame_times, np.arange(40) / 25, atol=1e-9)
        assert video.index.damaged_stamps == 1


@pytest.mark.holds("13.6 frames: a small wrong stamp reorders no picture")
def test_a_picture_that_is_shown_before_it_is_decoded_is_damage(tmp_path: Path) -> None:
    plain = made.encode(tmp_path / "plain.ts", b_frames=0)
    data = bytearray(plain.read_bytes())
    with av.open(plain) as file:
        packet = [packet for packet in file.demux(video=0) if packet.size][15]
        start = data.index(b"\0\0\1\xe0", packet.pos)
    data[start + 12] ^= 255  # of the presentation time
    path = tmp_path / "v.ts"
    path.write_bytes(data)
    with require_decoders_order(path) as video:
        others = np.delete(np.arange(40), 15)
        np.testing.assert_allclose(video.frame_times[others], others / 25, atol=1e-9)


def damaged_table(path: Path, box: bytes, value: int) -> Path:
    """Replace the time (`stts`: step, `ctts`: lateness) of the first entry of an MP4's table."""
    data = bytearray(path.read_bytes())
    place = data.index(box) + 16
    data[place : place + 4] = value.to_bytes(4)
    path.write_bytes(data)
    return path


@pytest.mark.holds("13.6 frames: an MP4 whose table of times is damaged gives all pictures")
@pytest.mark.parametrize("value", [0xFFFFFF, 0x7FFFFFFF, 0xF0000000])
@pytest.mark.parametrize("box", [b"stts", b"ctts"])
def test_a_damaged_table_of_times_hides_no_picture(tmp_path: Path, box: bytes, value: int) -> None:
    path = made.encode(tmp_path / "v.mp4", options={"x264-params": "bframes=2:b-adapt=0"})
    plain = list(made.read_through(path))
    with require_decoders_order(damaged_table(path, box, value), plain) as video:
        assert video.index.hidden == 0
        if box == b"stts":  # the length in the header has a frame more
            np.testing.assert_allclose(video.frame_times, np.arange(40) / 25, atol=0.04)
            assert video.index.damaged_stamps == 40
    for facts in (file_facts(path), header_facts(path, count=True)):
        assert facts.frames == 40


@pytest.mark.holds("13.6 frames: packets of an MP4 that give no picture are counted")
def test_pictures_that_an_edit_list_leaves_out_are_counted(tmp_path: Path) -> None:
    path = made.encode(tmp_path / "v.mp4", options={"x264-params": "bframes=0"})
    with require_decoders_order(path) as video:
        assert video.index.hidden == 0
    data = bytearray(path.read_bytes())
    place = data.index(b"elst") + 16  # the time in the file at which the list starts
    start = int.from_bytes(data[place : place + 4])
    data[place : place + 4] = (start + 3 * 512).to_bytes(4)
    path.write_bytes(data)
    with require_decoders_order(path) as video:
        assert len(video) == 37
        assert video.index.hidden == 3


@pytest.mark.holds("13.6 frames: packets of an MP4 that give no picture are counted")
def test_a_file_without_packets_is_not_called_too_large(
    tmp_path: Path,
) -> None:
    path = made.encode(tmp_path / "v.mp4")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"stsc", b"\0tsc"))
    with pytest.raises(InputError, match="it has no packet of pictures, or its header is damaged"):
        Video(path)


@pytest.mark.holds("13.8 the reason why a file is no video is right")
@pytest.mark.parametrize(
    ("content", "is_text"),
    [
        (b"#EXTM3U\nfilm.ts\n", True),
        (("\u20ac" * 30).encode(), True),  # the 64th byte is within a letter
        (b"\xff\xd8", False),
        (b"\xff\xfe\xfd\xfc", False),
        (b"\0\0\0\x18", False),
    ],
)
def test_only_text_is_called_text(tmp_path: Path, content: bytes, is_text: bool) -> None:
    (tmp_path / "film.mp4").write_bytes(content)
    with pytest.raises(InputError) as caught:
        Video(tmp_path / "film.mp4")
    assert ("it is text" in str(caught.value)) == is_text
