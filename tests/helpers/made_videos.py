"""Make small video files for tests, with the oddities of real files."""

import contextlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest


def pictures(count: int, height: int = 48, width: int = 64) -> Iterator[np.ndarray]:
    """Yield different frames (H, W, 3) uint8: moving blocks, and a corner that is always red."""
    blocks = np.random.default_rng(0).integers(0, 255, (height // 8 + 1, width // 8 + 1, 3))
    blocks = blocks.astype(np.uint8).repeat(8, 0).repeat(8, 1)[:height, :width]
    for i in range(count):
        frame = np.roll(blocks, 3 * i, 1)
        frame[:16, :16] = 255, 0, 0
        frame[-8:] = 6 * i % 256
        yield frame


def encode(
    path: Path,
    codec: str = "libx264",
    count: int = 40,
    size: tuple[int, int] = (48, 64),
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    b_frames: int | None = None,
    times_ms: np.ndarray | None = None,
    cut: int = 0,
    rotation: int = 0,
    mirrors: tuple[bool, bool] = (False, False),
    aspect: Fraction | None = None,
) -> Path:
    """Write `pictures` with a key frame every 12; `times_ms` makes the rate vary.

    Args:
        path: The file; the suffix selects the container.
        codec: FFmpeg's name of the encoder; the test is skipped if PyAV lacks the encoder.
        count: The number of frames.
        size: The height and width.
        pix_fmt: The pixel format of the encoder.
        options: The options of the encoder.
        container: The options of the container.
        b_frames: The most B-frames in a row; None is the default of the encoder.
        times_ms: (count,) The time of each frame; None is 25 frames per second.
        cut: The number of frames that an edit list hides at the beginning (MP4).
        rotation: The display rotation in degrees, counter-clockwise.
        mirrors: Whether a player mirrors the rotated picture, left to right and up to down.
        aspect: The width of a pixel divided by the height; None writes no aspect ratio.
    """
    if codec not in av.codec.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    base = Fraction(1, 25) if times_ms is None else Fraction(1, 1000)
    stamps = range(count) if times_ms is None else times_ms.tolist()
    with av.open(path, "w", options=container or {}) as file:
        stream = file.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = size
        stream.pix_fmt = pix_fmt
        context = stream.codec_context
        context.gop_size = 12
        context.time_base = base
        if b_frames is not None:
            context.max_b_frames = b_frames
        if rotation or any(mirrors):
            stream.set_display_rotation(rotation, *mirrors)
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        file.start_encoding()  # write the header even without frames
        frames = [av.VideoFrame.from_ndarray(p, format="rgb24") for p in pictures(count, *size)]
        for frame, stamp in zip(frames, stamps, strict=True):
            frame.pts, frame.time_base = stamp, base
        for frame in (*frames, None):
            for packet in stream.encode(frame):
                if cut:
                    packet.pts -= cut
                    packet.dts -= cut
                file.mux(packet)
    return path


def encode_hidden(path: Path) -> Path:
    """Write a VP8 file with hidden packets, like the alternate reference frames of VP8."""
    plain = encode(path.with_suffix(".mkv"), "libvpx")
    with av.open(plain) as source, av.open(path, "w") as file:
        stream = file.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if not packet.size:
                continue
            data = bytearray(bytes(packet))
            if number in (5, 17, 30):
                data[0] &= ~0b10000  # "show_frame" (RFC 6386, 9.1)
            hidden = av.Packet(bytes(data))
            hidden.stream, hidden.time_base = stream, packet.time_base
            hidden.pts, hidden.dts = packet.pts, packet.dts
            hidden.is_keyframe = packet.is_keyframe
            file.mux(hidden)
    return path


def encode_audio(path: Path) -> Path:
    """Write half a second of silence."""
    with av.open(path, "w") as file:
        stream = file.add_stream("aac", rate=44100)
        for i in range(20):
            silence = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, 1024 * i
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def encode_packed(path: Path) -> Path:
    """Write an AVI with packed B-frames like DivX 5: P and B in one packet, then a dummy packet.

    FFmpeg cannot encode packed B-frames, so this function repacks the packets of FFmpeg.
    """
    plain = encode(path.with_suffix(".mkv"), "mpeg4", 41, b_frames=1, options={"b_strategy": "0"})
    with av.open(plain) as file:
        packets = [(bytes(p), p.is_keyframe) for p in file.demux(video=0) if p.size]
        header = bytes(file.streams.video[0].codec_context.extradata)
    start = b"\0\0\1\xb6"  # start of a picture; the next two bits are the type, 2 for B
    signature = b"\0\0\1\xb2DivX503b1393p"  # "p" stands for packed
    header = header[: header.index(b"\0\0\1\xb2")] + signature
    dummy = start + bytes([0b01010000, 0b01011111])  # a P picture that is not coded
    chunks: list[tuple[bytes, bool]] = []
    for data, is_key in packets:
        if data[data.index(start) + 4] >> 6 == 2:
            chunks[-1] = chunks[-1][0] + data, chunks[-1][1]
            chunks.append((dummy, False))
        else:
            chunks.append((data, is_key))
    with av.open(path, "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.extradata = header
        for number, (data, is_key) in enumerate(chunks):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 25), is_key
            packet.pts = packet.dts = number
            file.mux(packet)
    return path


def read_through(path: Path, tolerant: bool = False) -> Iterator[np.ndarray]:
    """Yield all frames in order with plain PyAV, as a reference for random access.

    Args:
        path: The video.
        tolerant: Skip packets that cannot be decoded.
    """
    with av.open(path) as file:
        codec = file.streams.video[0].codec_context
        codec.thread_count = 1
        for packet in file.demux(video=0):
            with contextlib.suppress(av.FFmpegError) if tolerant else contextlib.nullcontext():
                for frame in codec.decode(packet):
                    yield frame.to_ndarray(format="rgb24", threads=1)


def rewrite(
    source: Path,
    target: Path,
    skip: int = 0,
    change: Callable[[int, int, int], tuple[int, int]] | None = None,
) -> Path:
    """Copy the packets of a video, as a stream copy does.

    Args:
        source: The video.
        target: The new file; the suffix selects the container.
        skip: The number of packets to leave out at the beginning.
        change: Takes a packet's number, presentation and decoding stamps, and returns new stamps.
    """
    with av.open(source) as old, av.open(target, "w") as file:
        stream = file.add_stream_from_template(old.streams.video[0])
        number = 0
        for packet in old.demux(video=0):
            if not packet.size:
                continue
            if number >= skip:
                packet.stream = stream
                if change is not None:
                    pts = packet.pts if packet.pts is not None else packet.dts
                    dts = packet.dts if packet.dts is not None else pts
                    packet.pts, packet.dts = change(number, pts, dts)
                file.mux(packet)
            number += 1
    return target
