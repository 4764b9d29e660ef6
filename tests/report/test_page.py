"""Pages: all text is escaped, nothing comes from outside, charts show what they are given."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ava_det.evaluation.comparison import OtherRun
from ava_det.formats.ava_csv import BOX
from ava_det.report import evaluation_sections as evaluation_report
from ava_det.report.keyframe_picture import keyframe_picture
from ava_det.report.markup import Html, escape, tag
from ava_det.report.page import Bar, BoxOnPicture, picture, section, table, tiles, write_page
from ava_det.report.plots import (
    Line,
    heat_map,
    line_chart,
    nice_ticks,
    small_curve,
    small_histogram,
)

EVIL = "<script>alert('x')</script> & \"y\""
VOID = {"meta"}  # what HTML does not close


class Outline(HTMLParser):
    """Checks that tags nest, and gathers names, text and attributes."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text, self.attributes = [], [], "", []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, name, attributes):
        self.tags.append(name)
        self.attributes += attributes
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.text += data


def evaluation(names=("stand", "wave", EVIL)):
    a, b, c = names
    return {
        "protocol": "activitynet",
        "iou_threshold": 0.5,
        "mAP": 0.4,
        "groups": {EVIL: 0.4, "none": None},
        "AP": {a: 0.3, b: None, c: 0.5},
        "ground_truth": {a: 3, b: 0, c: 1200},
        "detections": {a: 4, b: 1, c: 0},
        "left_out": {"detections with a degenerate box": 7},
        "unlisted": 0,
    }


def report(result, **more):
    """A report on three classes, of which the last detects the first one falsely."""
    curve = (np.array([1.0, 0.5]), np.array([0.5, 1.0]))
    names = list(result["AP"])
    return evaluation_report.Report(
        result=result,
        groups={names[0]: EVIL},
        curves={names[0]: curve, names[2]: curve},
        edges=np.linspace(0, 1, 3),
        histograms={names[0]: (np.array([0, 2]), np.array([30, 0]))},
        confusion=np.array([[0, 0, 0, 0], [0, 0, 0, 0], [3, 0, 0, 1.0]]),
        **more,
    )


def found_and_truth():
    truth = pd.DataFrame(
        [(0.1, 0.1, 0.5, 0.9, 3), (0.1, 0.1, 0.5, 0.9, 1)], columns=[*BOX, "action"]
    )
    found = truth.iloc[[0, 0, 1]].assign(score=[0.2, 0.9, 0.5], hit=[False, True, False])
    return truth, found


def test_a_whole_page(tmp_path):
    metrics = {
        "total_loss": (np.arange(5), np.arange(5.0)),
        "loss_rpn": (np.arange(5), np.array([1.0, np.nan, 2, 3, np.inf])),
        "loss_box": (np.arange(5), np.ones(5)),
        EVIL + "/x": (np.array([3]), np.array([40.0])),
        "lr": (np.arange(5), np.zeros(5)),
        "time": (np.arange(5), np.ones(5)),
    }
    truth, found = found_and_truth()
    names = {1: "stand", 3: EVIL}
    shown = keyframe_picture(np.zeros((90, 120, 3), np.uint8), f"{EVIL} 902", truth, found, names)
    result = evaluation()
    parts = evaluation_report.sections(report(result, best=[shown], metrics=metrics))
    path = tmp_path / "page.html"
    write_page(path, EVIL, EVIL, parts)
    page = path.read_text()
    outline = Outline(page)
    assert outline.tags.count("script") == 1  # ours
    assert "alert(" not in re.sub(r"alert\(&#x27;x&#x27;\)", "", page)
    assert outline.text.count(EVIL) > 6
    links = [value for name, value in outline.attributes if name in ("src", "href")]
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert not re.search(r"https?:|url\(|@import", page)
    for heading in ["Classes", "Precision and recall", "Best keyframes", "Training", "Left out"]:
        assert f"<h2>{heading}</h2>" in page
    assert "Worst keyframes" not in page
    assert "prefers-color-scheme: dark" in page
    assert list(tmp_path.iterdir()) == [path]


def test_class_table_is_best_first_and_sorts_by_numbers():
    rows = re.findall(
        r"<tr>(.*?)</tr>", evaluation_report.class_section(evaluation(("a", "b", "c")))
    )
    assert [re.search(r"<td>(.)</td>", row)[1] for row in rows[1:]] == ["c", "a", "b"]
    assert 'data-value="0.500000"' in rows[1]
    assert 'data-value="1200">1,200<' in rows[1]
    assert "\u2013" in rows[3]  # no ground truth: a dash, not 0


