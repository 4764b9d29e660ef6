"""Writes and edits ONNX files field by field, as protobuf."""

import random
from collections.abc import Iterable
from pathlib import Path

Field = tuple[int, int, int | bytes]  # number, wire type, value
VARINT, BYTES = 0, 2
FLOAT = 1  # an ONNX data type


def varint(value: int) -> bytes:
    """Encode a protobuf number; a negative number has 64 bits."""
    value %= 1 << 64
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def message(fields: Iterable[tuple[int, int | bytes | str]]) -> bytes:
    """Encode a protobuf message of numbers, texts and messages."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3 | VARINT) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | BYTES) + varint(len(data)) + data
    return out


def _shaped(name: str, sizes: Iterable[int]) -> bytes:
    dims = message((1, message([(1, size)])) for size in sizes)
    kind = message([(1, message([(1, FLOAT), (2, dims)]))])
    return message([(1, name), (2, kind)])


def model(weight: bytes, operator: str = "Add", sizes: tuple[int, ...] = (1, 3, 416, 416)) -> bytes:
    """Encode a model that adds a tensor to the input."""
    node = message([(1, "x"), (1, "w"), (2, "y"), (3, "n"), (4, operator)])
    ends = [(11, _shaped("x", sizes)), (12, _shaped("y", sizes))]
    graph = message([(1, node), (2, "g"), (5, weight), *ends])
    return message([(1, 8), (8, message([(1, ""), (2, 13)])), (7, graph)])


def tensor(dims: Iterable[int], data: bytes, kind: int = FLOAT) -> bytes:
    """Encode a tensor with raw bytes."""
    return message([*((1, size) for size in dims), (2, kind), (8, "w"), (9, data)])


def external(path: Path | str, offset: int = 0, length: int = 4) -> bytes:
    """Encode a tensor with bytes in another file."""
    where = {"location": str(path), "offset": str(offset), "length": str(length)}
    entries = [(13, message([(1, key), (2, value)])) for key, value in where.items()]
    return message([(1, 1), (2, FLOAT), (8, "w"), *entries, (14, 1)])


def fields(data: bytes) -> list[Field]:
    """Decode the fields of a message of numbers and bytes. ONNX messages with floats fail."""
    found: list[Field] = []
    at = 0
    while at < len(data):
        key, at = _read(data, at)
        value, at = _read(data, at)
        if key & 7 == BYTES:
            found.append((key >> 3, BYTES, data[at : at + value]))
            at += value
        elif key & 7 == VARINT:
            found.append((key >> 3, VARINT, value))
        else:
            raise ValueError(f"wire type {key & 7}")
    return found


def _read(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def changed(rng: random.Random, data: bytes, depth: int = 4) -> bytes:
    """Drop, repeat, empty or change one nested field of a message."""
    try:
        found = fields(data)
    except (ValueError, IndexError):
        found = []
    if not found:
        return rng.randbytes(rng.choice([0, 1, 8]))
    place = rng.randrange(len(found))
    number, kind, value = found[place]
    if isinstance(value, bytes) and depth and rng.random() < 0.75:
        found[place] = number, kind, changed(rng, value, depth - 1)
    else:
        what = rng.randrange(5)
        if what == 0:
            del found[place]
        elif what == 1:
            found[place:place] = [found[place]] * rng.choice([1, 1000])
        elif what == 2:
            found[place] = number, VARINT, rng.choice([0, 1, -1, 1 << 31, 1 << 62])
        elif what == 3:
            found[place] = number, BYTES, rng.randbytes(rng.choice([0, 1, 100]))
        else:
            found[place] = rng.randrange(1, 20), kind, value
    return message((number, value) for number, _, value in found)
