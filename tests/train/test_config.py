"""Configs and what may be overridden in them."""

import numpy as np
import pytest
import torch
from detectron2.config import LazyConfig, instantiate
from made_sets import of_keyframes, registered

from ava_det.batch import ClipBatch
from ava_det.cli import one_line
from ava_det.formats.class_map import ClassMap
from ava_det.model.criterion import effective_number_weights
from ava_det.structures import AnnotatedKeyframe, InputError, Keyframe, PersonBoxes
from ava_det.train.config import load_config

CONFIG = "configs/ablate/jhmdb_tiny.py"
MIXES = (
    *(
        "vanilla",
        "s_videomix",
        "t_videomix",
        "st_videomix",
        "cutmix",
        "per_frame",
        "mixup",
        "cutout",
    ),
    *("randaugment", "videomix_cutout", "videomix_randaugment", "videomix_cutout_randaugment"),
)


@pytest.mark.holds("13.12 a misspelt override is refused with the nearest right one")
@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.max_itr=3", r"train has no max_itr \(did you mean max_iter\?\)"),
        ("traim.max_iter=3", r"the config has no traim \(did you mean train\?\)"),
        ("recipe.mx=cutout", "recipe has no mx"),
        ("dataloader.train.batchsize=3", r"train has no batchsize \(did you mean batch_size\?\)"),
        ("model.num_clases=3", r"model has no num_clases \(did you mean num_classes\?\)"),
        ("mixes.vanilla.alpha=1", "mixes.vanilla has no alpha"),
        ("clip.frames.t=3", "clip.frames has no t"),
        ("recipe.mix=cutmx", "recipe.mix=cutmx: is none of vanilla, s_videomix"),
        ("recipe.mix=null", "recipe.mix=None: is none of"),
        ("train.max_iter", "bad override"),
    ],
)
def test_an_override_without_a_place_is_refused(override, message):
    with pytest.raises(InputError, match=message):
        load_config(CONFIG, [override])


@pytest.mark.holds("13.12 a misspelt config is refused with the nearest right one")
def test_a_misspelt_config_gives_the_nearest():
    with pytest.raises(
        InputError, match=r"no such config \(did you mean configs/ablate/jhmdb_tiny\.py\?\)"
    ):
        load_config("configs/ablate/jhmbd_tiny.py", [])
    with pytest.raises(InputError, match=r"no such config$"):
        load_config("none/x.py", [])


@pytest.mark.parametrize("name", ["ablate/jhmdb_tiny.py", CONFIG])
def test_a_config_of_the_package_has_a_name_in_any_folder(name, tmp_path, monkeypatch):
    here = load_config(CONFIG, [])
    monkeypatch.chdir(tmp_path)
    assert load_config(name, []) == here
    with pytest.raises(InputError, match=r"\(did you mean ablate/jhmdb_tiny\.py\?\)"):
        load_config("ablate/jhmbd_tiny.py", [])


def test_a_file_comes_before_a_config_of_the_package(tmp_path, monkeypatch):
    (tmp_path / "ablate").mkdir()
    (tmp_path / "ablate" / "jhmdb_tiny.py").write_text("train = dict(max_iter=3)\n")
    monkeypatch.chdir(tmp_path)
    assert load_config("ablate/jhmdb_tiny.py", []) == {"train": {"max_iter": 3}}


def test_what_is_called_may_be_given_any_argument_and_a_plus_adds():
    arguments = ["dataloader.train.mapper.transform.color=0.1", "optimizer.amsgrad=true"]
    cfg = load_config(CONFIG, [*arguments, "+train.note=mine", "train.note=yours"])
    assert cfg.dataloader.train.mapper.transform.color == 0.1
    assert cfg.optimizer.amsgrad
    assert cfg.train.note == "yours"


