"""Choose what to keep of annotations: which labels are people, which attributes are actions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ava_det.formats.json_file import brief

ATTRIBUTES, LABEL = "attributes", "label"  # where the names of actions stand
NUMBER, TEXT = "number", "text"  # kinds of attributes, as CVAT calls them, that name no action

_PEOPLE = frozenset({"person", "persons", "people", "human", "humans", "pedestrian", "actor"})
_OF_TOOLS = frozenset({"keyframe", "occluded", "outside", "rotation", "track_id"})


@dataclass(frozen=True)
class Choice:
    """What to keep of a file of annotations.

    Attributes:
        actions_from: "attributes", or "label" if the label of a box is an action.
        labels: Labels that are people. If empty, labels such as "person" are people; if there is no
            such label, or labels are actions, all labels are people.
        attributes: Attributes that name actions. If empty, all attributes but numbers and free text
            name actions.
        every: Keep every N-th frame.
    """

    actions_from: str = ATTRIBUTES
    labels: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    every: int = 1

    def people(self, labels: Iterable[str]) -> set[str]:
        """Select the labels of a file that are people.

        >>> Choice().people(["car", "Person"]), sorted(Choice().people(["worker", "boss"]))
        ({'Person'}, ['boss', 'worker'])
        """
        there = set(labels)
        if self.labels:
            wanted = {name.casefold() for name in self.labels}
            return {name for name in there if name.casefold() in wanted}
        if self.actions_from == LABEL:
            return there
        return {name for name in there if name.casefold() in _PEOPLE} or there

    def names_action(self, attribute: str, kind: str) -> bool:
        """Return whether the values of an attribute are actions.

        Args:
            attribute: Name of the attribute.
            kind: Input type of the attribute, as CVAT calls it; empty if unknown.
        """
        if self.actions_from == LABEL:
            return False
        if self.attributes:
            return attribute in self.attributes
        return attribute not in _OF_TOOLS and kind not in (NUMBER, TEXT)

    def actions(
        self, values: Iterable[tuple[str, str, Sequence[str]]], left_out: Counter[str]
    ) -> tuple[str, ...]:
        """Collect the actions that the attributes of a box name, each once.

        Args:
            values: Attribute, its kind, and the actions that its value names.
            left_out: Counts attributes that name no action, except those that tools add.
        """
        found: dict[str, None] = {}
        for attribute, kind, named in values:
            if self.names_action(attribute, kind):
                found |= dict.fromkeys(named)
            elif attribute not in _OF_TOOLS:
                left_out[f"values of the attribute {brief(attribute)!r}"] += len(named)
        return tuple(found)


def kind_of(value: Any) -> str:
    """Guess the kind of an attribute from one value, if the file does not declare it.

    >>> kind_of("7"), kind_of(0.5), kind_of(True), kind_of("sit")
    ('number', 'number', '', '')
    """
    if isinstance(value, bool):
        return ""
    try:
        float(value)
    except (TypeError, ValueError):
        return ""
    except OverflowError:  # a whole number of hundreds of digits
        return NUMBER
    return NUMBER
