"""Baselines in words: what was kept, what has moved and by how many standard errors, and one JSON document."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cellfab.report.numbers import MISSING, number, percent, scaled, unit_text
from cellfab.report.plain_table import plain_table
from cellfab.study.baseline import Checked
from cellfab.study.baseline_file import Baseline
from cellfab.study.movement import Movement, Value

SCHEMA_VERSION = 1
_HEADINGS = ("scenario", "figure", "before", "after", "unit", "difference", "standard errors", "limit", "")
_MOST_BY_CHANCE = 10


def saved_text(baseline: Baseline, path: Path) -> str:
    """What `cellfab baseline save` prints."""
    return f"{path}: {_extent(baseline)}, seed {baseline.seed}"


def saved_document(baseline: Baseline, path: Path) -> dict[str, Any]:
    """What `cellfab baseline save --json` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "file": str(path),
        "version": baseline.version,
        "code": baseline.code,
        "seed": baseline.seed,
        "scenarios": {
            label: {"digest": kept.digest, "replicates": kept.replicates, "figures": len(kept.figures)}
            for label, kept in baseline.scenarios.items()
        },
    }


def checked_text(checked: Checked, name: str) -> str:
    """What `cellfab baseline check` prints: the outcome, then tables of what moved and of what chance explains."""
    parts = [f"{name}: {_extent(checked.baseline)}; saved by cellfab {checked.baseline.version}"]
    parts[0] += f"\n{conclusion(checked)}"
    parts += [f"note: {line}" for line in remarks(checked)]
    moved = sorted(checked.regressions, key=lambda one: one.probability)
    if moved:
        parts.append(plain_table(_HEADINGS, _rows(moved)))
    by_chance = _by_chance(checked)
    if by_chance:
        shown = sorted(by_chance, key=lambda one: one.probability)[:_MOST_BY_CHANCE]
        which = "" if len(shown) == len(by_chance) else f"; the {len(shown)} least likely of {len(by_chance)}"
        parts += [f"different, but no further than chance explains{which}:", plain_table(_HEADINGS, _rows(shown))]
    new = [one for one in checked.movements if one.verdict == "new"]
    if new:
        parts.append(f"new, and not in the baseline: {', '.join(f'{one.scenario} {one.metric}' for one in new)}")
    parts += [
        f"{one.scenario}: replicate {one.replicate} (seed {one.seed}) failed: {one.reason}" for one in checked.failures
    ]
    return "\n\n".join(parts)


def conclusion(checked: Checked) -> str:
    """The outcome in one sentence."""
    count = len(checked.regressions)
    failed = f"{len(checked.failures)} replicates failed" if checked.failures else ""
    if count:
        verb = "figure has" if count == 1 else "figures have"
        return f"{count} {verb} moved{f', and {failed}' if failed else ''}"
    if failed:
        return failed
    different = len(_by_chance(checked))
    if checked.seed != checked.baseline.seed:
        return "nothing moved: with other random numbers, figures are no further apart than chance explains"
    if different:
        return f"nothing moved beyond what chance explains; {different} figures are not the same in every replicate"
    if checked.same_code:
        return "nothing moved: the same code with the same random numbers gives the same figures"
    return "nothing moved: the code is another, and every figure is the same in every replicate"


def remarks(checked: Checked) -> list[str]:
    """What must be known to judge the outcome."""
    lines = []
    if checked.changed:
        lines.append(
            f"the configuration of {_listed(checked.changed)} has changed since the baseline was saved: what moved"
            " there is not the code's doing alone"
        )
    if checked.redefined:
        lines.append(
            f"the code reads {_listed(checked.redefined)} with another default or a new field, from the same values"
        )
    differs = any(one.verdict in ("moved", "chance", "gone") for one in checked.movements)
    if checked.same_code and differs and checked.seed == checked.baseline.seed and not checked.changed:
        lines.append("the code is the same: figures depend on something else than code, scenario and seed")
    if checked.regressions:
        lines.append(
            f"limits are set so that a check of figures that only chance has changed fails in at most"
            f" {percent(checked.level)} of all cases; if the change is meant, save the baseline again"
        )
    return lines


def checked_document(checked: Checked, name: str) -> dict[str, Any]:
    """What `cellfab baseline check --json` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "baseline": name,
        "passed": checked.passed,
        "conclusion": conclusion(checked),
        "notes": remarks(checked),
        "seed": {"before": checked.baseline.seed, "after": checked.seed},
        "same_code": checked.same_code,
        "configuration_changed": list(checked.changed),
        "redefined": list(checked.redefined),
        "level": checked.level,
        "figures": [
            {
                "scenario": one.scenario,
                "metric": one.metric,
                "verdict": one.verdict,
                "before": one.before,
                "after": one.after,
                "unit": one.unit,
                "difference": one.difference,
                "standard_error": one.standard_error,
                "standard_errors": _finite(one.standard_errors),
                "limit": _finite(one.limit),
                "probability": one.probability,
                "reason": one.reason,
            }
            for one in checked.movements
        ],
        "failures": [
            {"scenario": one.scenario, "seed": one.seed, "replicate": one.replicate, "reason": one.reason}
            for one in checked.failures
        ],
    }


def _extent(baseline: Baseline) -> str:
    kept = baseline.scenarios.values()
    scenarios = "1 scenario" if len(kept) == 1 else f"{len(kept)} scenarios"
    replicates = sum(one.replicates for one in kept)
    return f"{scenarios}, {replicates} replicates, {sum(len(one.figures) for one in kept)} figures"


def _by_chance(checked: Checked) -> list[Movement]:
    return [one for one in checked.movements if one.verdict == "chance"]


def _rows(movements: Iterable[Movement]) -> Iterable[tuple[str, ...]]:
    for one in movements:
        sizes = [abs(value) for value in (one.before, one.after) if isinstance(value, float)]
        divisor, unit = scaled(one.unit, max(sizes)) if sizes else (1.0, unit_text(one.unit))
        decimals = _decimals([None if one.difference is None else one.difference / divisor, *_pair(one, divisor)])
        remark = one.reason if one.verdict != "gone" else "gone: nobody computes it any more"
        if one.standard_errors is None and one.probability not in (0.0, 1.0):
            remark = f"p = {number(one.probability)}: {remark}"
        yield (
            one.scenario, one.metric, _value(one.before, divisor, decimals), _value(one.after, divisor, decimals),
            unit if sizes else "", _difference(one, divisor, decimals), _errors(one.standard_errors),
            MISSING if one.limit is None else number(one.limit, 2), remark,
        )  # fmt: skip


def _pair(one: Movement, divisor: float) -> list[float | None]:
    return [value / divisor if isinstance(value, float) else None for value in (one.before, one.after)]


def _decimals(numbers: Sequence[float | None]) -> int:
    """So many that the difference shows with three digits, and the values with four; at most twelve."""
    digits = (3, 4, 4)
    wanted = [
        size - 1 - math.floor(math.log10(abs(value))) for value, size in zip(numbers, digits, strict=True) if value
    ]
    return min(max(0, *wanted, 0), 12)


def _value(value: Value, divisor: float, decimals: int) -> str:
    if value is None:
        return MISSING
    return value if isinstance(value, str) else f"{value / divisor:,.{decimals}f}"


def _difference(one: Movement, divisor: float, decimals: int) -> str:
    return MISSING if one.difference is None else f"{one.difference / divisor:+,.{decimals}f}"


def _errors(errors: float | None) -> str:
    if errors is None:
        return MISSING
    return "exact" if math.isinf(errors) else f"{errors:+,.1f}"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
