"""Drills of annotation files: AVA's tables and lists, CVAT, COCO, VIA, pickles and data.toml."""

import gzip
import json
import os
import pickle
import random
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ava_det.evaluation.evaluate import EvaluationRules, evaluate_file
from ava_det.evaluation.figures import write_evaluation
from ava_det.formats.ava_csv import read_ground_truth
from ava_det.formats.class_map import read_class_map
from ava_det.formats.tools.coco import write_coco
from ava_det.formats.tools.cvat import write_cvat
from ava_det.formats.tools.shapes import Shape
from ava_det.formats.tools.via import write_via
from ava_det.structures import Clock
from drills import texts
from drills.case import Draft, Kind
from drills.damage import damaged, no_file, packed
from drills.packets import Film, encode
from drills.pickles import calls, endless, odd_content

HEIGHT, WIDTH, FRAMES = 48, 64, 30
ACTIONS = ["sit", "walk", "talk"]
TABLES = ("gt.csv", "det.csv", "prop.csv", "excluded.csv", "sizes.csv")
LISTS = ("classes.pbtxt", "classes.csv", "included.txt", "frames.csv")
JSONS = ("instances.json", "project.json", "figures.json")
PICKLE, XML, TOML = "prop.pkl", "task.xml", "data.toml"
TEXTS = (*TABLES, *LISTS, *JSONS, XML, TOML)
# A file name in a command stands for the file of the case, intact or damaged.
COMMANDS = [
    "tools/evaluate.py det.csv --ground-truth gt.csv --class-map classes.pbtxt "
    "--exclude excluded.csv --proposals prop.csv --json out/figures.json",
    "tools/evaluate.py det.csv --ground-truth gt.csv --class-map classes.csv --protocol uncapped "
    "--video-map --html out/page.html --compare figures.json --proposals prop.pkl",
    "tools/check_data.py --annotations gt.csv --videos videos --class-map classes.pbtxt --ticks "
    "frames --proposals prop.pkl --exclude excluded.csv --include included.txt --sizes sizes.csv "
    "--json out/findings.json",
    "tools/check_data.py --annotations gt.csv --frames pictures --frame-list frames.csv "
    "--class-map classes.csv --ticks frames --proposals prop.csv",
    "tools/check_data.py --dataset data.toml --proposals prop.csv --json out/findings.json",
    "datasets/convert.py cvat task.xml --output out --videos videos",
    "datasets/convert.py coco instances.json --output out --videos videos",
    "datasets/convert.py via project.json --output out --videos videos --rate 25",
    "datasets/convert.py to-cvat gt.csv --output out --videos videos --class-map classes.pbtxt",
    "datasets/convert.py to-via gt.csv --output out --videos videos --class-map classes.csv "
    "--rate 25",
    "datasets/convert.py to-coco gt.csv --output out --videos videos --class-map classes.pbtxt",
]
FOLDERS = ("videos", "pictures")


