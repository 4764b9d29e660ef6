"""ava_det.formats.plain_pickle: numpy's strings and integers as the keys of a dict."""

import pickle

import numpy as np
import pytest

from ava_det.formats.plain_pickle import read_plain_pickle
from ava_det.structures import InputError


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_numpys_keys_are_plain_ones(tmp_path, protocol):
    content = {np.str_("Skijet/v_\u00e9"): {np.int64(5): 1, np.uint8(7): np.uint16(300)}, "x": 2}
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    found = read_plain_pickle(path)
    assert found == {"Skijet/v_\u00e9": {5: 1, 7: 300}, "x": 2}
    assert [type(key) for key in found["Skijet/v_\u00e9"]] == [int, int]
    assert type(next(iter(found))) is str


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({None: 0}, "a key that is neither a string nor a number"),
        ({(1, (2,)): 0}, "a key that is neither a string nor a number"),
        ({1 << 64: 0}, "a key of too many digits"),
        (np.array(["a", "b"]), "an array of something other than numbers"),
    ],
)
def test_other_keys_and_arrays_of_text_are_refused(tmp_path, content, message):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(content, protocol=4))
    with pytest.raises(InputError, match=message):
        read_plain_pickle(path)


def test_a_damaged_string_is_one_line(tmp_path):
    data = pickle.dumps({np.str_("abcd"): 0}, protocol=4)
    path = tmp_path / "a.pkl"
    path.write_bytes(data.replace(b"a\0\0\0", b"\xff\xff\xff\xff"))
    with pytest.raises(InputError, match="not a pickle of arrays"):
        read_plain_pickle(path)
