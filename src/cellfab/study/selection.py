"""What a selection has found: the case that is best, and how the others stand beside it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cellfab.config.selection_spec import KimNelsonSelection, OcbaSelection
from cellfab.study.course import Known
from cellfab.study.part import Sheet
from cellfab.study.plan import Case, Study
from cellfab.study.statistics import Interval, mean_interval, paired_difference


class Candidate(NamedTuple):
    """One case among those to choose from.

    Attributes
    ----------
    case : Case
    mean : float or None
        Of the figure by which is chosen; None while there is no value.
    interval : Interval or None
    n : int
        Replicates that have it, from the first on without a gap.
    less_best : Interval or None
        Its figure less that of the case that is chosen or leads, over the replicates that both have.
    out_after : int or None
        Replicates after which it could not be the best any more (Kim & Nelson).
    doubt : float or None
        Probability that it is better than the one that leads (OCBA).
    """

    case: Case
    mean: float | None
    interval: Interval | None
    n: int
    less_best: Interval | None = None
    out_after: int | None = None
    doubt: float | None = None


@dataclass(frozen=True)
class Choice:
    """The result of a selection.

    Attributes
    ----------
    selection : KimNelsonSelection or OcbaSelection
        What was asked for.
    best : Case or None
        None if it was not decided.
    probability : float or None
        Of having chosen rightly: as promised (Kim & Nelson), or as estimated (OCBA).
    candidates : tuple of Candidate
        The best first.
    reason : str
        Why it could not be decided; empty if it was, or if replicates or time ran out.
    """

    selection: KimNelsonSelection | OcbaSelection
    best: Case | None
    probability: float | None
    candidates: tuple[Candidate, ...]
    reason: str = ""

    @property
    def key(self) -> str:
        """Name of the part."""
        return "selection"

    def sheets(self) -> Mapping[str, Sheet]:
        """The ranking."""
        factors = list(self.candidates[0].case.factors)
        head = ("rank", "variant", "point", *(f"factor.{name}" for name in factors), "metric", "n", "mean", "low",
                "high", "less_best", "less_best_low", "less_best_high", "chosen", "out_after", "doubt")  # fmt: skip
        rows = [
            (
                rank, one.case.variant, one.case.point, *(one.case.factors[name] for name in factors),
                self.selection.metric, one.n, one.mean, *((None, None) if one.interval is None else one.interval[1:3]),
                *((None, None, None) if one.less_best is None else one.less_best[:3]),
                one.case is self.best, one.out_after, one.doubt,
            )
            for rank, one in enumerate(self.candidates, 1)
        ]  # fmt: skip
        return {"selection": Sheet(head, rows)}


def whole_values(study: Study, known: Known, metric: str, counts: Sequence[int]) -> list[list[float]]:
    """The figure of each case in the order of replicates, up to the first one that has none or is not finished."""
    found = []
    for case in study.cases:
        done = known.finished(study, case, counts[case.number])
        values = itertools.takewhile(lambda value: value is not None, known.values(study, case, metric, done))
        found.append([value for value in values if value is not None])
    return found


def gap(study: Study, known: Known, case: Case, replicate: int, metric: str) -> str:
    """Why a choice cannot be made: a replicate without the figure."""
    return f"{case.label} has no {metric} in replicate {replicate}: {known.reason(study, case, replicate, metric)}"


def candidates(
    study: Study,
    known: Known,
    selection: KimNelsonSelection | OcbaSelection,
    counts: Sequence[int],
    best: Case | None,
) -> list[Candidate]:
    """Every case, the best mean first; each also against the best, replicate by replicate."""
    values = whole_values(study, known, selection.metric, counts)
    found = []
    for case, own in zip(study.cases, values, strict=True):
        interval = mean_interval(own, study.spec.confidence_share) if len(own) > 1 else None
        mean = interval.mean if interval is not None else own[0] if own else None
        less_best = None
        if best is not None and case is not best:
            theirs = values[best.number]
            both = min(len(own), len(theirs))
            if both > 1:
                less_best = paired_difference(own[:both], theirs[:both], study.spec.confidence_share).interval
        found.append(Candidate(case, mean, interval, len(own), less_best))
    sign = -1.0 if selection.goal == "largest" else 1.0
    return sorted(found, key=lambda one: (one.mean is None, sign * (one.mean or 0.0)))
