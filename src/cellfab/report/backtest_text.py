"""Backtests in words, and as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cellfab.calibrate.backtest import Backtest, Observation, score
from cellfab.report.numbers import number, percent
from cellfab.report.plain_table import plain_table

SCHEMA_VERSION = 1
_FIGURES = {"yield": "yield", "rate": "output", "sum": "made so far", "lines": "lines running"}
_FEW_POINTS = 300


def backtests_text(found: Sequence[Backtest]) -> str:
    """A table of all figures, what the fits believe, and the score."""
    rows = [
        (plant.record.plant if place == 0 else "", *observation_cells(one))
        for plant in found
        for place, one in enumerate(plant.observations)
    ]
    headings = ("plant", "figure", "date", "reported", "", "predicted", "90 % band", "unit", "")
    parts = [plain_table(headings, rows), *map(_believed, found), score_text(found)]
    return "\n\n".join(part for part in parts if part)


def observation_cells(one: Observation) -> tuple[str, ...]:
    """A figure as the cells of a row: figure, date, reported, given or held back, predicted, band, unit, verdict."""
    share = one.figure == "yield"
    texts = [percent(value, 0) if share else number(value) for value in (one.value, one.predicted, *one.band)]
    unit = "" if share else one.unit
    verdict = "" if one.given else "inside" if one.inside else "OUTSIDE"
    given = "given" if one.given else "held back"
    return (_FIGURES[one.figure], one.moment, texts[0], given, texts[1], f"{texts[2]} to {texts[3]}", unit, verdict)


def score_text(found: Sequence[Backtest]) -> str:
    """How well held-back figures were predicted, in a sentence."""
    total = score(found)
    if not total.held_back:
        return "no figure was held back: every one is before its record's `given_until`"
    text = f"{total.inside} of {total.held_back} held-back figures lie inside the 90 % band"
    if total.yield_error_share is not None:
        points = number(100.0 * total.yield_error_share, 2)
        count = "yield" if total.yields == 1 else f"{total.yields} yields"
        text += f"; mean error of the {count} {points} points"
    return text


def _believed(plant: Backtest) -> str:
    rows = [
        (
            one.unknown.name.removeprefix("ramp.default.").removeprefix("record."),
            *(number(value) for value in (one.unknown.value, one.unknown.low, one.unknown.high)),
            *(number(value) for value in (one.after[1], one.after[0], one.after[2])),
        )
        for one in plant.believed
        if moved(one.unknown.low, one.unknown.high, one.after)
    ]
    head = f"{plant.record.plant}: what the given figures changed"
    if plant.effective_points < _FEW_POINTS:
        head += f" (only {plant.effective_points:.0f} effective points: quantiles are rough)"
    if not rows:
        return ""
    return f"{head}\n{plain_table(('value', 'before', '5 %', '95 %', 'after', '5 %', '95 %'), rows)}"


def moved(low: float, high: float, after: tuple[float, float, float]) -> bool:
    """Whether a fit moved the ends of what was believed by a tenth of its width or more."""
    return max(abs(after[0] - low), abs(after[2] - high)) >= 0.1 * (high - low)


def backtests_document(found: Sequence[Backtest]) -> dict[str, Any]:
    """What `cellfab backtest --json` prints."""
    total = score(found)
    return {
        "schema_version": SCHEMA_VERSION,
        "score": {
            "held_back": total.held_back, "inside": total.inside, "yields": total.yields,
            "yield_error_share": total.yield_error_share,
        },
        "plants": {plant.name: _plant_document(plant) for plant in found},
    }  # fmt: skip


def _plant_document(plant: Backtest) -> dict[str, Any]:
    return {
        "plant": plant.record.plant,
        "given_until": plant.record.given_until,
        "effective_points": plant.effective_points,
        "observations": [
            {
                "figure": one.figure, "date": one.moment, "value": one.value, "low": one.low, "high": one.high,
                "unit": one.unit, "source": one.source, "given": one.given, "predicted": one.predicted,
                "band_low": one.band[0], "band_high": one.band[1], "inside": one.inside,
            }
            for one in plant.observations
        ],
        "believed": {
            one.unknown.name: {
                "before": {"value": one.unknown.value, "low": one.unknown.low, "high": one.unknown.high},
                "after": {"value": one.after[1], "low": one.after[0], "high": one.after[2]},
            }
            for one in plant.believed
        },
    }  # fmt: skip
