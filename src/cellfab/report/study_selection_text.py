"""A selection in words: which case is best, how surely, and when the others were out."""

from __future__ import annotations

from typing import Any

from cellfab.config.selection_spec import KimNelsonSelection
from cellfab.report.numbers import MISSING, as_written, number, percent, scaled, unit_text
from cellfab.report.plain_table import plain_table
from cellfab.report.study_words import case_document, case_words, interval_document, mean_and_width
from cellfab.study.result import StudyResult
from cellfab.study.selection import Candidate, Choice


def selection_text(choice: Choice, result: StudyResult) -> list[str]:
    """The verdict, and the ranking."""
    metric = choice.selection.metric
    unit = next((one.unit for one in result.estimates if one.metric == metric and one.unit), "")
    largest = max((abs(one.mean) for one in choice.candidates if one.mean is not None), default=0.0)
    divisor, written = scaled(unit, largest)
    rows = []
    for rank, one in enumerate(choice.candidates, 1):
        width = None if one.interval is None else one.interval.half_width
        mean = (MISSING, MISSING) if one.mean is None else mean_and_width(one.mean, width, divisor)
        less = (MISSING, MISSING)
        if one.less_best is not None:
            less = mean_and_width(one.less_best.mean, one.less_best.half_width, divisor)
        rows.append((str(rank), *case_words(one.case), *mean, *less, written or unit_text(unit), str(one.n),
                     _standing(choice, one)))  # fmt: skip
    confidence = percent(result.study.spec.confidence_share, 0)
    factors = tuple(result.study.spec.factors)
    headings = ("rank", "variant", *factors, metric, f"± {confidence}", "less the best", "±", "unit", "n", "")
    return [_verdict(choice, unit), plain_table(headings, rows)]


def selection_document(choice: Choice, result: StudyResult) -> dict[str, Any]:
    """The selection as plain JSON."""
    return {
        **choice.selection.model_dump(),
        "best": None if choice.best is None else case_document(choice.best),
        "probability_reached": choice.probability,
        "reason": choice.reason,
        "ranking": [
            {
                **case_document(one.case), "mean": one.mean, **interval_document(one.interval), "n": one.n,
                "less_best": None if one.less_best is None else one.less_best._asdict(),
                "out_after": one.out_after, "doubt": one.doubt,
            }
            for one in choice.candidates
        ],
    }  # fmt: skip


def _verdict(choice: Choice, unit: str) -> str:
    selection, best = choice.selection, choice.best
    what = f"{selection.goal} {selection.metric}"
    if best is None or choice.probability is None:
        in_play = [one.case.label for one in choice.candidates if one.out_after is None]
        why = choice.reason or f"still in play: {'; '.join(in_play)}"
        return f"{what}: not decided, {why}"
    if isinstance(selection, KimNelsonSelection):
        zone = f"{as_written(selection.indifference)} {unit_text(unit)}".rstrip()
        return (
            f"{what}: {best.label}. With probability {percent(choice.probability)} at least it is the best, if it is"
            f" better than every other by {zone}; else it is within {zone} of the best"
        )
    surely = percent(choice.probability)
    return f"{what}: {best.label}. It is the best of all with probability {surely} at least (estimated)"


def _standing(choice: Choice, one: Candidate) -> str:
    if one.case is choice.best:
        return "best"
    if one.out_after is not None:
        return f"out after {one.out_after}"
    if one.doubt is not None:
        return f"better with probability {number(one.doubt, 2)}"
    return "in play" if choice.best is None else "no better"
