"""A run that is killed anywhere goes on as if nothing had happened."""

import resource

import numpy as np
import pytest

from ava_det.detect.journal import Journal
from ava_det.structures import AnnotatedKeyframe, InputError, Keyframe, PersonBoxes

FILMS = "aaabbc"
RECORDS = [
    AnnotatedKeyframe(f"{name}.mp4", PersonBoxes.nobody(Keyframe(name, tick)))
    for tick, name in enumerate(FILMS)
]
RUN = {"weights": "x"}


def people(place: int) -> PersonBoxes:
    count = place % 3
    return PersonBoxes(
        RECORDS[place].people.keyframe,
        np.full((count, 4), place / 7),
        ((),) * count,
        np.full(count, place / 9),
        np.full(count, -1),
    )


def problem(place: int) -> str:
    return 'b.mp4: "broken"' if FILMS[place] == "b" else ""


def fill(path, upto=6):
    with Journal(path, RUN, RECORDS) as journal:
        start = journal.done
        for place in range(start, upto):
            journal.add(people(place), problem(place))
        return start, list(journal.read())


@pytest.mark.parametrize(("noted", "done"), [(0, 0), (1, 0), (3, 3), (4, 3), (5, 5), (6, 6)])
@pytest.mark.parametrize("torn", [False, True])
def test_whole_videos_are_kept(tmp_path, noted, done, torn):
    path = tmp_path / "boxes.csv.part"
    fill(path, noted)
    if torn:
        with path.open("a") as file:
            file.write("[[[0.1, 0.")
    start, found = fill(path)
    assert start == done
    whole = tmp_path / "whole"
    assert fill(whole)[0] == 0
    assert path.read_text() == whole.read_text()
    for place, (group, said) in enumerate(found):
        assert said == problem(place)
        assert group.keyframe == RECORDS[place].people.keyframe
        np.testing.assert_array_equal(group.boxes, people(place).boxes)
        np.testing.assert_array_equal(group.scores, people(place).scores)


def test_another_run_begins_anew(tmp_path):
    path = tmp_path / "part"
    fill(path)
    with Journal(path, {"weights": "y"}, RECORDS) as journal:
        assert journal.done == 0


def test_other_keyframes_begin_anew(tmp_path):
    path = tmp_path / "part"
    fill(path)
    with Journal(path, RUN, RECORDS[1:]) as journal:
        assert journal.done == 0


@pytest.mark.holds("13.11 each line of a journal says its keyframe, which a resumed run checks")
@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize(
    "line",
    ['["b", 9, [], [], ""]', '[[], [], ""]', "[" * 100_000, '{"0": 1}', "\0\0", "\xff"],
    ids=["another keyframe", "none", "deep", "object", "zeros", "no text"],
)
def test_a_line_of_another_keyframe_and_what_follows_do_not_count(tmp_path, place, line):
    path, whole = tmp_path / "part", tmp_path / "whole"
    fill(path)
    fill(whole)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[place + 1] = line.encode("latin-1") + b"\n"
    path.write_bytes(b"".join(lines))
    assert fill(path)[0] == FILMS.index(FILMS[place])
    assert path.read_text() == whole.read_text()


@pytest.mark.holds("13.11 each line of a journal says its keyframe")
def test_what_another_process_wrote_meanwhile_is_refused(tmp_path):
    path = tmp_path / "part"
    with Journal(path, RUN, RECORDS) as journal:
        journal.add(people(0))
        with path.open("a") as file:
            file.write('["a", 0, [[0, 0, 1, 1]], [0.5], ""]\n')
        journal.add(people(1))
        with pytest.raises(
            InputError, match=r"part: row 3: does not belong to Keyframe\(.*tick=1\)"
        ):
            list(journal.read())


def test_a_journal_of_an_older_form_begins_anew(tmp_path):
    path = tmp_path / "part"
    fill(path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0].replace('"journal": 2, ', "") + "".join(lines[1:]))
    with Journal(path, RUN, RECORDS) as journal:
        assert journal.done == 0


@pytest.mark.holds(
    "13.10 a full disk says so, with the file: the journal, of which nothing is lost"
)
def test_a_full_disk_is_said_of_the_journal(tmp_path):
    path = tmp_path / "part"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path, RUN, RECORDS) as journal:
        for place in range(3):
            journal.add(people(place))
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 9, hard))
        try:
            with pytest.raises(OSError, match="File too large") as caught:
                journal.add(people(3), "x" * 9)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(path)
    assert fill(path)[0] == 3
