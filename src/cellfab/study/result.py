"""What a study gives back: outcomes, and from them means with intervals and differences to a reference.

Everything here is a pure function of the outcomes, in the order of the plan: the same results give the same figures.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cellfab.study.analysis import analyse
from cellfab.study.bands import CurveBand, bands_of, curve_bands
from cellfab.study.estimator import estimated, independent_values
from cellfab.study.levers import rank_levers
from cellfab.study.part import Part
from cellfab.study.plan import Case, Study
from cellfab.study.statistics import BAND_SHARES, Interval, independent_difference, paired_difference
from cellfab.study.store import Damage
from cellfab.study.task import Task
from cellfab.study.worker import Outcome

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of a case over its replicates.

    Attributes
    ----------
    case : Case
    metric, unit : str
    n : int
        Replicates that have a value.
    failed, missing : int
        Replicates that failed, and those that have no such figure.
    mean : float or None
    interval : Interval or None
        Student's, of the study's confidence; None with fewer than two values, or too few for the variance reduction.
    text : str or None
        Of a figure that is a name: the one that came most often.
    wanted_share : float or None
        Half-width over mean that was asked for.
    reason : str
        Why there is no value, as the first replicate without one says.
    plain : Interval or None
        With a variance reduction: of the same replicates, each taken for itself.
    variance_ratio : float or None
        Variance of the mean over that of the plain one; above 1 where the reduction did harm.
    """

    case: Case
    metric: str
    unit: str
    n: int
    failed: int
    missing: int
    mean: float | None
    interval: Interval | None
    text: str | None
    wanted_share: float | None
    reason: str
    plain: Interval | None = None
    variance_ratio: float | None = None

    @property
    def reached(self) -> bool:
        """Whether it is known as well as was asked for."""
        return self.wanted_share is None or (self.interval is not None and self.interval.share <= self.wanted_share)


