"""Reads pickles that contain only numpy arrays and plain containers. Never runs code of a file.

The reader parses the opcodes with `pickletools` and builds the objects itself. It compares the
names in the file with a short list. It never imports a name and never calls an object of the file,
so a hostile file has no code to run. Python's unpickler with a restricted `find_class` would still
give the file real callables, `__setstate__` of numpy's types and a memo of any size.
"""

import math
import os
import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any

import numpy as np

from ava_det.formats.regular import require_regular
from ava_det.structures import InputError

_NUMBERS = re.compile(r"[fiu][1248]|b1")  # numpy's type codes of plain numbers
_TEXT = re.compile(r"U\d{1,4}")  # numpy's type codes of strings: allowed as keys, not in arrays
_SPARE = 1 << 20  # bytes or items that a small file may copy
_MOST_BYTES = 1 << 30  # of a file; all arrays are held in memory
MOST_STEPS = 1 << 23  # one byte makes an empty list; the boxes of AVA take 6 million steps
_LONG = 1024  # longer strings are an array's data, not a name

_RECONSTRUCT, _FROM_BUFFER, _ARRAY, _DTYPE, _SCALAR, _ORDERED, _ENCODE, _BYTES = range(8)
_DEFAULT, _FACTORY = range(8, 10)
_KNOWN = {
    "numpy.core.multiarray _reconstruct": _RECONSTRUCT,
    "numpy._core.multiarray _reconstruct": _RECONSTRUCT,
    "numpy.core.numeric _frombuffer": _FROM_BUFFER,  # from protocol 5 on
    "numpy._core.numeric _frombuffer": _FROM_BUFFER,
    "numpy ndarray": _ARRAY,
    "numpy dtype": _DTYPE,
    "numpy.core.multiarray scalar": _SCALAR,
    "numpy._core.multiarray scalar": _SCALAR,
    "collections OrderedDict": _ORDERED,
    "collections defaultdict": _DEFAULT,  # becomes a dict without a default
    **{
        f"{module} {name}": _FACTORY
        for module in ("builtins", "__builtin__")
        for name in ("list", "dict", "set", "tuple", "int", "float", "str")
    },
    "_codecs encode": _ENCODE,  # how Python 3 writes bytes for Python 2
    "__builtin__ bytes": _BYTES,  # how Python 3 writes empty bytes
    "builtins bytes": _BYTES,
}


_COPIED = (str, bytes, bytearray, list, tuple)


class _Data(bytearray):
    """The bytes of an array. Without this class, `pickletools` makes a string in several copies."""

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> Any:
        return self


class _Source(BufferedReader):
    """A file for `pickletools` that returns long strings as `_Data`."""

    def read(self, size: int | None = -1, /) -> Any:
        """Return the next `size` bytes; no bytes if the file has fewer."""
        if size is None or size < _LONG:
            return super().read(size)
        data = _Data(min(size, os.fstat(self.fileno()).st_size))
        return data if self.readinto(data) == size else b""


@dataclass(frozen=True)
class _Global:
    """A placeholder for a name of `_KNOWN`."""

    kind: int


@dataclass
class _Dtype:
    """A type of numbers or strings. A second step sets the byte order."""

    code: str
    order: str = "<"

    @property
    def numpy(self) -> np.dtype:
        return np.dtype(self.order + self.code)


@dataclass
class _Array:
    """An array. A second step sets the shape and the data."""

    value: np.ndarray | None = None


