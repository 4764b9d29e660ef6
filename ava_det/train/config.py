"""Load configs: Python files, with values that the command line can override."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import asdict

from detectron2.config import LazyCall, LazyConfig, instantiate
from detectron2.utils.registry import locate
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import Container, DictConfig, ListConfig, OmegaConf

from ava_det.formats.config_files import find_config
from ava_det.formats.nearest import meant
from ava_det.model.published import published_model
from ava_det.structures import ClipShape, InputError
from ava_det.weights.card import check_pixels


def _num_classes(_root_: DictConfig) -> int:
    try:
        return len(instantiate(_root_.class_map))
    except InputError as error:
        data = OmegaConf.select(_root_, "data.train")
        raise InputError(f"data.train={data}: {error}") from error


OmegaConf.register_new_resolver("columns", lambda count: list(range(count)), replace=True)
OmegaConf.register_new_resolver("num_classes", _num_classes, replace=True)
EVERY_CLASS = "${columns:${model.num_classes}}"  # all columns of the model
AS_MANY_AS_THE_DATA = "${num_classes:}"  # the number of classes in `class_map`


def load_config(path: str, overrides: list[str]) -> DictConfig:
    """Load a config with `path.key=value` overrides; `+path.key=value` adds a new key.

    `path` is the path of a file, or the name of a config that comes with the package; see
    `find_config`.

    Several parts of a config may refer to one shared part (`${reader}`). An override of any of
    them changes the shared part, and so all of them.

    A config is Python code and is run: use only configs that you trust.

    Raises:
        InputError: The file is missing, an override is malformed or has an unknown key, or values
            contradict each other.
    """
    return _settled(LazyConfig.load(str(find_config(path))), path, overrides)


def published_config(name: str, overrides: list[str]) -> DictConfig:
    """Return the `model` and the `clip` of a published model as a config, with overrides.

    Raises:
        InputError: The model is unknown, or an override is wrong (`load_config`).
    """
    published = published_model(name)
    model = LazyCall(published.builder)(**published.arguments)
    content = {"model": model, "clip": asdict(published.clip)}
    return _settled(DictConfig(content, flags={"allow_objects": True}), name, overrides)


def _settled(cfg: DictConfig, path: str, overrides: list[str]) -> DictConfig:
    """Apply overrides to a config, and check that the values agree."""
    try:
        _apply(cfg, OverridesParser.create().parse_overrides(overrides))
    except Exception as error:  # hydra's parser and omegaconf raise many kinds
        raise InputError(f"{path}: bad override: {error}") from error
    _require_mix(cfg)
    try:
        _require_clip(cfg)
        _require_pixels(cfg)
        _require_columns(cfg)
        _settle_class_weights(cfg)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return cfg


def _apply(cfg: DictConfig, overrides: Iterable[Override]) -> None:
    """Apply overrides; those that go through a reference come last."""
    for override in sorted(overrides, key=lambda o: _reference(cfg, o.key_or_group) is not None):
        key, text = override.key_or_group, str(override.input_line)
        if not override.is_add():
            _require_place(cfg, key)
        place = _place(cfg, key)
        if place != key:
            text = f"{place}={text.partition('=')[2]}"
        LazyConfig.apply_overrides(cfg, [text])


def _place(cfg: DictConfig, key: str) -> str:
    """Resolve references in a key: `test.loader.mapper.reader.folder` gives `reader.folder`."""
    part = _reference(cfg, key)
    if part is None:
        return key
    node = OmegaConf.select(cfg, part)
    place = node._get_full_key(None) if isinstance(node, Container) else part
    return key if place == part else _place(cfg, place + key[len(part) :])


def _reference(cfg: DictConfig, key: str) -> str | None:
    """Return the prefix of a key that is a reference to a shared part; None if there is none."""
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
    """Require that a key exists, or is an argument of a function that the config calls."""
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
            return  # the called function checks the content of arguments
        above = f"{above}.{name}" if above else name
        node = OmegaConf.select(cfg, above)


def _arguments(target: str | Callable[..., object]) -> list[str] | None:
    """Return the names of a function's arguments; None if it takes any, or they are unknown."""
    try:
        function = locate(target) if isinstance(target, str) else target
        taken = inspect.signature(function).parameters.values()
    except (TypeError, ValueError, ImportError, AttributeError):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken):
        return None
    return [parameter.name for parameter in taken]


