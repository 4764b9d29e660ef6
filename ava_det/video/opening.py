"""Opening video files safely, and what comes out of them: packets, then decoded frames.

A video file reads no other file, decodes in bounded memory, and every error names it.
"""

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

# Containers and raw streams that hold their pictures themselves. Lists (HLS, DASH, concat, IMF,
# SDP) and numbered pictures, which make FFmpeg open further files, are not among them.
FORMATS = (
    "3dostr,amv,apng,asf,asf_o,av1,avi,avs2,avs3,bink,cavsvideo,dhav,dirac,dnxhd,dv,evc,flv,gif,"
    "gxf,h261,h263,h264,hevc,ipu,ivf,ivr,kux,live_flv,lmlm4,m4v,matroska,webm,mjpeg,mjpeg_2000,"
    "mov,mp4,m4a,3gp,3g2,mj2,mpeg,mpegts,mpegtsraw,mpegvideo,mpjpeg,mxf,mxg,nsv,nut,nuv,obu,ogg,"
    "pva,rm,roq,smjpeg,smk,ty,vc1,vc1test,vivo,vvc,wtv,xmv,yuv4mpegpipe,"
    "bmp_pipe,jpeg_pipe,png_pipe,webp_pipe"  # a picture is a video of one frame
)
TEXT_HEAD = 64  # bytes at the start of a file; a play list begins with so much text


@contextlib.contextmanager
def named(path: Path) -> Generator[None]:
    """Turn whatever reading a video raises into one line that names its file."""
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


def open_video(path: Path, threads: int = 1) -> tuple[InputContainer, VideoStream]:
    """Open a file and choose its video stream; other streams are not read.

    Raises:
        InputError: no such file, not a video, without a video stream, or of pictures that are too
            large or too thin.
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
            # "file:" keeps FFmpeg from taking a name with a colon for an address.
            container = av.open(f"file:{path}", options=options, metadata_errors="replace")
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


def _is_text(path: Path) -> bool:
    """Whether a file begins with text."""
    with open(path, "rb") as file:
        head = file.read(TEXT_HEAD).removeprefix(b"\xef\xbb\xbf")
    return bool(head) and all(byte >= 32 or byte in b"\t\n\r" for byte in head)


def _video_stream(path: Path, container: InputContainer, threads: int) -> VideoStream:
    """The video stream of an open file, ready to be decoded."""
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
    codec.options = {"max_pixels": str(MOST_PIXELS)}  # the size may change on the way
    codec.copy_opaque = True
    codec.thread_type = "AUTO"
    codec.thread_count = threads
    return stream


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

    A packet that cannot be decoded brings none; a damaged frame says so itself (`is_corrupt`).

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
        if isinstance(source, tuple):
            pairs.append((source[0], frame))
    return pairs


def first_picture(
    container: InputContainer, stream: VideoStream
) -> tuple[int, av.VideoFrame | None]:
    """The first frame of a file that has just been opened, and how many packets show nothing: those
    decoded, or to be shown, before it.
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
