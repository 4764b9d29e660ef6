"""EfficientNet-lite0 against numbers that its first PyTorch port computed from the same weights."""

import torch

from ava_det.model.center_pose import center_pose_lite
from ava_det.model.efficientnet import MEAN, STD
from ava_det.model.zoo import build_detector
from ava_det.weights.load import load_weights

# Recorded from efficientnet-lite-pytorch 0.1.0 of PyPI (Apache-2.0) with the weights of `weight`
# and the images of `images`: the second image, every 16th channel of stride 16 at cell (2, 3), and
# every 40th channel of stride 32 at cell (1, 1).
MIDDLE = [4.22265, 5.84174, 5.06883, 1.64707, -0.91404, -5.55931, -7.9393]
LAST = [-0.79034, -0.09235, 0.83744, -1.52312, 2.14717, -2.04952, 2.29272, -3.0178]


def weight(name: str, like: torch.Tensor) -> torch.Tensor:
    """A weight that follows from the name of the port alone."""
    if not like.is_floating_point():
        return like
    steps = torch.arange(like.numel(), dtype=torch.float64)
    waves = torch.sin(1.7 * steps + len(name)).reshape(like.shape).float()
    if name.endswith("running_var"):
        return waves.abs() + 0.5
    if like.ndim == 4:
        return waves * (3.0 / like[0].numel()) ** 0.5
    return 0.2 * waves + (1 if name.endswith("weight") and like.ndim == 1 else 0)


def port_names(names: list[str]) -> dict[str, str]:
    """The names of our layers in the port."""
    layers = {"expand": ("_expand_conv", "_bn0"), "depthwise": ("_depthwise_conv", "_bn1")}
    layers["project"] = ("_project_conv", "_bn2")
    found = {}
    for name in names:
        *place, layer, kind, parameter = name.split(".")
        if layer == "stem":
            found[name] = f"{'_conv_stem' if kind == 'conv' else '_bn0'}.{parameter}"
        else:
            found[name] = f"_blocks.{place[-1]}.{layers[layer][kind == 'norm']}.{parameter}"
    return found


def test_weights_of_the_port_give_the_maps_of_the_port(tmp_path):
    model = build_detector("slowfast_lite", 3, mean=MEAN, std=STD)
    slow = model.backbone.slow
    names = port_names(list(slow.state_dict()))
    theirs = {names[name]: weight(names[name], like) for name, like in slow.state_dict().items()}
    theirs |= {"_conv_head.weight": torch.zeros(8, 320, 1, 1), "_fc.bias": torch.zeros(4)}
    torch.save(theirs, tmp_path / "lite.pth")
    fresh = ("head.", "backbone.pose.")
    report = load_weights(tmp_path / "lite.pth", model, fresh=fresh)
    assert len(report.loaded) == len(names)
    assert not [name for name in report.fresh if not name.startswith(fresh)]
    people = center_pose_lite()
    others = ("head.", "lateral.", "merged.", "trunk.", "outputs.")
    assert len(load_weights(tmp_path / "lite.pth", people, fresh=others).loaded) == len(names)
    for one, same in zip(people.backbone.parameters(), slow.parameters(), strict=True):
        assert torch.equal(one, same)
    steps = torch.arange(2 * 3 * 70 * 90, dtype=torch.float64)
    images = torch.sin(0.37 * steps).reshape(2, 3, 70, 90).float()
    with torch.no_grad():
        middle, last = slow.eval()(images)
    assert (middle.shape, last.shape) == ((2, 112, 4, 5), (2, 320, 2, 2))
    torch.testing.assert_close(middle[1, ::16, 2, 3], torch.tensor(MIDDLE), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(last[1, ::40, 1, 1], torch.tensor(LAST), rtol=1e-4, atol=1e-4)


def test_frozen_blocks_do_not_learn_and_norms_keep_their_statistics():
    for frozen, learns in ((0, True), (3, False)):
        slow = build_detector("slowfast_lite", 3, {"frozen": frozen}).backbone.slow.train()
        before = {name: buffer.clone() for name, buffer in slow.named_buffers()}
        maps = slow(torch.randn(2, 3, 64, 64))
        maps[1].square().mean().backward()
        assert all(torch.equal(before[name], buffer) for name, buffer in slow.named_buffers())
        assert (slow.stem.conv.weight.grad is not None) == learns
        assert (slow.blocks[2].project.conv.weight.grad is not None) == learns
        assert slow.blocks[3].project.conv.weight.grad is not None
