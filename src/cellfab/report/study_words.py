"""Words and plain values that the tables of a study have in common."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from cellfab.report.numbers import MISSING, as_written, number
from cellfab.study.plan import Case
from cellfab.study.statistics import Interval


def mean_and_width(mean: float, half_width: float | None, divisor: float = 1.0) -> tuple[str, str]:
    """A mean with as many digits as its half-width leaves, and the half-width with two."""
    mean /= divisor
    if half_width is None:
        return number(mean, 4), MISSING
    half_width /= divisor
    if half_width == 0.0 or not math.isfinite(half_width):
        return number(mean, 6), number(half_width)
    decimals = min(max(0, 1 - math.floor(math.log10(half_width))), 12)
    return f"{mean:,.{decimals}f}", f"{half_width:,.{decimals}f}"


def without_repeats(rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The figure's name in its first row only."""
    found: list[tuple[str, ...]] = []
    last = ""
    for row in rows:
        found.append(("", *row[1:]) if row[0] == last else row)
        last = row[0]
    return found


def pairing_worth(variance_ratio: float | None) -> str:
    """How many times less a difference scatters in pairs, in words."""
    if variance_ratio is None:
        return MISSING
    return "exact" if math.isinf(variance_ratio) else f"{number(variance_ratio)} x"


def interval_document(interval: Interval | None) -> dict[str, float | None]:
    """An interval as plain JSON; None three times where there is none."""
    if interval is None:
        return {"ci_low": None, "ci_high": None, "half_width": None}
    return {"ci_low": interval.low, "ci_high": interval.high, "half_width": interval.half_width}


def finite(value: float | None) -> float | None:
    """The value, if JSON can say it."""
    return value if value is not None and math.isfinite(value) else None


def case_words(case: Case) -> tuple[str, ...]:
    """The variant, and the value of each factor."""
    return (case.variant, *value_words(case.factors))


def case_document(case: Case) -> dict[str, Any]:
    """A case as plain JSON."""
    found = {"variant": case.variant, "point": case.point, "factors": dict(case.factors)}
    return found | {"inputs": dict(case.inputs)} if case.inputs else found


def value_words(factors: Mapping[str, Any]) -> tuple[str, ...]:
    """The value of each factor."""
    return tuple(as_written(one) if isinstance(one, (int, float)) else str(one) for one in factors.values())
