"""The mean of a figure over replicates, as the study says that it is to be had: plain, in pairs, or with a control.

What a reduction was worth is always told, also when it did harm: it is chosen in the study's file, before any result is
seen, and a choice by the result would make intervals too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from cellfab.scenario import Scenario
from cellfab.study.plan import Case, Study
from cellfab.study.statistics import Interval, mean_interval, required_replicates
from cellfab.study.task import unpacked
from cellfab.study.twin import Twin
from cellfab.study.variance_reduction import antithetic_pairs, control_variates

FEWEST_CONTROLLED = 4


class Estimated(NamedTuple):
    """A mean and what was done for it.

    Attributes
    ----------
    interval : Interval or None
        None where there are too few values.
    plain : Interval or None
        Of the same values, each taken for itself; None where nothing else was done.
    variance_ratio : float or None
        Variance of the mean over that of the plain mean; below 1 where the reduction helps.
    """

    interval: Interval | None
    plain: Interval | None = None
    variance_ratio: float | None = None


def estimated(study: Study, case: Case, values: Sequence[float | None]) -> Estimated:
    """The mean of a figure of a case.

    Parameters
    ----------
    values : sequence of float or None
        Of replicates 0, 1, ... of the study; None where one has no value.
    """
    confidence = study.spec.confidence_share
    known = [value for value in values if value is not None]
    plain = mean_interval(known, confidence) if len(known) > 1 else None
    reduction = study.spec.variance_reduction
    if reduction is None or plain is None:
        return Estimated(plain)
    if reduction.antithetic:
        pairs = whole_pairs(values)
        if len(pairs) < 2:
            return Estimated(None)
        found = antithetic_pairs([a for a, _ in pairs], [b for _, b in pairs], confidence)
        return Estimated(found.interval, found.plain, found.variance_ratio)
    controls = [control(study, case, replicate) for replicate, value in enumerate(values) if value is not None]
    if len(known) < FEWEST_CONTROLLED or len(set(controls)) < 2:
        return Estimated(plain)
    found = control_variates(known, controls, 0.0, confidence=confidence)
    return Estimated(found.interval, found.plain, found.variance_ratio)


def whole_pairs(values: Sequence[float | None]) -> list[tuple[float, float]]:
    """Antithetic pairs of which both halves have a value."""
    halves = zip(values[::2], values[1::2], strict=False)
    return [(one, other) for one, other in halves if one is not None and other is not None]


def independent_values(study: Study, values: Sequence[float | None]) -> list[float | None]:
    """Values that are independent of each other: the replicates', or the means of antithetic pairs."""
    reduction = study.spec.variance_reduction
    if reduction is None or not reduction.antithetic:
        return list(values)
    halves = zip(values[::2], values[1::2], strict=False)
    return [None if one is None or other is None else (one + other) / 2.0 for one, other in halves]


def required(study: Study, values: Sequence[float | None], found: Estimated, share: float) -> int | None:
    """Replicates after which a half-width is at most `share` of the mean, if the scatter stays as it is."""
    confidence, reduction = study.spec.confidence_share, study.spec.variance_reduction
    if found.interval is None:
        return None
    if reduction is not None and reduction.antithetic:
        means = [value for value in independent_values(study, values) if value is not None]
        pairs = required_replicates(means, share, confidence)
        return None if pairs is None else 2 * pairs
    if found.variance_ratio is not None:
        return math.ceil(found.interval.n * (found.interval.share / share) ** 2)
    return required_replicates([value for value in values if value is not None], share, confidence)


def control(study: Study, case: Case, replicate: int) -> float:
    """The control of a replicate of a case; the same whoever asks, and how often."""
    task = study.task(case, replicate)
    return _control(study.payloads[task.scenario], task.seed, task.replicate)


@lru_cache(maxsize=100_000)
def _control(payload: bytes, seed: int, replicate: int) -> float:
    return _twin(payload).control(seed, replicate)


@lru_cache(maxsize=64)
def _twin(payload: bytes) -> Twin:
    scenario = unpacked(payload)
    assert isinstance(scenario, Scenario), "a fleet with a control has been refused"
    return Twin.of(scenario)
