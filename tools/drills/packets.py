"""Encodes small films and remuxes changed packets with FFmpeg."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from drills.damage import damaged


@dataclass(frozen=True)
class Film:
    """The encoding of a film."""

    codec: str
    height: int = 48
    width: int = 64
    frames: int = 30
    audio: bool = False
    aspect: tuple[int, int] | None = None
    container: tuple[tuple[str, str], ...] = ()


FILMS = {
    "h264.mp4": Film("libx264"),
    "h264_sound.mp4": Film("libx264", audio=True),
    "fragments.mp4": Film("libx264", container=(("movflags", "frag_keyframe+empty_moov"),)),
    "h264.mov": Film("libx264"),
    "mjpeg.mov": Film("mjpeg"),
    "h264.mkv": Film("libx264"),
    "ffv1.mkv": Film("ffv1", frames=10),
    "vp8.webm": Film("libvpx"),
    "vp9.webm": Film("libvpx-vp9"),
    "mpeg4.avi": Film("mpeg4"),
    "mjpeg.avi": Film("mjpeg"),
    "h264.ts": Film("libx264"),
    "mpeg2.ts": Film("mpeg2video"),
    "wmv2.wmv": Film("wmv2"),
    "flv1.flv": Film("flv"),
    "h264.flv": Film("libx264"),
    "mpeg1.mpg": Film("mpeg1video"),
    "mpeg2.mpg": Film("mpeg2video"),
    "gif.gif": Film("gif", frames=10),
    "mpeg4.3gp": Film("mpeg4"),
}
BITEXACT = {"fflags": "+bitexact"}  # no random numbers in a header
_PIXELS = {"mjpeg": "yuvj420p", "gif": "rgb8", "png": "rgb24"}


def encode(path: Path, film: Film) -> None:
    """Write a film of moving blocks, 25 frames a second."""
    with av.open(path, "w", options={**BITEXACT, **dict(film.container)}) as file:
        stream = cast(VideoStream, file.add_stream(film.codec, rate=25))
        stream.height, stream.width = film.height, film.width
        stream.pix_fmt = _PIXELS.get(film.codec, "yuv420p")
        context = stream.codec_context
        context.thread_count = 1
        context.gop_size = 12
        if film.aspect:
            context.sample_aspect_ratio = Fraction(*film.aspect)
        sound = file.add_stream("aac", rate=44100) if film.audio else None
        for frame in _pictures(film):
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        if sound:
            _silence(file, sound)


def _pictures(film: Film) -> Iterator[av.VideoFrame]:
    shape = film.height // 8 + 1, film.width // 8 + 1, 3
    blocks = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    picture = blocks.repeat(8, 0).repeat(8, 1)[: film.height, : film.width]
    for number in range(film.frames):
        moved = np.ascontiguousarray(np.roll(picture, 3 * number, 1))
        frame = av.VideoFrame.from_ndarray(moved, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        yield frame


def _silence(file: OutputContainer, stream: AudioStream) -> None:
    for number in range(60):
        silence = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44100, 1024 * number
        file.mux(stream.encode(frame))
    file.mux(stream.encode(None))


def remux(rng: random.Random, source: Path, path: Path) -> None:
    """Write the packets of a film to a new file, with some packets or times changed.

    If the muxer refuses a packet, the file ends at this packet, as after a crash of the writing
    program. If the muxer refuses all packets, `path` is unchanged or empty.
    """
    try:
        with av.open(source) as film, av.open(path, "w", options=BITEXACT) as file:
            old = film.streams.video[0]
            new = file.add_stream_from_template(old)
            packets = [p for p in film.demux(video=0) if p.size and p.pts is not None]
            for packet in _changed(rng, packets, float(old.time_base or 1)):
                packet.stream = new
                file.mux(packet)
    except (av.FFmpegError, ValueError, OverflowError):
        return


def _changed(rng: random.Random, packets: list[av.Packet], base: float) -> list[av.Packet]:
    """Return packets in another order or with other times; `base` is the time unit in seconds."""
    if not packets:
        return packets
    place = rng.randrange(len(packets))
    kind = rng.randrange(8)
    if kind == 0:
        return [packet for packet in packets if rng.random() < 0.7]
    if kind == 1:
        return packets[place:]
    if kind == 2:
        order = list(packets)
        rng.shuffle(order)
        return _in_time(order, base)
    if kind == 3:
        return [_with_data(rng, packet) if rng.random() < 0.3 else packet for packet in packets]
    if kind == 4:
        return packets[:place] + _shifted(packets[place:], rng.choice(_GAPS), base)
    if kind == 5:
        return packets[:-1] + _shifted(packets[-1:], rng.choice(_GAPS), base)
    if kind == 6:
        return _shifted(packets, rng.choice([-10.0, -0.5, 1e4, 1e8]), base)
    for packet in packets:
        if rng.random() < 0.2:
            packet.pts = (packet.pts or 0) + rng.choice([-1, 1]) * rng.randrange(
                1, int(1 / base) + 2
            )
    return packets


_GAPS = [-5.0, -0.5, 10.0, 1e4, 1e6, 1e8]  # seconds


def _shifted(packets: list[av.Packet], seconds: float, base: float) -> list[av.Packet]:
    for packet in packets:
        packet.pts = (packet.pts or 0) + round(seconds / base)
        packet.dts = (packet.dts or 0) + round(seconds / base)
    return packets


def _in_time(packets: list[av.Packet], base: float) -> list[av.Packet]:
    """Return the packets with times from their places."""
    for number, packet in enumerate(packets):
        packet.pts = packet.dts = round(number / 25 / base)
    return packets


def _with_data(rng: random.Random, packet: av.Packet) -> av.Packet:
    changed = av.Packet(damaged(rng, bytes(packet), most=2) or b"\0")
    changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
    changed.is_keyframe = packet.is_keyframe
    return changed
