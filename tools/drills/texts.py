"""Damages the numbers, encoding, columns or structure of texts."""

import json
import random
import re
import xml.etree.ElementTree as ET
from typing import Any

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
NUMBERS = ["1e400", "-1e400", "nan", "inf", "-inf", "1e12", "-1", "0", "1e-320", "9" * 60_000]
NUMBERS += [
    "0x10",
    "1_000",
    "\uff11",
    "\u0663",
    "\u00b2",
    "1e",
    "",
    "1,5",
    "--1",
    "+1",
    "1e5",
    " 1 ",
]
NUMBERS += ["9007199254740993", "2147483648", "4294967296", "9223372036854775808", "100000000"]
NUMBERS += ["99999999999999999999999", "1e308", "0.1.2", "1/2", "true", "None", "1" + "0" * 400]
WORDS = ["", " ", "\0", "a\nb", "a\rb", "\ud800", "\u202e", "../../x", "/etc/passwd", "x" * 300_000]
WORDS += ['"', "'", "<b>", "&amp;", "a,b", "\ufeff", "é", "人", "label {", "-", "%s%n", "{0}"]


def numbers(rng: random.Random, text: str) -> str:
    """Replace one, some or all numbers of a text by a hostile number."""
    share = rng.choice([0.0, 0.05, 1.0])
    places = list(_NUMBER.finditer(text))
    if not places:
        return text + rng.choice(NUMBERS)
    chosen = {rng.randrange(len(places))}
    chosen |= {k for k in range(len(places)) if rng.random() < share}
    new = rng.choice(NUMBERS)
    if len(new) > 1000:  # one long number is enough
        chosen = {min(chosen)}
    parts, at = [], 0
    for k in sorted(chosen):
        parts += [text[at : places[k].start()], new]
        at = places[k].end()
    return "".join(parts) + text[at:]


