"""JSON of other people: what is no JSON, or says two things at once."""

import json

import pytest

from ava_det.formats.json_file import brief, numbers, read_json, whole
from ava_det.structures import InputError


@pytest.fixture
def read(tmp_path):
    def call(content):
        path = tmp_path / "file.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_json(path)

    return call


def test_an_object_is_read(read):
    assert read('\ufeff{"a": [1, 2.5, "x", null]}') == {"a": [1, 2.5, "x", None]}
    assert read('{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}  # two halves are a whole
    assert read('{"a": "\\\\ud800"}') == {"a": "\\ud800"}  # a backslash, and no half


@pytest.mark.holds("13.10 every error names its file: JSON of annotations")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "the file is '.1.', not of object"),
        ("{", "not JSON"),
        (b'{"a": "\xff"}', "not a text file"),
        (json.dumps({"a": 1}).encode("utf-16"), "UTF-16 text"),
        ("[" * 100_000, "not JSON"),
        ('{"a": %s}' % ("9" * 5000), "not JSON"),
        ('{"a": {"b": 1, "b": 2}}', r"not JSON .key 'b' comes twice in an object"),
        ('{"a": "\\ud800"}', r"a text has half a character, in .*ud800"),
        ('{"\\udfff": 1}', r"a text has half a character"),
    ],
)
def test_what_is_no_json_is_told_in_one_line(read, content, message):
    with pytest.raises(InputError, match=rf"file\.json: {message}") as error:
        read(content)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.holds("13.8 columns: numbers that are none, in annotation files")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -(10**400), 1e15, 0.5, "1", True])
def test_a_whole_number_is_one(value):
    assert whole("x", {"n": 3.0}, "n") == 3
    with pytest.raises(InputError, match="x: n is"):
        whole("x", {"n": value}, "n")


@pytest.mark.holds("13.8 columns: numbers that are none, in annotation files")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "1", True, None, [1]])
def test_a_list_of_numbers_has_numbers_only(value):
    with pytest.raises(InputError, match=r"x: box is .*, not 2 numbers"):
        numbers("x", {"box": [1, value]}, "box", 2)


def test_a_value_is_shown_by_its_beginning():
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    assert brief("x" * 99, 9) == "x" * 9
    assert len(brief(deep)) <= 80
    assert len(brief(10**4000)) <= 80
