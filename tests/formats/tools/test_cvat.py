"""CVAT for video 1.1, written here as CVAT writes it."""

import pytest

from ava_det.formats.tools.choice import LABEL, Choice
from ava_det.formats.tools.cvat import read_cvat, write_cvat
from ava_det.formats.tools.shapes import Shape
from ava_det.structures import InputError

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>7</id>
      <name>kitchen task</name>
      <size>{size}</size>
      <mode>interpolation</mode>
      <overlap>5</overlap>
      <bugtracker></bugtracker>
      <created>2024-03-05 10:11:12.000000+00:00</created>
      <updated>2024-03-05 10:31:12.000000+00:00</updated>
      <subset>default</subset>
      <start_frame>0</start_frame>
      <stop_frame>{last}</stop_frame>
      <frame_filter></frame_filter>
      <segments>
        <segment><id>9</id><start>0</start><stop>{last}</stop><url>http://localhost</url></segment>
      </segments>
      <owner><username>ann</username><email></email></owner>
      <assignee></assignee>
      <labels>
        <label>
          <name>person</name>
          <color>#33ddff</color>
          <type>any</type>
          <attributes>
            <attribute>
              <name>pose</name>
              <mutable>True</mutable>
              <input_type>select</input_type>
              <default_value>none</default_value>
              <values>none
sit
stand up</values>
            </attribute>
            <attribute>
              <name>talk</name>
              <mutable>True</mutable>
              <input_type>checkbox</input_type>
              <default_value>false</default_value>
              <values>false</values>
            </attribute>
          </attributes>
        </label>
      </labels>
      <original_size>
        <width>200</width>
        <height>100</height>
      </original_size>
      <source>kitchen.mp4</source>
    </task>
    <dumped>2024-03-05 10:35:12.000000+00:00</dumped>
  </meta>
"""


def box(frame, corners, pose="none", talk="false", outside=0, occluded=0, keyframe=1):
    x1, y1, x2, y2 = corners
    return f"""    <box frame="{frame}" keyframe="{keyframe}" outside="{outside}" \
occluded="{occluded}" xtl="{x1:.2f}" ytl="{y1:.2f}" xbr="{x2:.2f}" ybr="{y2:.2f}" z_order="0">
      <attribute name="pose">{pose}</attribute>
      <attribute name="talk">{talk}</attribute>
    </box>
"""


def document(*tracks, size=10):
    body = "".join(
        f'  <track id="{k}" label="person" source="manual">\n{"".join(boxes)}  </track>\n'
        for k, boxes in enumerate(tracks)
    )
    return HEAD.format(size=size, last=size - 1) + body + "</annotations>\n"


TEXT = """            <attribute>
              <name>{name}</name>
              <mutable>False</mutable>
              <input_type>{kind}</input_type>
              <default_value></default_value>
              <values></values>
            </attribute>