def encoded(rng: random.Random, text: str) -> bytes:
    """Encode a text in another encoding, or with invalid bytes."""
    kind = rng.randrange(9)
    if kind < 5:
        return text.encode(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-16-be"][kind])
    data = text.encode()
    place = rng.randrange(len(data) + 1)
    insert = [b"\xe9\xff", "\ud800".encode("utf-8", "surrogatepass"), b"\0", b"\x1a\x85\xc2\x85"]
    return data[:place] + insert[kind - 5] + data[place:]


def columns(rng: random.Random, text: str) -> str:
    """Change the separator, order, header, number of columns or line end of csv rows."""
    rows = [line.split(",") for line in text.splitlines()]
    width = len(rows[0])
    kind = rng.randrange(12)
    order = rng.sample(range(width), width)
    names = ["video", "tick", "x1", "y1", "x2", "y2", "action", "person"]
    names = [*names, *(f"c{k}" for k in range(width))][:width]
    if kind == 0:
        return "\n".join(rng.choice([";", "\t", " ", "|", ", "]).join(row) for row in rows) + "\n"
    if kind == 1:
        rows = [[rows[k][j] for j in order] for k in range(len(rows))]
    elif kind == 2:
        rows = [[names[j] for j in order], *([row[j] for j in order] for row in rows)]
    elif kind == 3:
        rows = [["", *names], *([str(k), *row] for k, row in enumerate(rows))]
    elif kind == 4:
        rows = [row[: rng.randrange(1, width + 1)] for row in rows]
    elif kind == 5:
        rows = [row + ["1"] * rng.choice([1, 3, 5000]) for row in rows]
    elif kind == 6:
        rows[rng.randrange(len(rows))][rng.randrange(width)] = '"open'
    elif kind == 7:
        rows = [[names[0]] * width, *rows]
    elif kind == 8:
        rows = [[]] * rng.choice([1, 10_000]) + rows
    elif kind == 9:
        rows[rng.randrange(len(rows))][rng.randrange(width)] = rng.choice(WORDS)
    elif kind == 10:
        rows = rows * rng.choice([2, 2000])
    end = rng.choice(["\n", "\n", "\r\n", "\r", "\n\r"])
    return end.join(",".join(row) for row in rows) + rng.choice(["", end])


def json_structure(rng: random.Random, text: str) -> str:
    """Replace, drop, rename or repeat a value of a JSON file, or nest it very deeply."""
    kind = rng.randrange(6)
    depth = rng.choice([2_000, 200_000])
    if kind == 0:
        nested = rng.choice(["[" * depth + "]" * depth, '{"a":' * depth, "[" * depth])
        return rng.choice([nested, text.replace('": ', f'": {nested}, "x": ', 1)])
    if kind == 1:  # repeated keys
        return text.replace("{", '{"images": [], "annotations": 3, "file": {}, "id": "x", ', 2)
    content = json.loads(text)
    for _ in range(rng.choice([1, 1, 5])):
        content = _other(rng, content)
    return json.dumps(content, ensure_ascii=rng.random() < 0.7)


def _other(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.93:
        key = rng.choice(sorted(value))
        kind = rng.random()
        if kind < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if kind < 0.15:
            return {(k if k != key else rng.choice(WORDS)): v for k, v in value.items()}
        return {**value, key: _other(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        if rng.random() < 0.1:
            return value[:place] + [value[place]] * rng.choice([0, 2, 1000]) + value[place + 1 :]
        return [*value[:place], _other(rng, value[place]), *value[place + 1 :]]
    odd: list[Any] = [None, True, 1, 0, -1, 1.5, 1e12, 10**25, float("nan"), float("inf"), [], {}]
    return rng.choice([*odd, int("9" * 4000), [[1]], {"a": 1}, *WORDS])


def xml_structure(rng: random.Random, text: str) -> str:
    """Change, drop or repeat elements and attributes of XML, or add entities or deep nesting."""
    kind = rng.randrange(6)
    depth = rng.choice([2_000, 200_000])
    head = '<?xml version="1.0"?>'
    if kind == 0:
        return head + rng.choice(["<a>" * depth, "<a>" * depth + "</a>" * depth])
    if kind == 1:
        return _entities(rng, head, text)
    root = ET.fromstring(text)
    for _ in range(rng.choice([1, 1, 4])):
        parents = [element for element in root.iter() if len(element)]
        parent = rng.choice(parents)
        child = rng.choice(list(parent))
        what = rng.randrange(6)
        if what == 0:
            parent.remove(child)
        elif what == 1:
            for _ in range(rng.choice([1, 1000])):
                parent.append(child)
        elif what == 2:
            child.tag = rng.choice(["x", "task", "track", "box", "polygon", "job"])
        elif what == 3 or not child.attrib:
            child.text = _printable(rng)
        else:
            key = rng.choice(sorted(child.attrib))
            child.set(key, _printable(rng))
            if rng.random() < 0.2:
                del child.attrib[key]
        if not len(root):
            break
    return head + ET.tostring(root, encoding="unicode")


def _printable(rng: random.Random) -> str:
    """Return a hostile text that is valid in XML."""
    return re.sub("[^\t\n -\ud7ff\ue000-\ufffd]", "", rng.choice(NUMBERS + WORDS))


def _entities(rng: random.Random, head: str, text: str) -> str:
    """Add entities that grow without bound or refer to another file."""
    body = text[text.index("<annotations") :].replace("person", "&e9;", 2)
    laughs = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10}">' for k in range(1, 10))
    other = rng.choice(["file:///etc/passwd", "/dev/zero", "http://127.0.0.1:9/x"])
    declared = rng.choice(
        [
            f'<!ENTITY e0 "ha">{laughs}',
            f'<!ENTITY e9 SYSTEM "{other}">',
            f'<!ENTITY e0 "{"A" * 100_000}"><!ENTITY e9 "{"&e0;" * 10_000}">',
            '<!ENTITY e9 "&e9;">',
            f'<!ENTITY % p SYSTEM "{other}"> %p;',
        ]
    )
    return f"{head}<!DOCTYPE annotations [{declared}]>{body}"