def read_plain_pickle(path: Path) -> Any:
    """Read a pickle of dicts, lists, tuples, strings, numbers and numpy arrays of numbers.

    The keys of dicts are strings, bytes, numbers, or tuples of these. `OrderedDict` and
    `defaultdict` become plain dicts.

    Python 2 strings are decoded as Latin-1; strings of 1024 characters or more become bytes. The
    arrays are writable.

    Raises:
        InputError: The file is damaged, or contains other objects. No code of the file has run.
    """
    try:
        require_regular(path, _MOST_BYTES)
        with _Source(FileIO(path)) as source:
            size = os.fstat(source.fileno()).st_size
            reader = _Reader(min(4 * size, _MOST_BYTES) + _SPARE)
            for count, (opcode, argument, _) in enumerate(pickletools.genops(source)):
                if count == MOST_STEPS:
                    raise ValueError(f"more than {MOST_STEPS:,} steps")
                reader.step(opcode.name, argument)
        return reader.result
    except _ForeignNameError as error:
        raise InputError(
            f"{path}: refused: it asks for {error!s:.99}, which arrays do not need; nothing was "
            "run; write a plain dict of numpy arrays"
        ) from None
    except (
        *(ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
        *(MemoryError, RecursionError),
    ) as error:
        raise InputError(f"{path}: not a pickle of arrays ({str(error)[:200]})") from error


class _ForeignNameError(Exception):
    """The pickle refers to a name that is not in `_KNOWN`."""


class _Reader:
    """The stack machine that executes a pickle, without any calls.

    Args:
        most: The most bytes and items to copy. A pickle can copy one string again and again.
    """

    def __init__(self, most: int) -> None:
        self.left = most
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.result: Any = None

    def step(self, name: str, argument: Any) -> None:
        """Execute one opcode."""
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _ARGUMENTS:
            if type(argument) is str:
                argument.encode()  # fails for half a surrogate pair, which no file can hold
            self.stack.append(argument)
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"opcode {name} is for objects of other kinds")

    def push(self, value: Any) -> None:
        """Push a value on the stack."""
        self.stack.append(value)

    def pop(self, count: int) -> list[Any]:
        """Pop the `count` topmost values and return them in the order of their pushes."""
        if len(self.stack) < count:
            raise IndexError("the stack is empty")
        values = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return values

    def pop_mark(self) -> list[Any]:
        """Pop and return all values since the last mark."""
        values, self.stack = self.stack, self.marks.pop()
        return values

    def mark(self) -> None:
        """Start a group of values."""
        self.marks.append(self.stack)
        self.stack = []

    def put(self, index: int) -> None:
        """Store the topmost value in the memo."""
        self.memo[index] = self.stack[-1]

    def set_items(self, items: list[Any]) -> None:
        """Add alternating keys and values to the dict on top of the stack."""
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise TypeError("items for something that is not a dict")
        target.update(_dict(items))

    def append(self, values: list[Any]) -> None:
        """Add values to the list on top of the stack."""
        if type(self.stack[-1]) is not list:
            raise TypeError("values for something that is not a list")
        self.stack[-1].extend(_plain(v) for v in values)

    def name(self, module_and_name: str) -> None:
        """Push the placeholder for a name of `_KNOWN`."""
        if module_and_name not in _KNOWN:
            shown = "".join(c if c.isprintable() else "?" for c in module_and_name)
            raise _ForeignNameError(shown.replace(" ", "."))
        self.stack.append(_Global(_KNOWN[module_and_name]))

    def stack_name(self) -> None:
        """Do the same as `name` for a name given as two strings on the stack."""
        module, name = self.pop(2)
        if type(module) is not str or type(name) is not str:
            raise TypeError("a name that is not a string")
        self.name(f"{module} {name}")

    def reduce(self) -> None:
        """Build the object that the pickle would get from a call."""
        function, arguments = self.pop(2)
        if not isinstance(function, _Global) or type(arguments) is not tuple:
            raise TypeError("a call of something that is not a name")
        self.spend(arguments)
        self.stack.append(_make(function.kind, arguments))

    def spend(self, arguments: tuple[Any, ...]) -> None:
        """Count the bytes and items that an object with these arguments copies."""
        self.left -= sum(len(value) for value in arguments if isinstance(value, _COPIED))
        if self.left < 0:
            raise ValueError("it copies more than it holds")

    def build(self) -> None:
        """Set the shape and data of an array, or the byte order of a type."""
        (state,) = self.pop(1)
        target = self.stack[-1]
        self.spend(state)
        if isinstance(target, _Dtype):
            if state[1] not in ("<", ">", "|", "="):
                raise ValueError("a type of an unknown byte order")
            target.order = state[1]
        elif isinstance(target, _Array):
            target.value = _array(*state[1:5])
        else:
            raise TypeError("a state for something that has none")


def _make(kind: int, arguments: tuple[Any, ...]) -> Any:
    if kind == _RECONSTRUCT and arguments[0] == _Global(_ARRAY):
        return _Array()
    if kind == _FROM_BUFFER:
        data, dtype, shape, order = arguments
        return _Array(_array(shape, dtype, order == "F", data))
    if kind == _DTYPE and isinstance(arguments[0], str) and _known(arguments[0]):
        return _Dtype(arguments[0])
    if kind == _SCALAR:
        dtype, data = arguments
        if isinstance(dtype, _Dtype) and _TEXT.fullmatch(dtype.code):
            order = "be" if dtype.order == ">" else "le"
            return _data(data).decode(f"utf-32-{order}").rstrip("\0")
        return _array((), dtype, False, data)[()]
    if kind == _ORDERED:
        pairs = arguments[0] if arguments else []
        return _dict([value for key, item in pairs for value in (key, item)])
    if kind == _DEFAULT and all(type(part) in (_Global, type(None)) for part in arguments):
        return {}
    if kind == _ENCODE and arguments[1:] == ("latin1",):
        return _data(arguments[0])
    if kind == _BYTES and not arguments:
        return bytearray()
    raise ValueError("a type that is neither an array of numbers nor a plain container")


