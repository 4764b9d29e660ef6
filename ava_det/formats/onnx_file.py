"""Checks an ONNX file before a library opens the file.

An ONNX file is a protobuf message. This module checks all sizes and offsets with the rules of the
wire format. So a C++ library never gets a tensor with a wrong length, or the name of another file
to open.
"""

import math
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from ava_det.formats.regular import require_regular
from ava_det.structures import InputError

_MOST_BYTES = 1 << 31  # the limit of a protobuf message
_MOST_FILE = 1 << 29  # bytes: two processes hold the file, and person detectors are smaller
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5  # wire types
_FIXED = {_EIGHT: 8, _FOUR: 4}
# Numbers of fields of onnx.proto.
_GRAPH, _TRAINING, _FUNCTIONS = 7, 20, 25  # of a model
_NODE, _INITIALIZER, _INPUT, _SPARSE = 1, 5, 11, 15  # of a graph
_SHAPE = 2, 1, 2, 1  # of an input: the path type, tensor, shape, dimension
_ATTRIBUTE = 5  # of a node
_TENSORS, _GRAPHS, _SPARSES = (5, 10), (6, 11), (22, 23)  # of an attribute: one, or a list
_DIMS, _TYPE, _RAW, _EXTERNAL, _LOCATION = 1, 2, 9, 13, 14  # of a tensor
_TYPED = {4: 4, 5: 0, 6: 0, 7: 0, 10: 8, 11: 0}  # typed lists: bytes per number, 0: varint
_ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}

_Field = tuple[int, int, int | memoryview]  # number, wire type, value


def read_onnx(path: Path) -> bytes:
    """Read an ONNX file that contains all of the tensors.

    Returns:
        The bytes of the file.

    Raises:
        InputError: The file does not exist, is no regular file or is damaged, keeps weights in
            another file, or has nested graphs, which no detector needs.
    """
    require_regular(path, _MOST_FILE)
    data = path.read_bytes()
    if not data:
        raise InputError(f"{path}: an empty file")
    with _usable(path):
        _check_model(memoryview(data))
    return data


def input_shape(path: Path, model: bytes) -> tuple[int, ...]:
    """Return the shape of the first input of a model; 0 for a free dimension.

    The shape is () for a model without an input.

    Args:
        path: The file, for messages.
        model: The content, from `read_onnx`.

    Raises:
        InputError: The description of the input is damaged.
    """
    with _usable(path):
        return _input_shape(model)


@contextmanager
def _usable(path: Path) -> Generator[None]:
    """Turn every error of the wire format into one line that names the file."""
    try:
        yield
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: not an ONNX file that can be used: {error}") from error


def _input_shape(model: bytes) -> tuple[int, ...]:
    (graph,) = (value for _, value in _messages(memoryview(model), (_GRAPH,)))
    parts = [value for _, value in _messages(graph, (_INPUT,))][:1]
    for number in _SHAPE:
        parts = [value for part in parts for _, value in _messages(part, (number,))]
    return tuple(
        next((value for number, _, value in _fields(part) if number == 1 and type(value) is int), 0)
        for part in parts
    )


def _check_model(model: memoryview) -> None:
    graphs = 0
    for number, value in _messages(model, (_GRAPH, _TRAINING, _FUNCTIONS)):
        if number != _GRAPH:
            raise ValueError("it has functions or training steps of its own")
        graphs += 1
        _check_graph(value)
    if graphs != 1:
        raise ValueError(f"it has {graphs} graphs")


def _check_graph(graph: memoryview) -> None:
    for number, value in _messages(graph, (_NODE, _INITIALIZER, _SPARSE)):
        if number == _SPARSE:
            raise ValueError("it has a sparse tensor")
        if number == _INITIALIZER:
            _check_tensor(value)
            continue
        for _, attribute in _messages(value, (_ATTRIBUTE,)):
            for kind, part in _messages(attribute, (*_TENSORS, *_GRAPHS, *_SPARSES)):
                if kind not in _TENSORS:
                    raise ValueError("a node has a graph or a sparse tensor within")
                _check_tensor(part)


def _check_tensor(tensor: memoryview) -> None:
    """Refuse a tensor with numbers in another file, or with a count that differs from the shape."""
    dims: list[int] = []
    kind, raw, typed = 0, None, 0
    for number, wire, value in _fields(tensor):
        if number == _EXTERNAL or (number == _LOCATION and value):
            raise ValueError("it keeps weights in another file, which is not opened")
        if number == _DIMS:
            dims += _numbers(wire, value)
        elif number == _TYPE and wire == _VARINT:
            kind = int(value)
        elif number == _RAW and isinstance(value, memoryview):
            raw = len(value)
        elif number in _TYPED:
            typed += _count(wire, value, _TYPED[number])
    if len(dims) > 8 or any(size >= _MOST_BYTES for size in dims):  # negative ones are larger
        raise ValueError("a tensor has an impossible shape")
    if kind not in _ITEM_BYTES:
        raise ValueError(f"a tensor is of type {kind}, which is no plain number")
    count = math.prod(dims)
    given, wanted = (typed, count) if raw is None else (raw, count * _ITEM_BYTES[kind])
    if given != wanted:
        raise ValueError(f"a tensor of shape {dims} has {given} bytes or numbers, not {wanted}")


def _messages(message: memoryview, numbers: tuple[int, ...]) -> Iterator[tuple[int, memoryview]]:
    """Yield the fields with the given numbers, which must be messages."""
    for number, _, value in _fields(message):
        if number in numbers:
            if not isinstance(value, memoryview):
                raise ValueError("a message is a number")
            yield number, value


def _fields(message: memoryview) -> Iterator[_Field]:
    """Yield all fields of a message, in order."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, wire, value
            continue
        size = _FIXED.get(wire, -1)
        if wire == _BYTES:
            size, at = _varint(message, at)
        if not 0 <= size <= len(message) - at:
            raise ValueError("a field goes beyond what it is part of")
        yield key >> 3, wire, message[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return a number of up to ten bytes, seven bits each, and the offset after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number does not end")


def _numbers(wire: int, value: int | memoryview) -> list[int]:
    """Return the numbers of a repeated field: one number, or a packed list."""
    if isinstance(value, int):
        return [value]
    if wire != _BYTES:
        raise ValueError("a shape is no list of numbers")
    numbers, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        numbers.append(number)
    return numbers


def _count(wire: int, value: int | memoryview, size: int) -> int:
    """Return how many numbers of `size` bytes a field has; size 0 means varints."""
    if isinstance(value, int) or wire != _BYTES:
        return 1
    if size:
        return len(value) // size
    return sum(byte < 128 for byte in value)