@dataclass(frozen=True, slots=True)
class CaseDifference:
    """A figure of a case less that of the reference at the same point of the design.

    Attributes
    ----------
    case, reference : Case
    metric, unit : str
    interval : Interval
        Of the difference; `n` is the number of pairs, or the smaller number of replicates where they are not paired.
    correlation, variance_ratio, independent_n : float or None
        What pairing was worth (`cellfab.study.statistics.Difference`); None where they are not paired.
    """

    case: Case
    reference: Case
    metric: str
    unit: str
    interval: Interval
    correlation: float | None = None
    variance_ratio: float | None = None
    independent_n: int | None = None

    @property
    def certain(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.interval.low > 0.0 or self.interval.high < 0.0


@dataclass(frozen=True)
class StudyResult:
    """A study that has been run.

    Attributes
    ----------
    study : Study
    ended : str
        What ended it: fixed, precision, selected, ... (`cellfab.study.course.Ended`).
    counts : tuple of int
        Replicates of each case.
    outcomes : mapping of Task to Outcome
    estimates : tuple of Estimate
        Every figure of every case.
    differences : tuple of CaseDifference
        To the reference, if the study compares.
    ran, reused : int
        Replicates that were run for this, and that were in the store.
    seconds : float
        Wall-clock time.
    damage : tuple of Damage
        What was found damaged in the store, and made again.
    parts : tuple of Part
        What the analyses that the study asks for have found.
    """

    study: Study
    ended: str
    counts: tuple[int, ...]
    outcomes: Mapping[Task, Outcome]
    estimates: tuple[Estimate, ...]
    differences: tuple[CaseDifference, ...]
    ran: int
    reused: int
    seconds: float
    damage: tuple[Damage, ...]
    parts: tuple[Part, ...] = ()

    @property
    def failures(self) -> list[tuple[Case, Outcome]]:
        """Replicates that failed."""
        return [(case, one) for case, one in in_order(self.study, self.counts, self.outcomes) if one.failed]

    @property
    def short_of_precision(self) -> bool:
        """Whether time or replicates ran out before the stated precision was reached."""
        return self.ended in ("budget", "replicates")

    def part(self, key: str) -> Any:
        """What one analysis has found, such as `selection`; KeyError if the study does not ask for it."""
        for found in self.parts:
            if found.key == key:
                return found
        raise KeyError(key)

    def frame(self) -> pd.DataFrame:
        """The flat table, with the columns of results.parquet; where there is no value stands <NA>, never NaN."""
        import pandas as pd
        import pyarrow as pa

        from cellfab.study.table import table_of

        frame: pd.DataFrame = table_of(self).to_pandas(types_mapper={pa.float64(): pd.Float64Dtype()}.get)
        return frame

    def bands(self, curve: str, shares: Sequence[float] = BAND_SHARES) -> list[CurveBand]:
        """Quantiles over replicates of a figure by week, such as `line_yield` (`cellfab.study.bands`)."""
        return [one for one in curve_bands(self, shares) if one.curve == curve]

    def estimate(self, variant: str, metric: str, point: int = 0) -> Estimate:
        """One figure of one case; KeyError if there is no such thing."""
        for found in self.estimates:
            if (found.case.variant, found.case.point, found.metric) == (variant, point, metric):
                return found
        raise KeyError((variant, point, metric))

    def difference(self, variant: str, metric: str, point: int = 0) -> CaseDifference:
        """One difference to the reference; KeyError if there is no such thing."""
        for found in self.differences:
            if (found.case.variant, found.case.point, found.metric) == (variant, point, metric):
                return found
        raise KeyError((variant, point, metric))


ANALYSES: tuple[Callable[[StudyResult], Part | None], ...] = (analyse, rank_levers, bands_of)
"""What may add a part to a result that is otherwise done; None where the study does not ask for it."""


def study_result(
    study: Study,
    counts: Sequence[int],
    outcomes: Mapping[Task, Outcome],
    *,
    ended: str,
    ran: int,
    reused: int,
    seconds: float,
    damage: tuple[Damage, ...],
    parts: Sequence[Part] = (),
) -> StudyResult:
    """Estimates and differences from outcomes, and what the analyses make of them behind the parts that are given."""
    estimates = tuple(one for case in study.cases for one in _estimates(study, case, counts[case.number], outcomes))
    result = StudyResult(
        study, ended, tuple(counts), outcomes, estimates, tuple(_differences(study, counts, outcomes)), ran, reused,
        seconds, damage, tuple(parts),
    )  # fmt: skip
    added = [part for analyse in ANALYSES if (part := analyse(result)) is not None]
    return replace(result, parts=(*parts, *added))


def in_order(study: Study, counts: Sequence[int], outcomes: Mapping[Task, Outcome]) -> Iterator[tuple[Case, Outcome]]:
    """Outcomes in the order of the plan: by case, then by replicate."""
    for case in study.cases:
        for replicate in range(counts[case.number]):
            yield case, outcomes[study.task(case, replicate)]


def _of_case(study: Study, case: Case, count: int, outcomes: Mapping[Task, Outcome]) -> list[Outcome]:
    return [outcomes[study.task(case, replicate)] for replicate in range(count)]


def _estimates(study: Study, case: Case, count: int, outcomes: Mapping[Task, Outcome]) -> Iterator[Estimate]:
    """Figures by name; those of the study that no replicate has are there as well."""
    found = _of_case(study, case, count, outcomes)
    by_name: dict[str, list[Any]] = {name: [] for name in study.spec.metrics}
    for outcome in found:
        for figure in outcome.figures:
            if figure.metric in by_name or not study.spec.analysed:
                by_name.setdefault(figure.metric, []).append(figure)
    failed = sum(outcome.failed for outcome in found)
    told = [{figure.metric: figure.value for figure in outcome.figures} for outcome in found]
    for name, figures in sorted(by_name.items()):
        values = [figure.value for figure in figures if figure.value is not None]
        texts = [figure.text for figure in figures if figure.text is not None]
        metric = study.spec.metrics.get(name)
        known = estimated(study, case, [one.get(name) for one in told])
        interval = known.interval
        mean = values[0] if values and interval is None else None if interval is None else interval.mean
        n = len(values) + len(texts)
        reasons = (figure.reason for figure in figures if figure.value is None and figure.text is None)
        yield Estimate(
            case, name, figures[0].unit if figures else "", n, failed, len(found) - failed - n, mean, interval,
            statistics.mode(texts) if texts else None, None if metric is None else metric.half_width_share,
            next(reasons, ""), known.plain, known.variance_ratio,
        )  # fmt: skip


def _differences(study: Study, counts: Sequence[int], outcomes: Mapping[Task, Outcome]) -> Iterator[CaseDifference]:
    comparison = study.spec.comparison
    if comparison is None or study.spec.analysed:
        return
    references = {case.point: case for case in study.cases if case.variant == comparison.reference}
    for case in study.cases:
        reference = references[case.point]
        if case is reference:
            continue
        both = [counts[side.number] for side in (case, reference)]
        if comparison.paired:  # a selection gives cases different numbers
            both = [min(both)] * 2
        sides = [
            [{figure.metric: figure for figure in one.figures} for one in _of_case(study, side, n, outcomes)]
            for side, n in zip((case, reference), both, strict=True)
        ]
        names = sorted({name for side in sides for one in side for name in one})
        for name in names:
            yield from _difference(study, case, reference, name, sides, paired=comparison.paired)


def _difference(
    study: Study, case: Case, reference: Case, name: str, sides: Sequence[Sequence[Mapping[str, Any]]], *, paired: bool
) -> Iterator[CaseDifference]:
    figures = [[one.get(name) for one in side] for side in sides]
    unit = next((figure.unit for side in figures for figure in side if figure is not None), "")
    values = [
        independent_values(study, [None if figure is None else figure.value for figure in side]) for side in figures
    ]
    confidence = study.spec.confidence_share
    if paired:
        pairs = [(a, b) for a, b in zip(*values, strict=True) if a is not None and b is not None]
        if len(pairs) > 1:
            found = paired_difference([a for a, _ in pairs], [b for _, b in pairs], confidence)
            yield CaseDifference(case, reference, name, unit, *found)
        return
    apart = [[value for value in side if value is not None] for side in values]
    if min(map(len, apart)) > 1:
        yield CaseDifference(case, reference, name, unit, independent_difference(apart[0], apart[1], confidence))