def _known(code: str) -> bool:
    return bool(_NUMBERS.fullmatch(code) or _TEXT.fullmatch(code))


def _array(shape: Any, dtype: Any, fortran: Any, data: Any) -> np.ndarray:
    sizes = all(type(size) is int and size >= 0 for size in shape)
    numbers = isinstance(dtype, _Dtype) and _NUMBERS.fullmatch(dtype.code)
    if not numbers or not sizes or len(shape) > 8:
        raise TypeError("an array of something other than numbers")
    data = _data(data)
    if len(data) != math.prod(shape) * dtype.numpy.itemsize:
        raise ValueError(f"an array of shape {tuple(shape)} with {len(data)} bytes")
    return np.frombuffer(data, dtype.numpy).reshape(shape, order="F" if fortran else "C")


def _data(value: Any) -> bytearray:
    """Return bytes, or a Python 2 string of bytes, in writable memory."""
    if isinstance(value, bytearray):
        return value
    return bytearray(value, "latin-1") if isinstance(value, str) else bytearray(bytes(value))


def _plain(value: Any) -> Any:
    """Return the value to store in a container."""
    if isinstance(value, _Array):
        if value.value is None:
            raise ValueError("an array without data")
        return value.value
    return value


def _dict(items: list[Any]) -> dict[Any, Any]:
    """Return a dict of alternating keys and values.

    A tuple as a key must not contain tuples: hashing nested tuples can take forever.
    """
    keys = [_key(key) for key in items[::2]]
    return {key: _plain(value) for key, value in zip(keys, items[1::2], strict=True)}


def _key(key: Any) -> Any:
    parts = [_key_part(part) for part in (key if type(key) is tuple else (key,))]
    return tuple(parts) if type(key) is tuple else parts[0]


def _key_part(part: Any) -> str | bytes | int | float:
    """Return a plain string, bytes or number from a numpy value or a bytearray."""
    part = part.item() if isinstance(part, np.integer | np.floating) else part
    part = bytes(part) if type(part) is bytearray else part
    if type(part) not in (str, bytes, int, float):
        raise TypeError("a key that is neither a string nor a number")
    if type(part) is int and abs(part) >= 2**63:
        raise ValueError("a key of too many digits")
    return part


def _stop(reader: _Reader, _: Any) -> None:
    reader.result = _plain(reader.stack.pop())


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_ARGUMENTS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_ACTIONS: dict[str, Callable[[_Reader, Any], Any]] = {
    "STOP": _stop,
    "MARK": lambda r, _: r.mark(),
    "POP": lambda r, _: r.pop(1),
    "POP_MARK": lambda r, _: r.pop_mark(),
    "DUP": lambda r, _: r.push(r.stack[-1]),
    "EMPTY_LIST": lambda r, _: r.push([]),
    "LIST": lambda r, _: r.push([_plain(v) for v in r.pop_mark()]),
    "APPEND": lambda r, _: r.append(r.pop(1)),
    "APPENDS": lambda r, _: r.append(r.pop_mark()),
    "EMPTY_DICT": lambda r, _: r.push({}),
    "DICT": lambda r, _: r.push(_dict(r.pop_mark())),
    "SETITEM": lambda r, _: r.set_items(r.pop(2)),
    "SETITEMS": lambda r, _: r.set_items(r.pop_mark()),
    "TUPLE": lambda r, _: r.push(tuple(map(_plain, r.pop_mark()))),
    "TUPLE1": lambda r, _: r.push(tuple(map(_plain, r.pop(1)))),
    "TUPLE2": lambda r, _: r.push(tuple(map(_plain, r.pop(2)))),
    "TUPLE3": lambda r, _: r.push(tuple(map(_plain, r.pop(3)))),
    "PUT": lambda r, index: r.put(index),
    "BINPUT": lambda r, index: r.put(index),
    "LONG_BINPUT": lambda r, index: r.put(index),
    "MEMOIZE": lambda r, _: r.put(len(r.memo)),
    "GET": lambda r, index: r.push(r.memo[index]),
    "BINGET": lambda r, index: r.push(r.memo[index]),
    "LONG_BINGET": lambda r, index: r.push(r.memo[index]),
    "GLOBAL": lambda r, name: r.name(name),
    "STACK_GLOBAL": lambda r, _: r.stack_name(),
    "REDUCE": lambda r, _: r.reduce(),
    "BUILD": lambda r, _: r.build(),
}