def prepare(base: Path) -> None:
    """Write one small annotated film in every format with our own tools."""
    for folder in FOLDERS:
        (base / folder).mkdir()
    encode(base / "videos" / "film.mp4", Film("libx264", HEIGHT, WIDTH, FRAMES))
    lines = ["original_vido_id video_id frame_id path labels"]
    for number in range(FRAMES):
        path = base / "pictures" / "film" / f"film_{number + 1:06d}.jpg"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), 8 * number, np.uint8))
        lines.append(f'film 0 {number} film/{path.name} ""')
    boxes = [(k, person) for k in range(0, FRAMES - 1, 2) for person in range(2)]
    rows = {"gt.csv": "{0},{1}", "det.csv": "{0},0.{2}", "prop.csv": ",0.{2}"}
    for name, last in rows.items():
        words = [
            f"film,{k},{0.1 + 0.4 * p:.3f},0.2,{0.4 + 0.4 * p:.3f},{0.6 + k / 100:.2f},"
            + last.format(k % 3 + 1, p, 50 + k)
            for k, p in boxes
        ]
        (base / name).write_text("\n".join(words) + "\n")
    (base / "excluded.csv").write_text("film,4\nfilm,6\n")
    (base / "sizes.csv").write_text(f"video,width,height\nfilm,{WIDTH},{HEIGHT}\n")
    (base / "included.txt").write_text("".join(f"{k}\n" for k in range(FRAMES)))
    (base / "frames.csv").write_text("\n".join(lines) + "\n")
    blocks = (f'item {{\n  name: "{n}"\n  id: {k}\n}}\n' for k, n in enumerate(ACTIONS, 1))
    (base / "classes.pbtxt").write_text("".join(blocks))
    (base / "classes.csv").write_text("id,name,group\n1,sit,pose\n2,walk,pose\n3,talk,person\n")
    arrays = {f"film,{k:04d}": np.array([[0.1, 0.2, 0.4, 0.8, 0.9]]) for k in range(FRAMES)}
    (base / PICKLE).write_bytes(pickle.dumps(arrays, protocol=4))
    there = os.path.relpath(base, base.parent / "case")
    keys = {"annotations": "gt.csv", "class_map": "classes.pbtxt", "videos": "videos"}
    keys |= {"excluded": "excluded.csv", "included": "included.txt"}
    (base / TOML).write_text("".join(f'{k} = "{there}/{name}"\n' for k, name in keys.items()))
    shapes = [Shape("film", k, (0.1, 0.2, 0.5, 0.8), (ACTIONS[k % 3],), p) for k, p in boxes]
    write_cvat(base / XML, shapes, ACTIONS, FRAMES, HEIGHT, WIDTH)
    write_coco(base / "instances.json", shapes, ACTIONS, lambda _: (HEIGHT, WIDTH))
    write_via(base / "project.json", shapes, ACTIONS, lambda _: (HEIGHT, WIDTH), Clock(25.0))
    rules = EvaluationRules(read_class_map(base / "classes.csv"), "uncapped", None, 0.5, None, None)
    truth = read_ground_truth(base / "gt.csv")
    figures = evaluate_file(base / "det.csv", truth, base / "gt.csv", rules).figures
    write_evaluation(base / "figures.json", figures)


def tool_on(draft: Draft, name: str, path: Path | str) -> tuple[str, ...]:
    """Return a command that reads the file `path` in place of the intact file `name`."""
    command = draft.rng.choice([c for c in COMMANDS if name in c.split()])
    (draft.folder / "out").mkdir(exist_ok=True)
    there = {word: str(draft.base / word) for word in (*TEXTS, PICKLE, *FOLDERS)}
    there[name] = str(path)
    return tuple(there.get(word, word) for word in command.split())


def untouched(draft: Draft) -> tuple[str, ...]:
    """Use intact files, which the command must accept."""
    draft.must_take = True
    name = draft.rng.choice([*TEXTS, PICKLE])
    return tool_on(draft, name, draft.write(name, draft.whole(name)))


def _of(*names: str) -> Callable[..., Callable[[Draft], tuple[str, ...]]]:
    """Return a mutation of one of the files by a function of `rng` and the text."""

    def by(change: Callable[[random.Random, str], str | bytes]) -> Callable[..., tuple[str, ...]]:
        def mutate(draft: Draft) -> tuple[str, ...]:
            name = draft.rng.choice(names)
            changed = change(draft.rng, draft.whole(name).decode())
            return tool_on(draft, name, draft.write(name, changed))

        return mutate

    return by


def some_bytes(draft: Draft) -> tuple[str, ...]:
    """Damage bytes of any file."""
    name = draft.rng.choice([*TEXTS, PICKLE])
    return tool_on(draft, name, draft.write(name, damaged(draft.rng, draft.whole(name))))


