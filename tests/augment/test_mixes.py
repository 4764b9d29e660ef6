"""What all mixes share, held to each of them; Mixup and Cutout against voxel loops."""

import weakref

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torchvision.transforms import v2

from ava_det.augment.mixes import (
    Cutout,
    Mixup,
    RandAugment,
    Stack,
    along_cycles,
)
from ava_det.augment.videomix import VideoMix
from ava_det.structures import GREY

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
MIXES = {
    "spatial": lambda **settings: VideoMix("spatial", **settings),
    "temporal": lambda **settings: VideoMix("temporal", **settings),
    "spatiotemporal": lambda **settings: VideoMix("spatiotemporal", **settings),
    "per_frame": lambda **settings: VideoMix("per_frame", **settings),
    "four_videos": lambda **settings: VideoMix(videos=4, **settings),
    "mixup": Mixup,
    "cutout": Cutout,
    "randaugment": RandAugment,
    "stack": lambda **settings: Stack([RandAugment(), Cutout(), VideoMix()], **settings),
    "stacked_mixes": lambda **settings: Stack([VideoMix(), Mixup()], **settings),
}
every_mix = pytest.mark.parametrize("name", MIXES)


def batch(n: int = 5, shape: tuple[int, ...] = (4, 16, 20), seed: int = 0) -> torch.Tensor:
    """(N, 3, T, H, W) float clips, normalised bytes."""
    pixels = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (n, 3, *shape)))
    return (pixels / 255 - 0.45).float() / 0.225


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


@every_mix
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("target_dtype", [torch.int64, torch.bool, *FLOATS])
def test_types_of_clips_and_targets(name, dtype, target_dtype):
    """Clips keep theirs; targets are float32, or float64 if they were."""
    clips = batch().to(dtype)
    multi_hot = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 1, 1], [0, 0, 1], [1, 0, 0]])
    mixed, targets = MIXES[name]()(clips, multi_hot.to(target_dtype), rng())
    assert mixed.dtype == dtype
    assert mixed.shape == clips.shape
    assert targets.dtype == (torch.float64 if target_dtype == torch.float64 else torch.float32)
    _, expected = MIXES[name]()(clips, multi_hot.double(), rng())
    torch.testing.assert_close(targets.double(), expected, atol=1e-6, rtol=0)


