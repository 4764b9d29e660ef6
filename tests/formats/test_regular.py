"""Pipes are refused by every reader that opens a file itself, rather than waited for."""

import os

import pytest

from ava_det.data.sets.description import read_description
from ava_det.formats.atomic import open_text
from ava_det.formats.plain_pickle import read_plain_pickle
from ava_det.formats.tools.cvat_meta import parse
from ava_det.structures import InputError


@pytest.mark.holds("13.9 bounds: pipes and devices")
@pytest.mark.parametrize("read", [open_text, read_plain_pickle, parse, read_description])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: a pipe or a device: write it to a file first"):
        read(tmp_path / "pipe")
