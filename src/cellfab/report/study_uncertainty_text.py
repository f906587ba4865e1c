"""The law of a figure over what is not known, in words: quantiles, what comes from inputs, and what goes with them."""

from __future__ import annotations

from typing import Any

from cellfab.report.numbers import MISSING, number, percent, scaled
from cellfab.report.plain_table import plain_table
from cellfab.report.study_words import finite, interval_document, mean_and_width, without_repeats
from cellfab.study.analysis_parts import FigureSpread, SpreadOfDifference, Uncertainty
from cellfab.study.answer_law import Spread
from cellfab.study.result import StudyResult

_MOST_RANKS = 5


def uncertainty_text(found: Uncertainty, result: StudyResult) -> list[str]:
    """Quantiles of every figure, differences to the reference, and the inputs that figures go with."""
    study = result.study
    moved = len(study.moved.names)
    values = "1 value" if moved == 1 else f"{moved} values"
    head = f"over {len(study.points)} points" + (f" of {values} not known exactly" if moved else "")
    confidence = percent(study.spec.confidence_share, 0)
    columns = ("mean", f"± {confidence}", "5 %", "median", "95 %", "unit", "points")
    rows = [
        (one.metric, one.variant, *_spread_words(one.spread, one.unit), str(one.points), _share(one), _lacking(one))
        for one in found.figures
    ]
    headings = ("figure", "variant", *columns, "variance from inputs", "")
    parts = [f"{head}:", plain_table(headings, without_repeats(rows))]
    if found.differences:
        parts += [f"less {found.differences[0].reference}, at the same points:", _differences(found, columns)]
    ranks = [
        (
            f"{one.metric} of {one.variant}",
            rank.name,
            f"{rank.correlation:+.2f}",
            f"{rank.low:+.2f}",
            f"{rank.high:+.2f}",
        )
        for one in found.figures
        for rank in [rank for rank in one.ranks if rank.low > 0.0 or rank.high < 0.0][:_MOST_RANKS]
    ]
    if ranks:
        parts.append("goes with (rank correlation, those that are certain):")
        parts.append(plain_table(("figure", "value", "", "from", "to"), without_repeats(ranks)))
    return parts


def uncertainty_document(found: Uncertainty, result: StudyResult) -> dict[str, Any]:
    """Laws of figures as plain JSON."""
    return {
        "kind": result.study.spec.design.kind,
        "inputs": list(result.study.moved.names),
        "figures": [
            {
                "variant": one.variant, "metric": one.metric, "unit": one.unit, "points": one.points,
                "failed": one.failed, "infeasible": one.infeasible, **_spread_document(one.spread),
                "split": None if one.split is None else {**one.split._asdict(), "share": one.split.share},
                "correlations": [rank._asdict() for rank in one.ranks],
            }
            for one in found.figures
        ],
        "differences": [
            {
                "variant": one.variant, "reference": one.reference, "metric": one.metric, "unit": one.unit,
                "points": one.points, **_spread_document(one.spread), "share_above": one.above,
            }
            for one in found.differences
        ],
    }  # fmt: skip


def _spread_document(found: Spread | None) -> dict[str, Any]:
    if found is None:
        return {"mean": None, **interval_document(None), "deviation": None, "quantiles": []}
    quantiles = [
        {"share": one.share, "value": one.value, "low": finite(one.low), "high": finite(one.high)}
        for one in found.quantiles
    ]
    return {"mean": found.mean.mean, **interval_document(found.mean), "deviation": found.deviation,
            "quantiles": quantiles}  # fmt: skip


def _spread_words(found: Spread | None, unit: str) -> tuple[str, ...]:
    if found is None:
        return (MISSING, MISSING, MISSING, MISSING, MISSING, "")
    divisor, written = scaled(unit, found.mean.mean)
    mean, half = mean_and_width(found.mean.mean, found.mean.half_width, divisor)
    return (mean, half, *(number(one.value / divisor, 4) for one in found.quantiles), written)


def _share(one: FigureSpread) -> str:
    if one.split is None:
        return MISSING
    return f"{percent(one.split.share, 0)} ({percent(one.split.low, 0)} to {percent(one.split.high, 0)})"


def _lacking(one: FigureSpread) -> str:
    words = []
    if one.infeasible:
        words.append(f"{one.infeasible} no scenario")
    if one.failed:
        words.append(f"{one.failed} without the figure")
    if one.split is None and one.points > 1:
        words.append("one replicate of each point: chance is not told from inputs")
    return "; ".join(words)


def _differences(found: Uncertainty, columns: tuple[str, ...]) -> str:
    rows = [(one.metric, one.variant, *_difference(one)) for one in found.differences]
    return plain_table(("figure", "variant", *columns, "above 0 at"), without_repeats(rows))


def _difference(one: SpreadOfDifference) -> tuple[str, ...]:
    return (*_spread_words(one.spread, one.unit), str(one.points), f"{percent(one.above, 0)} of them")
