"""Thousands of classes: the page and its work stay bounded, and the few shown are counted right."""

import numpy as np
import pandas as pd
import pytest

from ava_det.evaluation.breakdown import confusion, of_classes
from ava_det.evaluation.comparison import OtherRun
from ava_det.evaluation.evaluate import EvaluationRules, evaluate_tables
from ava_det.formats.ava_csv import BOX
from ava_det.formats.class_map import ClassMap
from ava_det.report.evaluation import write_report
from ava_det.report.evaluation_sections import MOST_CLASSES, MOST_GROUPS, shown_classes


def table(actions, **more):
    count = len(actions)
    columns = {"video": ["v"] * count, "tick": np.arange(count) % 50, "action": actions, **more}
    return pd.DataFrame({**columns, **dict(zip(BOX, (0.1, 0.1, 0.5, 0.9), strict=True))}).astype(
        {"video": "category"}
    )


@pytest.mark.slow
@pytest.mark.holds("13.9 20,000 classes in a page: bounded, with a sentence that counts the rest")
def test_a_page_of_very_many_classes(tmp_path):
    names = {i: f"class {i}" for i in range(1, 20_001)}
    class_map = ClassMap(names, {i: f"group {i % 1000}" for i in names})
    actions = np.array([*names, *[20_000] * 3])
    truth = table(actions, person=np.full(len(actions), -1))
    found = table(actions, score=np.linspace(0, 1, len(actions)))
    this = evaluate_tables(truth, found, EvaluationRules(class_map, "uncapped"))
    assert "class 20000" in shown_classes(this.figures)
    assert len(shown_classes(this.figures)) == MOST_CLASSES
    path = tmp_path / "page.html"
    write_report(path, "", this, class_map, other=OtherRun("b", this.figures))
    page = path.read_text()
    assert f"{20_000 - MOST_CLASSES:,} more classes are not on this page" in page
    assert f"<b>{1000 - MOST_GROUPS}</b><span>more groups" in page
    assert len(page) < 2_000_000


def test_errors_among_some_classes():
    truth = table([1, 2, 3], person=np.full(3, -1))
    found = table([2, 2, 1], score=[0.9, 0.8, 0.7])
    rules = EvaluationRules(ClassMap({1: "a", 2: "b", 3: "c"}), "uncapped")
    rows = evaluate_tables(truth, found, rules).result.rows
    whole = confusion(rows, 3, 0.5)
    assert whole.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    some = of_classes(rows, np.array([True, True, False]))
    assert confusion(some, 2, 0.5).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert some.hit[some.taken >= 0].all()