"""
CAR = "<label><name>car</name><color></color><type>any</type><attributes></attributes></label>"


def busy_document():
    """A task of a person with an id and a note, of a car, and of an outlined person."""
    text = document([box(0, (0, 0, 10, 10), "sit"), box(1, (0, 0, 10, 10), outside=1)])
    declared = TEXT.format(name="id", kind="number") + TEXT.format(name="note", kind="text")
    text = text.replace("          </attributes>", declared + "          </attributes>")
    text = text.replace("        </label>", "        </label>" + CAR)
    given = '<attribute name="id">7</attribute><attribute name="note">limps</attribute></box>'
    text = text.replace("</box>", given)
    car = "".join([box(0, (20, 0, 40, 10)), box(1, (20, 0, 40, 10), outside=1)])
    outline = '<polygon frame="0" keyframe="1" outside="0" occluded="0" points="0,0;9,0;9,9"/>'
    tracks = f'<track id="1" label="car" source="manual">{car}</track>'
    tracks += f'<track id="2" label="person" source="manual">{outline}</track>'
    return text.replace("</annotations>", tracks + "</annotations>")


@pytest.fixture
def read(tmp_path):
    def call(text, *arguments, **options):
        path = tmp_path / "task.xml"
        path.write_text(text)
        return read_cvat(path, *arguments, **options)

    return call


def test_between_two_keyframes_a_box_moves_on_a_line_and_its_attributes_stay(read):
    track = [
        box(2, (0, 0, 20, 40), pose="sit"),
        box(6, (40, 20, 100, 80), pose="stand up", talk="true"),
        box(7, (40, 20, 100, 80), outside=1),
    ]
    annotations = read(document(track))
    assert [shape.tick for shape in annotations.shapes] == [2, 3, 4, 5, 6]
    assert {shape.video for shape in annotations.shapes} == {"kitchen"}
    halfway = annotations.shapes[2]
    assert halfway.box == pytest.approx((0.1, 0.1, 0.3, 0.6))  # (20, 10, 60, 60) of 200 x 100
    assert [shape.actions for shape in annotations.shapes[3:]] == [("sit",), ("stand up", "talk")]
    assert annotations.actions == ("sit", "stand up", "talk")


def test_a_track_lasts_until_it_is_outside_or_the_video_ends(read):
    gone = [box(1, (0, 0, 10, 10)), box(3, (0, 0, 10, 10), outside=1), box(8, (0, 0, 20, 10))]
    shapes = read(document(gone)).shapes
    assert [shape.tick for shape in shapes] == [1, 2, 8, 9]
    assert shapes[1].box == shapes[0].box  # it does not move towards a box that is outside


def test_every_frame_written_out_reads_as_its_keyframes(read):
    short = [box(0, (0, 0, 20, 20)), box(3, (30, 0, 50, 20)), box(4, (30, 0, 50, 20), outside=1)]
    long = [box(k, (10 * k, 0, 10 * k + 20, 20), keyframe=int(k in (0, 3))) for k in range(4)]
    long.append(box(4, (30, 0, 50, 20), outside=1))
    for a, b in zip(read(document(short)).shapes, read(document(long)).shapes, strict=True):
        assert (a.tick, a.actions) == (b.tick, b.actions)
        assert a.box == pytest.approx(b.box)


def test_options(read):
    text = document([box(0, (0, 0, 9, 9)), box(3, (0, 0, 9, 9), occluded=1)], size=6)
    assert [s.tick for s in read(text, Choice(every=2)).shapes] == [0, 2, 4]
    assert [s.tick for s in read(text, occluded=False).shapes] == [0, 1, 2]
    assert read(text, Choice(LABEL)).actions == ("person",)


def test_what_is_written_reads_the_same(tmp_path):
    shapes = [
        Shape("kitchen", 0, (0.1, 0.2, 0.3, 0.4), ("sit",), 3),
        Shape("kitchen", 1, (0.15, 0.2, 0.35, 0.4), ("sit", 'a "b" & <c>'), 3),
        Shape("kitchen", 5, (0.5, 0.2, 0.7, 0.4), (), 3),
        Shape("kitchen", 9, (0.0, 0.0, 1.0, 1.0), ("sit",), 4),
    ]
    path = tmp_path / "kitchen.xml"
    write_cvat(path, shapes, ["sit", 'a "b" & <c>'], frames=10, height=96, width=128)
    annotations = read_cvat(path)
    assert annotations.actions == ("sit", 'a "b" & <c>')
    for given, found in zip(shapes, sorted(annotations.shapes, key=lambda s: s.tick), strict=True):
        assert found.box == pytest.approx(given.box)
        assert (found.tick, found.actions, found.person) == (
            given.tick,
            given.actions,
            given.person,
        )


def test_only_people_are_people_and_numbers_and_notes_no_actions(read):
    found = read(busy_document())
    assert found.shapes == (Shape("kitchen", 0, (0, 0, 0.05, 0.1), ("sit",), 0),)
    assert found.actions == ("sit", "stand up", "talk")
    assert found.left_out == {
        "tracks labelled 'car'": 1,
        "tracks of polygons, not boxes": 1,
        "values of the attribute 'id'": 1,
        "values of the attribute 'note'": 1,
    }
    assert found.labels == ("person", "car")
    assert found.attributes == ("pose", "talk", "id", "note")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(labels=("Car", "person")), [("sit",), ()]),
        (Choice(attributes=("note",)), [("limps",)]),
        (Choice(attributes=("id", "pose")), [("sit", "7")]),
        (Choice(LABEL), [("person",), ("car",)]),
        (Choice(LABEL, labels=("car",)), [("car",)]),
    ],
)
def test_labels_and_attributes_can_be_chosen(read, choice, expected):
    assert [shape.actions for shape in read(busy_document(), choice).shapes] == expected


def test_without_a_label_called_person_all_are_people(read):
    text = document([box(0, (0, 0, 9, 9), "sit")], size=1).replace("person", "worker")
    assert [shape.actions for shape in read(text).shapes] == [("sit",)]
    assert [s.actions for s in read(text.replace("worker", "Human")).shapes] == [("sit",)]


def test_folders_are_part_of_the_name(read):
    text = GOOD.replace("kitchen.mp4", "golf\\\\swing.1.mp4")
    assert read(text).shapes[0].video == "golf/swing.1"


def test_a_turned_box_is_enclosed(read):
    turned = box(0, (40, 40, 80, 60)).replace(' z_order="0"', ' rotation="90.00" z_order="0"')
    (shape,) = read(document([turned], size=1)).shapes
    assert shape.box == pytest.approx((0.25, 0.3, 0.35, 0.7))  # (50, 30, 70, 70) of 200 x 100
    straight = box(2, (40, 40, 80, 60))
    halfway = read(document([turned, straight], size=3)).shapes[1]  # 45 degrees
    reach = (20 + 10) / 2**0.5
    expected = (60 - reach) / 200, (50 - reach) / 100, (60 + reach) / 200, (50 + reach) / 100
    assert halfway.box == pytest.approx(expected)
    corner = turned.replace('xtl="40.00"', 'xtl="160.00"').replace('xbr="80.00"', 'xbr="200.00"')
    tall = corner.replace('ytl="40.00"', 'ytl="0.00"').replace('ybr="60.00"', 'ybr="20.00"')
    (cut,) = read(document([tall], size=1)).shapes
    assert cut.box == pytest.approx((0.85, 0.0, 0.95, 0.3))  # (170, -10, 190, 30)


def test_of_one_frame_in_so_many_none_between_is_annotated(read):
    text = document(
        [box(2, (0, 0, 10, 10)), box(7, (10, 0, 20, 10)), box(12, (0, 0, 9, 9), outside=1)]
    )
    text = text.replace("<frame_filter></frame_filter>", "<frame_filter>step=5</frame_filter>")
    text = text.replace("<start_frame>0", "<start_frame>2").replace(
        "<stop_frame>9", "<stop_frame>17"
    )
    assert [shape.tick for shape in read(text).shapes] == [2, 7]
    assert [shape.tick for shape in read(text, Choice(every=10)).shapes] == [2]


def test_a_job_has_its_size_elsewhere_and_no_video(read):
    text = GOOD.replace("<task>", "<job>").replace("</task>", "</job>")
    size = text[text.index("<original_size>") : text.index("</original_size>") + 16]
    text = text.replace("<name>kitchen task</name>", "").replace("<source>kitchen.mp4</source>", "")
    text = text.replace(size, "").replace("</job>", "</job>" + size)
    shapes = read(text).shapes
    assert len(shapes) == 10
    assert shapes[0] == Shape("", 0, (0, 0, 0.05, 0.1), (), 0)


def project_of(*sources):
    """A project of tasks of 10 frames each, a person on the second frame of each."""
    task = HEAD[HEAD.index("<task>") : HEAD.index("</task>") + 7].format(size=10, last=9)
    labels = task[task.index("<labels>") : task.index("</labels>") + 9]
    task = task.replace(labels, "")
    tasks = "".join(
        task.replace("<id>7</id>", f"<id>{k}</id>").replace("kitchen.mp4", source)
        for k, source in enumerate(sources, start=7)
    )
    tracks = "".join(
        f'<track id="0" label="person" source="manual" task_id="{k + 7}" subset="default">'
        f"{box(10 * k + 1, (0, 0, 10, 10))}{box(10 * k + 3, (0, 0, 10, 10), outside=1)}</track>"
        for k in range(len(sources))
    )
    meta = f"<meta><project><name>p</name><tasks>{tasks}</tasks>{labels}</project></meta>"
    return f"<annotations><version>1.1</version>{meta}{tracks}</annotations>"


def test_a_project_counts_through_its_tasks(read):
    found = read(project_of("a.mp4", "b.mp4"))
    assert [(s.video, s.tick) for s in found.shapes] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert found.actions == ("sit", "stand up", "talk")
    with pytest.raises(InputError, match="two tasks are of 'a': export each by itself"):
        read(project_of("a.mp4", "a.mp4"))
    with pytest.raises(InputError, match="track 0: task '8' is not in the file"):
        read(project_of("a.mp4", "b.mp4").replace("<id>8</id>", "<id>9</id>"))
    with pytest.raises(InputError, match="track 0: frame 1 is of another task"):
        read(project_of("a.mp4", "b.mp4").replace('task_id="7"', 'task_id="8"'))


BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<annotations><version>&b;</version></annotations>"""
FILE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><annotations>&f;</annotations>'
GOOD = document([box(0, (0, 0, 10, 10))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "has a document type"),
        (FILE, "has a document type"),
        ("", "not XML"),
        (GOOD[:900], "not XML"),
        ("<annotations/>", "not the export of a task as `CVAT for video 1.1`"),
        (
            GOOD.replace("<track", "<image").replace("</track", "</image"),
            "is `CVAT for images`; export it as",
        ),
        (GOOD.replace("<width>200</width>", ""), "width is '', not a whole number"),
        (GOOD.replace("original_size", "size"), "has no original_size: it is of images"),
        (GOOD.replace('xtl="0.00"', 'xtl="left"'), "track 0, frame 0: xtl is 'left'"),
        (GOOD.replace('xtl="0.00"', 'xtl="nan"'), "track 0, frame 0: xtl is 'nan', not a number"),
        (GOOD.replace('xbr="10.00"', 'xbr="900"'), "outside the frame of 200 x 100"),
        (GOOD.replace('xbr="10.00"', 'xbr="-1"'), "is no box"),
        (GOOD.replace('box frame="0"', 'box frame="-3"'), "frame is '-3', not a whole number"),
        (
            document([box(1, (0, 0, 9, 9)), box(1, (0, 0, 9, 8))]),
            "track 0: has two boxes on frame 1, and they differ",
        ),
        (GOOD.replace("utf-8", "klingon"), "not XML"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(read, text, message):
    with pytest.raises(InputError, match=message) as error:
        read(text)
    assert "\n" not in str(error.value)


COLUMNS, BOUNDS = (
    pytest.mark.holds("13.8 columns: CVAT's flags"),
    pytest.mark.holds("13.9 bounds: CVAT's frames"),
)


@COLUMNS
@pytest.mark.parametrize(("on", "off"), [("1", "0"), ("true", "false"), ("True", "False")])
def test_a_flag_may_be_a_word(read, on, off):
    text = document([box(0, (0, 0, 9, 9)), box(2, (0, 0, 9, 9), occluded=1), box(5, (0, 0, 9, 9))])
    last = text.rindex('outside="0"')
    text = text[:last] + f'outside="{on}"' + text[last + 11 :]
    text = text.replace('outside="0"', f'outside="{off}"')
    text = text.replace('occluded="1"', f'occluded="{on}"')
    assert [shape.tick for shape in read(text).shapes] == [0, 1, 2, 3, 4]
    assert [shape.tick for shape in read(text, occluded=False).shapes] == [0, 1]


@COLUMNS
@pytest.mark.parametrize("word", ["yes", "2", "", "-1", "on", "nan"])
@pytest.mark.parametrize("flag", ["outside", "occluded"])
def test_a_flag_that_is_neither_on_nor_off_is_refused(read, flag, word):
    with pytest.raises(InputError, match=f"track 0, frame 0: {flag} is '{word}', neither 0"):
        read(GOOD.replace(f'{flag}="0"', f'{flag}="{word}"'))


@COLUMNS
def test_a_box_that_comes_twice_is_one(read):
    end = box(4, (0, 0, 9, 9), outside=1)
    first, moved_end = box(0, (0, 0, 9, 9), "sit"), box(4, (0, 0, 9, 5), outside=1)
    once = read(document([first, end])).shapes
    assert len(once) == 4
    assert read(document([first, first, end, end])).shapes == once
    assert read(document([first, end, moved_end])).shapes == once  # an outside box is nowhere
    for other in (box(0, (0, 0, 9, 8), "sit"), box(0, (0, 0, 9, 9), "none"), box(0, (0, 0, 9, 9))):
        with pytest.raises(InputError, match="track 0: has two boxes on frame 0, and they differ"):
            read(document([first, other, end]))
    with pytest.raises(InputError, match="track 0: has two boxes on frame 4, and they differ"):
        read(document([first, end, box(4, (0, 0, 9, 9))]))


@BOUNDS
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("<stop_frame>9<", "<stop_frame>nan<"), "stop_frame is 'nan', not a whole"),
        (GOOD.replace("<stop_frame>9<", "<stop_frame>1e12<"), "stop_frame is '1e12', not a whole"),
        (
            GOOD.replace("<stop_frame>9<", f"<stop_frame>{'9' * 5000}<"),
            "stop_frame is '9999.*, not a whole number",
        ),
        (
            GOOD.replace("<stop_frame>9<", "<stop_frame>100000000<"),
            r"track 0: goes on to frame 100000000 \(stop_frame\), and its video has 10 frames",
        ),
        (
            document([box(0, (0, 0, 9, 9)), box(999_999_999, (0, 0, 9, 9))]),
            "track 0: goes on to frame 999999998, and its video has 10 frames",
        ),
        (GOOD.replace("<width>200<", "<width>1e400<"), "width is '1e400', not a whole number"),
        (GOOD.replace("<width>200<", "<width>0<"), "a video of 0 x 100"),
        (GOOD.replace("<start_frame>0<", "<start_frame>50<"), "stop_frame is 9, before start_fr"),
        (
            GOOD.replace("<frame_filter><", "<frame_filter>step=five<"),
            "frame_filter is 'step=five', not step=N",
        ),
        (GOOD.replace('id="0"', f'id="{"1" * 60_000}"'), "track 1{80}: id is '1{80}', not a whole"),
        (GOOD.replace('xtl="0.00"', 'xtl="-1e308"'), "track 0, frame 0: .* is outside the frame"),
        (GOOD.replace(" z_order", ' rotation="inf" z_order'), "rotation is 'inf', not a number"),
        (
            GOOD.replace(" z_order", ' rotation="1e308" z_order'),
            r"rotation is 1e\+308, not a number of degrees",
        ),
    ],
)
def test_numbers_that_make_no_sense_are_refused_at_once(read, text, message):
    with pytest.raises(InputError, match=message) as error:
        read(text, frames_of=lambda _: 10)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@BOUNDS
def test_where_the_video_is_not_known_the_boxes_are_bounded(read, monkeypatch):
    monkeypatch.setattr("ava_det.formats.tools.cvat.MOST_BOXES", 100)
    text = GOOD.replace("<stop_frame>9<", "<stop_frame>999999999<")
    with pytest.raises(InputError, match="track 0: over 100 boxes: --every keeps a frame in N"):
        read(text)
    assert len(read(text, Choice(every=10**8)).shapes) == 10


@BOUNDS
def test_elements_within_elements_without_end_are_read_or_refused(read):
    deep = "<version>" * 200_000 + "</version>" * 200_000
    assert len(read(GOOD.replace("<version>1.1</version>", deep)).shapes) == 10


@pytest.mark.holds("13.7 pixels: frames of another shape than the video's")
def test_the_size_of_the_frames_is_told(read, tmp_path):
    assert read(GOOD).sizes == {("kitchen", (200, 100)): str(tmp_path / "task.xml")}
