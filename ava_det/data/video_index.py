"""Where the frames of a video file are: found by reading its packets, without decoding them.

A packet is known by its number, counted in file order. The index knows which frame every packet
shows, so a decoded frame is recognised by the packet that it came from. Time stamps, which some
containers lack and others restart after a seek, are needed only for the times of the frames.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from ava_det.data.orientation import Orientation, orientation_of, shown_aspect
from ava_det.structures import InputError

HIDDEN_FRAMES = {"vp8"}  # codecs with packets that show nothing and are not marked so
COUNTING = {"avi", "mxf"}  # containers whose time stamps only count packets
REORDERING = {"h264", "hevc"}  # codecs that may not know at first that frames are out of order
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

    @cached_property
    def numbers(self) -> dict[Mark, int]:
        """The packet of each mark."""
        return dict(zip(self.marks, self.keys.tolist(), strict=True))

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


def header_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """How long a video is as its header says; None if it does not."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def ends_too_soon(path: Path, container: InputContainer, stream: VideoStream) -> bool:
    """Whether a file is cut short, such as a download that broke off, as far as its header tells:
    MP4 has a table of its packets, Matroska the length of what it holds.
    """
    matroska = "matroska" in container.format.name
    return _beyond(container, stream) > 0 or (matroska and _segment_end(path) > container.size)


def open_video(path: Path, threads: int = 1) -> tuple[InputContainer, VideoStream]:
    """Open a file and choose its video stream; other streams are not read.

    Raises:
        InputError: no such file, not a video, or without a video stream.
    """
    if not path.is_file():
        raise InputError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    # "file:" keeps FFmpeg from taking a name with a colon for an address, and the white list
    # keeps a play list in disguise from reading anything else.
    options = {"protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"{path}: not a readable video ({error.strerror})") from error
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        container.close()
        raise InputError(f"{path}: no video in it")
    for other in container.streams:
        if other.index != streams[0].index:
            other.discard = Discard.all
    codec = streams[0].codec_context
    if codec is None:
        container.close()
        raise InputError(f"{path}: no decoder for its video")
    codec.copy_opaque = True
    codec.thread_type = "AUTO"
    codec.thread_count = threads
    return container, streams[0]


def read_packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    """Packets from the current position to the end of the file, or to where it is damaged."""
    with contextlib.suppress(av.FFmpegError):
        for packet in container.demux(stream):
            if packet.size:  # an empty one would tell the decoder that the stream ends
                yield packet


def feed(
    stream: VideoStream, packet: av.Packet | None, number: int
) -> list[tuple[int, av.VideoFrame]]:
    """Frames that a packet brings out of the decoder, each with the number of its own packet.

    A packet that cannot be decoded brings none; frames that are marked as damaged are left out.

    Args:
        stream: from `open_video`.
        packet: what to decode; None asks for all that the decoder still holds.
        number: of the packet.
    """
    if packet is not None:
        packet.opaque = (number,)  # a new object: PyAV tells opaque ones apart by id()
    try:
        frames = stream.codec_context.decode(packet)
    except av.FFmpegError:
        return []
    pairs = []
    for frame in frames:
        source = frame.opaque
        # Motion JPEG and GIF do not hand it on, but answer a packet at once.
        if source is None and packet is not None and frame.pts == packet.pts:
            source = (number,)
        if isinstance(source, tuple) and not frame.is_corrupt:
            pairs.append((source[0], frame))
    return pairs


def first_picture(container: InputContainer, stream: VideoStream) -> av.VideoFrame | None:
    """The first frame that can be decoded from the position on; None if there is none."""
    for number, packet in enumerate(itertools.chain(read_packets(container, stream), [None])):
        for _, frame in feed(stream, packet, number):
            return frame
    return None


def read_index(path: Path, container: InputContainer, stream: VideoStream) -> FrameIndex:
    """Index a file that has just been opened with `open_video`; its position moves.

    Frames come in the order of their time stamps. Where those cannot be trusted (there are none,
    or it is AVI or MXF with frames out of order, whose stamps count packets) the order is found by
    decoding the file once.

    Raises:
        InputError: no frame of it can be decoded.
    """
    codec = stream.codec_context
    reorders = codec.has_b_frames or codec.name in REORDERING
    counts = container.format.name in COUNTING and reorders
    decode = counts or codec.name in HIDDEN_FRAMES
    packets, order, picture = _scan(container, stream, decode)
    if not decode:
        order = [n for n, packet in enumerate(packets) if not packet.is_discarded]
        if _stamps([packets[n].pts for n in order]) is not None:
            order.sort(key=lambda n: packets[n].pts or 0)
        else:
            again, stream_again = open_video(path)
            with again:
                packets, order, picture = _scan(again, stream_again, decode=True)
    if picture is None:
        raise InputError(f"{path}: no frame of it can be decoded")
    missing = _missing(container, stream, packets)
    times = _times(stream, packets, order, missing)
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


def _stamps(stamps: list[int | None]) -> np.ndarray | None:
    """Time stamps in increasing order; None where some are lacking or equal."""
    known = {stamp for stamp in stamps if stamp is not None}
    return np.array(sorted(known), np.int64) if len(known) == len(stamps) else None


def _times(
    stream: VideoStream, packets: list[_Packet], order: list[int], missing: int
) -> np.ndarray:
    """(F,) times of the frames in seconds; those that the file lacks follow at the usual step."""
    stamps = _stamps([packets[n].pts for n in order])
    if stamps is None:
        stamps = _stamps([packets[n].dts for n in order])
    if stamps is not None and stream.time_base is not None:
        times = (stamps - stamps[0]) * float(stream.time_base)
    else:
        times = np.arange(len(order)) / float(stream.average_rate or DEFAULT_RATE)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1 / DEFAULT_RATE
    return np.concatenate([times, times[-1] + step * np.arange(1, missing + 1)])


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
