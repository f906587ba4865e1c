"""Levers in words: a ranked table of what each changes, and a sentence for each that needs no table."""

from __future__ import annotations

from typing import Any

from cellfab.report import labels
from cellfab.report.numbers import MISSING, as_written, number, percent, scaled, unit_text
from cellfab.report.plain_table import plain_table
from cellfab.report.study_words import interval_document, mean_and_width
from cellfab.study.levers import TARGET, Effect, LeverRanking, divided
from cellfab.study.result import StudyResult
from cellfab.study.statistics import Interval

_SUMS = ("MWh", "parts", "cells")
"""Units of figures that grow with the length of the run, so that what a week is worth can be told."""
_MANY = 20
"""Levers among which one in twenty that does nothing is likely to look as if it did."""


def levers_text(found: LeverRanking, result: StudyResult) -> list[str]:
    """The ranking, what it means, and what is not known."""
    metrics = found.metrics
    rows = [
        (
            str(rank),
            one.text,
            *(text for metric in metrics for text in _cells(found, one, metric)),
            _standing(found, one),
        )
        for rank, one in enumerate(found.effects, 1)
    ]
    confidence = percent(result.study.spec.confidence_share, 0)
    headings: list[str] = ["rank", "lever"]
    for metric in metrics:
        headings += [f"{metric_name(metric)}, {metric_scale(found, metric)[1]}".rstrip(", "), f"± {confidence}"]
    parts = [_base(found), plain_table((*headings, ""), rows)]
    certain = [one for one in found.effects if one.certain(found.ranking.metric)]
    if certain:
        parts.append("\n".join(f"- {sentence(found, one)}" for one in certain))
    others = [one.text for one in found.effects if not one.certain(found.ranking.metric)]
    if others:
        name = metric_name(found.ranking.metric)
        parts.append(f"No effect on {name} that could be told from chance: {'; '.join(others)}.")
    if len(found.effects) >= _MANY:
        share = 1.0 - result.study.spec.confidence_share
        parts.append(
            f"Of {len(found.effects)} levers that did nothing, {number(share * len(found.effects), 2)} would look as if"
            " they did: run what is near zero with more replicates before it is believed."
        )
    return parts


def levers_document(found: LeverRanking, result: StudyResult) -> dict[str, Any]:
    """All levers as plain JSON, the best first."""
    return {
        **found.ranking.model_dump(),
        "reference": found.reference,
        "weeks": found.weeks,
        "base": {metric: found.base.get(metric) for metric in found.metrics},
        "target_reached": {"reference": found.reached, "of": found.replicates},
        "ranked": [
            {
                "rank": rank, "lever": one.name, "text": one.text, "amount": one.lever.amount, "unit": one.lever.unit,
                "certain": one.certain(found.ranking.metric), "sentence": sentence(found, one),
                "target_reached": one.reached,
                "changes": {
                    metric: {
                        "value": change.mean, "unit": found.units.get(metric, ""), **interval_document(change),
                        "n": change.n, "of_one": None if (each := one.each(metric)) is None else each.mean,
                    }
                    for metric in found.metrics
                    if (change := one.changes.get(metric)) is not None
                },
            }
            for rank, one in enumerate(found.effects, 1)
        ],
    }  # fmt: skip


def sentence(found: LeverRanking, one: Effect) -> str:
    """What a lever does, as somebody would say it."""
    metric = found.ranking.metric
    change = one.changes.get(metric)
    if change is None:
        return f"{labels.sentence(one.text)}: {metric_name(metric)} cannot be compared."
    if change.mean == 0.0 and change.half_width == 0.0:
        first = f"does nothing to {metric_name(metric)}: every replicate came out the same"
    elif not one.certain(metric):
        first = f"no effect on {metric_name(metric)} that could be told from chance ({_signed(found, metric, change)})"
    else:
        first = f"{metric_name(metric)} {_signed(found, metric, change)}{_a_week(found, metric, change)}"
        if not change.half_width:
            first += ", always the same"
        each = one.each(metric)
        if each is not None and one.lever.amount != 1.0:
            worth = _signed(found, metric, each)
            if found.units.get(metric) in _SUMS:
                worth = f"{_signed(found, metric, divided(each, found.weeks), own_scale=True)} a week"
            first += f"; {_one_of(one)} is worth {worth}, at that rate"
    others = [
        f"{metric_name(other)} {_signed(found, other, one.changes[other])}"
        for other in found.metrics
        if other != metric and one.certain(other)
    ]
    return f"{labels.sentence('; '.join((f'{one.text}: {first}', *others)))}."


