"""CVAT for video 1.1, written here as CVAT writes it."""

import pytest

from ava_det.formats.cvat import read_cvat, write_cvat
from ava_det.formats.shapes import LABEL, Shape
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


@pytest.fixture
def read(tmp_path):
    def call(text, **arguments):
        path = tmp_path / "task.xml"
        path.write_text(text)
        return read_cvat(path, **arguments)

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
    assert [s.tick for s in read(text, every=2).shapes] == [0, 2, 4]
    assert [s.tick for s in read(text, occluded=False).shapes] == [0, 1, 2]
    assert read(text, actions_from=LABEL).actions == ("person",)


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
        ("<annotations/>", "not the export of one task"),
        (GOOD.replace("<width>200</width>", ""), "original_size/width is '', not a number"),
        (GOOD.replace("kitchen.mp4", "").replace("kitchen task", ""), "does not name its video"),
        (GOOD.replace('xtl="0.00"', 'xtl="left"'), "track 0, frame 0: xtl is 'left'"),
        (GOOD.replace('xtl="0.00"', 'xtl="nan"'), "is no box"),
        (GOOD.replace('xbr="10.00"', 'xbr="900"'), "outside the frame of 200 x 100"),
        (GOOD.replace('xbr="10.00"', 'xbr="-1"'), "is no box"),
        (GOOD.replace('box frame="0"', 'box frame="-3"'), "frame is '-3', not a whole number"),
        (document([box(1, (0, 0, 9, 9))] * 2), "track 0: has two boxes on frame 1"),
        (GOOD.replace("utf-8", "klingon"), "not XML"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(read, text, message):
    with pytest.raises(InputError, match=message) as error:
        read(text)
    assert "\n" not in str(error.value)
