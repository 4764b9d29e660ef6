"""Reads csv files from any source: lines, rows and named columns.

All csv readers find the columns by the names in a header line, in any order, or refuse the header.
Without a header line, each reader defines the order. Names are compared without case, blanks,
quotes and punctuation, and common synonyms are known. For a file with other separators than commas,
the error names the separator.
"""

import csv
from collections.abc import Collection, Iterator, Sequence

from ava_det.formats.atomic import StrPath, open_bytes, open_text
from ava_det.formats.errors import LONGEST_LINE, naming
from ava_det.structures import InputError

MOST_LINES = 1 << 20  # most lines of a file that is read line by line; Kinetics-700 has 650,000
_MEAN_LINE = 256  # characters; the limit on lines times this number limits all characters
_BLOCK = 1 << 20  # bytes
CHUNK = 1 << 17  # rows that pandas parses at a time
_CHUNK_BYTES = 1 << 27  # of so many rows: 1,024 per row, where AVA's have 80
MOST_TEXT = 1 << 29  # bytes of a table whose texts are held in memory
_MOST_SHOWN = 120  # characters of a row in a message: an unclosed quote swallows the rest of a file
_TICKS = "frame frameid frameindex framenumber"
_TIMES = "timestamp time second seconds sec middleframetimestamp frametimestamp keyframe tick"
_CORNERS = {"x1": "xmin left", "y1": "ymin top", "x2": "xmax right", "y2": "ymax bottom"}
_BOXES = ("", "box", "bbox", "entitybox", "personbox")
# A column's name -> synonyms in the form of `_key`.
SYNONYMS: dict[str, frozenset[str]] = {
    name: frozenset(others.split())
    for name, others in {
        "video": "videoid videoname vid",
        "tick": f"{_TIMES} {_TICKS}",
        "time": f"{_TIMES} {_TICKS}",
        "frame": _TICKS,
        "action": "actionid label labelid class classid categoryid",
        "person": "personid track trackid entityid",
        "score": "scores confidence conf prob probability actionscore",
        "tube": "tubeid",
        "id": "labelid actionid classid",
        "name": "classname actionname class action label",
        "group": "type labeltype category supercategory",
        "path": "video videopath videoid file filename",
        "label": "labelid class classid action actionid",
        **{
            corner: " ".join(f"{box}{one}" for box in _BOXES for one in f"{corner} {more}".split())
            for corner, more in _CORNERS.items()
        },
    }.items()
}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}


def text_lines(path: StrPath, most: int = MOST_LINES) -> Iterator[str]:
    """Yield the lines of a text file, plain or gzipped, with line ends.

    Raises:
        InputError: The file is no UTF-8 text, a line is longer than `LONGEST_LINE`, or the file has
            more than `most` lines or too many characters.
    """
    with naming(path), open_text(path) as file:
        row, left = 0, most * _MEAN_LINE
        while line := file.readline(LONGEST_LINE + 1):
            row += 1
            if len(line) > LONGEST_LINE:
                raise InputError(f"{path}: row {row}: longer than {LONGEST_LINE:,} characters")
            if "\0" in line:
                raise InputError(f"{path}: row {row}: a zero byte: not a text file")
            if row > most:
                raise InputError(f"{path}: more than {most:,} rows")
            left -= len(line)
            if left < 0:
                raise InputError(f"{path}: more than {most * _MEAN_LINE:,} characters")
            yield line


def full_lines(path: StrPath) -> Iterator[tuple[int, str]]:
    """Yield (row, text) of the non-blank lines of a text file; rows count from 1."""
    for number, line in enumerate(text_lines(path), 1):
        if line.strip():
            yield number, line.strip()


def csv_rows(path: StrPath, most: int = MOST_LINES) -> Iterator[tuple[int, list[str]]]:
    """Yield (row, fields) of all rows, including blank rows and a header line; rows count from 1.

    Args:
        path: The file.
        most: The most lines of the file.

    Raises:
        InputError: See `text_lines`; or a quote is not closed, the separator is no comma, or a
            header line is not the first row.
    """
    number, begun = 0, False
    try:
        for number, fields in enumerate(csv.reader(text_lines(path, most)), 1):
            if not begun and any(fields):
                _require_commas(path, number, fields)
                if number > 1 and len(fields) > 1 and not any(map(is_number, fields)):
                    raise InputError(
                        f"{path}: row {number}: a header line behind blank rows: remove these"
                    )
                begun = True
            yield number, fields
    except csv.Error as error:
        raise InputError(
            f"{path}: row {number + 1}: cannot be read as csv ({error}); is a quote not closed?"
        ) from None


def _require_commas(path: StrPath, number: int, fields: Sequence[str]) -> None:
    """Refuse a first row that makes sense only with another separator than commas."""
    line = ",".join(fields)
    for sign, name in _SEPARATORS.items():
        parts, least = line.count(sign) + 1, 6 if sign == " " else 2
        # Decimal commas split the row into several fields, but then the second is no number.
        alone = len(fields) == 1
        decimals = not alone and sign != " " and parts > 5 and not is_number(fields[1])
        if parts >= least and (alone or decimals):
            raise InputError(
                f"{path}: row {number}: its columns are separated by {name}: write commas between "
                "them, and points in decimals (pandas: to_csv(sep=','))"
            )


