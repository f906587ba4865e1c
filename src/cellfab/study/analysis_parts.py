"""What the analysis of a study's points has found, and its tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellfab.study.answer_law import Split, Spread
from cellfab.study.part import Sheet
from cellfab.study.plan import Study
from cellfab.study.sensitivity import Effect, Share
from cellfab.study.tornado import Association, Swing

Measure = Swing | Effect | Share

QUANTILES = (0.05, 0.5, 0.95)
"""Of the law of a figure."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is moved: an uncertain input, or a factor.

    Attributes
    ----------
    name : str
        Path of the input, or name of the factor.
    value, low, high : number, str or None
        As the scenario has it, and the ends.
    law : str
        Of an uncertain input; empty of a factor.
    source, place : str
        What the configuration says of where the value comes from; file and line.
    """

    name: str
    value: Any
    low: Any
    high: Any
    law: str
    source: str
    place: str


@dataclass(frozen=True, slots=True)
class FigureSpread:
    """The law of one figure of one variant.

    Attributes
    ----------
    variant, metric, unit : str
    points, failed, infeasible : int
        Of the design that have the figure; that are scenarios without it; that are none.
    spread : Spread or None
        Of the means over each point's replicates; None with fewer than two points.
    split : Split or None
        None with one replicate of each point, by which inputs and chance cannot be told apart.
    ranks : tuple of Association
        The strongest first.
    values : tuple of float
        Mean over the replicates of each point that has the figure, in order of size.
    """

    variant: str
    metric: str
    unit: str
    points: int
    failed: int
    infeasible: int
    spread: Spread | None
    split: Split | None
    ranks: tuple[Association, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SpreadOfDifference:
    """A figure of a variant less that of the reference, at the same points with the same random numbers.

    Attributes
    ----------
    variant, reference, metric, unit : str
    spread : Spread
    above : float
        Share of the points at which it is above 0.
    points : int
    """

    variant: str
    reference: str
    metric: str
    unit: str
    spread: Spread
    above: float
    points: int


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Laws of figures over what is not known exactly."""

    study: Study
    figures: tuple[FigureSpread, ...]
    differences: tuple[SpreadOfDifference, ...]

    @property
    def key(self) -> str:
        """Its name in a result."""
        return "uncertainty"

    def sheets(self) -> Mapping[str, Sheet]:
        """uncertainty.csv, correlations.csv, points.csv and, with a comparison, uncertain_differences.csv."""
        quantiles = [f"q{round(100 * share):02d}{end}" for share in QUANTILES for end in ("", "_low", "_high")]
        head = ("variant", "metric", "unit", "points", "failed", "infeasible", "mean", "mean_low", "mean_high",
                "deviation", *quantiles, "variance_inputs", "variance_chance", "share_inputs", "share_low",
                "share_high")  # fmt: skip
        rows = [
            (
                one.variant, one.metric, one.unit, one.points, one.failed, one.infeasible, *_spread_cells(one.spread),
                *((None,) * 5 if one.split is None else
                  (one.split.inputs, one.split.chance, one.split.share, one.split.low, one.split.high)),
            )
            for one in self.figures
        ]  # fmt: skip
        ranks = [
            (one.variant, one.metric, rank.name, rank.correlation, rank.low, rank.high, rank.n)
            for one in self.figures
            for rank in one.ranks
        ]
        found = {
            "uncertainty": Sheet(head, rows),
            "correlations": Sheet(("variant", "metric", "input", "correlation", "low", "high", "points"), ranks),
            "points": points_sheet(self.study),
        }
        if self.differences:
            found["uncertain_differences"] = Sheet(
                ("variant", "reference", "metric", "unit", "points", "mean", "mean_low", "mean_high", "deviation",
                 *quantiles, "share_above"),
                [
                    (one.variant, one.reference, one.metric, one.unit, one.points, *_spread_cells(one.spread),
                     one.above)
                    for one in self.differences
                ],
            )  # fmt: skip
        return found


