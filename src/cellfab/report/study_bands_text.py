"""Curves of a study in words: the median of some weeks, and between what and what nine tenths of the replicates lie."""

from __future__ import annotations

import math
from typing import Any

from cellfab.report.numbers import MISSING, as_written, number, percent, unit_text
from cellfab.report.plain_table import plain_table
from cellfab.report.study_words import value_words, without_repeats
from cellfab.study.bands import Bands, CurveBand
from cellfab.study.result import StudyResult

SHOWN = ("line_yield", "good_energy_mwh", "cost_usd_per_kwh", "throughput_per_h")
_COLUMNS = 6
_MOST_ROWS = 30
_MEDIAN = 2


def bands_text(bands: Bands, result: StudyResult) -> list[str]:
    """Six weeks of each curve: median, 5 % and 95 % quantile; not where one is chosen, sought or ranked."""
    spec = result.study.spec
    if spec.selection is not None or spec.search is not None or spec.levers is not None:
        return []
    shown = sorted((one for one in bands.bands if one.curve in SHOWN), key=lambda one: SHOWN.index(one.curve))
    if not shown or len(shown) > _MOST_ROWS:
        return []
    weeks = max(one.band.n.size for one in shown)
    columns = sorted({round(part * (weeks - 1) / (_COLUMNS - 1)) for part in range(_COLUMNS)})
    rows = [
        (one.curve, one.variant, *value_words(one.factors), *(_cell(one, week) for week in columns), _unit(one))
        for one in shown
    ]
    factors = () if all(one.point is None for one in shown) else tuple(result.study.spec.factors)
    headings = ("by week", "variant", *factors, *(f"week {week}" for week in columns), "unit")
    return ["median, and between what and what nine tenths of the replicates lie (all weeks: bands.csv)",
            plain_table(headings, without_repeats(rows))]  # fmt: skip


def bands_document(bands: Bands, result: StudyResult) -> list[dict[str, Any]]:
    """All bands as plain JSON: quantiles by name, each a list by week."""
    return [
        {
            "variant": one.variant, "point": one.point, "factors": dict(one.factors), "curve": one.curve,
            "unit": one.unit, "n": one.band.n.tolist(),
            **{
                f"p{as_written(100 * share)}": [None if math.isnan(value) else value for value in values]
                for share, values in zip(one.band.shares, one.band.values.tolist(), strict=True)
            },
        }
        for one in bands.bands
    ]  # fmt: skip


def _unit(one: CurveBand) -> str:
    return "%" if one.unit == "1" else unit_text(one.unit)


def _cell(one: CurveBand, week: int) -> str:
    if week >= one.band.n.size or not one.band.n[week]:
        return MISSING
    low, median, high = (
        percent(value).removesuffix("%").rstrip() if one.unit == "1" else number(value)
        for value in one.band.values[[0, _MEDIAN, -1], week]
    )
    return f"{median} ({low}–{high})"
