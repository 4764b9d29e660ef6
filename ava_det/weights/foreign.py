"""Describes the weight format of a codebase, and the model that the weights were trained with."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from torch import Tensor, nn

Names = Callable[[Iterable[str]], dict[str, str]]
Tensors = Mapping[str, Tensor]
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Origin:
    """The model that weights were trained with, as far as it is known.

    Attributes:
        mean: The mean of the pixels / 255, RGB, one value per channel; None if unknown.
        std: The standard deviation of the pixels / 255, in the same form.
        bgr: Whether the clips were BGR. If so, loading converts the first layer to RGB.
        wiring: Settings of parts of the model: from the path of an attribute of our model to the
            value.
        stated: Whether the file states these facts. If not, they are those of the published models
            of the codebase.
    """

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    bgr: bool = False
    wiring: Mapping[str, Any] = field(default_factory=dict)
    stated: bool = False

    def differences(self, model: nn.Module, fresh: Sequence[str] = ()) -> list[str]:
        """Return reasons why `model` computes something else from the same weights, one line each.

        Args:
            model: One of our models.
            fresh: The prefixes of parts that load no weights.
        """
        lines = []
        normalize = getattr(model, "normalize", None)
        for word, there in (("mean", self.mean), ("std", self.std)):
            here = getattr(normalize, word, None)
            if here is not None and there is not None and not _close(here, there):
                lines.append(f"pixels have {word} {_text(there)} there, {_text(here)} here")
        for path, there in self.wiring.items():
            if path.startswith(tuple(fresh)) or (fresh and path == "backbone.dilation"):
                continue  # under a new head, the last stage may be another too
            try:
                here = attrgetter(path)(model)
            except AttributeError:
                continue  # a model without such a part
            if here != there:
                lines.append(f"{path} is {there} there, {here} here")
        return lines


def _close(a: Sequence[float], b: Sequence[float]) -> bool:
    pairs = zip(a, b, strict=False)
    return len(a) == len(b) and all(math.isclose(x, y, abs_tol=1e-3) for x, y in pairs)


def _text(values: Sequence[float]) -> str:
    return "/".join(f"{value:.3g}" for value in values)


def _unchanged(weights: dict[str, Tensor], shapes: Shapes) -> dict[str, Tensor]:
    return weights


@dataclass(frozen=True)
class Format:
    """The names of weights in a codebase.

    Attributes:
        title: The name of the codebase.
        mark: The beginning of a name that no other codebase uses.
        common_names: Maps names of the codebase to the common names (`names`). Unknown names are
            missing in the result.
        origin: Returns the known facts about the model, from the content of a file and the weights.
        adjust: Reorders weights whose order differs in the codebase. The function also gets the
            shapes that the model needs.
        logged: The names in the files that are not weights.
    """

    title: str
    mark: re.Pattern[str]
    common_names: Names
    origin: Callable[[Mapping[str, Any], Tensors], Origin]
    adjust: Callable[[dict[str, Tensor], Shapes], dict[str, Tensor]] = _unchanged
    logged: re.Pattern[str] | None = None


def by_table(common_name: Callable[[str], str | None]) -> Names:
    """Turn a function that maps one name (`names.name_table`) into one that maps a whole file."""

    def common_names(names: Iterable[str]) -> dict[str, str]:
        found = ((name, common_name(name)) for name in names)
        return {name: common for name, common in found if common is not None}

    return common_names
