"""MViTv2-S under the names of PySlowFast and MMAction2."""

import pytest
import torch

from ava_det.model.zoo import build_classifier
from ava_det.weights.load import export, load_weights, read_file
from ava_det.weights.torch_files import save_torch_file

# Names as they stand in the two codebases' modules, to torchvision's, which are ours.
BLOCK = {
    "norm1.weight": "norm1.weight",
    "norm2.bias": "norm2.bias",
    "attn.qkv.weight": "attn.qkv.weight",
    "attn.proj.bias": "attn.project.0.bias",
    "attn.pool_q.weight": "attn.pool_q.pool.weight",
    "attn.norm_v.weight": "attn.pool_v.norm_act.0.weight",
    "attn.rel_pos_h": "attn.rel_pos_h",
    "attn.rel_pos_t": "attn.rel_pos_t",
    "mlp.fc1.weight": "mlp.0.weight",
    "mlp.fc2.weight": "mlp.3.weight",
    "proj.weight": "project.weight",
}
OUTSIDE = {  # PySlowFast's, MMAction2's and ours
    ("cls_token", "backbone.cls_token"): "backbone.pos_encoding.class_token",
    ("patch_embed.proj.weight", "backbone.patch_embed.projection.weight"): (
        "backbone.conv_proj.weight"
    ),
    ("norm.bias", "backbone.norm3.bias"): "backbone.norm.bias",
    ("head.projection.weight", "cls_head.fc_cls.weight"): "head.projection.weight",
}


@pytest.fixture(scope="module")
def model():
    """Random everywhere, norms included."""
    torch.manual_seed(0)
    model = build_classifier("mvit_v2_s", 5, {"class_token": True})
    for weight in model.state_dict().values():
        weight.normal_()
    return model


def as_mmaction2(name):
    """MMAction2's name for one of PySlowFast's."""
    known = {theirs[0].rpartition(".")[0]: theirs[1].rpartition(".")[0] for theirs in OUTSIDE}
    layer, _, parameter = name.rpartition(".")
    if name == "cls_token":
        return "backbone.cls_token"
    return f"{known[layer]}.{parameter}" if layer in known else f"backbone.{name}"


@pytest.mark.slow
@pytest.mark.parametrize("codebase", ["PySlowFast (MViT)", "MMAction2 (MViT)"])
def test_weights_come_back_from_names_of(codebase, model, tmp_path):
    state = export(model, "pyslowfast")[0]["model_state"]
    ours = model.state_dict()
    assert len(state) == len(ours)
    assert state["cls_token"].shape == (1, 1, 96)
    for theirs, name in OUTSIDE.items():
        assert torch.equal(state[theirs[0]].reshape(ours[name].shape), ours[name])
    for theirs, name in BLOCK.items():
        assert torch.equal(state[f"blocks.1.{theirs}"], ours[f"backbone.blocks.1.{name}"])
    if codebase.startswith("MMAction2"):
        state = {as_mmaction2(name): weight for name, weight in state.items()}
        assert all(theirs[1] in state for theirs in OUTSIDE)
        save_torch_file(tmp_path / "a.pth", {"meta": {}, "state_dict": state})
    else:
        save_torch_file(tmp_path / "a.pth", {"model_state": state})
    assert read_file(tmp_path / "a.pth").format.title == codebase
    other = build_classifier("mvit_v2_s", 5, {"class_token": True})
    report = load_weights(tmp_path / "a.pth", other)
    assert not report.dropped
    assert not report.fresh
    assert all(torch.equal(w, ours[name]) for name, w in other.state_dict().items())


@pytest.mark.slow
def test_bgr_patches_are_turned_round(model, tmp_path):
    content, _ = export(model, "pyslowfast")
    content["cfg"] = "DATA: {REVERSE_INPUT_CHANNEL: true}"
    save_torch_file(tmp_path / "a.pyth", content)
    other = build_classifier("mvit_v2_s", 5, {"class_token": True})
    load_weights(tmp_path / "a.pyth", other)
    patches = model.backbone.conv_proj.weight
    assert torch.equal(other.backbone.conv_proj.weight, patches.flip(1))