def find_columns(
    path: StrPath, header: Sequence[str], columns: Collection[str], needed: Collection[str]
) -> dict[str, int]:
    """Find the places of columns in a header line. Other columns in the header are ignored.

    Args:
        path: The file to name in messages.
        header: The fields of the header line.
        columns: The columns to find, by name or by a name of `SYNONYMS`.
        needed: The required columns.

    Raises:
        InputError: A required column is missing, or a column occurs twice.
    """
    found: dict[str, int] = {}
    keys = [_key(title) for title in header]
    for name in columns:
        places = [k for k, key in enumerate(keys) if _is_called(name, key)]
        if len(places) > 1:
            which = " and ".join(shown(header[k]) for k in places[:3])
            raise InputError(f"{path}: row 1: {which} both name the column {name}: remove one")
        if places:
            found[name] = places[0]
    lacking = [name for name in needed if name not in found]
    if lacking:
        titles = shown(",".join(header))
        raise InputError(
            f"{path}: row 1: no column {', '.join(lacking)} in the header line {titles}: "
            "rename the columns"
        )
    return found


def is_header(fields: Sequence[str], columns: Collection[str]) -> bool:
    """Return whether a first row is a header line.

    A header line names at least two of the columns, or names one and contains no number. A row that
    only begins with `video...` is also a header line, with unknown columns.
    """
    keys = [_key(title) for title in fields]
    known = sum(any(_is_called(name, key) for key in keys) for name in columns)
    plain = len(fields) > 1 and not any(is_number(text) for text in fields)
    return known > 1 or (plain and (known > 0 or keys[0].startswith("video")))


def named_rows(
    path: StrPath, columns: Sequence[str], needed: Collection[str] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (row, column -> text) of a csv with a required header line. Blank rows are skipped.

    Args:
        path: The file.
        columns: The columns to read.
        needed: The columns that every row must have; all by default.

    Raises:
        InputError: See `csv_rows` and `find_columns`; or a row has too many columns, or lacks a
            needed column.
    """
    needed = columns if needed is None else needed
    places: dict[str, int] = {}
    width = 0
    for number, fields in csv_rows(path):
        if number == 1:
            places, width = find_columns(path, fields, columns, needed), len(fields)
        elif any(fields):
            row = {name: fields[k].strip() for name, k in places.items() if k < len(fields)}
            lacking = [name for name in needed if not row.get(name)]
            if lacking:
                raise InputError(f"{path}: row {number}: no {', '.join(lacking)}")
            if len(fields) > width:
                raise InputError(
                    f"{path}: row {number}: {len(fields)} columns where the header names {width}"
                )
            yield number, row
    if not width:
        raise InputError(f"{path}: the file is empty")


def most_rows(path: StrPath, bound: int, text: int | None = None) -> int:
    """Return an upper bound of a file's rows, for readers that read the whole file into memory.

    Args:
        path: The file.
        bound: The most rows of the file.
        text: The most bytes of the file, for a reader that keeps the texts. None sets no limit.

    Raises:
        InputError: The file has more than `bound` rows or `text` bytes, far too long rows, or a
            zero byte.
    """
    most, row, open_line, size, since = 1, 1, 0, 0, (1, 0)
    with open_bytes(path) as file:
        while block := file.read(_BLOCK):
            feeds, returns = block.count(b"\n"), block.count(b"\r")
            if b"\0" in block:
                row += block[: block.index(b"\0")].count(b"\n")
                raise InputError(f"{path}: row {row}: a zero byte: not a text file")
            first, last = (find(b"\n" if feeds else b"\r") for find in (block.find, block.rfind))
            if open_line + (first if first >= 0 else len(block)) > LONGEST_LINE:
                raise InputError(f"{path}: row {row}: longer than {LONGEST_LINE:,} characters")
            open_line = len(block) - last - 1 if last >= 0 else open_line + len(block)
            most, row = most + feeds + returns, row + max(feeds, returns)
            if row > bound:
                raise InputError(f"{path}: more than {bound:,} rows, too many to hold in memory")
            size += len(block)
            if text is not None and size > text:
                raise InputError(f"{path}: more than {text:,} bytes, too many to hold in memory")
            if size - since[1] > _CHUNK_BYTES:
                raise InputError(
                    f"{path}: row {row}: the rows before have more than "
                    f"{_CHUNK_BYTES // CHUNK:,} characters on average"
                )
            if row - since[0] >= CHUNK:
                since = row, size
    return most


def is_number(text: str) -> bool:
    """Return whether both Python and pandas read a text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text and text.isascii()  # Python accepts "_", pandas does not


def shown(text: object) -> str:
    """Quote a text of a file for a message; cut a long text."""
    if not isinstance(text, str):
        return repr(text)[:_MOST_SHOWN]
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...")


def _key(title: str) -> str:
    """Return the normalised form of a column name, for comparisons."""
    return "".join(filter(str.isalnum, title.lower()))


def _is_called(name: str, key: str) -> bool:
    return key == _key(name) or key in SYNONYMS.get(name, ())
