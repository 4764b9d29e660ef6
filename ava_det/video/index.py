"""Where the frames of a video file are: found by reading its packets, without decoding them.

A packet is known by its number, counted in file order. The index knows which frame every packet
shows, so a decoded frame is recognised by the packet that it came from. Time stamps, which some
containers lack and others restart after a seek, are needed only for the times of the frames.
"""

import itertools
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from ava_det.structures import InputError
from ava_det.video.frame_times import ORDINARY, frame_times, without_slips
from ava_det.video.opening import feed, open_video, read_packets
from ava_det.video.orientation import Orientation, orientation_of, shown_aspect
from ava_det.video.picture_size import require_usable

HIDDEN_FRAMES = {"vp8"}  # codecs with packets that show nothing and are not marked so
COUNTING = {"avi", "mxf"}  # containers whose time stamps only count packets
REORDERING = {"h264", "hevc"}  # codecs that may not know at first that frames are out of order
MADE_UP = {"matroska,webm"}  # containers without decoding time stamps: FFmpeg makes them up
PROGRAM_STREAM = "mpeg"  # .mpg and .vob
DISCONTINUOUS = {"mpegts", "mpeg"}  # containers whose clock may start anew, or wrap, anywhere
MOST_GAP = 10.0  # seconds that such a clock may jump ahead and be believed, as in FFmpeg
DEFAULT_RATE = 25.0  # frames a second where a file tells nothing, as in FFmpeg
Mark = tuple[int | None, int]


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The frames of one video file. F frames, P packets, K places to start decoding at.

    Attributes:
        times: (F,) float64, seconds from the first frame, in order of presentation.
        packets: (F,) int64, the packet of a frame; P and above where the file ends before it.
        shown: (P,) int64, the frame that a packet shows, -1 for none.
        keys: (K,) int64, the packets of key frames; the first is packet 0, whatever it is.
        marks: K descriptions of those packets, `mark_of(packet)`.
        stamps: K tuples of time stamps to seek for them, in the stream's time base, best first.
        height: pixels, as coded (before `orientation`).
        width: pixels, as coded.
        orientation: how the coded picture is laid to be shown.
        aspect: width by height of a shown pixel.
        cut_short: whether the file ends before it says, `ends_too_soon`.
        damaged_stamps: how many frames have a time stamp that is out of line, and so a time between
            those of their neighbours.
    """

    times: np.ndarray
    packets: np.ndarray
    shown: np.ndarray
    keys: np.ndarray
    marks: tuple[Mark, ...]
    stamps: tuple[tuple[int, ...], ...]
    height: int
    width: int
    orientation: Orientation
    aspect: Fraction
    cut_short: bool
    damaged_stamps: int

    @cached_property
    def numbers(self) -> dict[Mark, int]:
        """The packet of each mark that only one has."""
        count = Counter(self.marks)
        pairs = zip(self.marks, self.keys.tolist(), strict=True)
        return {mark: number for mark, number in pairs if count[mark] == 1}

    @cached_property
    def step(self) -> float:
        """Seconds from one frame to the next, as a rule."""
        return usual_step(self.times)

    def places_before(self, frame: int) -> list[int]:
        """Where to start decoding to get `frame`, as positions in `keys`, best first.

        The key frame before it, the one before that, the start of the file: the later ones serve
        files whose key frames need earlier pictures (intra refresh, wrong flags).
        """
        starts = self.shown[self.keys]
        starts[0] = 0
        before = np.flatnonzero(starts <= frame).tolist()
        return list(dict.fromkeys([*before[:-3:-1], 0]))


class _Packet(NamedTuple):
    """What the index needs to know of a packet."""

    pts: int | None
    dts: int | None
    size: int
    is_key: bool
    is_discarded: bool
    is_cut: bool


def mark_of(packet: av.Packet | _Packet) -> Mark:
    """What a packet is recognised by after a seek: its time stamp and its size.

    The decoding time stamp stands in for a lacking one only: Matroska's are made up by FFmpeg and
    change with a seek.
    """
    return packet.dts if packet.pts is None else packet.pts, packet.size


def ends_too_soon(path: Path, container: InputContainer, stream: VideoStream) -> bool:
    """Whether a file is cut short, such as a download that broke off, as far as its header tells:
    MP4 has a table of its packets, Matroska the length of what it holds.
    """
    matroska = "matroska" in container.format.name
    return _beyond(container, stream) > 0 or (matroska and _segment_end(path) > container.size)


def read_index(path: Path, container: InputContainer, stream: VideoStream) -> FrameIndex:
    """Index a file that has just been opened with `open_video`; its position moves.

    Frames are counted from the first one that a decoder gives: packets before it, such as those of
    a stream copy that begins between key frames, show nothing.

    Frames come in the order of their time stamps. Where those cannot be trusted (some are lacking,
    equal or out of line, the file has several parts that overlap, or it is AVI or MXF with frames
    out of order, whose stamps count packets) the order is found by decoding the file once.

    Raises:
        InputError: no frame of it can be decoded.
    """
    codec = stream.codec_context
    reorders = codec.has_b_frames or codec.name in REORDERING
    counts = container.format.name in COUNTING and reorders
    decode = counts or codec.name in HIDDEN_FRAMES
    packets, order, picture = _scan(container, stream, decode)
    if not decode and order:
        decoding_stamps = container.format.name not in MADE_UP
        trusted = _order_by_stamps(packets, order[0], decoding_stamps)
        if trusted is None or _shows_any(path, _leading(packets, order[0])):
            again, stream_again = open_video(path)
            with again:
                packets, trusted, picture = _scan(again, stream_again, decode=True)
        order = trusted
    if picture is None:
        reason = "it is damaged, or larger than 8192 x 4320"
        raise InputError(f"{path}: no frame of it can be decoded: {reason}")
    require_usable(path, picture.width, picture.height)
    missing = _missing(container, stream, packets)
    times, damaged = _times(container, stream, [packets[n] for n in order], counts, missing)
    shown = np.full(len(packets), -1, np.int64)
    shown[order] = np.arange(len(order))
    keys = [n for n, packet in enumerate(packets) if n == 0 or (packet.is_key and shown[n] >= 0)]
    orientation = orientation_of(picture)
    return FrameIndex(
        times=times,
        packets=np.concatenate([order, len(packets) + np.arange(missing)]).astype(np.int64),
        shown=shown,
        keys=np.array(keys, np.int64),
        marks=tuple(mark_of(packets[n]) for n in keys),
        stamps=tuple(tuple(s for s in packets[n][:2] if s is not None) for n in keys),
        height=picture.height,
        width=picture.width,
        orientation=orientation,
        aspect=shown_aspect(stream.sample_aspect_ratio, orientation),
        cut_short=ends_too_soon(path, container, stream),
        damaged_stamps=damaged,
    )


def _scan(
    container: InputContainer, stream: VideoStream, decode: bool
) -> tuple[list[_Packet], list[int], av.VideoFrame | None]:
    """All packets, the packets of the decoded frames in order of presentation, the first frame.

    Decoding ends with the first frame unless `decode`.
    """
    packets: list[_Packet] = []
    order: dict[int, None] = {}  # a set in order
    picture: av.VideoFrame | None = None
    for packet in itertools.chain(read_packets(container, stream), [None]):
        if decode or picture is None:
            for number, frame in feed(stream, packet, len(packets)):
                order[number] = None
                picture = picture or frame
        if packet is not None:
            flags = packet.is_keyframe, packet.is_discard, packet.is_corrupt
            packets.append(_Packet(packet.pts, packet.dts, packet.size, *flags))
    return packets, list(order), picture


def _order_by_stamps(packets: list[_Packet], first: int, decoding_stamps: bool) -> list[int] | None:
    """The packets of the frames in order of presentation; None where stamps do not tell it.

    Args:
        packets: of the file.
        first: the packet of the first frame that can be decoded.
        decoding_stamps: whether the container has those; they never go back in a sound file.
    """
    shown = {
        n: packet.pts
        for n, packet in enumerate(packets)
        if packet.pts is not None and not packet.is_discarded
    }
    listed = sum(not packet.is_discarded for packet in packets)
    known = sorted(set(shown.values()))
    if len(known) < listed or first not in shown:
        return None
    most_back = ORDINARY * float(np.median(np.diff(known))) if len(known) > 1 else 0.0
    highest, decoding = known[0], None
    for n, stamp in shown.items():
        back = highest - stamp
        # No picture is shown after a key frame and decoded before it.
        if back > most_back or (packets[n].is_key and back > 0):
            return None
        if decoding_stamps and decoding is not None and (packets[n].dts or decoding) < decoding:
            return None
        highest, decoding = max(highest, stamp), packets[n].dts
    # Nothing comes after the last ones to tell whether they are shown so late, or are damaged.
    last = list(shown.values())[-ORDINARY:]
    if any(stamp - before > most_back for before, stamp in itertools.pairwise(last)):
        return None
    return sorted((n for n in shown if shown[n] >= shown[first]), key=shown.__getitem__)


def _leading(packets: list[_Packet], first: int) -> list[int]:
    """The packets after that of the first frame that are to be shown before it, which they refer
    to, and something before the file begins.
    """
    start = packets[first].pts or 0
    later = range(first + 1, len(packets))
    return [n for n in later if not packets[n].is_discarded and (packets[n].pts or 0) < start]


def _shows_any(path: Path, leading: list[int]) -> bool:
    """Whether a decoder shows any of the leading packets: then their time stamps are wrong."""
    if not leading:
        return False
    container, stream = open_video(path)
    with container:
        packets = itertools.islice(read_packets(container, stream), leading[-1] + ORDINARY)
        numbers = {
            source
            for number, packet in enumerate(itertools.chain(packets, [None]))
            for source, _ in feed(stream, packet, number)
        }
    return not numbers.isdisjoint(leading)


def _times(
    container: InputContainer,
    stream: VideoStream,
    shown: list[_Packet],
    counts: bool,
    missing: int,
) -> tuple[np.ndarray, int]:
    """(F,) times of the frames in seconds, and how many of their time stamps are out of line.

    Frames that the file lacks follow at the usual step.
    """
    stamps = [packet.pts for packet in shown]
    if counts or not any(stamp is not None for stamp in stamps):
        either = [packet.dts if packet.pts is None else packet.pts for packet in shown]
        known = sorted(stamp for stamp in either if stamp is not None)
        stamps = known if len(known) == len(shown) else [None] * len(shown)
    if container.format.name == PROGRAM_STREAM:
        stamps = without_slips(stamps)
    rate = float(stream.average_rate or DEFAULT_RATE)
    gap = MOST_GAP if container.format.name in DISCONTINUOUS else None
    times, damaged = frame_times(stamps, float(stream.time_base or 1), 1 / rate, gap)
    later = times[-1] + usual_step(times) * np.arange(1, missing + 1)
    return np.concatenate([times, later]), damaged


def usual_step(times: np.ndarray) -> float:
    """Seconds from one frame to the next, as a rule."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 1 / DEFAULT_RATE


def _missing(container: InputContainer, stream: VideoStream, packets: list[_Packet]) -> int:
    """How many frames the file's own table lists beyond its end: those of an MP4 cut short."""
    if stream.frames <= len(packets):
        return 0
    # The last packet may be there in part.
    return max(0, _beyond(container, stream) - packets[-1].is_cut)


def _segment_end(path: Path) -> int:
    """The byte that a Matroska file says it ends before; 0 if it does not (RFC 9559, RFC 8794)."""
    with open(path, "rb") as file:
        head = file.read(4096)
    start = head.find(b"\x18\x53\x80\x67") + 4  # its segment, whose length follows
    if not 4 <= start < len(head) or not head[start]:
        return 0
    width = 9 - head[start].bit_length()
    most = (1 << 7 * width) - 1  # which says that the length was not known
    length = int.from_bytes(head[start : start + width]) & most
    return 0 if length == most else start + width + length


def _beyond(container: InputContainer, stream: VideoStream) -> int:
    """How many packets of the file's own table are not there to their end."""
    entries = stream.index_entries
    return sum(entry.size > 0 and entry.pos + entry.size > container.size for entry in entries)
