"""The csv of finished runs: written by several at once, read whole, malformed files named."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.ablate.rows import add_row, key_of, read_curve, read_rows, write_curve
from ava_det.structures import InputError

ROW = {"arm": "S, 25 %", "seed": "3", "recipe": "ab12", "top-1": "21.5", "machine": 'a "b", 2'}


def test_what_is_added_is_read(tmp_path):
    path = tmp_path / "new" / "rows.csv"
    assert read_rows(path) == []
    add_row(path, ROW)
    add_row(path, {**ROW, "seed": "4", "note": "x"})
    first, second = read_rows(path, ["top-1"])
    assert first == {**ROW, "note": ""}
    assert second["note"] == "x"
    assert key_of(second) == ("S, 25 %", "4", "ab12")


def test_the_first_of_a_key_counts(tmp_path):
    path = tmp_path / "rows.csv"
    for value in ("1", "2"):
        add_row(path, {**ROW, "top-1": value})
    assert [row["top-1"] for row in read_rows(path)] == ["1"]


def test_several_writers_lose_nothing(tmp_path):
    path = tmp_path / "rows.csv"
    code = (
        "import sys; from ava_det.ablate.rows import add_row\n"
        "for seed in range(15): add_row(sys.argv[1], "
        "{'arm': sys.argv[2], 'seed': str(seed), 'recipe': 'r'})"
    )
    arguments = [sys.executable, "-c", code, str(path)]
    writers = [subprocess.Popen([*arguments, arm]) for arm in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    keys = {key_of(row) for row in read_rows(path)}
    assert keys == {(arm, str(seed), "r") for arm in "abc" for seed in range(15)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arm,seed\na,1\n", "row 1: no column recipe, top-1"),
        ("", "row 1: no column arm, seed, recipe, top-1"),
        ("arm,seed,recipe,top-1\na,1,r\n", "row 2: not as many columns"),
        ("arm,seed,recipe,top-1\na,1,r,5,6\n", "row 2: not as many columns"),
        ("arm,seed,recipe,top-1\na,1,r,5\na,2,r,x\n", "row 3: top-1 'x' is not a number"),
        ("arm,seed,recipe,top-1\na,1,r,nan\n", "row 2: top-1 'nan' is not a number"),
        ("arm,seed,recipe,top-1\na,one,r,5\n", "row 2: seed 'one' is not a number"),
    ],
)
def test_malformed_rows_are_named(tmp_path, text, message):
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_rows(tmp_path / "rows.csv", ["top-1"])


@given(st.dictionaries(st.integers(0, 10**6), st.integers(-(10**5), 10**5), max_size=9))
def test_a_curve_survives_its_text(points):
    steps = np.array(sorted(points), np.int64)
    values = np.array([points[step] / 100 for step in steps.tolist()])
    back = read_curve(write_curve(steps, values))
    np.testing.assert_array_equal(back[0], steps)
    np.testing.assert_allclose(back[1], values, rtol=1e-5)


@pytest.mark.parametrize("text", ["5", "1:2:3", "a:1", "1:b"])
def test_what_is_no_curve_is_refused(text):
    with pytest.raises(InputError, match="is not a curve"):
        read_curve(text)
