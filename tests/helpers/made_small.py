"""Make small video files."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_film(path: Path, count: int, rate: Fraction) -> None:
    """Write a video of `count` grey frames of 64 x 48 pixels, `rate` per second."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=rate)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        picture = np.full((48, 64, 3), 128, np.uint8)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