def test_a_keyframe_says_what_was_right():
    truth, found = found_and_truth()
    names = {1: "stand", 3: "wave"}
    image = np.zeros((90, 120, 3), np.uint8)
    text = Outline(keyframe_picture(image, "v 902", truth, found, names)).text
    assert "annotatedwave, stand" in text
    assert "1✓ wave 0.90✗ stand 0.50✗ wave 0.20" in text
    nobody = keyframe_picture(image, "v 902", truth, found[:0], names)
    assert nobody.count('class="truth"') == 1  # two labels, one person


def test_picture_holds_the_image_and_its_boxes():
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 100:] = (255, 0, 0)
    made = picture(image, [BoxOnPicture(np.array([0.5, 0.0, 1.0, 0.5]), "7")], escape("so"))
    packed = re.search(r"base64,([^\"]+)", made)[1]
    photo = np.asarray(Image.open(io.BytesIO(base64.b64decode(packed))))
    assert photo.shape == (100, 200, 3)
    assert photo[50, 150, 0] > 200 > 60 > photo[50, 50, 0]
    assert 'viewBox="0 0 480 240"' in made
    assert 'class="found" x="240.0" y="0.0" width="240.0" height="120.0"' in made
    large = picture(np.zeros((600, 900, 3), np.uint8), [], escape(), long_side=300)
    packed = re.search(r"base64,([^\"]+)", large)[1]
    assert Image.open(io.BytesIO(base64.b64decode(packed))).size == (300, 200)


@given(st.text())
def test_text_is_always_escaped(text):
    made = section(text, text, table([text], [[text]]), tiles([(text, text)]), note=text)
    outline = Outline(made)
    assert set(outline.tags) <= {
        "section",
        "h2",
        "p",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
    } | {
        "td",
        "button",
        "b",
        "span",
    }
    assert Outline(tag("p", text, title=text)).tags == ["p"]
    assert escape(Html("<b>"), text).startswith("<b>")


def test_cells():
    made = table(["name", "n"], [["a", 1], ["b", None]]) + table(["x"], [[Bar(0.25)], [0.5]])
    assert made.count('class="number"') == 3  # the head of n, 1 and 0.5
    assert "width:25.0%" in made


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (3.0, 3.0, [1.0, 2.0, 3.0, 4.0, 5.0]),
        (0.0, 0.0, [-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6]),
        (19, 1999, [0, 500, 1000, 1500, 2000]),
    ],
)
def test_nice_ticks(low, high, ticks):
    assert nice_ticks(low, high) == pytest.approx(ticks)


number = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(number, number)
def test_ticks_enclose_the_range(a, b):
    low, high = min(a, b), max(a, b)
    ticks = nice_ticks(low, high)
    room = 1e-6 * (ticks[-1] - ticks[0])
    assert ticks[0] - room <= low <= high <= ticks[-1] + room
    assert 2 <= len(ticks) <= 9


def test_line_chart_puts_points_where_they_belong():
    chart = line_chart([Line("a", np.array([0, 10]), np.array([0.0, 5.0]))], "x", "y")
    start, end = re.search(r'd="M([\d.]+ [\d.]+)L([\d.]+ [\d.]+)"', chart).groups()
    assert start == "44.0 184.0"  # lower left
    assert end == "382.0 8.0"  # upper right
    assert "key s0" not in chart  # one line needs no legend
    two = line_chart([Line("a", np.arange(3), np.arange(3))] * 2, "x", "y")
    assert two.count('class="key s') == 2
    empty = line_chart([Line("a", np.zeros(0), np.zeros(0))], "x", "y")
    assert Outline(empty).tags.count("svg") == 1


def test_small_curve_keeps_only_steps():
    precision = np.repeat([1.0, 0.5], 5000)
    recall = np.linspace(0, 0.8, 10000)
    made = small_curve("stand", "0.6", recall, precision)
    assert 'd="M0 100V0H40.0V50H80.0V100Z"' in made


