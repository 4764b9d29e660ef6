"""The published lists of recognition sets, as their authors write them, and malformed ones."""

import json

import pytest

from ava_det.data.prepare import hmdb51, kinetics, own_lists, something, ucf101
from ava_det.data.prepare.published import WantedVideo
from ava_det.structures import InputError

HEADER = "label,youtube_id,time_start,time_end,split,is_cc\n"
KINETICS = {
    "train.csv": f'{HEADER}"riding, a bike",-3B32lodo2M,59,69,train,0\n'
    "abseiling,b,5.0,15.0,train,0\n",
    "validate.csv": f"{HEADER}abseiling,c,100,110,validate,0\n",
}
MINI = {
    "train.csv": f"{HEADER}walk,a,0,10,train,0\nrun,b,0,10,train,0\nswim,d,0,10,train,0\n",
    "val.csv": f"{HEADER}run,c,3,13,val,0\n",
    "train_ytid_list.txt": "b\na\n",
    "val_ytid_list.txt": "c\n",
}
SOMETHING = {
    "something-something-v2-labels.json": json.dumps({"Holding something": "1", "Moving it": "0"}),
    "something-something-v2-train.json": json.dumps(
        [{"id": "78687", "label": "holding potato", "template": "Holding [something]"}]
    ),
    "something-something-v2-validation.json": json.dumps([{"id": "7", "template": "Moving it"}]),
}
UCF101 = {
    "classInd.txt": "1 Archery\n2 Biking\n",
    "trainlist02.txt": "Biking/v_Biking_g08_c01.avi 2\nArchery/v_Archery_g08_c01.avi 1\n",
    "testlist02.txt": "Archery/v_Archery_g01_c01.avi\n",
}
HMDB51 = {
    "wave_test_split1.txt": "a.b#1.avi 1 \nb.avi 2 \nc.avi 0 \n",
    "brush_hair_test_split1.txt": "d_e (1).avi 2 \n",
    "README": "of the archive",
}
OWN = {
    "classes.txt": "walk\nrun\n",
    "train.txt": "x/a.mp4 1\nframes/b 30 0\n",
    "test.csv": "c.avi,1",
}


def write(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("read", "files", "classes", "lists"),
    [
        (
            kinetics.read_annotations,
            KINETICS,
            ("abseiling", "riding, a bike"),
            {
                "train": [
                    (("-3B32lodo2M_000059_000069", "-3B32lodo2M"), 1),
                    (("b_000005_000015", "b"), 0),
                ],
                "val": [(("c_000100_000110", "c"), 0)],
            },
        ),
        (
            kinetics.read_mini_annotations,
            MINI,
            ("run", "walk"),
            {
                "train": [(("b_000000_000010", "b"), 0), (("a_000000_000010", "a"), 1)],
                "val": [(("c_000003_000013", "c"), 0)],
            },
        ),
        (
            something.read_annotations,
            SOMETHING,
            ("Moving it", "Holding something"),
            {"train": [(("78687",), 1)], "val": [(("7",), 0)]},
        ),
        (
            ucf101.read_annotations,
            UCF101,
            ("Archery", "Biking"),
            {
                "split2_train": [
                    (("Biking/v_Biking_g08_c01",), 1),
                    (("Archery/v_Archery_g08_c01",), 0),
                ],
                "split2_test": [(("Archery/v_Archery_g01_c01",), 0)],
            },
        ),
        (
            hmdb51.read_annotations,
            HMDB51,
            ("brush_hair", "wave"),
            {
                "split1_test": [(("brush_hair/d_e (1)", "d_e (1)"), 0), (("wave/b", "b"), 1)],
                "split1_train": [(("wave/a.b#1", "a.b#1"), 1)],
            },
        ),
        (
            own_lists.read_annotations,
            OWN,
            ("walk", "run"),
            {"train": [(("x/a",), 1), (("frames/b",), 0)], "test": [(("c",), 1)]},
        ),
    ],
)
def test_each_set_is_read(tmp_path, read, files, classes, lists):
    found = read(write(tmp_path, files))
    assert found.classes == classes
    assert found.lists == {
        name: [WantedVideo(*row) for row in rows] for name, rows in lists.items()
    }


def test_kinetics_as_json_is_the_same(tmp_path):
    (tmp_path / "csv").mkdir()
    (tmp_path / "json").mkdir()
    rows = {
        "train.json": {
            "-3B32lodo2M": {"annotations": {"label": "riding, a bike", "segment": [59.0, 69.0]}},
            "b": {"annotations": {"label": "abseiling", "segment": [5.0, 15.0]}},
        },
        "validate.json": {"c": {"annotations": {"label": "abseiling", "segment": [100, 110]}}},
    }
    write(tmp_path / "json", {name: json.dumps(content) for name, content in rows.items()})
    write(tmp_path / "csv", KINETICS)
    read = kinetics.read_annotations
    assert read(tmp_path / "json") == read(tmp_path / "csv")


@pytest.mark.parametrize(
    ("read", "files", "change", "message"),
    [
        (
            kinetics.read_annotations,
            KINETICS,
            ("train.csv", "59", "x"),
            r"train\.csv: row 2: .*'x'",
        ),
        (
            kinetics.read_annotations,
            KINETICS,
            ("validate.csv", "abseiling", ""),
            r"validate\.csv: row 2: no label",
        ),
        (
            kinetics.read_annotations,
            KINETICS,
            ("train.csv", "youtube_id", "id"),
            r"train\.csv: row 1: no column youtube_id",
        ),
        (
            kinetics.read_mini_annotations,
            MINI,
            ("val_ytid_list.txt", "c", "z"),
            r"val_ytid_list\.txt: row 1: z is not in Kinetics-400",
        ),
        (
            something.read_annotations,
            SOMETHING,
            ("something-something-v2-train.json", "Holding", "Eating"),
            r"train\.json: entry 1: .*'Eating something'",
        ),
        (
            something.read_annotations,
            SOMETHING,
            ("something-something-v2-train.json", "[{", "{"),
            r"train\.json: not JSON",
        ),
        (
            ucf101.read_annotations,
            UCF101,
            ("trainlist02.txt", "Archery/", "Arching/"),
            r"trainlist02\.txt: row 2: 'Arching' is not in classInd\.txt",
        ),
        (
            ucf101.read_annotations,
            UCF101,
            ("trainlist02.txt", "avi 2", "avi 1"),
            r"trainlist02\.txt: row 1: Biking has another number",
        ),
        (
            hmdb51.read_annotations,
            HMDB51,
            ("wave_test_split1.txt", "b.avi 2", "b.avi"),
            r"wave_test_split1\.txt: row 2: expected 'NAME\.avi' and 0, 1 or 2",
        ),
        (own_lists.read_annotations, OWN, ("train.txt", "1", "7"), r"train\.txt: row 1: a label"),
    ],
)
def test_what_is_malformed_is_named(tmp_path, read, files, change, message):
    name, old, new = change
    assert old in files[name]
    write(tmp_path, {**files, name: files[name].replace(old, new, 1)})
    with pytest.raises(InputError, match=message):
        read(tmp_path)


@pytest.mark.parametrize(
    "read",
    [
        kinetics.read_annotations,
        something.read_annotations,
        ucf101.read_annotations,
        hmdb51.read_annotations,
        own_lists.read_annotations,
    ],
)
def test_an_empty_folder_says_what_is_missing(tmp_path, read):
    with pytest.raises(InputError, match=r"no .* in it"):
        read(tmp_path)
