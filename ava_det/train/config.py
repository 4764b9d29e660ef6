"""Configs: Python files whose values the command line may override."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from detectron2.config import LazyCall, LazyConfig, instantiate
from detectron2.utils.registry import locate
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import Container, DictConfig, ListConfig, OmegaConf

from ava_det.formats.nearest import meant
from ava_det.model.published import published_model
from ava_det.structures import InputError


def _num_classes(_root_: DictConfig) -> int:
    return len(instantiate(_root_.class_map))


OmegaConf.register_new_resolver("columns", lambda count: list(range(count)), replace=True)
SHIPPED = Path(__file__).resolve().parents[1] / "configs"  # in a checkout a link to configs/
OmegaConf.register_new_resolver("num_classes", _num_classes, replace=True)
EVERY_CLASS = "${columns:${model.num_classes}}"  # all columns of the model, however many it has
AS_MANY_AS_THE_DATA = "${num_classes:}"  # those of `class_map`


def load_config(path: str, overrides: list[str]) -> DictConfig:
    """A config with `path.key=value` overrides; `+path.key=value` adds what the config lacks.

    `path` is of a file, or of one below the configs that come with the package:
    `pretrain/jhmdb_slowfast_tiny.py`, with or without `configs/` in front.

    An override of a part that a config refers to (`${reader}`) changes that part itself, so that
    it reaches everybody who refers to it.

    A config is Python code and is run: use only those that you trust.

    Raises:
        InputError: no such file; an override that cannot be read or has no place in it; or values
            that do not go together.
    """
    shipped = SHIPPED / path.removeprefix("configs/")
    file = Path(path) if Path(path).is_file() else shipped
    if not file.is_file():
        beside = {
            other.name for part in (Path(path), shipped) for other in part.parent.glob("*.py")
        }
        names = [str(Path(path).parent / name) for name in sorted(beside)]
        raise InputError(f"{path}: no such config{meant(path, names)}")
    return _settled(LazyConfig.load(str(file)), path, overrides)


def published_config(name: str, overrides: list[str]) -> DictConfig:
    """The `model` and the `clip` of a published model as a config, with overrides as above.

    Raises:
        InputError: no such model; or as `load_config`.
    """
    published = published_model(name)
    model = LazyCall(published.builder)(**published.arguments)
    content = {"model": model, "clip": asdict(published.clip)}
    return _settled(DictConfig(content, flags={"allow_objects": True}), name, overrides)


def _settled(cfg: DictConfig, path: str, overrides: list[str]) -> DictConfig:
    """A config with its overrides, if its values go together."""
    try:
        _apply(cfg, OverridesParser.create().parse_overrides(overrides))
    except Exception as error:  # hydra's parser and omegaconf raise many kinds
        raise InputError(f"{path}: bad override: {error}") from error
    _require_mix(cfg)
    try:
        _require_pixels(cfg)
        _require_columns(cfg)
        _settle_class_weights(cfg)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return cfg


def _apply(cfg: DictConfig, overrides: Iterable[Override]) -> None:
    """Put values into a config; first those that may change what another one refers to."""
    for override in sorted(overrides, key=lambda o: _reference(cfg, o.key_or_group) is not None):
        key, text = override.key_or_group, str(override.input_line)
        if not override.is_add():
            _require_place(cfg, key)
        place = _place(cfg, key)
        if place != key:
            text = f"{place}={text.partition('=')[2]}"
        LazyConfig.apply_overrides(cfg, [text])


def _place(cfg: DictConfig, key: str) -> str:
    """Where the value of a key stands: of `test.loader.mapper.reader.folder`, `reader.folder`."""
    part = _reference(cfg, key)
    if part is None:
        return key
    node = OmegaConf.select(cfg, part)
    place = node._get_full_key(None) if isinstance(node, Container) else part
    return key if place == part else _place(cfg, place + key[len(part) :])


def _reference(cfg: DictConfig, key: str) -> str | None:
    """The part of the config above a key that stands elsewhere and is only referred to, if any."""
    names, node = key.split("."), cfg
    for end, name in enumerate(names[:-1], start=1):
        if not isinstance(node, DictConfig) or name not in set(node.keys()):
            return None
        part = ".".join(names[:end])
        if OmegaConf.is_interpolation(node, name):
            return part
        node = OmegaConf.select(cfg, part)
    return None


def _require_place(cfg: DictConfig, key: str) -> None:
    """Refuse a key that a config lacks, unless it is an argument that what is called takes."""
    node, above = cfg, ""
    for name in key.split("."):
        if isinstance(node, ListConfig):
            return
        keys = [str(known) for known in node] if isinstance(node, DictConfig) else []
        called = "_target_" in keys
        taken = _arguments(node["_target_"]) if called else []
        if name not in keys and taken is not None and name not in taken:
            hint = meant(name, [*keys, *taken])
            raise InputError(f"{key}: {above or 'the config'} has no {name}{hint}")
        if called:
            return  # what is below an argument is for the one that is called to judge
        above = f"{above}.{name}" if above else name
        node = OmegaConf.select(cfg, above)


def _arguments(target: str | Callable[..., object]) -> list[str] | None:
    """The names of what a function takes; None if that is anything, or cannot be known."""
    try:
        function = locate(target) if isinstance(target, str) else target
        taken = inspect.signature(function).parameters.values()
    except (TypeError, ValueError, ImportError, AttributeError):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken):
        return None
    return [parameter.name for parameter in taken]


def _require_mix(cfg: DictConfig) -> None:
    """Refuse a name of a mix that there is none of, where a config takes one by name."""
    mix = OmegaConf.select(cfg, "recipe.mix")
    if "mixes" in cfg and mix not in cfg.mixes:
        raise InputError(
            f"recipe.mix={mix}: is none of {', '.join(cfg.mixes)}{meant(str(mix), cfg.mixes)}"
        )


def _settle_class_weights(cfg: DictConfig) -> None:
    """Put weights by the labels of the training set where a loss of detection is `balanced`: as
    numbers, so that a test of the run does without that set.
    """
    given = OmegaConf.select(cfg, "task.criterion.class_weights")
    if not isinstance(given, str):
        return
    asked = f"task.criterion.class_weights={given}"
    if given != "balanced":
        raise InputError(f"{asked}: is neither balanced nor a list of numbers")
    if "balanced_weights" not in cfg.dataloader:
        raise InputError(
            f"{asked}: is for configs of detection, which have dataloader.balanced_weights"
        )
    cfg.task.criterion.class_weights = instantiate(cfg.dataloader.balanced_weights)


def _require_pixels(cfg: DictConfig) -> None:
    """Refuse a reader that gives smaller frames than the transform behind it asks for.

    Videos that are smaller themselves are no mistake of a config: they are enlarged.
    """
    for part in ("dataloader.train.mapper", "test.loader.mapper"):
        given = OmegaConf.select(cfg, f"{part}.reader.short_side")
        asked = _short_side(OmegaConf.select(cfg, f"{part}.transform"))
        if given is not None and given < asked:
            where = _place(cfg, f"{part}.reader.short_side")
            raise InputError(
                f"{where}={given}: {part}.transform asks for frames of {asked} pixels; "
                f"{where}={asked} gives them, {where}=null the videos' own size"
            )


def _short_side(transform: DictConfig | None) -> int:
    """The largest short side, in pixels, that a transform of `ava_det.augment` resizes frames to;
    0 where it does not say.
    """
    if not isinstance(transform, DictConfig):
        return 0
    sizes = [transform.get("highest"), transform.get("size")]
    if "height" in transform and "width" in transform:
        sizes.append(min(transform.height, transform.width))
    return max((size for size in sizes if isinstance(size, int)), default=0)


def _require_columns(cfg: DictConfig) -> None:
    """Refuse columns that are not the model's, of another class map, say."""
    criterion = OmegaConf.select(cfg, "task.criterion") or {}
    if "model" not in cfg or ("exclusive" not in cfg.model and "columns" not in criterion):
        return
    if OmegaConf.is_interpolation(cfg.model, "num_classes"):
        instantiate(cfg.class_map)  # of what is wrong with it, an interpolation would make a riddle
    count = cfg.model.num_classes
    exclusive, columns = cfg.model.get("exclusive"), criterion.get("columns")
    for name, those in (("model.exclusive", exclusive), ("task.criterion.columns", columns)):
        beyond = [column for column in those or () if not 0 <= column < count]
        if beyond:
            raise InputError(
                f"{name}: column {beyond[0]} is none of the {count} of model.num_classes"
            )
    if columns is not None and list(columns) != list(exclusive or ()):
        raise InputError("task.criterion.columns: are not those of model.exclusive")
