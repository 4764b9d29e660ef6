"""Indexes the frames of a video file by reading the packets, without decoding them.

A packet is identified by its number in file order. The index maps every packet to the frame that it
shows, so a decoded frame is identified by its packet. Time stamps are used only for the times of
the frames, since some containers have none and others restart them after a seek.
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
from ava_det.video.opening import EDITED, applies_edits, feed, open_video, read_packets
from ava_det.video.orientation import Orientation, orientation_of, shown_aspect
from ava_det.video.picture_size import require_usable

HIDDEN_FRAMES = {"vp8"}  # codecs with unmarked packets that show no frame
COUNTING = {"avi", "mxf"}  # containers with time stamps that only count packets
REORDERING = {"h264", "hevc"}  # codecs that may detect the reordering of frames late
MADE_UP = {"matroska,webm"}  # containers without decoding time stamps: FFmpeg invents them
PROGRAM_STREAM = "mpeg"  # .mpg and .vob
DISCONTINUOUS = {"mpegts", "mpeg"}  # containers with a clock that may restart or wrap anywhere
MOST_GAP = 10.0  # seconds; a larger jump of such a clock is an error, as in FFmpeg
DEFAULT_RATE = 25.0  # frames per second for a file without a rate, as in FFmpeg
Mark = tuple[int | None, int]


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The frames of one video file. F frames, P packets, K places to start decoding at.

    Attributes:
        times: (F,) float64, seconds from the first frame, in presentation order.
        packets: (F,) int64, the packet of each frame; P or more if the truncated file lacks it.
        shown: (P,) int64, the frame that a packet shows; -1 for none.
        keys: (K,) int64, the packets of key frames. The first is always packet 0.
        marks: K descriptions of the key packets, from `mark_of(packet)`.
        stamps: K tuples of time stamps to seek the key packets, in the stream's time base, best
            first.
        height: The coded height in pixels (before `orientation`).
        width: The coded width in pixels (before `orientation`).
        orientation: The rotation and mirroring of the coded picture in a player.
        aspect: Width divided by height of a shown pixel.
        cut_short: Whether the file is truncated; see `ends_too_soon`.
        damaged_stamps: The number of frames with a bad time stamp. Their times are interpolated.
        hidden: The number of packets in an MP4's table that give no frame, such as those that the
            edit list leaves out.
        edits: Whether the edit list of the file applies, as for `open_video`.
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
    hidden: int
    edits: bool

    @cached_property
    def numbers(self) -> dict[Mark, int]:
        """Map each unique mark to the packet."""
        count = Counter(self.marks)
        pairs = zip(self.marks, self.keys.tolist(), strict=True)
        return {mark: number for mark, number in pairs if count[mark] == 1}

    @cached_property
    def step(self) -> float:
        """Return the usual seconds between frames."""
        return usual_step(self.times)

    def places_before(self, frame: int) -> list[int]:
        """Return places to start decoding for `frame`, as positions in `keys`, best first.

        The places are the key frame before the frame, the key frame before that, and the start of
        the file. The later places serve files with key frames that need earlier pictures (intra
        refresh, wrong flags).
        """
        starts = self.shown[self.keys]
        starts[0] = 0
        before = np.flatnonzero(starts <= frame).tolist()
        return list(dict.fromkeys([*before[:-3:-1], 0]))


class _Packet(NamedTuple):
    """The fields of a packet that the index needs."""

    pts: int | None
    dts: int | None
    size: int
    is_key: bool
    is_discarded: bool
    is_cut: bool


def mark_of(packet: av.Packet | _Packet) -> Mark:
    """Return a mark that identifies a packet after a seek: the time stamp and the size.

    The decoding time stamp is used only if the presentation time stamp is missing: FFmpeg invents
    Matroska's decoding time stamps, and they change with a seek.
    """
    return packet.dts if packet.pts is None else packet.pts, packet.size


def ends_too_soon(path: Path, container: InputContainer, stream: VideoStream) -> bool:
    """Return whether a file is truncated, for example by an interrupted download.

    Only the header is used: MP4 has a table of packets, and Matroska has the length of the content.
    """
    matroska = "matroska" in container.format.name
    return _beyond(container, stream) > 0 or (matroska and _segment_end(path) > container.size)


def read_index(path: Path, container: InputContainer, stream: VideoStream) -> FrameIndex:
    """Index a file that has just been opened with `open_video`. This moves the file position.

    Frame 0 is the first frame that the decoder returns. Earlier packets show no frame, for example
    in a stream copy that begins between key frames.

    The time stamps give the order of the frames. If they are unreliable, the file is decoded once
    to find the order. Stamps are unreliable if some are missing, equal or out of line, if parts of
    the file overlap, or in AVI or MXF with reordered frames, since the stamps count packets.

    Raises:
        InputError: No frame of the file can be decoded.
    """
    codec = stream.codec_context
    reorders = codec.has_b_frames or codec.name in REORDERING
    counts = container.format.name in COUNTING and reorders
    edits = applies_edits(container)
    # Without the edit list, the table of times is damaged.
    decode = counts or codec.name in HIDDEN_FRAMES or not edits
    packets, order, picture = _scan(container, stream, decode)
    if not decode and order:
        decoding_stamps = container.format.name not in MADE_UP
        trusted = _order_by_stamps(packets, order[0], decoding_stamps, reorders)
        if trusted is None or _shows_any(path, _leading(packets, order[0])):
            again, stream_again = open_video(path, edits=edits)
            with again:
                packets, trusted, picture = _scan(again, stream_again, decode=True)
        order = trusted
    if picture is None:
        reason = "it is damaged, or larger than 8192 x 4320"
        if not packets:
            reason = "it has no packet of pictures, or its header is damaged"
        raise InputError(f"{path}: no frame of it can be decoded: {reason}")
    require_usable(path, picture.width, picture.height)
    missing = _missing(container, stream, packets)
    times, damaged = _times(container, stream, [packets[n] for n in order], counts, missing)
    hidden = 0
    if container.format.name in EDITED and stream.frames < container.size:  # else a wrong count
        hidden = max(0, stream.frames - len(order) - missing)
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
        hidden=hidden,
        edits=edits,
    )


def _scan(
    container: InputContainer, stream: VideoStream, decode: bool
) -> tuple[list[_Packet], list[int], av.VideoFrame | None]:
    """Return all packets, the packets of the decoded frames in presentation order, and frame 0.

    Decoding stops after the first frame unless `decode` is set.
    """
    packets: list[_Packet] = []
    order: dict[int, None] = {}  # an ordered set
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


def _order_by_stamps(
    packets: list[_Packet], first: int, decoding_stamps: bool, reorders: bool
) -> list[int] | None:
    """Return the packets of the frames in presentation order; None if the stamps are unreliable.

    Args:
        packets: All packets of the file.
        first: The packet of the first decodable frame.
        decoding_stamps: Whether the container has decoding time stamps. They never decrease in a
            sound file, and no picture is shown before it is decoded.
        reorders: Whether the codec may decode pictures in another order than it shows them.
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
        if back > most_back or (back > 0 and (packets[n].is_key or not reorders)):
            return None
        if decoding_stamps and stamp < (packets[n].dts or stamp):
            return None
        if decoding_stamps and decoding is not None and (packets[n].dts or decoding) < decoding:
            return None
        highest, decoding = max(highest, stamp), packets[n].dts
    # No later stamps show whether the last stamps are really that late, or damaged.
    last = list(shown.values())[-ORDINARY:]
    if any(stamp - before > most_back for before, stamp in itertools.pairwise(last)):
        return None
    return sorted((n for n in shown if shown[n] >= shown[first]), key=shown.__getitem__)