def zipped(draft: Draft) -> tuple[str, ...]:
    """Write a .gz file that is truncated, no gzip, compressed twice, or expands to gigabytes."""
    name = draft.rng.choice([*TABLES[:4], "classes.pbtxt", "classes.csv"])
    data = draft.whole(name)
    whole = gzip.compress(data, mtime=0)
    row = b"film,0,0.1,0.2,0.5,0.8,1,0\n"
    contents: list[Callable[[], bytes]] = [
        lambda: whole[:-6],
        lambda: data,
        lambda: gzip.compress(whole, mtime=0),
        lambda: damaged(draft.rng, whole),
        lambda: whole + b"\0" * 100,
        lambda: packed(bytes(4096), 4096),
        lambda: packed(row, 2048),
        lambda: packed(b" " * 4096, 2048),
        lambda: packed(b"\n" * 4096, 512),
        lambda: packed(b'"', 2048),
    ]
    content = draft.rng.choice(contents)()
    return tool_on(draft, name, draft.write(f"{name}.gz", content))


def hostile_pickle(draft: Draft) -> tuple[str, ...]:
    """Write a pickle of boxes that tries to run code."""
    draft.must_refuse = True
    evil = draft.rng.choice(calls(draft.folder / "code_ran"))
    content = draft.rng.choice([evil, {"film,0000": evil}, {"film,0000": [evil]}, [evil]])
    data = pickle.dumps(content, protocol=draft.rng.choice([0, 2, 4, 5]))
    return tool_on(draft, PICKLE, draft.write(PICKLE, data))


def odd_pickle(draft: Draft) -> tuple[str, ...]:
    """Write a pickle that never ends, has other content, or has odd keys and arrays."""
    rng = draft.rng
    which = rng.randrange(3)
    if which == 0:
        return tool_on(draft, PICKLE, draft.write(PICKLE, endless(rng)))
    content = odd_content(rng)
    if which == 1:
        keys = ["film", "film,", ",1", "film,1e400", "film,-1", ("film", 1), 3, b"film,1", None]
        keys += ["film," + "9" * 400, "a,b,c,0003", "film,\u0663", "\ud800,0001", "film, 4 "]
        box = np.array([[0.1, 0.1, 0.5, 0.5, 0.9]])
        values = [box, box.astype("f2"), box[0], box[:, :4], box * 1e300, box * np.nan, [[1, 2]]]
        values += [
            box.astype(complex),
            np.zeros((0, 5)),
            np.ones((3, 7)),
            None,
            "text",
            [],
            box[None],
        ]
        values += [box.astype(object), np.zeros((200_000, 5)), -box, box.tolist(), {"boxes": box}]
        content = {rng.choice(keys): rng.choice(values) for _ in range(rng.choice([1, 3]))}
    data = pickle.dumps(content, protocol=rng.choice([2, 4, 5]))
    return tool_on(draft, PICKLE, draft.write(PICKLE, data))


def huge_counts(draft: Draft) -> tuple[str, ...]:
    """Write well-formed files with very many rows, classes, people on a frame, or frames."""
    rng = draft.rng
    many = rng.choice([20_000, 60_000])
    box = "0.1,0.2,0.5,0.8"
    makers: dict[str, tuple[str, Callable[[], str]]] = {
        "people on a frame": ("gt.csv", lambda: _rows(many, f"film,2,{box},1,{{0}}")),
        "results on a frame": ("det.csv", lambda: _rows(many, f"film,2,{box},1,0.5")),
        "actions": ("gt.csv", lambda: _rows(many, f"film,2,{box},{{0}},1")),
        "results' actions": ("det.csv", lambda: _rows(many, f"film,2,{box},{{0}},0.5")),
        "ticks": ("det.csv", lambda: _rows(100_000, f"film,{{0}},{box},1,0.5")),
        "videos": ("det.csv", lambda: _rows(100_000, f"film{{0}},2,{box},1,0.5")),
        "proposals": ("prop.csv", lambda: _rows(many, f"film,2,{box},,0.5")),
        "classes": ("classes.csv", lambda: "id,name\n" + _rows(many, "{0},name {0}")),
        "blocks": ("classes.pbtxt", lambda: _rows(many, 'item {{ name: "n{0}" id: {0} }}')),
        "far ticks": ("gt.csv", lambda: _rows(500, f"film,{{0}}00000000,{box},1,1")),
        "excluded": ("excluded.csv", lambda: _rows(200_000, "film,{0}")),
        "included": ("included.txt", lambda: _rows(1_000_000, "{0}")),
        "long name": ("gt.csv", lambda: "f" * 5_000_000 + f",2,{box},1,1\n"),
        "annotations": ("instances.json", lambda: _coco(draft, 5_000)),
        "stop frame": (XML, lambda: _xml(draft, "stop_frame", rng.choice(["1e12", "100000000"]))),
        "size": (XML, lambda: _xml(draft, "size", "1000000000000")),
        "width": (XML, lambda: _xml(draft, "width", "1" + "0" * 400)),
    }
    name, make = makers[rng.choice(sorted(makers))]
    return tool_on(draft, name, draft.write(name, make()))


