"""formats/nearest.py: what a misspelt word was meant to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.formats.nearest import meant, meant_file


@pytest.mark.holds("13.12 the nearest right word")
@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("lite", ["light"], "light"),
        ("lihgt", ["light"], "light"),
        ("jhmdb_split1_tset", ["jhmdb_split1_train", "jhmdb_split1_test"], "jhmdb_split1_test"),
        ("WALK", ["stand", "walk"], "walk"),
        ("uncaped", ["activitynet", "uncapped"], "uncapped"),
        ("videomx", ["cutmix", "s_videomix", "t_videomix"], "s_videomix"),
        ("persons", ["light"], ""),
        ("", ["light"], ""),
        ("light", [], ""),
    ],
)
def test_the_nearest_word(word, known, hint):
    assert meant(word, known) == (f" (did you mean {hint}?)" if hint else "")


@given(st.lists(st.text(min_size=3), min_size=1, unique_by=str.casefold), st.data())
def test_a_known_word_is_its_own_nearest(known, data):
    word = data.draw(st.sampled_from(known))
    assert meant(word, known) == f" (did you mean {word}?)"


def test_the_nearest_file(tmp_path):
    for name in ("data.toml", "train.toml", "dta.csv"):
        (tmp_path / name).touch()
    assert meant_file(tmp_path / "dta.toml") == f" (did you mean {tmp_path / 'data.toml'}?)"
    assert meant_file(tmp_path / "x" / "dta.toml", tmp_path).endswith("/x/data.toml?)")
    assert meant_file(tmp_path / "x" / "dta.toml") == meant_file(tmp_path / "classes.toml") == ""
