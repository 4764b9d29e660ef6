"""Detection's core runs where torch, torchvision and detectron2 are not installed.

In the environment of the suite, which has them, a process refuses to import them. The same file
runs in an environment that lacks them.
"""

import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ava_det.detect
from ava_det.formats.ava_csv import read_detections
from ava_det.video.video import Video

HELPERS = Path(__file__).resolve().parents[1] / "helpers"
PROGRAM = """
import sys
import refuse_torch
from ava_det.detect.detector import Detector
from stub_models import Steps, Walker

video, out, rate = sys.argv[1:]
detections = Detector(Walker(), Steps(), rate=float(rate), top_k=2).detect(video)
detections.write(csv=f"{out}/a.csv", json=f"{out}/a.json", film=f"{out}/a.mp4")
assert not {name for name in sys.modules if name.partition(".")[0] in refuse_torch.REFUSED}
"""
CORE = [
    name
    for _, name, _ in pkgutil.walk_packages(ava_det.detect.__path__, "ava_det.detect.")
    if name not in ("ava_det.detect.backends.torch", "ava_det.detect.backends.onnx_probe")
]


def run(program: str, *arguments: object) -> None:
    """Run a program that finds the helpers of the tests."""
    path = os.pathsep.join([str(HELPERS), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def detect(video: Path, folder: Path, rate: float) -> list[int]:
    """Run the program on a video, compare the three files, and give the frames of the keyframes."""
    run(PROGRAM, video, folder, rate)
    told = json.loads((folder / "a.json").read_text())
    people = [person for keyframe in told["keyframes"] for person in keyframe["people"]]
    assert people
    assert [len(k["people"]) for k in told["keyframes"]] == [0, *[1] * (len(told["keyframes"]) - 1)]
    assert len(read_detections(folder / "a.csv")) == sum(len(p["actions"]) for p in people)
    with Video(folder / "a.mp4") as film, Video(video) as source:
        assert len(film) == len(source) == told["video"]["frames"]
        np.testing.assert_allclose(film.frame_times, source.frame_times, atol=1e-4)
    return [keyframe["frame"] for keyframe in told["keyframes"]]


def test_the_pipeline_runs_over_a_drawn_video(film, tmp_path):
    assert detect(film(30), tmp_path, 5.0) == [0, 5, 10, 15, 20, 25]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rate", "keyframes"),
    [("mmaction2_demo.mp4", 2.0, 20), ("paddlevideo_example.avi", 1.0, 6)],
)
def test_the_pipeline_runs_over_real_videos(shared, tmp_path, name, rate, keyframes):
    assert len(detect(shared / "data" / "videos" / name, tmp_path, rate)) == keyframes


@pytest.mark.slow
def test_every_module_but_the_torch_backend_imports():
    assert {"ava_det.detect.pipeline", "ava_det.detect.yolox", "ava_det.detect.load"} <= {*CORE}
    imports = "\n".join(f"import {name}" for name in CORE)
    run(f"import refuse_torch\n{imports}")


def test_torch_is_refused_there():
    """So that the tests above hold something."""
    with pytest.raises(AssertionError, match="No module named 'torch'"):
        run("import refuse_torch, torch")


@pytest.mark.slow
def test_a_yolox_finds_people_without_torch(shared):
    program = """
import sys
import refuse_torch
import numpy as np
from pathlib import Path
from ava_det.detect.load import load_persons
from ava_det.video.video import Video
video, model = sys.argv[1:]
with Video(video) as opened:
    frames = opened.frames(opened.frame_times[:1])
(people,) = load_persons(Path(model)).people(frames)
assert len(people.boxes) >= 1, people
"""
    data = shared / "data" / "videos" / "mmaction2_demo.mp4"
    run(program, data, shared / "models" / "yolox_nano.onnx")


def test_a_described_data_set_is_checked_without_torch(film, tmp_path):
    """Rows and videos are read; detectron2's catalog has only the built-in sets."""
    name = film(30).stem
    (tmp_path / "rows.csv").write_text(f"{name},0,0.1,0.1,0.5,0.5,\n")
    (tmp_path / "data.toml").write_text(f'annotations = "rows.csv"\nvideos = "{tmp_path}"\n')
    program = """
import sys
import refuse_torch
from ava_det.commands import main
sys.argv = ["ava-det", "check", "--dataset", sys.argv[1], "--json", sys.argv[2]]
main()
"""
    run(program, tmp_path / "data.toml", tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    assert [finding["kind"] for finding in found["findings"]] == ["unlabelled"]


@pytest.mark.slow
def test_what_needs_torch_names_the_extra(tmp_path):
    (tmp_path / "action.safetensors").touch()
    program = """
import sys
import refuse_torch
import ava_det

def answer(call):
    try:
        call()
    except ImportError as error:
        return str(error)

expected = 'torch is not installed: pip install "ava_det[train]"'
assert answer(lambda: ava_det.VideoMix) == expected
assert answer(lambda: ava_det.load_model) == expected
assert answer(lambda: ava_det.load_detector(sys.argv[1], "light")) == expected
"""
    run(program, tmp_path / "action.safetensors")
    core = """
import refuse_torch
refuse_torch.REFUSED |= {"PIL", "av", "cv2"}
import ava_det
assert ava_det.evaluate
try:
    ava_det.load_detector
except ImportError as error:
    assert str(error).endswith(' is not installed: pip install "ava_det[train]"'), error
else:
    raise AssertionError
"""
    run(core)