@every_mix
def test_targets_are_linear_in_what_they_are_made_of(name):
    """Multi-hot and soft targets go by the same weights as one-hot ones, which sum to 1."""
    clips, soft = batch(), torch.rand(5, 7, dtype=torch.float64)
    _, weights = MIXES[name]()(clips, torch.eye(5, dtype=torch.float64), rng())
    _, targets = MIXES[name]()(clips, soft, rng())
    torch.testing.assert_close(weights.sum(1), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(targets, weights @ soft)


@every_mix
@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_batches_of_any_length(name, n):
    clips = batch(n)
    mixed, targets = MIXES[name]()(clips, torch.eye(n), rng())
    assert mixed.shape == clips.shape
    torch.testing.assert_close(targets.sum(1), torch.ones(n))
    if n == 1 and name not in ("cutout", "randaugment", "stack"):
        torch.testing.assert_close(mixed, clips, atol=0, rtol=0)


@every_mix
def test_arguments_stay_as_they_are_and_the_seed_decides(name):
    clips, targets = batch(), torch.eye(5)
    before, results = clips.clone(), []
    for _ in range(2):
        torch.manual_seed(7)
        results.append(MIXES[name]()(clips, targets))
    torch.testing.assert_close(clips, before, atol=0, rtol=0)
    torch.testing.assert_close(targets, torch.eye(5), atol=0, rtol=0)
    torch.testing.assert_close(results[0], results[1], atol=0, rtol=0)


@every_mix
def test_overwriting_gives_the_same_in_the_same_memory(name):
    clips, targets = batch(), torch.eye(5)
    expected = MIXES[name]()(clips, targets, rng())
    mixed = MIXES[name]()(clips, targets, rng(), overwrite=True)
    assert mixed[0] is clips
    torch.testing.assert_close(mixed, expected, atol=0, rtol=0)


@every_mix
def test_memory_format_is_kept(name):
    clips = batch().to(memory_format=torch.channels_last_3d)
    mixed, _ = MIXES[name]()(clips, torch.eye(5), rng())
    assert mixed.is_contiguous(memory_format=torch.channels_last_3d)
    expected, _ = MIXES[name]()(clips.contiguous(), torch.eye(5), rng())
    torch.testing.assert_close(mixed, expected)


@every_mix
def test_probability_is_the_share_of_mixed_batches(name):
    clips = batch(2, (1, 2, 2))
    source = rng(0)
    if name == "randaugment":
        count = sum(RandAugment(0, probability=p)(clips, torch.eye(2))[0] is clips for p in (0, 1))
        assert count == 1
        return
    mix = MIXES[name](probability=0.25)
    mixed = sum(mix(clips, torch.eye(2), source)[0] is not clips for _ in range(400))
    assert 60 < mixed < 140
    clips, targets = batch(), torch.eye(5)
    untouched = MIXES[name](probability=0)(clips, targets)
    assert untouched[0] is clips
    assert untouched[1] is targets


@every_mix
@pytest.mark.parametrize("size", [2, 4])
def test_processes_equal_one_with_all_of_their_batches(name, size):
    """Draws are dealt out in turns; each process has a permutation of its own part."""
    clips, targets = batch(8), torch.eye(8)
    whole = np.empty(8, int)
    parts = (torch.empty_like(clips), torch.empty_like(targets))
    for rank in range(size):
        permutation = rng(rank).permutation(8 // size)
        whole[rank::size] = rank + size * permutation
        part = clips[rank::size], targets[rank::size]
        mixed = MIXES[name]()(*part, rng(), permutation, range(rank, 8, size))
        parts[0][rank::size], parts[1][rank::size] = mixed
    expected = MIXES[name]()(clips, targets, rng(), whole)
    torch.testing.assert_close(parts, expected, atol=0, rtol=0)


@pytest.mark.parametrize("name", ["cutout", "randaugment"])
def test_draws_for_every_clip_take_as_much_of_the_stream_whatever_the_batch(name):
    """So that what comes after them in a stack agrees in processes with unequal batches."""
    after = []
    for n in (1, 2, 5):
        source = rng()
        MIXES[name]()(batch(n), torch.eye(n), source)
        after.append(source.random())
    assert len(set(after)) == 1


@given(n=st.integers(1, 9), seed=st.integers(0, 2**31))
def test_partners_are_seen_as_they_were(n, seed):
    permutation = rng(seed).permutation(n).tolist()
    values = torch.arange(n).reshape(n, 1).clone()
    for clip, partner in along_cycles(values, permutation):
        clip.copy_(10 * partner)
    moved = [10 * p if p != i else i for i, p in enumerate(permutation)]
    assert values.flatten().tolist() == moved


@given(dtype=st.sampled_from(FLOATS), n=st.integers(1, 5), seed=st.integers(0, 2**31))
def test_mixup_is_a_weighted_sum_of_every_voxel(dtype, n, seed):
    clips, soft = batch(n, (2, 3, 4), seed).to(dtype), torch.rand(n, 3)
    again = rng(seed)
    again.random()
    lam, partners = again.beta(0.4, 0.4), again.permutation(n)
    mixed, targets = Mixup(0.4)(clips, soft, rng(seed))
    expected, expected_targets = np.empty(clips.shape), np.empty((n, 3))
    for i, partner in enumerate(partners):
        a, b = clips[i].double().numpy(), clips[partner].double().numpy()
        for voxel in np.ndindex(*a.shape):
            expected[i][voxel] = (1 - lam) * a[voxel] + lam * b[voxel]
        expected_targets[i] = (1 - lam) * soft[i].numpy() + lam * soft[partner].numpy()
    tolerance = 4 * torch.finfo(dtype).eps
    np.testing.assert_allclose(mixed.double().numpy(), expected, atol=4 * tolerance)
    np.testing.assert_allclose(targets.numpy(), expected_targets, atol=1e-6)


@given(
    dtype=st.sampled_from([torch.uint8, *FLOATS]),
    fill=st.sampled_from([None, 3]),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)),
    share=st.tuples(*(st.sampled_from([0.3, 0.5, 1.0]),) * 3),
    seed=st.integers(0, 2**31),
)
def test_cutout_blanks_one_cuboid_of_every_clip(dtype, fill, shape, share, seed):
    """What is filled in is the mean of the pixels, in bytes or normalised; the rest stays."""
    clips = torch.from_numpy(rng(seed).integers(4, 100, (3, 2, *shape))).to(dtype)
    mixed, targets = Cutout(share, fill)(clips, torch.eye(3), rng(seed))
    assert mixed.dtype == dtype
    assert torch.equal(targets, torch.eye(3))
    again = rng(seed)
    again.random()
    key, expected = again.integers(2**62), clips.double().numpy()
    filled = fill if fill is not None else {torch.uint8: GREY}.get(dtype, 0)
    for n in range(3):
        own, ranges = np.random.default_rng((key, n)), []
        for size, part in zip(shape, share, strict=True):
            center = own.uniform(0, size) if part < 1 else size / 2
            ranges.append((round(center - part * size / 2), round(center + part * size / 2)))
        for voxel in np.ndindex(*shape):
            if all(a <= v < b for v, (a, b) in zip(voxel, ranges, strict=True)):
                expected[n][:, *voxel] = filled
    np.testing.assert_array_equal(mixed.double().numpy(), expected)


