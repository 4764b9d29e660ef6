"""Make ONNX files for tests byte by byte, because no installed library writes them."""

import numpy as np


def varint(number: int) -> bytes:
    """Encode a protobuf number; negative numbers have 64 bits."""
    number &= (1 << 64) - 1
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def message(*fields: tuple[int, int | bytes]) -> bytes:
    """Encode a protobuf message: numbers as varints, bytes with a length."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def value_info(name: bytes, *sizes: int | bytes) -> bytes:
    """Encode a float32 input or output; a variable size has a name."""
    dims = ((1, message((1 if isinstance(size, int) else 2, size))) for size in sizes)
    return message((1, name), (2, message((1, message((1, 1), (2, message(*dims)))))))


def yolox(side: int, rows: np.ndarray, channels: int = 0) -> bytes:
    """Make a model with input (1, 3, side, side) and the constant output `rows` (1, cells, 85).

    Args:
        side: The side of the input in pixels.
        rows: The output.
        channels: The channels of an inner layer of side x side floats; 0 leaves out the layer.
    """

    def tensor(name: bytes, values: np.ndarray) -> bytes:
        kind = 7 if values.dtype == np.int64 else 1
        sizes = ((1, size) for size in values.shape)
        return message(*sizes, (2, kind), (8, name), (9, values.tobytes()))

    def node(kind: bytes, output: bytes, *inputs: bytes) -> bytes:
        return message(*((1, name) for name in inputs), (2, output), (4, kind))

    flat = rows.astype(np.float32).reshape(-1)
    wide = [
        (1, node(b"Conv", b"wide", b"x", b"out")),
        (1, node(b"Conv", b"narrow", b"wide", b"in")),
        (5, tensor(b"out", np.ones((channels, 3, 1, 1), np.float32))),
        (5, tensor(b"in", np.ones((3, channels, 1, 1), np.float32))),
    ]
    graph = message(
        *(wide if channels else []),
        (1, node(b"GlobalMaxPool", b"most", b"narrow" if channels else b"x")),
        (1, node(b"Flatten", b"three", b"most")),
        (1, node(b"Gemm", b"flat", b"three", b"zeros", b"rows")),
        (1, node(b"Reshape", b"y", b"flat", b"shape")),
        (2, b"graph"),
        (5, tensor(b"zeros", np.zeros((3, len(flat)), np.float32))),
        (5, tensor(b"rows", flat)),
        (5, tensor(b"shape", np.array(rows.shape, np.int64))),
        (11, value_info(b"x", 1, 3, side, side)),
        (12, value_info(b"y", *rows.shape)),
    )
    return message((1, 8), (2, b"test"), (7, graph), (8, message((1, b""), (2, 13))))
