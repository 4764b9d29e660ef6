"""Makes the tables of a grid of runs: a line per arm, and a line per comparison of two arms.

The rows come from `ablate.rows`. An arm and seed have one row.

"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from ava_det.ablate.paired import Comparison, compare
from ava_det.ablate.rows import Row

_NONE = "\u2013"


def results_of(rows: Iterable[Row], arm: str, figure: str) -> dict[int, float]:
    """Return a figure of the runs of an arm, by seed."""
    return {int(row["seed"]): float(row[figure]) for row in rows if row["arm"] == arm}


def summary(rows: Sequence[Row], arms: Sequence[str], figure: str) -> pd.DataFrame:
    """Return a line per arm: arm, runs, mean, deviation (n - 1), lowest, highest, minutes a run."""
    lines = []
    for arm in arms:
        values = np.array(list(results_of(rows, arm, figure).values()))
        seconds = [float(row["seconds"]) for row in rows if row["arm"] == arm]
        nothing = not len(values)
        lines.append(
            {
                "arm": arm,
                "runs": len(values),
                "mean": np.nan if nothing else values.mean(),
                "deviation": values.std(ddof=1) if len(values) > 1 else np.nan,
                "lowest": np.nan if nothing else values.min(),
                "highest": np.nan if nothing else values.max(),
                "minutes": np.nan if nothing else np.mean(seconds) / 60,
            }
        )
    return pd.DataFrame(lines)


def comparisons(
    rows: Sequence[Row], pairs: Iterable[tuple[str, str]], figure: str
) -> dict[tuple[str, str], Comparison]:
    """Compare pairs of arms over the seeds that both have; skip pairs without a common seed."""
    found = {}
    for arm, against in pairs:
        a, b = results_of(rows, arm, figure), results_of(rows, against, figure)
        seeds = sorted(a.keys() & b.keys())
        if seeds:
            values = [np.array([results[seed] for seed in seeds]) for results in (a, b)]
            found[arm, against] = compare(*values)
    return found


def provenance(rows: Sequence[Row], runs: int, everything: int) -> list[str]:
    """Return notes: the number of finished runs, the commits, the machines, and mixed configs."""
    found = {name: sorted({row[name] for row in rows}) for name in ("commit", "machine")}
    notes = [f"{len(rows)} of {runs} runs."]
    if len(rows) < runs:
        notes = [f"Partial: {notes[0]}"]
    notes += [
        f"{name.capitalize()}: {', '.join(values)}." for name, values in found.items() if rows
    ]
    configs = {
        arm: {r["config"] for r in rows if r["arm"] == arm} for arm in {r["arm"] for r in rows}
    }
    mixed = sorted(arm for arm, several in configs.items() if len(several) > 1)
    if mixed:
        notes.append(f"The config was not the same in all runs of: {', '.join(mixed)}.")
    if everything > len(rows):
        notes.append(f"{everything - len(rows)} rows of other recipes or seeds are not used.")
    return notes


def markdown(
    title: str,
    rows: Sequence[Row],
    arms: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    figures: Sequence[str],
    notes: Sequence[str],
) -> str:
    """Return the tables of all figures as Markdown, with notes for the reader.

    Args:
        title: The heading.
        rows: The runs that count.
        arms: The arms, which are the lines of the first table.
        pairs: The pairs (arm, against), which are the lines of the second table.
        figures: The columns of the rows. Each figure has two tables.
        notes: The sentences below the heading.
    """
    parts = [f"# {title}", "\n".join(notes)]
    for figure in figures:
        lines = [_summary_line(line) for line in _records(summary(rows, arms, figure))]
        heads = ("arm", "runs", "mean", "deviation", "lowest", "highest", "minutes a run")
        parts += [f"## {figure}", _table(heads, lines)]
        found = comparisons(rows, pairs, figure)
        if found:
            heads = ("difference", "seeds", "mean", "95 % interval", "t test p", "sign flips p")
            lines = [_comparison_line(names, result) for names, result in found.items()]
            parts.append(_table(heads, lines))
    found = comparisons(rows, pairs, figures[0])
    if found:
        parts.append(_caution(list(found.values())))
    parts.append("A figure is the value at the end of a run, never the best value during the run.")
    return "\n\n".join(parts) + "\n"


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(k): v for k, v in line.items()} for line in table.to_dict("records")]


def _caution(found: Sequence[Comparison]) -> str:
    seeds = max(result.pairs for result in found)
    least = min(result.least_sign_p for result in found)
    return (
        "Differences are paired by seed: the same first weights, order and crops. The interval and "
        "the t test assume normal differences. The sign-flip test is exact and does not; its p "
        f"cannot be below {least:.2g} with {seeds} seed{'s' * (seeds != 1)}. No p is adjusted for "
        f"the number of comparisons ({len(found)})."
    )


def _summary_line(line: Mapping[str, object]) -> list[str]:
    numbers = [line[k] for k in ("mean", "deviation", "lowest", "highest")]
    return [str(line["arm"]), str(line["runs"]), *map(_shown, numbers), _shown(line["minutes"], 1)]


def _comparison_line(names: tuple[str, str], result: Comparison) -> list[str]:
    interval = f"{result.low:+.2f} to {result.high:+.2f}" if result.pairs > 1 else _NONE
    mean = f"{result.difference:+.2f}"
    p = [_shown(result.t_p, 4), _shown(result.sign_p, 4)]
    return [" - ".join(names), str(result.pairs), mean, interval, *p]


def _shown(value: object, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) and np.isfinite(value) else _NONE


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are right-aligned."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    rows = [heads, rule, *([cell.replace("|", "\\|") for cell in line] for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
