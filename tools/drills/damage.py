"""Damages the bytes of any file."""

import gzip
import os
import random
from functools import cache

from drills.case import MEGABYTE, Draft

HEAD = 3000  # bytes at both ends, where most formats keep their structure


def damaged(rng: random.Random, data: bytes, most: int = 3) -> bytes:
    """Cut, flip, overwrite, remove, repeat or insert bytes, up to `most` times."""
    for _ in range(rng.randint(1, most)):
        data = _once(rng, data)
    return data


def _once(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return rng.randbytes(10)
    near, far = rng.randrange(HEAD), rng.randrange(1, HEAD)
    place = rng.choice([rng.randrange(len(data)), near, len(data) - far]) % len(data)
    size = rng.choice([1, 2, 4, 16, 300])
    end = place + size
    kind = rng.randrange(6)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
    if kind == 2:
        return data[:place] + rng.randbytes(size) + data[end:]
    if kind == 3:
        return data[:place] + data[end:]
    if kind == 4:
        return data[:place] + data[place:end] * rng.choice([2, 3, 50]) + data[end:]
    filler = rng.choice([b"\0", b"\xff", b"\x7f", b"(", b"\n"])
    return data[:place] + filler * size + data[rng.choice([place, end]) :]


def moved_blocks(rng: random.Random, data: bytes) -> bytes:
    """Remove, repeat, exchange or zero blocks of about a kilobyte, as on a bad disk."""
    size = rng.choice([188, 512, 1000])
    blocks = [data[k : k + size] for k in range(0, len(data), size)]
    for _ in range(rng.randint(1, 4)):
        a, b = (rng.randrange(len(blocks)) for _ in range(2))
        kind = rng.randrange(4)
        if kind == 0 and len(blocks) > 1:
            del blocks[a]
            continue
        if kind == 1:
            blocks.insert(b, blocks[a])
        elif kind == 2:
            blocks[a], blocks[b] = blocks[b], blocks[a]
        else:
            blocks[a] = bytes(len(blocks[a]))
    return b"".join(blocks)


def no_file(draft: Draft, name: str) -> str:
    """Put an object that is no valid file under a name and return the path."""
    path = draft.folder / name
    kind = draft.rng.randrange(10)
    if kind == 0:
        os.mkfifo(path)
    elif kind == 1:
        path.mkdir()
    elif kind == 2:
        path.symlink_to("/dev/zero")
    elif kind == 3:
        path.symlink_to(path.name)
    elif kind == 4:
        with path.open("wb") as file:
            file.truncate(20 << 30)  # a sparse file of 20 GB takes no space
    elif kind == 5:
        path.symlink_to("gone")
    else:
        contents = [b"", b"\0", b"<html>404 Not Found</html>\n", draft.rng.randbytes(5000)]
        path.write_bytes(contents[kind - 6])
    return str(path)


@cache
def packed(unit: bytes, megabytes: int) -> bytes:
    """Return a gzip file that expands to `megabytes` of repeated `unit`."""
    times = 16 * MEGABYTE // len(unit)
    return gzip.compress(unit * times, 6, mtime=0) * (megabytes // 16)