def _rows(count: int, form: str) -> str:
    return "".join(f"{form.format(k)}\n" for k in range(1, count + 1))


def _coco(draft: Draft, times: int) -> str:
    content = json.loads(draft.whole("instances.json"))
    content["annotations"] = content["annotations"] * times
    return json.dumps(content)


def _xml(draft: Draft, tag: str, value: str) -> str:
    text = draft.whole(XML).decode()
    before, _, rest = text.partition(f"<{tag}>")
    return f"{before}<{tag}>{value}{rest[rest.index('</') :]}"


def description(draft: Draft) -> tuple[str, ...]:
    """Write a data.toml with odd values, repeated keys or unknown keys."""
    rng = draft.rng
    lines = draft.whole(TOML).decode().splitlines()
    values = ["1e9", "nan", "-1", "0", "inf", "1e-300", "99999999999999999999999", "true", '""']
    values += ['"\\u0000"', "[]", "{}", '"."', '"/dev/zero"', '"../.."', "1979-05-27", "9" * 5000]
    values += ["[" * 3000 + "]" * 3000, '"/etc/passwd"', '"gone"', f'"{"x" * 5000}"']
    keys = ["annotations", "class_map", "videos", "rate", "start", "evaluated", "excluded"]
    keys += ["included", "frames", "frame_lists", "frame_rate", "ratee"]
    for _ in range(rng.choice([1, 1, 2])):
        key = rng.choice(keys)
        if rng.random() < 0.9:
            lines = [line for line in lines if not line.startswith(key + " ")]
        lines.append(f"{key} = {rng.choice(values)}")
    if rng.random() < 0.15:
        lines = [line for line in lines if not line.startswith(("annotations", "excl", "incl"))]
    return tool_on(draft, TOML, draft.write(TOML, "\n".join(lines) + "\n"))


def no_annotations(draft: Draft) -> tuple[str, ...]:
    """Put a pipe, a folder, an endless device or a sparse file under a file's name."""
    name = draft.rng.choice([*TEXTS, PICKLE])
    return tool_on(draft, name, no_file(draft, name))


KIND = Kind(
    count=250,
    prepare=prepare,
    mutations={
        "untouched": untouched,
        "numbers": _of(*TEXTS)(texts.numbers),
        "json": _of(*JSONS)(texts.json_structure),
        "xml": _of(XML)(texts.xml_structure),
        "columns": _of(*TABLES, "classes.csv")(texts.columns),
        "hostile pickle": hostile_pickle,
        "description": description,
        "more numbers": _of(*TABLES, *JSONS, XML)(texts.numbers),
        "encodings": _of(*TEXTS)(texts.encoded),
        "huge counts": huge_counts,
        "odd pickle": odd_pickle,
        "bytes": some_bytes,
        "gzip": zipped,
        "more columns": _of(*TABLES)(texts.columns),
        "more json": _of(*JSONS[:2])(texts.json_structure),
        "no annotations": no_annotations,
    },
)