def test_everything_that_a_report_may_have(tmp_path):
    result = evaluation()
    names = list(result["AP"])
    part = {"mAP": 0.5, "classes": 2, "ground_truth": 3, "detections": 4}
    figures = {
        **result,
        "sizes": {"small": part},
        "crowds": {"1 person": {**part, "mAP": None}},
        "ground_truth_boxes": {"mAP": 0.6, "AP": {names[0]: 0.8}},
        "video_mAP": {
            "protocol": "act",
            "linked": True,
            "mAP": {"0.5": 0.25},
            "AP": {t: dict.fromkeys(names, 0.25) for t in ("0.2", "0.5", "0.75")},
            "ground_truth": dict.fromkeys(names, 2),
            "detections": dict.fromkeys(names, 3),
            "left_out": {f"{EVIL} tubes": 1200},
            "least_ticks": 15,
            "short": 2,
        },
    }
    other = {
        **figures,
        "mAP": 0.45,
        "AP": {names[0]: 0.1, names[2]: 0.9},
        "protocol": EVIL,
        "sizes": {"small": {**part, "mAP": 0.75}},
        "video_mAP": {**figures["video_mAP"], "mAP": {"0.5": 0.125}, "protocol": EVIL},
    }
    line = {names[0]: (np.array([0.5]), np.array([1.0]))}
    recall = pd.DataFrame({"score": [0.5], EVIL: [0.75]})
    parts = evaluation_report.sections(
        report(figures, other=OtherRun(EVIL, other, line), recall=recall)
    )
    page = "".join(parts)
    Outline(page)
    assert EVIL not in page
    for heading in ["Size of people", "People on a keyframe", "Comparison", "Tubes", "Proposals"]:
        assert f"<h2>{heading}</h2>" in page
    whole = Outline(page).text
    assert f"They do not compare: protocol is {EVIL} in {EVIL}; 1 class is in this run" in whole
    assert f"; the protocol of tubes is {EVIL} in {EVIL}." in whole
    assert f"Left out: 1,200 {EVIL} tubes. Annotated tubes of less than 15 ticks" in whole
    assert page.count(' class="line s1"') == 1  # the one curve of the other run
    assert 'd="M0 100V50H100.0" class="line s1"' in page
    text = Outline(parts[0]).text
    assert "not comparableagainst the other run" in text
    assert "0.2000lost to the person detector" in text
    # The class that changed most comes first; one that a run lacks has no change.
    changes = re.findall(r'data-value="([^"]+)"><span class="signed">', page)
    means = ["-0.050000", "-0.100000", "0.000000", "0.000000", "-0.250000", "0.125000"]
    assert changes == [*means, "-0.400000", "0.200000"]


def test_runs_that_compare_have_their_difference_in_large():
    result = evaluation()
    other = OtherRun("base.json", {**result, "mAP": 0.45})
    assert "-0.0500against the other run" in Outline(evaluation_report.overview(result, other)).text
    note = Outline(evaluation_report.comparison_section(result, other)).text
    assert "This run against base.json.mAP" in note


def test_shares_of_errors_have_a_decimal():
    matrix = np.array([[0, 1 / 3, 3.5], [0, 2.0, 1200.0]])
    pairs, *_ = evaluation_report.confusion_sections(["a", "b"], matrix)
    shown = re.findall(r'class="number" data-value="[^"]+">([^<]+)<', pairs)
    assert shown == ["1,200", "3.5", "2", "0.3"]
    assert "b, in truth nobody: 1,200 of 1,202" in pairs
    assert "a, in truth b: 0.3 of 3.8" in pairs


@pytest.mark.parametrize("classes", [1, 21, 60, 80])
def test_a_page_of_many_classes(tmp_path, classes):
    names = [f"class {k}" for k in range(classes)]
    rng = np.random.default_rng(0)
    figures = {
        **evaluation(),
        "AP": {name: float(ap) for name, ap in zip(names, rng.random(classes), strict=True)},
        "ground_truth": dict.fromkeys(names, 9),
        "detections": dict.fromkeys(names, 90),
    }
    curve = np.linspace(1, 0.1, 200), np.linspace(0, 1, 200)
    counts = rng.integers(0, 1000, (2, 20))
    whole = evaluation_report.Report(
        result=figures,
        groups={},
        curves=dict.fromkeys(names, curve),
        edges=np.linspace(0, 1, 21),
        histograms=dict.fromkeys(names, tuple(counts)),
        confusion=rng.integers(0, 3, (classes, classes + 1)).astype(float),
    )
    write_page(tmp_path / "page.html", "t", "s", evaluation_report.sections(whole))
    page = (tmp_path / "page.html").read_text()
    outline = Outline(page)
    assert all(outline.text.count(name) >= 3 for name in names)
    assert len(page) < 3_000_000


def test_a_heat_map_shades_each_row_by_itself():
    drawn = heat_map(["a"], ["b", EVIL, "c"], np.array([[3.0, 0.0, 1.0]]))
    assert re.findall(r'fill-opacity="([^"]+)"', drawn) == ["0.78", "0.34"]
    assert "a, in truth b: 3 of 4" in drawn
    assert EVIL not in drawn


def test_a_small_histogram():
    drawn = small_histogram(EVIL, np.array([0.0, 0.5, 1.0]), np.array([0, 3]), np.array([15, 0]))
    bars = re.findall(
        r'<rect x="([^"]+)" width="[^"]+" y="([^"]+)" height="([^"]+)" class="(\w+)"', drawn
    )
    assert bars == [("0.0", "0.0", "60.0", "back"), ("50.0", "30.0", "30.0", "front")]
    assert EVIL not in drawn
