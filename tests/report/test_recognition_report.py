"""The page of a recognition test: every cell of the matrix is there, with few classes and many."""

import re

import numpy as np
import pytest

from ava_det.report.page import write_page
from ava_det.report.recognition import confused_pairs, matrix, sections

EVIL = "<b>&'\""


def figures(names):
    return {
        "top1": 0.5,
        "top5": 0.75,
        "mean_class_accuracy": 0.4,
        "videos": 4,
        "unreadable": 2,
        "clips": 10,
        "crops": 3,
        "gmacs": 66.07,
        "classes": {name: {"top1": 0.5, "top5": None, "videos": 2} for name in names},
    }


def test_a_cell_says_what_it_counts():
    drawing = matrix(np.array([[3, 1], [0, 2]]), ["walk", EVIL])
    titles = re.findall("<title>(.*?)</title>", drawing)
    assert titles == [
        "walk: right, 3 of 4",
        "walk: taken for &lt;b&gt;&amp;&#x27;&quot;, 1 of 4",
        "&lt;b&gt;&amp;&#x27;&quot;: right, 2 of 2",
    ]
    assert re.findall(r'class="count"[^>]*>(\d+)<', drawing) == ["3", "1", "2"]
    assert 'class="wrong" fill-opacity="0.34" x="10" y="0"' in drawing  # 0.12 + 0.88 / 4


@pytest.mark.parametrize(("classes", "labels"), [(21, 21), (400, 67)])
def test_a_page_of_few_and_of_many_classes(tmp_path, classes, labels):
    rng = np.random.default_rng(0)
    names = [f"class {k} with quite a long name" for k in range(classes)]
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (rng.integers(classes, size=5000), rng.integers(classes, size=5000)), 1)
    path = tmp_path / "page.html"
    write_page(path, "title", "below", sections(figures(names), confusion))
    page = path.read_text()
    assert page.count("<title>class") == np.count_nonzero(confusion)
    assert page.count('class="side end"') == labels
    assert "66.1 x 30" in page
    assert "http" not in page
    assert path.stat().st_size < 2e6


def test_pairs_are_ranked_by_how_often_they_are_mistaken():
    table = confused_pairs(np.array([[5, 1, 3], [0, 1, 0], [2, 0, 0]]), ["a", "b", "c"])
    cells = re.findall(r"<td>([abc])</td>", table)
    assert cells == ["a", "c", "c", "a", "a", "b"]
    assert confused_pairs(np.diag([1, 2]), ["a", "b"]) is None
