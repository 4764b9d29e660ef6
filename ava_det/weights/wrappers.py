"""Finds the weights in a file of another codebase, and takes the prefixes off their names.

Training frameworks put the weights under a key beside other things, and put a prefix before every
name: DistributedDataParallel adds `module.`, torch.compile `_orig_mod.`, a Lightning module the
name of an attribute. This module has both tables; the rest of the package sees plain names.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ava_det.weights.foreign import Format

# Keys that hold the weights of a file. They may be nested.
WRAPPERS = (
    "model_state",  # PySlowFast
    "state_dict",  # MMAction2, Lightning
    "model_state_dict",  # torch's tutorials
    "model",  # detectron2, checkpoints of training here
    "blobs",  # Caffe2
    "net",
    "network",
    "module",  # DeepSpeed
    "weights",
    "params",
)
# Keys that hold a running average of the weights, which is used if a file has nothing else.
AVERAGES = (
    "ema",
    "ema_model",
    "model_ema",  # torchvision's references
    "ema_state",
    "ema_state_dict",
    "state_dict_ema",  # timm
    "shadow",
    "average",  # checkpoints of training here
)
# Prefixes of all names, in any order and number.
PREFIXES = ("module", "model", "net", "network", "ema", "ema_model", "model_ema", "average")
# Words that wrappers of a module insert into names, at any place.
INSERTED = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")

_PREFIX = re.compile(rf"(?:{'|'.join(PREFIXES)})\.")
_INSERTED = re.compile(rf"(?<![^.])(?:{'|'.join(INSERTED)})\.")
_COUNTER = "n_averaged"  # torch's AveragedModel stores it beside the weights
_DEEPEST = 3  # nested keys
_MOST = 16  # prefixes that are tried


class Found(NamedTuple):
    """The weights of a file.

    Attributes:
        state: From a name to a value, with the names of the codebase.
        format: The format of the names; None if no known codebase writes them.
        beside: The other content of the file, by key. Inner keys hide outer ones.
        where: The key that holds the weights, such as "state_dict"; empty without one.
        left: The keys of running averages that are not used.
    """

    state: dict[str, Any]
    format: Format | None
    beside: Mapping[str, Any]
    where: str
    left: tuple[str, ...]


class _Place(NamedTuple):
    """A dict that could be the weights of a file, the content around it and the path of keys."""

    state: Mapping[Any, Any]
    beside: Mapping[Any, Any]
    path: tuple[str, ...]

    @property
    def averaged(self) -> bool:
        return any(key in AVERAGES for key in self.path)


def find_weights(content: Mapping[Any, Any], formats: Sequence[Format]) -> Found:
    """Find the weights in the content of a file, and take the prefixes off their names.

    If several dicts could be the weights, the dict with the most known names is used, and a running
    average only as the last choice. A prefix is taken off only if the names fit better without it,
    so that a codebase's own `model.` stays. Names without the prefix stay unchanged.

    Args:
        content: The content of the file.
        formats: The known formats. The first that recognises a name wins.

    Raises:
        ValueError: Two weights have the same name without prefixes.
    """
    places = list(_places(content))
    fits = [_fit(place.state, formats) for place in places]
    ranks = [(f.known > 0 and not p.averaged, f.known) for p, f in zip(places, fits, strict=True)]
    best = ranks.index(max(ranks))
    place, fit = places[best], fits[best]
    state = {}
    for name, value in place.state.items():
        if isinstance(name, str):  # any other key is refused later
            name = _without_inserted(name).removeprefix(fit.prefix)
        if name in state:
            raise ValueError(f"it has two weights of one name, {name!r:.100}")
        if name != _COUNTER:
            state[name] = value
    known = [p for p, f in zip(places, fits, strict=True) if f.known and not place.averaged]
    left = dict.fromkeys(key for p in known for key in p.path if key in AVERAGES)
    return Found(state, fit.format, place.beside, ".".join(place.path), tuple(left))


def _places(content: Mapping[Any, Any]) -> Iterator[_Place]:
    """Yield all dicts that could be the weights; inner dicts come first."""
    seen: set[int] = set()  # a hostile file may hold one dict in thousands of places

    def walk(node: Mapping[Any, Any], around: Mapping[Any, Any], path: tuple[str, ...]) -> Any:
        seen.add(id(node))
        for key in (*WRAPPERS, *AVERAGES) if len(path) < _DEEPEST else ():
            inner = node.get(key)
            if isinstance(inner, dict) and id(inner) not in seen:
                yield from walk(inner, {**around, **node}, (*path, key))
        yield _Place(node, around if path else node, path)

    return walk(content, {}, ())


class _Fit(NamedTuple):
    """The best prefix to take off names, the format of the rest and the number of known names."""

    prefix: str = ""
    format: Format | None = None
    known: int = 0


def _fit(state: Mapping[Any, Any], formats: Sequence[Format]) -> _Fit:
    names = [_without_inserted(name) for name in state if isinstance(name, str)]
    counts: Counter[str] = Counter()
    for name in names:
        end = 0
        while (word := _PREFIX.match(name, end)) and end < 100:
            end = word.end()
            counts[name[:end]] += 1
    best = _Fit()
    for prefix in ["", *sorted((p for p, _ in counts.most_common(_MOST)), key=len)]:
        inner = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        format_ = next((f for f in formats if any(map(f.mark.match, inner))), None)
        known = len(format_.common_names(inner)) if format_ else 0
        if known > best.known:
            best = _Fit(prefix, format_, known)
    return best


def _without_inserted(name: str) -> str:
    return _INSERTED.sub("", name)
