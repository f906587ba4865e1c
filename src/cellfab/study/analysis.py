"""What the points of a study say together: the law of a figure over what is not known, and which inputs move it.

References
----------
The estimators are those of `cellfab.study.uncertain`, `cellfab.study.sensitivity` and `cellfab.study.tornado`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellfab.kernels import AtFirstUse
from cellfab.study.analysis_parts import (
    QUANTILES,
    FigureSensitivity,
    FigureSpread,
    Measure,
    Sensitivity,
    SpreadOfDifference,
    Subject,
    Uncertainty,
)
from cellfab.study.answer_law import split_variance, spread
from cellfab.study.plan import Case, Study
from cellfab.study.sensitivity import morris_effects, sobol_indices
from cellfab.study.statistics import mean_interval
from cellfab.study.tornado import Association, associations, largest, tornado

if TYPE_CHECKING:
    from cellfab.study.result import StudyResult

random = AtFirstUse("random")

Floats = npt.NDArray[np.float64]


class _Figures:
    """Figures of a result by variant, point and replicate."""

    def __init__(self, result: StudyResult) -> None:
        self.study = result.study
        self.counts = result.counts
        self.units: dict[str, str] = {}
        self._values: dict[Any, dict[str, float]] = {}
        metrics = self.study.spec.metrics
        for task, outcome in result.outcomes.items():
            found = self._values[task] = {}
            for figure in outcome.figures:
                if figure.metric in metrics:
                    self.units.setdefault(figure.metric, figure.unit)
                    if figure.value is not None:
                        found[figure.metric] = figure.value

    def replicates(self, case: Case, metric: str) -> list[float]:
        """Of a case; NaN where there is none."""
        count = self.counts[case.number]
        return [self._values[self.study.task(case, one)].get(metric, math.nan) for one in range(count)]

    def means(self, cases: Mapping[int, Case], metric: str) -> Floats:
        """Over the replicates of each point of the design; NaN for points without a figure."""
        found = np.full(len(self.study.points), math.nan)
        for point, case in cases.items():
            values = [value for value in self.replicates(case, metric) if not math.isnan(value)]
            if values:
                found[point] = math.fsum(values) / len(values)
        return found


def analyse(result: StudyResult) -> Uncertainty | Sensitivity | None:
    """What the points of a study say together; None of a study whose points are cases of their own."""
    study = result.study
    if not study.spec.analysed:
        return None
    figures = _Figures(result)
    by_variant: dict[str, dict[int, Case]] = {}
    for case in study.cases:
        by_variant.setdefault(case.variant, {})[case.point] = case
    rows = [(variant, cases, metric) for metric in study.spec.metrics for variant, cases in by_variant.items()]
    if study.spec.design.screens:
        found = tuple(_sensitivity(figures, *row) for row in rows)
        return Sensitivity(study, found, {variant: subjects(study, variant) for variant in by_variant})
    return Uncertainty(
        study, tuple(_spread(figures, *row) for row in rows), tuple(_spread_differences(figures, by_variant))
    )


def subjects(study: Study, variant: str) -> dict[str, Subject]:
    """What a study moves in one of its variants, by name: factors, then uncertain inputs."""
    found = {}
    base = next(case for case in study.cases if case.variant == variant)
    for name, factor in study.spec.factors.items():
        ends = (factor.low, factor.high) if factor.values is None else (factor.values[0], factor.values[-1])
        value = base.factors.get(name) if study.spec.design.kind == "one_at_a_time" else None
        location = study.resolved.location(("factors", name), key=True)
        found[name] = Subject(name, value, *ends, "", "", f"{location.source.name}:{location.line}")
    for one in study.moved.by_variant.get(variant, ()):
        found[one.name] = Subject(one.name, one.value, one.low, one.high, one.law.law, one.source, one.place)
    return found


def _columns(study: Study, variant: str) -> tuple[list[str], list[int]]:
    """Names of what a variant moves, and their columns among the coordinates of the points."""
    names = [*study.spec.factors, *study.moved.names]
    own = subjects(study, variant)
    kept = [place for place, name in enumerate(names) if name in own]
    return [names[place] for place in kept], kept


def _coordinates(study: Study) -> Floats:
    return np.array([point.coordinates for point in study.points], dtype=np.float64)


def _left_out(study: Study, variant: str, cases: Mapping[int, Case], means: Floats) -> tuple[int, int]:
    """Points that are scenarios without a figure, and points that are none."""
    infeasible = sum(one.variant == variant for one in study.infeasible)
    return len(cases) - int(np.isfinite(means).sum()), infeasible


# ---- laws of figures ------------------------------------------------------------------------------------------------


def _spread(figures: _Figures, variant: str, cases: Mapping[int, Case], metric: str) -> FigureSpread:
    study, confidence = figures.study, figures.study.spec.confidence_share
    means = figures.means(cases, metric)
    known = means[np.isfinite(means)]
    failed, infeasible = _left_out(study, variant, cases, means)
    table = [row for case in cases.values() if not any(map(math.isnan, row := figures.replicates(case, metric)))]
    width = {len(row) for row in table}
    split = split_variance(table, confidence) if len(table) > 1 and len(width) == 1 and min(width) > 1 else None
    ranks: list[Association] = []
    if known.size > 3:
        names, columns = _columns(study, variant)
        ranks = associations(names, _coordinates(study)[:, columns], means, confidence)
    return FigureSpread(
        variant, metric, figures.units.get(metric, ""), known.size, failed, infeasible,
        spread(known.tolist(), QUANTILES, confidence) if known.size > 1 else None, split,
        tuple(largest(ranks, len(ranks))), tuple(sorted(known.tolist())),
    )  # fmt: skip


def _spread_differences(
    figures: _Figures, by_variant: Mapping[str, Mapping[int, Case]]
) -> Iterator[SpreadOfDifference]:
    study = figures.study
    comparison = study.spec.comparison
    if comparison is None or comparison.reference not in by_variant:
        return
    for metric in study.spec.metrics:
        reference = figures.means(by_variant[comparison.reference], metric)
        for variant, cases in by_variant.items():
            if variant == comparison.reference:
                continue
            apart = figures.means(cases, metric) - reference
            apart = apart[np.isfinite(apart)]
            if apart.size > 1:
                found = spread(apart.tolist(), QUANTILES, study.spec.confidence_share)
                above = float((apart > 0.0).mean())
                yield SpreadOfDifference(
                    variant, comparison.reference, metric, figures.units.get(metric, ""), found, above, apart.size
                )


# ---- what moves figures ---------------------------------------------------------------------------------------------


def _sensitivity(figures: _Figures, variant: str, cases: Mapping[int, Case], metric: str) -> FigureSensitivity:
    study, confidence = figures.study, figures.study.spec.confidence_share
    means = figures.means(cases, metric)
    head = (variant, metric, figures.units.get(metric, ""))
    left_out = _left_out(study, variant, cases, means)
    if study.spec.design.kind == "one_at_a_time":
        base = figures.replicates(cases[0], metric) if 0 in cases else []
        known = [value for value in base if not math.isnan(value)]
        if not known:
            return FigureSensitivity(*head, None, 0.0, *left_out, (), "the scenario as it is has no such figure")
        interval = mean_interval(known, confidence) if len(known) > 1 else None
        deviation = float(np.std(known, ddof=1)) if interval is not None else 0.0
        ends = _ends(figures, variant, cases, metric)
        swings = tornado(base, ends, confidence)
        # what was kept by a screening comes first: it is known better
        swings.sort(key=lambda one: -max(len(end or ()) for end in ends[one.name]))
        return FigureSensitivity(*head, math.fsum(known) / len(known), deviation, *left_out, tuple(swings))
    known_means = means[np.isfinite(means)]
    if known_means.size < 2:
        return FigureSensitivity(*head, None, 0.0, *left_out, (), "fewer than two points have a value")
    scale = (float(known_means.mean()), float(known_means.std(ddof=1)))
    names, columns = _columns(study, variant)
    try:
        measures = _measures(study, names, columns, means, f"{variant}\0{metric}")
    except ValueError as error:
        return FigureSensitivity(*head, *scale, *left_out, (), str(error))
    return FigureSensitivity(*head, *scale, *left_out, measures)


def _measures(
    study: Study, names: Sequence[str], columns: Sequence[int], means: Floats, of: str
) -> tuple[Measure, ...]:
    """Effects or shares of the inputs that a variant has, the largest first."""
    confidence = study.spec.confidence_share
    every = [*study.spec.factors, *study.moved.names]
    own = set(names)
    if study.spec.design.kind == "morris":
        effects = [one for one in morris_effects(every, _coordinates(study), means, confidence) if one.name in own]
        return tuple(largest(effects, len(effects)))
    seed = int(random.stream_key(study.spec.seed, 0, "bootstrap", *of.split("\0")))
    shares = [one for one in sobol_indices(every, means, seed=seed, confidence=confidence) if one.name in own]
    return tuple(largest(shares, len(shares)))


def _ends(
    figures: _Figures, variant: str, cases: Mapping[int, Case], metric: str
) -> dict[str, tuple[Sequence[float] | None, Sequence[float] | None]]:
    """Replicates of a figure with each input at its low and at its high end; None where that is no scenario."""
    study = figures.study
    own = subjects(study, variant)
    found: dict[str, tuple[Sequence[float] | None, Sequence[float] | None]] = {}
    for place, name in enumerate((*study.spec.factors, *study.moved.names)):
        if name in own:
            low, high = (cases.get(2 * place + side) for side in (1, 2))
            found[name] = (
                None if low is None else figures.replicates(low, metric),
                None if high is None else figures.replicates(high, metric),
            )
    return found