def test_cutout_of_the_paper_is_112_of_224_pixels():
    clips = torch.ones(64, 1, 2, 224, 224)
    mixed, _ = Cutout()(clips, torch.zeros(64, 2), rng())
    rows, columns = (mixed[:, 0] == 0).any(3).sum(2), (mixed[:, 0] == 0).any(2).sum(2)
    assert rows.max() in (112, 113)  # where borders cut nothing off, up to rounding
    assert columns.max() in (112, 113)
    assert torch.equal(mixed[:, :, 0], mixed[:, :, 1]), "the same in all frames"


@pytest.mark.parametrize("dtype", [torch.uint8, *FLOATS])
def test_randaugment_draws_once_for_the_frames_of_a_clip(dtype):
    """All frames of a clip are one picture, before and after; clips draw apart."""
    frame = batch(1, (1, 24, 24))
    still = frame.expand(6, 3, 5, 24, 24)
    if dtype == torch.uint8:
        still = ((still * 0.225 + 0.45) * 255).round()
    mixed, _ = RandAugment(magnitude=20)(still.to(dtype), torch.eye(6), rng())
    assert torch.equal(mixed, mixed[:, :, :1].expand_as(mixed))
    assert len({clip.double().numpy().tobytes() for clip in mixed}) > 3


def test_randaugment_of_normalised_clips_is_that_of_their_bytes():
    pixels = torch.from_numpy(rng().integers(0, 256, (3, 3, 2, 16, 16))).byte()
    augmented, _ = RandAugment()(pixels, torch.eye(3), rng())
    normalised, _ = RandAugment()((pixels / 255 - 0.45) / 0.225, torch.eye(3), rng())
    torch.testing.assert_close(normalised, (augmented / 255 - 0.45) / 0.225)


def test_randaugment_is_torchvisions():
    clips = torch.from_numpy(rng().integers(0, 256, (2, 3, 2, 16, 16))).byte()
    augmented, _ = RandAugment(3, 12)(clips, torch.eye(2), rng())
    again = rng()
    again.random()
    key = again.integers(2**62)
    theirs = v2.RandAugment(3, 12, interpolation=v2.InterpolationMode.BILINEAR, fill=GREY)
    for n, (clip, expected) in enumerate(zip(augmented, clips, strict=True)):
        torch.manual_seed(int(np.random.default_rng((key, n)).integers(2**62)))
        assert torch.equal(clip.transpose(0, 1), theirs(expected.transpose(0, 1)))


