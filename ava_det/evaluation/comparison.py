"""Compares two evaluations: shared figures, and reasons why figures do not compare."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ava_det.evaluation.figures import Evaluation, Part


@dataclass(frozen=True, eq=False)
class OtherRun:
    """A run to compare with.

    Attributes:
        name: The file that the run was read from.
        figures: The figures, in the form of the JSON file.
        curves: (n,) precision and (n,) recall by class; empty if only the figures are known.
    """

    name: str
    figures: Evaluation
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


Pair = tuple[float | None, float | None]  # the values of this run and of the other run


def differences(this: Evaluation, other: OtherRun) -> list[str]:
    """Return reasons why the figures of boxes do not compare, one clause each; [] if they do."""
    name, before = other.name, other.figures
    clauses = [
        f"{key} is {before[key]} in {name}"
        for key in ("protocol", "iou_threshold")
        if this[key] != before[key]
    ]
    clauses += _missing(this["AP"], before["AP"], "this run")
    clauses += _missing(before["AP"], this["AP"], name)
    return clauses + _counts("labels", this["ground_truth"], before["ground_truth"], name)


def tube_differences(this: Evaluation, other: OtherRun) -> list[str]:
    """Return the reasons why the figures of tubes do not compare; empty if a run has no tubes."""
    if "video_mAP" not in this or "video_mAP" not in other.figures:
        return []
    tubes, before = this["video_mAP"], other.figures["video_mAP"]
    clauses = []
    if tubes["protocol"] != before["protocol"]:
        clauses.append(f"the protocol of tubes is {before['protocol']} in {other.name}")
    return clauses + _counts("tubes", tubes["ground_truth"], before["ground_truth"], other.name)


def _missing(here: Iterable[str], there: Iterable[str], name: str) -> list[str]:
    odd = sorted(set(here) - set(there))
    some = "1 class is" if len(odd) == 1 else f"{len(odd)} classes are"
    return [f"{some} in {name} only: {_first(odd)}"] if odd else []


def _counts(what: str, here: dict[str, int], there: dict[str, int], name: str) -> list[str]:
    """Return a clause about classes with different annotated counts in the two runs, if any."""
    odd = [label for label, count in here.items() if count != there.get(label, count)]
    clauses = [f"{label} has {here[label]:,} here, {there[label]:,} in {name}" for label in odd]
    some = "1 class" if len(odd) == 1 else f"{len(odd)} classes"
    return [f"the annotated {what} of {some} differ: {_first(clauses)}"] if odd else []


def _first(texts: list[str], most: int = 3) -> str:
    return ", ".join(texts[:most]) + ", ..." * (len(texts) > most)


def shared_mean(this: Evaluation, other: Evaluation) -> tuple[int, float, float] | None:
    """Return the number of classes with an AP in both runs, and each run's mAP over these classes.

    None if both runs have the same classes, or no class in common.
    """
    both = [pair for pair in _pairs(this["AP"], other["AP"]).values() if None not in pair]
    if this["AP"].keys() == other["AP"].keys() or not both:
        return None
    return (len(both), *np.asarray(both, float).mean(axis=0).tolist())


def means(this: Evaluation, other: Evaluation) -> dict[str, Pair]:
    """Return the mAPs of both runs: over all classes, by groups, sizes and crowds, and of tubes."""
    rows: dict[str, Pair] = {"all classes": (this["mAP"], other["mAP"])}
    shared = shared_mean(this, other)
    if shared:
        rows[f"the {shared[0]} classes of both"] = shared[1:]
    if "ground_truth_boxes" in this and "ground_truth_boxes" in other:
        whole = this["ground_truth_boxes"]["mAP"], other["ground_truth_boxes"]["mAP"]
        rows["on annotated boxes"] = whole
    groups = _pairs(this["groups"], other["groups"])
    rows |= {f"{group} classes": pair for group, pair in groups.items()}
    rows |= _parts("size", this.get("sizes"), other.get("sizes"))
    rows |= _parts("crowd", this.get("crowds"), other.get("crowds"))
    if "video_mAP" in this and "video_mAP" in other:
        tubes = _pairs(this["video_mAP"]["mAP"], other["video_mAP"]["mAP"])
        rows |= {f"tubes, video-mAP@{overlap}": pair for overlap, pair in tubes.items()}
    return rows


def _parts(
    kind: str, this: dict[str, Part] | None, other: dict[str, Part] | None
) -> dict[str, Pair]:
    if not this or not other:
        return {}
    mean = [{name: part["mAP"] for name, part in parts.items()} for parts in (this, other)]
    return {f"{kind}: {name}": pair for name, pair in _pairs(*mean).items()}


def _pairs(this: Mapping[str, float | None], other: Mapping[str, float | None]) -> dict[str, Pair]:
    """Return the values of both runs by name, first the names of this run in their order."""
    return {name: (this.get(name), other.get(name)) for name in {**this, **other}}