def _require_mix(cfg: DictConfig) -> None:
    """Require that `recipe.mix` is the name of a mix, if the config has mixes."""
    mix = OmegaConf.select(cfg, "recipe.mix")
    if "mixes" in cfg and mix not in cfg.mixes:
        raise InputError(
            f"recipe.mix={mix}: is none of {', '.join(cfg.mixes)}{meant(str(mix), cfg.mixes)}"
        )


def _settle_class_weights(cfg: DictConfig) -> None:
    """Replace the class weights `balanced` of a detection loss by numbers.

    The numbers come from the labels of the training set. A later test does not need the training
    set then.
    """
    given = OmegaConf.select(cfg, "task.criterion.class_weights")
    if not isinstance(given, str):
        return
    asked = f"task.criterion.class_weights={given}"
    if given != "balanced":
        raise InputError(f"{asked}: is neither balanced nor a list of numbers")
    if "balanced_weights" not in cfg.dataloader:
        raise InputError(
            f"{asked}: works only in detection configs, which have dataloader.balanced_weights"
        )
    cfg.task.criterion.class_weights = instantiate(cfg.dataloader.balanced_weights)


def _require_clip(cfg: DictConfig) -> None:
    """Refuse a clip that is too large for any model."""
    if OmegaConf.is_missing(cfg, "clip") or not OmegaConf.select(cfg, "clip"):
        return
    try:
        # A stride of 0 repeats the keyframe, to test a model without motion.
        clip = ClipShape(**{**cfg.clip, "stride": cfg.clip.stride or 1})
        check_pixels(clip.frames, clip.short_side)
    except (TypeError, ValueError) as error:
        raise InputError(f"clip: {error}") from error


def _require_pixels(cfg: DictConfig) -> None:
    """Refuse a reader that gives smaller frames than the transform needs.

    Small videos are allowed: they are enlarged.
    """
    for part in ("dataloader.train.mapper", "test.loader.mapper"):
        given = OmegaConf.select(cfg, f"{part}.reader.short_side")
        asked = _short_side(OmegaConf.select(cfg, f"{part}.transform"))
        if given is not None and given < asked:
            where = _place(cfg, f"{part}.reader.short_side")
            raise InputError(
                f"{where}={given}: {part}.transform needs frames of {asked} pixels; "
                f"set {where}={asked}, or {where}=null for the size of the videos"
            )


def _short_side(transform: DictConfig | None) -> int:
    """Return the largest short side, in pixels, to which a transform resizes frames; 0 if unknown.

    The transform is one of `ava_det.augment`.
    """
    if not isinstance(transform, DictConfig):
        return 0
    sizes = [transform.get("highest"), transform.get("size")]
    if "height" in transform and "width" in transform:
        sizes.append(min(transform.height, transform.width))
    return max((size for size in sizes if isinstance(size, int)), default=0)


def _require_columns(cfg: DictConfig) -> None:
    """Refuse columns that the model does not have, such as those of another class map."""
    criterion = OmegaConf.select(cfg, "task.criterion") or {}
    if "model" not in cfg or ("exclusive" not in cfg.model and "columns" not in criterion):
        return
    if OmegaConf.is_interpolation(cfg.model, "num_classes"):
        instantiate(cfg.class_map)  # an error inside an interpolation would be hard to understand
    count = cfg.model.num_classes
    exclusive, columns = cfg.model.get("exclusive"), criterion.get("columns")
    for name, those in (("model.exclusive", exclusive), ("task.criterion.columns", columns)):
        beyond = [column for column in those or () if not 0 <= column < count]
        if beyond:
            raise InputError(
                f"{name}: column {beyond[0]} is none of the {count} of model.num_classes"
            )
    if columns is not None and list(columns) != list(exclusive or ()):
        raise InputError("task.criterion.columns: differ from model.exclusive")
