"""Tables of a grid: hand-computed means, pairs by seed, and what is not there yet."""

import numpy as np
import pytest

from ava_det.ablate.tables import comparisons, markdown, provenance, summary

ROWS = [
    {"arm": arm, "seed": str(seed), "top-1": str(value), "seconds": "120"}
    for arm, values in {"plain": (20, 22, 24), "S|x": (25, 23)}.items()
    for seed, value in enumerate(values)
]
ARMS = ["plain", "S|x", "later"]


def test_summary():
    table = summary(ROWS, ARMS, "top-1").set_index("arm")
    assert table.loc[
        "plain", ["runs", "mean", "deviation", "lowest", "highest", "minutes"]
    ].tolist() == [*(3, 22, 2, 20, 24, 2)]
    assert table.loc["S|x", ["mean", "deviation"]].tolist() == pytest.approx([24, 2**0.5])
    assert table.loc["later", "runs"] == 0
    assert np.isnan(table.loc["later", "mean"])


def test_only_seeds_of_both_arms_are_compared():
    found = comparisons(ROWS, [("S|x", "plain"), ("later", "plain")], "top-1")
    assert list(found) == [("S|x", "plain")]
    result = found["S|x", "plain"]  # 25 - 20, 23 - 22
    assert (result.pairs, result.difference) == (2, 3)


def test_rows_in_any_order_pair_by_seed():
    one = comparisons(ROWS, [("S|x", "plain")], "top-1")
    assert comparisons(ROWS[::-1], [("S|x", "plain")], "top-1") == one


def test_markdown():
    text = markdown("mixes", ROWS, ARMS, [("S|x", "plain")], ["top-1"], ["Partial: 5 of 9 runs."])
    lines = text.splitlines()
    assert lines[0] == "# mixes"
    assert lines[2] == "Partial: 5 of 9 runs."
    assert "| plain | 3 | 22.00 | 2.00 | 20.00 | 24.00 | 2.0 |" in lines
    assert "| S\\|x | 2 | 24.00 | 1.41 | 23.00 | 25.00 | 2.0 |" in lines
    assert "| later | 0 | \u2013 | \u2013 | \u2013 | \u2013 | \u2013 |" in lines
    (row,) = [line for line in lines if line.startswith("| S\\|x - plain")]
    assert row.startswith("| S\\|x - plain | 2 | +3.00 | -22.41 to +28.41 |")  # 3 +- 12.706 * 2
    assert "its p cannot be below 0.5 with 2 seeds" in text
    assert "the number of comparisons (1)." in text


def test_one_seed_has_no_interval():
    rows = [row for row in ROWS if row["seed"] == "0"]
    text = markdown("x", rows, ARMS, [("S|x", "plain")], ["top-1"], [])
    assert "| S\\|x - plain | 1 | +5.00 | \u2013 | \u2013 | 1.0000 |" in text


def test_a_partial_or_mixed_grid_is_called_so():
    facts = {"commit": "c1", "machine": "m", "config": "h"}
    rows = [{**row, **facts} for row in ROWS]
    assert provenance(rows, 5, 5) == ["5 of 5 runs.", "Commit: c1.", "Machine: m."]
    rows[1] |= {"commit": "c2", "config": "other"}
    assert provenance(rows, 9, 7) == [
        "Partial: 5 of 9 runs.",
        "Commit: c1, c2.",
        "Machine: m.",
        "The config was not the same in all runs of: plain.",
        "2 rows of other recipes or seeds are not used.",
    ]
    assert provenance([], 9, 0) == ["Partial: 0 of 9 runs."]