@dataclass(frozen=True, slots=True)
class FigureSensitivity:
    """What the inputs of one variant do to one figure.

    Attributes
    ----------
    variant, metric, unit : str
    base : float or None
        Of one_at_a_time the mean of the scenario as it is; else the mean over all points.
    deviation : float
        Of one_at_a_time the scatter of single replicates of the base; else over the points.
    failed, infeasible : int
        Points that are scenarios without the figure, and that are none.
    measures : tuple of Swing, Effect or Share
        The one that matters most first; empty with a `reason`.
    reason : str
        Why there are none.
    """

    variant: str
    metric: str
    unit: str
    base: float | None
    deviation: float
    failed: int
    infeasible: int
    measures: tuple[Measure, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Which inputs move the figures.

    Attributes
    ----------
    study : Study
    figures : tuple of FigureSensitivity
    subjects : mapping of str to mapping of str to Subject
        By variant and name: what is moved.
    """

    study: Study
    figures: tuple[FigureSensitivity, ...]
    subjects: Mapping[str, Mapping[str, Subject]]

    @property
    def key(self) -> str:
        """Its name in a result."""
        return "sensitivity"

    @property
    def kind(self) -> str:
        """Of the design."""
        return self.study.spec.design.kind

    def sheets(self) -> Mapping[str, Sheet]:
        """sensitivity.csv and points.csv."""
        columns = {
            "one_at_a_time": ("base", "at_low", "at_low_half_width", "at_high", "at_high_half_width", "swing"),
            "morris": ("mu_star", "mu_star_low", "mu_star_high", "mu", "sigma"),
            "saltelli": ("first", "first_low", "first_high", "total", "total_low", "total_high"),
        }[self.kind]
        head = (
            "variant",
            "metric",
            "unit",
            "rank",
            "input",
            "value",
            "low",
            "high",
            "law",
            *columns,
            "place",
            "source",
        )
        rows = [
            (
                one.variant, one.metric, one.unit, rank, measure.name, subject.value, subject.low, subject.high,
                subject.law, *_measure_cells(measure, one.base), subject.place, subject.source,
            )
            for one in self.figures
            for rank, measure in enumerate(one.measures, 1)
            for subject in (self.subjects[one.variant][measure.name],)
        ]  # fmt: skip
        return {"sensitivity": Sheet(head, rows), "points": points_sheet(self.study)}


def _spread_cells(found: Spread | None) -> tuple[float | None, ...]:
    """Mean with its ends, deviation, and quantiles with theirs; None for an end that is not known."""
    if found is None:
        return (None,) * (4 + 3 * len(QUANTILES))
    cells = [found.mean.mean, found.mean.low, found.mean.high, found.deviation]
    for one in found.quantiles:
        cells += [one.value, one.low, one.high]
    return tuple(cell if math.isfinite(cell) else None for cell in cells)


def _measure_cells(measure: Measure, base: float | None) -> tuple[float | None, ...]:
    match measure:
        case Swing():
            ends = [
                (None, None) if end is None else (end.value, end.half_width)
                for end in (measure.at_low, measure.at_high)
            ]
            return (base, *ends[0], *ends[1], measure.size)
        case Effect(strength=strength):
            return strength.mean, strength.low, strength.high, measure.mean, measure.scatter
        case Share(first=first, total=total):
            return first.mean, first.low, first.high, total.mean, total.low, total.high


def points_sheet(study: Study) -> Sheet:
    """Every point of every variant with the values that it moves, and the reason where it is no scenario."""
    factors, inputs = list(study.spec.factors), study.moved.names
    rows: list[tuple[str, int, str, tuple[Any, ...]]] = []
    for case in study.cases:
        values = (*(case.factors.get(name) for name in factors), *(case.inputs.get(name) for name in inputs))
        rows.append((case.variant, case.point, "", values))
    for one in study.infeasible:
        values = (*(one.factors.get(name) for name in factors), *(one.inputs.get(name) for name in inputs))
        rows.append((one.variant, one.point, one.reason, values))
    place = {name: number for number, name in enumerate(dict.fromkeys(row[0] for row in rows))}
    rows.sort(key=lambda row: (place[row[0]], row[1]))
    head = ("variant", "point", "infeasible", *(f"factor.{name}" for name in factors), *inputs)
    return Sheet(head, [(variant, point, reason or None, *values) for variant, point, reason, values in rows])
