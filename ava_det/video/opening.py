"""Opens video files safely and reads packets and decoded frames.

A video file cannot make FFmpeg open another file. Decoding uses bounded memory. Every error names
the file.
"""

import codecs
import contextlib
import itertools
from collections.abc import Generator, Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from ava_det.formats.regular import require_regular
from ava_det.structures import InputError
from ava_det.video.picture_size import MOST_PIXELS, require_usable

# Containers and raw streams that contain the pictures. Lists (HLS, DASH, concat, IMF, SDP) and
# numbered pictures are left out, since they make FFmpeg open other files.
FORMATS = (
    "3dostr,amv,apng,asf,asf_o,av1,avi,avs2,avs3,bink,cavsvideo,dhav,dirac,dnxhd,dv,evc,flv,gif,"
    "gxf,h261,h263,h264,hevc,ipu,ivf,ivr,kux,live_flv,lmlm4,m4v,matroska,webm,mjpeg,mjpeg_2000,"
    "mov,mp4,m4a,3gp,3g2,mj2,mpeg,mpegts,mpegtsraw,mpegvideo,mpjpeg,mxf,mxg,nsv,nut,nuv,obu,ogg,"
    "pva,rm,roq,smjpeg,smk,ty,vc1,vc1test,vivo,vvc,wtv,xmv,yuv4mpegpipe,"
    "bmp_pipe,jpeg_pipe,png_pipe,webp_pipe"  # a picture is a video of one frame
)
EDITED = {"mov,mp4,m4a,3gp,3g2,mj2"}  # containers with edit lists
WITHOUT_EDITS = {"ignore_editlist": "1"}
MOST_BEYOND = 1.5  # times the length in the header, from which times are damaged
TEXT_HEAD = 64  # bytes at the start of a file; a play list begins with this much text


@contextlib.contextmanager
def named(path: Path) -> Generator[None]:
    """Turn every error of reading a video into one line that names the file."""
    try:
        yield
    except InputError:
        raise
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"{path}: not a readable video ({error.strerror or error})") from error
    except MemoryError as error:
        raise InputError(f"{path}: there is not enough memory for its pictures") from error
    except UnicodeError as error:
        raise InputError(f"{path}: the name is not valid UTF-8; rename the file") from error
    except (ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"{path}: not a readable video ({reason})") from error


def open_video(
    path: Path, threads: int = 1, edits: bool | None = None
) -> tuple[InputContainer, VideoStream]:
    """Open a file and choose the video stream. Other streams are not read.

    Args:
        path: The file.
        threads: The number of decoding threads.
        edits: Whether the edit list of an MP4 applies. None looks through the table of the file,
            and leaves out a list that hides packets because the times are damaged.

    Raises:
        InputError: The file does not exist, is no video or has no video stream, or the pictures are
            too large or too thin.
    """
    with named(path):
        str(path).encode()  # results name the video in UTF-8
        require_regular(path)
        options = {
            "protocol_whitelist": "file",
            "format_whitelist": FORMATS,
            "max_pixels": str(MOST_PIXELS),
        }
        try:
            container = _open(path, options if edits in (None, True) else options | WITHOUT_EDITS)
            if edits is None and _loses_all_by_damage(path, container, options):
                container.close()
                container = _open(path, options | WITHOUT_EDITS)
        except av.FFmpegError:
            if _is_text(path):
                raise InputError(
                    f"{path}: not a readable video: it is text (a play list, say); give the video "
                    "itself"
                ) from None
            raise
        try:
            return container, _video_stream(path, container, threads)
        except BaseException:
            container.close()
            raise


def applies_edits(container: InputContainer) -> bool:
    """Return whether the edit list of a file from `open_video` applies."""
    return not WITHOUT_EDITS.items() <= container.options.items()


def _open(path: Path, options: dict[str, str]) -> InputContainer:
    # "file:" keeps FFmpeg from taking a name with a colon for an address.
    return av.open(f"file:{path}", options=options, metadata_errors="replace")


def _loses_all_by_damage(path: Path, container: InputContainer, options: dict[str, str]) -> bool:
    """Return whether an MP4's edit list hides packets because the times in the table are wrong.

    Such a list is of no use. In a sound file, the times without it are within the length that the
    header has, and the list hides only what an editor has cut off.
    """
    if container.format.name not in EDITED or not container.streams.video:
        return False
    stream = container.streams.video[0]
    if sum(not entry.is_discard for entry in stream.index_entries) >= stream.frames:
        return False
    with _open(path, options | WITHOUT_EDITS) as whole:
        stream = whole.streams.video[0]
        stamps = [entry.timestamp for entry in stream.index_entries]
        first = next(read_packets(whole, stream), None)
        if not stream.duration or not stamps or first is None or first.pts is None:
            return False
        return max(map(abs, (stamps[0], stamps[-1], first.pts))) > MOST_BEYOND * stream.duration


def _is_text(path: Path) -> bool:
    """Return whether a file begins with text."""
    with open(path, "rb") as file:
        head = file.read(TEXT_HEAD).removeprefix(b"\xef\xbb\xbf")
    try:
        # The head may end within a character. Anything else than UTF-8 is no play list.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return bool(text) and all(letter >= " " or letter in "\t\n\r" for letter in text)


def _video_stream(path: Path, container: InputContainer, threads: int) -> VideoStream:
    """Return the video stream of an open file, ready to decode."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise InputError(f"{path}: no video in it")
    stream = streams[0]
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    codec = stream.codec_context
    if codec is None:
        raise InputError(f"{path}: no decoder for its video")
    if codec.width and codec.height:
        require_usable(path, codec.width, codec.height)
    codec.options = {"max_pixels": str(MOST_PIXELS)}  # the size may change within the video
    codec.copy_opaque = True
    codec.thread_type = "AUTO"
    codec.thread_count = threads
    return stream


def read_packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    """Yield packets from the current position to the end of the file or the first damage."""
    with contextlib.suppress(av.FFmpegError):
        for packet in container.demux(stream):
            if packet.size:  # an empty packet would end the stream for the decoder
                yield packet


def feed(
    stream: VideoStream, packet: av.Packet | None, number: int
) -> list[tuple[int, av.VideoFrame]]:
    """Decode a packet and yield the frames that the decoder returns, with their packet numbers.

    An undecodable packet yields no frame. A damaged frame has `is_corrupt` set.

    Args:
        stream: The stream from `open_video`.
        packet: The packet. None flushes the decoder.
        number: The number of the packet.
    """
    if packet is not None:
        packet.opaque = (number,)  # a new object: PyAV compares opaque objects by id()
    try:
        frames = stream.codec_context.decode(packet)
    except av.FFmpegError:
        return []
    pairs = []
    for frame in frames:
        source = frame.opaque
        # The Motion JPEG and GIF decoders drop it, but return the frame of a packet at once.
        if source is None and packet is not None and frame.pts == packet.pts:
            source = (number,)
        if isinstance(source, tuple):
            pairs.append((source[0], frame))
    return pairs


def first_picture(
    container: InputContainer, stream: VideoStream
) -> tuple[int, av.VideoFrame | None]:
    """Return the first frame of a newly opened file, and the number of packets without a frame.

    Packets without a frame are decoded, or have a presentation time, before the first frame.
    """
    stamps = list[int | None]()
    for packet in itertools.chain(read_packets(container, stream), [None]):
        for number, picture in feed(stream, packet, len(stamps)):
            first = picture.pts
            leading = (first is not None and s is not None and s < first for s in stamps)
            return number + sum(itertools.islice(leading, number, None)), picture
        if packet is not None:
            stamps.append(packet.pts)
    return len(stamps), None