def _leading(packets: list[_Packet], first: int) -> list[int]:
    """Return the packets after the first frame's packet with an earlier presentation time.

    They refer to the first frame and to pictures before the start of the file.
    """
    start = packets[first].pts or 0
    later = range(first + 1, len(packets))
    return [n for n in later if not packets[n].is_discarded and (packets[n].pts or 0) < start]


def _shows_any(path: Path, leading: list[int]) -> bool:
    """Return whether a decoder shows any leading packet. If so, the time stamps are wrong."""
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
    """Return the frame times (F,) in seconds, and the number of bad time stamps.

    The missing frames of a truncated file follow at the usual step.
    """
    stamps = [packet.pts for packet in shown]
    if counts or not any(stamp is not None for stamp in stamps):
        either = [packet.dts if packet.pts is None else packet.pts for packet in shown]
        known = sorted(stamp for stamp in either if stamp is not None)
        stamps = known if len(known) == len(shown) else [None] * len(shown)
    if not applies_edits(container):
        known = [stamp for stamp in stamps if stamp is not None]
        if stream.duration and known and max(known) - min(known) > stream.duration:
            step = float(stream.duration * (stream.time_base or 1)) / stream.frames
            times, _ = frame_times([None] * len(stamps), 1.0, step)
            return np.concatenate([times, times[-1] + step * np.arange(1, missing + 1)]), len(times)
    if container.format.name == PROGRAM_STREAM:
        stamps = without_slips(stamps)
    rate = float(stream.average_rate or DEFAULT_RATE)
    gap = MOST_GAP if container.format.name in DISCONTINUOUS else None
    times, damaged = frame_times(stamps, float(stream.time_base or 1), 1 / rate, gap)
    later = times[-1] + usual_step(times) * np.arange(1, missing + 1)
    return np.concatenate([times, later]), damaged


def usual_step(times: np.ndarray) -> float:
    """Return the usual seconds between frames."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 1 / DEFAULT_RATE


def _missing(container: InputContainer, stream: VideoStream, packets: list[_Packet]) -> int:
    """Return how many frames of an MP4's table are beyond the end of a truncated file."""
    if stream.frames <= len(packets):
        return 0
    # The last packet may be incomplete.
    return max(0, _beyond(container, stream) - packets[-1].is_cut)


def _segment_end(path: Path) -> int:
    """Return the end of a Matroska segment in bytes; 0 if unknown (RFC 9559, RFC 8794)."""
    with open(path, "rb") as file:
        head = file.read(4096)
    start = head.find(b"\x18\x53\x80\x67") + 4  # the segment ID; the length follows
    if not 4 <= start < len(head) or not head[start]:
        return 0
    width = 9 - head[start].bit_length()
    most = (1 << 7 * width) - 1  # this value means an unknown length
    length = int.from_bytes(head[start : start + width]) & most
    return 0 if length == most else start + width + length


def _beyond(container: InputContainer, stream: VideoStream) -> int:
    """Return how many packets of the file's table are missing or incomplete."""
    entries = stream.index_entries
    return sum(entry.size > 0 and entry.pos + entry.size > container.size for entry in entries)
