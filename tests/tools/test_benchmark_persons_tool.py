"""tools/benchmark_persons.py: a line a detector. What it measures is not asserted."""

import re

import numpy as np

from ava_det.data.video_writer import VideoWriter


def test_a_line_a_detector(run_tool, random_weights, tmp_path):
    film = tmp_path / "film.mp4"
    with VideoWriter(film, height=48, width=64, rate=25, threads=1) as writer:
        for tick in range(5):
            writer.write(np.full((48, 64, 3), 40 * tick, np.uint8))
    weights = random_weights / "persons.safetensors"
    options = ("--weights", weights, weights, "--frames", 3, "--person-size", 32)
    ran = run_tool("benchmark_persons", film, *options)
    assert ran.code == 0, ran.err
    head, first, second = ran.out.splitlines()
    assert head.endswith("film.mp4: 64 x 48, 3 frames")
    line = r"persons.safetensors +(\d+\.\d) ms, +(\d+) a second, (\d+\.\d\d)"
    numbers = [float(number) for number in re.fullmatch(line, first).groups()]
    assert numbers[2] == 1
    assert abs(numbers[0] * numbers[1] - 1000) < 60  # rounded
    assert re.fullmatch(line, second)
    assert run_tool("benchmark_persons", film, "--weights", "nowhere.onnx").code == 1