def _one_of(one: Effect) -> str:
    unit = one.lever.unit
    if unit.startswith("% "):
        return f"1 {unit}"
    return f"one {unit}"


def metric_name(metric: str) -> str:
    """A figure as it stands within a sentence."""
    if metric == TARGET:
        return "weeks to the target"
    label = labels.kpi_label(metric)[0]
    return label[:1].lower() + label[1:]


def metric_scale(found: LeverRanking, metric: str) -> tuple[float, str]:
    """The divisor and the unit that suit the largest change."""
    largest = max((abs(one.changes[metric].mean) for one in found.effects if metric in one.changes), default=0.0)
    unit = found.units.get(metric, "")
    divisor, shown = scaled("share" if unit == "1" else unit, largest)
    return divisor, shown or unit_text(unit)


def _signed(found: LeverRanking, metric: str, change: Interval, own_scale: bool = False) -> str:
    divisor, unit = metric_scale(found, metric)
    if own_scale:
        divisor, unit = scaled(found.units.get(metric, ""), change.mean)
    mean, half = mean_and_width(change.mean, change.half_width, divisor)
    if not change.half_width:
        return f"{_plus(change.mean, mean)} {unit}".rstrip()
    return f"{_plus(change.mean, mean)} ± {half} {unit}".rstrip()


def _plus(value: float, text: str) -> str:
    return text if value <= 0.0 or text.startswith("-") else f"+{text}"


def _a_week(found: LeverRanking, metric: str, change: Interval) -> str:
    if found.units.get(metric) not in _SUMS or found.weeks < 1.5:
        return ""
    divisor, unit = scaled(found.units[metric], change.mean / found.weeks)
    share = found.base.get(metric)
    more = f", {percent(change.mean / share, 1)}" if share else ""
    weekly = number(change.mean / found.weeks / divisor, 2)
    return f" in {as_written(round(found.weeks, 1))} weeks ({weekly} {unit} a week{more})"


def _cells(found: LeverRanking, one: Effect, metric: str) -> tuple[str, str]:
    change = one.changes.get(metric)
    if change is None:
        return MISSING, MISSING
    mean, half = mean_and_width(change.mean, change.half_width, metric_scale(found, metric)[0])
    return _plus(change.mean, mean), half


def _standing(found: LeverRanking, one: Effect) -> str:
    change = one.changes.get(found.ranking.metric)
    if change is None:
        return "cannot be compared"
    if change.mean == 0.0 and change.half_width == 0.0:
        return "exactly none"
    if not one.certain(found.ranking.metric):
        return "may be zero"
    better = (change.mean > 0.0) == (found.ranking.goal == "largest")
    return "helps" if better else "harms"


def _base(found: LeverRanking) -> str:
    """Where the scenario stands without a lever."""
    parts = []
    for metric in found.metrics:
        value, unit = found.base.get(metric), found.units.get(metric, "")
        if metric == TARGET:
            target = found.ranking.target
            assert target is not None
            aim = f"{labels.words(target.curve)} of {as_written(target.least)}"
            told = "never reached" if value is None else f"reached after {number(value)} weeks"
            parts.append(f"{aim} {told} ({found.reached} of {found.replicates} replicates)")
        elif value is not None:
            divisor, shown = scaled("share" if unit == "1" else unit, value)
            parts.append(f"{metric_name(metric)} {number(value / divisor, 4)} {shown}".rstrip())
    return f"Without any lever, in {as_written(round(found.weeks, 2))} weeks: {'; '.join(parts)}."
