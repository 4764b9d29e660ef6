"""Configs: Python files whose values the command line may override."""

from pathlib import Path

from detectron2.config import LazyConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, ListConfig, OmegaConf

from ava_det.formats.nearest import meant
from ava_det.structures import InputError


def load_config(path: str, overrides: list[str]) -> DictConfig:
    """A config with `path.key=value` overrides; `+path.key=value` adds what the config lacks.

    A config is Python code and is run: use only those that you trust.

    Raises:
        InputError: no such file, or an override that cannot be read or has no place in it.
    """
    if not Path(path).is_file():
        beside = [str(other) for other in sorted(Path(path).parent.glob("*.py"))]
        raise InputError(f"{path}: no such config{meant(path, beside)}")
    cfg = LazyConfig.load(path)
    try:
        for override in OverridesParser.create().parse_overrides(overrides):
            if not override.is_add():
                _require_place(cfg, override.key_or_group)
            LazyConfig.apply_overrides(cfg, [str(override.input_line)])
    except Exception as error:  # hydra's parser and omegaconf raise many kinds
        raise InputError(f"{path}: bad override: {error}") from error
    _require_mix(cfg)
    _settle_class_weights(cfg)
    return cfg


def _require_place(cfg: DictConfig, key: str) -> None:
    """Refuse a key that a config lacks, unless it is an argument of something that is called."""
    node, above = cfg, ""
    for name in key.split("."):
        if isinstance(node, ListConfig) or (isinstance(node, DictConfig) and "_target_" in node):
            return  # what is called says itself what it takes
        keys = [str(known) for known in node] if isinstance(node, DictConfig) else []
        if name not in keys:
            raise InputError(f"{key}: {above or 'the config'} has no {name}{meant(name, keys)}")
        above = f"{above}.{name}" if above else name
        node = OmegaConf.select(cfg, above)


def _require_mix(cfg: DictConfig) -> None:
    """Refuse a name of a mix that there is none of, where a config takes one by name."""
    mix = OmegaConf.select(cfg, "recipe.mix")
    if "mixes" in cfg and mix not in cfg.mixes:
        raise InputError(
            f"recipe.mix={mix}: is none of {', '.join(cfg.mixes)}{meant(str(mix), cfg.mixes)}"
        )


def _settle_class_weights(cfg: DictConfig) -> None:
    """Put weights by the labels of the training set where a loss of detection is `balanced`."""
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
    cfg.task.criterion.class_weights = "${dataloader.balanced_weights}"