@pytest.mark.parametrize("name", MIXES)
def test_a_small_config_trains_by_every_mix_of_the_tables(name):
    """As the configs at the paper's scale do; the losses of one batch, and they have gradients."""
    cfg = load_config(CONFIG, [f"recipe.mix={name}", "model.arguments.width=8"])
    assert tuple(cfg.mixes) == MIXES
    torch.manual_seed(0)
    task, model = instantiate(cfg.task), instantiate(cfg.model)
    clips = torch.randint(0, 256, (4, 3, 8, 32, 32), dtype=torch.uint8)
    batch = ClipBatch(clips, torch.tensor([0, 1, 2, 20]), list("abcd"))
    losses = task.losses(model, batch, np.random.default_rng(0))
    (loss,) = losses.values()
    loss.backward()
    assert 1 < float(loss.detach()) < 10
    assert all(p.grad is not None for p in model.parameters())


def test_settings_of_a_mix_go_to_the_mix():
    cfg = load_config(CONFIG, ["recipe.mix=cutmix", "mixes.cutmix.alpha=0.2"])
    mix = instantiate(cfg.task).mix
    assert (mix.variant, mix.alpha) == ("spatiotemporal", 0.2)


def test_settings_without_a_mix_are_refused():
    cfg = load_config(CONFIG, ["task.mix.alpha=0.2"])
    with pytest.raises(InputError, match="is not a mix"):
        instantiate(cfg.task)


def test_weights_of_classes_are_a_word_or_numbers(tmp_path):
    asked = "task.criterion.class_weights"
    detection = "configs/finetune/ucf24_slowfast_tiny.py"
    assert load_config(detection, [f"{asked}=[1,2]"]).task.criterion.class_weights == [1, 2]
    with pytest.raises(InputError, match="class_weights=evenly: is neither balanced nor a list"):
        load_config(detection, [f"{asked}=evenly"])
    with pytest.raises(InputError, match="class_weights=balanced: works only in detection configs"):
        load_config(CONFIG, [f"{asked}=balanced"])
    boxes, actions = np.zeros((3, 4)), ((1, 2), (1,), (1,))
    people = PersonBoxes(Keyframe("v", 0), boxes, actions, np.ones(3), np.zeros(3, np.int64))
    record, classes = AnnotatedKeyframe("v.mp4", people), ClassMap({1: "sit", 2: "run"})
    expected = effective_number_weights([3, 1], beta=0.999)
    saved = tmp_path / "config.yaml"  # as a run keeps it
    with registered(of_keyframes("three_people", [record], classes)) as name:
        cfg = load_config(detection, [f"{asked}=balanced", f"data.train={name}"])
        LazyConfig.save(cfg, str(saved))
        kept, again = (load_config(str(saved), more) for more in ([], [f"{asked}=balanced"]))
        assert len(instantiate(again.class_map)) == again.model.num_classes == 2
    for settled in (cfg, kept, again):
        assert list(settled.task.criterion.class_weights) == pytest.approx(expected)


@pytest.mark.holds("13.9 bounds: sizes of a config")
@pytest.mark.parametrize(
    "override", ["clip.frames=100000", "clip.short_side=4000", "clip.rate=1e9", "clip.stride=-1"]
)
def test_a_clip_of_absurd_size_is_refused(override):
    with pytest.raises(InputError, match=r"jhmdb_tiny\.py: clip: a clip "):
        load_config("ablate/jhmdb_tiny.py", [override])


def test_a_stride_of_0_repeats_the_keyframe():
    """So `make demo` tests a detector on clips without motion."""
    cfg = load_config("finetune/actors_slowfast_tiny.py", ["clip.stride=0"])
    assert cfg.test.loader.mapper.stride == 0


@pytest.mark.holds("13.12 a misspelt data set: one line that begins with the override")
def test_an_unknown_data_set_is_one_line_of_ours():
    cfg = load_config("ablate/jhmdb_tiny.py", ["data.train=jhmdb_split1_trian"])
    with pytest.raises(Exception, match="jhmdb_split1_trian") as caught:
        _ = cfg.model.num_classes
    assert one_line(caught.value).startswith(
        "data.train=jhmdb_split1_trian: unknown data set 'jhmdb_split1_trian' "
        "(did you mean jhmdb_split1_train?); known: "
    )