def test_a_stack_is_its_mixes_one_after_another():
    clips, targets, one, all_at_once = batch(), torch.eye(5), rng(), rng()
    mixes = [Cutout(), VideoMix(probability=0.5), Mixup()]
    mixed = Stack(mixes)(clips, targets, all_at_once)
    one.random()  # the stack's own probability
    for mix in mixes:
        clips, targets = mix(clips, targets, one)
    torch.testing.assert_close(mixed, (clips, targets), atol=0, rtol=0)


class Storages(TorchDispatchMode):
    """Counts the bytes of tensors that live at once, from those that operations return."""

    def __init__(self) -> None:
        super().__init__()
        self.live: dict[int, int] = {}
        self.peak = 0

    def ignore(self, tensor: torch.Tensor) -> None:
        """Do not count what was there before."""
        self.live[tensor.untyped_storage().data_ptr()] = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        known = {leaf.data_ptr() for leaf in tree_leaves((args, kwargs)) if torch.is_tensor(leaf)}
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if torch.is_tensor(leaf) and leaf.device.type == "cpu":
                self._count(leaf, known)
        return result

    def _count(self, tensor, known):
        storage = tensor.untyped_storage()
        key = storage.data_ptr()
        if key in self.live or key in known:
            return
        self.live[key] = storage.nbytes()
        weakref.finalize(storage, self.live.pop, key, None)
        self.peak = max(self.peak, sum(self.live.values()))


def peak_of(mix, clips: torch.Tensor, **arguments) -> float:
    """Bytes that a mix allocates at its peak, in clips."""
    with Storages() as storages:
        storages.ignore(clips)
        result = mix(clips, torch.eye(len(clips)), rng(), **arguments)
    assert result[0].shape == clips.shape
    return storages.peak / (clips.nbytes / len(clips))


@every_mix
def test_no_memory_beyond_a_copy_of_the_batch_and_a_clip(name):
    n, spare = 8, 1.05  # a clip, and what targets and the like take
    clips = batch(n, (4, 40, 40))
    if name in ("randaugment", "stack"):
        spare += 8  # torchvision's own, of one clip
    assert n <= peak_of(MIXES[name](), clips) <= n + spare
    assert peak_of(MIXES[name](), clips, overwrite=True) <= spare


def test_the_count_of_memory_counts():
    """Three batches are made here, two of which live at once."""

    def wasteful(clips, targets, rng):
        doubled = clips * 2
        flipped = doubled.flip(0)
        del doubled
        return flipped + 1, targets

    assert 16 <= peak_of(wasteful, batch(8)) <= 16.1


@pytest.mark.parametrize(
    ("permutation", "said"), [([0, 1, 2, 3], "no permutation"), ([0, 0, 1, 2, 3], "no permutation")]
)
def test_what_is_no_permutation_is_refused(permutation, said):
    with pytest.raises(ValueError, match=said):
        VideoMix()(batch(), torch.eye(5), permutation=permutation)


@pytest.mark.parametrize(
    ("clips", "targets", "mix", "said"),
    [
        (torch.zeros(2, 3, 4, 5), torch.eye(2), VideoMix(), "are needed"),
        (torch.zeros(2, 3, 4, 5, 5), torch.eye(3), VideoMix(), "are needed"),
        (torch.zeros(2, 3, 4, 5, 5), torch.zeros(2), VideoMix(), r"not \(N, K\)"),
        (torch.zeros(2, 3, 4, 5, 5), torch.tensor([1, 0]), VideoMix(), r"not \(N, K\)"),
        (torch.zeros(2, 3, 4, 5, 5).byte(), torch.eye(2), Mixup(), "needs floats"),
    ],
)
def test_what_does_not_fit_is_refused(clips, targets, mix, said):
    with pytest.raises(ValueError, match=said):
        mix(clips, targets)


@pytest.mark.parametrize(
    ("make", "bad"),
    [
        (Mixup, {"alpha": -1}),
        (Cutout, {"share": (1, 0, 1)}),
        (Cutout, {"share": (1, 2)}),
        (RandAugment, {"magnitude": 31}),
    ],
)
def test_bad_settings_are_refused(make, bad):
    with pytest.raises(ValueError, match=r"must be|is not in"):
        make(**bad)
