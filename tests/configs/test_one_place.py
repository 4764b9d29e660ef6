"""A value stands in one place of a config: an override of it reaches everybody who uses it."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from detectron2.config import LazyConfig, instantiate
from lanes import slow_but
from made_sets import of_keyframes, registered
from omegaconf import DictConfig, OmegaConf

from ava_det.formats.class_map import ClassMap
from ava_det.structures import InputError
from ava_det.train.config import AS_MANY_AS_THE_DATA, load_config
from ava_det.train.run import model_card

ROOT = Path(__file__).resolve().parents[2] / "configs"
FOLDERS = ("ablate", "finetune", "persons", "pretrain")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.py"))]
CONFIGS = [path for path in FILES if "grid = Grid(" not in path.read_text()]
MAPPERS = ("dataloader.train.mapper", "test.loader.mapper")
FAST = "jhmdb_slowfast_tiny", "faster_rcnn_tiny"
every_config = pytest.mark.parametrize(
    "path",
    slow_but(
        map(str, CONFIGS),
        lambda path: Path(path).stem in FAST,
        lambda path: path[len(str(ROOT)) + 1 : -3],
    ),
)
# What an override moves everywhere, by the end of its name. Not here: what the two loaders may
# have apart, such as their workers, and the precision of training and of testing.
MOVED = {"frames", "stride", "rate", "short_side", "folder", "entries", "names", "num_classes"}
MOVED |= {"seed", "epochs", "exclusive", "columns"}
APART = {"clip.short_side", "reader.short_side"}  # what a model sees, and what is decoded for it
OURS, THEIRS = "jhmdb_split2_train", "jhmdb_split3_test"
EXCLUSIVE = ("jhmdb_slowfast_tiny", "jhmdb_slowfast_r50_8x8", "ucf24_slowfast_tiny")


def written(node: DictConfig, above: str = "") -> Iterator[tuple[str, str]]:
    """Key and name of every single value that a config writes out, rather than refers to."""
    for name in node:
        key = f"{above}.{name}" if above else str(name)
        if OmegaConf.is_interpolation(node, name) or node[name] is None:
            continue
        if isinstance(node[name], DictConfig):
            yield from written(node[name], key)
        else:
            yield key, str(name)


@pytest.mark.holds("13.3 no value stands in two places that an override should move together")
@every_config
def test_nothing_is_written_twice(path):
    places = defaultdict(list)
    for key, name in written(load_config(path, [])):
        if name in MOVED and key not in APART:
            places[name].append(key)
    assert {name: keys for name, keys in places.items() if len(keys) > 1} == {}


@pytest.mark.holds("13.3 an override of the reader reaches both mappers, by file and command line")
@every_config
def test_an_override_of_the_reader_reaches_both_mappers(path, tmp_path):
    overrides = {"short_side": 700}
    if "folder" in load_config(path, []).reader:
        overrides |= {"folder": str(tmp_path / "cache"), "entries": 7}
    sets = ["data.train=jhmdb_split1_train", "data.test=jhmdb_split1_test"]
    changed = [f"reader.{key}={value}" for key, value in overrides.items()]
    own = tmp_path / "own.py"
    names = ", ".join(key for key in load_config(path, []))
    folder = Path(path).parent.name
    (tmp_path / "configs").symlink_to(ROOT)
    lines = [f"from .configs.{folder}.{Path(path).stem} import {names}"]
    lines.append(f"reader.update({', '.join(f'{k}={v!r}' for k, v in overrides.items())})")
    own.write_text("\n".join(lines))
    for cfg in (load_config(path, [*sets, *changed]), load_config(str(own), sets)):
        for mapper in MAPPERS:
            node = OmegaConf.select(cfg, mapper).reader
            assert {key: node[key] for key in overrides} == overrides
            reader = instantiate(node)
            if "folder" in overrides:
                assert (reader.folder, reader.short_side) == (tmp_path / "cache", 700)
            else:
                assert reader.short_side == 700


@pytest.mark.holds("13.3 an override of the clip reaches both mappers")
@every_config
def test_an_override_of_the_clip_reaches_both_mappers(path):
    cfg = load_config(path, ["clip.short_side=48", "clip.frames=8", "clip.stride=3", "clip.rate=7"])
    for key in MAPPERS:
        mapper = OmegaConf.select(cfg, key)
        if "frames" in mapper:  # a person detector has one
            assert (mapper.frames, mapper.stride, mapper.rate) == (8, 3, 7)
    assert cfg.test.loader.mapper.transform.size == 48


@pytest.mark.parametrize("tracks", [False, True])
def test_records_and_mappers_agree_on_tracks(tracks, tmp_path):
    path = str(ROOT / "finetune/jhmdb_slowfast_tiny.py")
    cfg, saved = (
        load_config(path, [f"dataloader.train.records.tracks={tracks}"]),
        tmp_path / "c.yaml",
    )
    LazyConfig.save(cfg, str(saved))
    for some in (cfg, load_config(str(saved), [])):
        for loader in (some.dataloader.train, some.test.loader):
            assert (loader.records.tracks, loader.mapper.tubes) == (tracks, tracks)


@pytest.mark.holds("13.4 a weight card's short side is the tested size, in all configs")
@every_config
@pytest.mark.parametrize("more", [[], ["clip.short_side=48"], [f"{MAPPERS[1]}.transform.size=60"]])
def test_the_card_says_what_is_tested(path, more):
    cfg = load_config(path, more)
    cfg.class_map = {"_target_": "ava_det.model.faster_rcnn.person_class"}  # needs no data set
    tested = cfg.test.loader.mapper.transform.size
    assert model_card(cfg).clip.short_side == tested
    assert not more or tested in (48, 60)
    if not more:
        assert tested == cfg.clip.short_side


@pytest.mark.holds("13.3 an override through a part that is referred to changes the part itself")
@pytest.mark.parametrize("mapper", MAPPERS)
def test_an_override_by_the_longer_name(mapper):
    cfg = load_config(str(ROOT / "ablate/jhmdb_tiny.py"), [f"{mapper}.reader.short_side=90"])
    assert [OmegaConf.select(cfg, key).reader.short_side for key in MAPPERS] == [90, 90]
    assert cfg.reader.short_side == 90


@pytest.mark.holds("13.3 an override through a reference does not depend on the overrides' order")
@pytest.mark.parametrize("turn", [1, -1])
def test_the_order_of_overrides_does_not_matter(turn):
    overrides = ["task.mix.alpha=0.3", "recipe.mix=mixup"][::turn]
    mix = instantiate(load_config(str(ROOT / "ablate/jhmdb_tiny.py"), overrides).task).mix
    assert (type(mix).__name__, mix.alpha) == ("Mixup", 0.3)


@pytest.mark.holds("13.3 a reader that gives smaller frames than the transform asks for is refused")
@pytest.mark.parametrize(
    ("config", "overrides", "message"),
    [
        ("ablate/jhmdb_tiny", ["clip.short_side=112"], "short_side=72: .*needs .* 112 pixels"),
        ("ablate/jhmdb_tiny", ["reader.short_side=63"], "dataloader.train.mapper.transform needs"),
        ("finetune/jhmdb_slowfast_r50_8x8", ["reader.short_side=120"], "needs .* 320 pixels"),
        ("finetune/ava_slow_r50_8x8", ["reader.short_side=256"], "needs .* 320 pixels"),
        ("persons/faster_rcnn_mobilenet", ["reader.short_side=120"], "needs .* 160 pixels"),
        ("finetune/own_slowfast_tiny", ["test.loader.mapper.reader.short_side=50"], "test.loader"),
    ],
)
def test_frames_that_are_too_small_are_refused(config, overrides, message):
    with pytest.raises(InputError, match=message) as refused:
        load_config(str(ROOT / f"{config}.py"), overrides)
    assert f"{config}.py: " in str(refused.value)
    assert "=null for the size of the videos" in str(refused.value)


@pytest.mark.holds("13.3 the larger grid's 16 frames of 112 are of frames of 120, in both mappers")
def test_the_larger_grid_has_larger_frames():
    larger = ["clip.frames=16", "clip.stride=2", "clip.short_side=112", "reader.short_side=120"]
    cfg = load_config(str(ROOT / "ablate/jhmdb_tiny.py"), larger)
    for key in MAPPERS:
        mapper = OmegaConf.select(cfg, key)
        assert (mapper.reader.short_side, mapper.transform.size, mapper.frames) == (120, 112, 16)


@pytest.mark.holds("13.4 --classes-of: what depends on the classes follows their number")
@pytest.mark.parametrize("stem", EXCLUSIVE)
def test_exclusive_classes_are_as_many_as_there_are(stem):
    path = str(ROOT / "finetune" / f"{stem}.py")
    four = of_keyframes("four", [], ClassMap({k: f"action {k}" for k in (1, 2, 5, 7)}))
    with registered(four):
        cfg = load_config(path, ["data.train=four", "model.architecture=slowfast_tiny"])
        assert cfg.model.num_classes == 4
        assert list(cfg.model.exclusive) == [0, 1, 2, 3]
        assert instantiate(cfg.task).criterion.columns == [0, 1, 2, 3]
        with pytest.raises(InputError, match=r"model\.exclusive: column 9 is none of the 4"):
            load_config(path, ["data.train=four", "model.exclusive=[0,9]"])
    own = load_config(path, ["model.exclusive=[0,2]"])
    assert instantiate(own.task).criterion.columns == [0, 2]
    with pytest.raises(InputError, match=r"columns: differ from model\.exclusive"):
        load_config(path, ["task.criterion.columns=[0,1]"])
    with pytest.raises(InputError, match="unknown data set 'five'"):
        load_config(path, ["data.train=five"])


@pytest.mark.holds("13.4 --classes-of: the evaluated classes follow the training set")
@every_config
def test_one_name_sets_the_records_the_classes_and_their_number(path):
    """Of the training set, and one that of the test set."""
    cfg = load_config(path, [f"data.train={OURS}", f"data.test={THEIRS}"])
    assert set(names_in(cfg.dataloader)) == {OURS}
    assert set(names_in(cfg.test.loader.mapper)) <= {OURS, THEIRS}
    assert set(names_in(cfg.test.loader.records)) - {OURS} == {THEIRS}
    if "num_classes" in cfg.model:  # not of a person detector
        assert set(names_in(cfg.class_map)) == {OURS}
        assert OmegaConf.to_container(cfg.model)["num_classes"] == AS_MANY_AS_THE_DATA
        if "evaluated" in cfg.test.evaluator:
            assert set(names_in(cfg.test.evaluator.evaluated)) == {OURS}
            assert set(names_in(cfg.test.evaluator.ground_truth)) == {THEIRS}


def names_in(node: DictConfig) -> Iterator[str]:
    """The data sets that a part of a config names."""
    for name in node:
        if name in ("names", "paths"):  # `paths` of pictures of people
            yield node[name]
        elif isinstance(node[name], DictConfig):
            yield from names_in(node[name])
