"""Backtests: the ramp of a plant fitted to its first public figures, and what it then says of the later ones."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from cellfab.calibrate import curves
from cellfab.calibrate.posterior import POINTS, Posterior, sample
from cellfab.calibrate.record import load_record
from cellfab.calibrate.unknowns import SIDE, Unknown, unknowns_of
from cellfab.config.record_spec import PlantRecord, RecordFile, day_of
from cellfab.config.resolved import Resolved
from cellfab.config.tree_path import TreePath, dotted
from cellfab.ramp.laws import HOURS_PER_MONTH

Floats = npt.NDArray[np.float64]
Figure = Literal["yield", "rate", "sum", "lines"]

BAND = (0.05, 0.95)
"""Quantiles between which a figure is expected to lie: a band of 90 %."""
_INSTALLED: TreePath = ("record", "output", "installed_amount")
_RELATIVE = ("rate", "sum")
"""Figures whose errors are relative; those of the others are in their own unit."""
_LEAST = 1e-12
_WEEKS = {"week": 1.0, "month": curves.WEEKS_PER_MONTH, "year": 12.0 * curves.WEEKS_PER_MONTH}
_DAYS_PER_MONTH = HOURS_PER_MONTH / 24.0

_LAWS: dict[str, TreePath] = {
    "time_constant_months": ("learning", "time_constant_months"),
    "maturity_at_start": ("learning", "maturity_at_start"),
    "calendar_weight": ("learning", "calendar_weight"),
    "utilisation_weight": ("learning", "utilisation_weight"),
    "rate_start": ("rate", "start"),
    "rate_mature": ("rate", "mature"),
    "rate_time_constant_months": ("rate", "time_constant_months"),
    "reliability_start": ("reliability", "start"),
    "growth_exponent": ("reliability", "growth_exponent"),
    "mature_after_h": ("reliability", "mature_after_h"),
    "repair_start": ("reliability", "repair_start"),
    "repair_time_constant_months": ("reliability", "repair_time_constant_months"),
}
_PLANT: dict[str, TreePath] = {
    "utilisation_share": ("utilisation_share",),
    "delay_months": ("delay_months",),
    "yield_start": ("yield_start",),
    "yield_mature": ("yield_mature",),
    "attained_share": ("output", "attained_share"),
    "copy_loss_share": ("output", "copy_loss_share"),
    "availability_share": ("output", "availability_share"),
    "spacing_months": ("lines", "spacing_months"),
}
PATHS: dict[str, TreePath] = {
    **{name: ("ramp", "default", *path) for name, path in _LAWS.items()},
    **{name: ("record", *path) for name, path in _PLANT.items()},
}
"""Where each of `curves.PARAMETERS` stands in a record file."""
_UNUSED: dict[str, float] = {
    "attained_share": 1.0, "copy_loss_share": 0.0, "availability_share": 0.8, "spacing_months": 4.0,
}  # fmt: skip
"""In place of what a record without output, or without lines, does not have; they do not reach its figures."""
_USED: dict[Figure, frozenset[str]] = {
    "lines": frozenset({"delay_months", "spacing_months"}),
    "yield": frozenset(
        {
            *("time_constant_months", "maturity_at_start", "calendar_weight", "utilisation_weight"),
            *("utilisation_share", "delay_months", "yield_start", "yield_mature"),
        }
    ),
    "rate": frozenset(PATHS) - {"spacing_months"},
    "sum": frozenset(PATHS) - {"spacing_months"},
}
"""Parameters that a figure depends on."""


@dataclass(frozen=True, slots=True)
class Report:
    """A public figure.

    Attributes
    ----------
    figure : str
        yield, rate, sum (of the output since the start) or lines.
    moment : str
        As written; `day` is what it stands for.
    value, low, high : float
        As reported; ends of the report are the value itself where it has none.
    unit : str
        "1" of yields.
    source : str
    """

    figure: Figure
    moment: str
    day: datetime.date
    value: float
    low: float
    high: float
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Observation(Report):
    """A public figure, and what the fit says of it.

    Attributes
    ----------
    given : bool
        Whether the fit knew it.
    predicted : float
        Median; of a given figure, after the fit.
    band : (float, float)
        The 90 % band of what would be reported.
    """

    given: bool
    predicted: float
    band: tuple[float, float]

    @property
    def inside(self) -> bool:
        """Whether the figure lies in its band."""
        return self.band[0] <= self.value <= self.band[1]


@dataclass(frozen=True, slots=True)
class Curve:
    """Bands over time, for a chart: quantiles of the law itself, without the error of a single report.

    Attributes
    ----------
    days : tuple of date
    low, middle, high : tuple of float
        5 %, 50 % and 95 %.
    """

    days: tuple[datetime.date, ...]
    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Believed:
    """An open value before and after the fit: 5 %, 50 % and 95 % points."""

    unknown: Unknown
    after: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Backtest:
    """One plant.

    Attributes
    ----------
    name : str
        Of the record file.
    record : PlantRecord
    observations : tuple of Observation
        Yields, then outputs, by date.
    curves : mapping of figure to Curve
    believed : tuple of Believed
    effective_points : float
        Of the fit; below some hundreds its quantiles are rough.
    """

    name: str
    record: PlantRecord
    observations: tuple[Observation, ...]
    curves: Mapping[Figure, Curve]
    believed: tuple[Believed, ...]
    effective_points: float

    @property
    def held_back(self) -> tuple[Observation, ...]:
        """Figures that the fit did not know."""
        return tuple(one for one in self.observations if not one.given)


@dataclass(frozen=True, slots=True)
class Score:
    """How well held-back figures were predicted.

    Attributes
    ----------
    held_back, inside : int
    yields : int
        Of the held-back figures.
    yield_error_share : float or None
        Mean distance of the median from the reported yield; None without yields.
    """

    held_back: int
    inside: int
    yields: int
    yield_error_share: float | None


def backtest(path_or_name: str | Path, *, seed: int = 1) -> Backtest:
    """Fit a record's laws to the figures up to `given_until`, and predict the rest.

    Parameters
    ----------
    path_or_name : str or Path
    seed : int
        Of the sampling; the same seed gives the same numbers.

    Raises
    ------
    ConfigError
        If the record is wrong.
    """
    file, resolved = load_record(path_or_name)
    plant = _Plant(file.record, resolved)
    paths = {**PATHS, **{moment: (*_INSTALLED, moment) for moment in plant.installed}}
    fixed = {**{name: _number(file, path) for name, path in PATHS.items()}, **plant.installed}
    used = {*plant.installed}.union(*(_USED[figure] for figure in plant.figures))
    unknowns = unknowns_of(resolved, (path for name, path in paths.items() if name in used))
    named = {dotted(path): name for name, path in paths.items()}

    def values(points: Floats) -> dict[str, Floats | float]:
        drawn = {named[one.name]: one.at(points[:, place]) for place, one in enumerate(unknowns)}
        return {**fixed, **drawn}

    given = [report for report in plant.reports if report.day <= plant.given_until]

    def log_likelihood(points: Floats) -> Floats:
        known = values(points)
        total = np.zeros(len(points))
        for figure in plant.figures:
            chosen = [report for report in given if report.figure == figure]
            if chosen:
                law = plant.law(figure, known, plant.months(chosen))
                total = total + sum(plant.misfit(report, law[:, place]) for place, report in enumerate(chosen))
        return total

    found = sample(log_likelihood, len(unknowns), seed) if unknowns else Posterior(np.zeros((POINTS, 0)), _equal())
    known = values(found.resampled(seed))
    noise = np.random.default_rng((seed, 1))
    observations = []
    for report in plant.reports:
        law = plant.law(report.figure, known, plant.months([report]))[:, 0]
        said = plant.reported(report, np.broadcast_to(law, (POINTS,)), noise)
        low, middle, high = np.quantile(said, (BAND[0], 0.5, BAND[1]))
        observations.append(
            Observation(
                report.figure, report.moment, report.day, report.value, report.low, report.high, report.unit,
                report.source, report.day <= plant.given_until, float(middle), (float(low), float(high)),
            )
        )  # fmt: skip
    after = found.resampled(seed)
    believed = tuple(
        Believed(one, _three(np.quantile(one.at(after[:, place]), (BAND[0], 0.5, BAND[1]))))
        for place, one in enumerate(unknowns)
    )
    drawn = {figure: plant.curve(figure, known) for figure in plant.figures}
    return Backtest(resolved.name, file.record, tuple(observations), drawn, believed, found.effective_points)


def score(backtests: Sequence[Backtest]) -> Score:
    """Over all held-back figures."""
    held = [one for found in backtests for one in found.held_back]
    errors = [abs(one.predicted - one.value) for one in held if one.figure == "yield"]
    mean = sum(errors) / len(errors) if errors else None
    return Score(len(held), sum(one.inside for one in held), len(errors), mean)


class _Plant:
    """A record as the fit needs it."""

    def __init__(self, record: PlantRecord, resolved: Resolved) -> None:
        self.record = record
        self.began = day_of(record.started)
        self.given_until = day_of(record.given_until)
        reports: list[Report] = []
        if record.yields is not None:
            place: TreePath = ("record", "yields", "reported_share")
            reports += _reports(resolved, "yield", "1", place, record.yields.reported_share)
        if record.output is not None:
            unit, per = record.output.unit, record.output.per
            place = ("record", "output", "reported_rate")
            reports += _reports(resolved, "rate", f"{unit} per {per}", place, record.output.reported_rate)
            place = ("record", "output", "reported_amount")
            reports += _reports(resolved, "sum", unit, place, record.output.reported_amount)
        if record.lines is not None:
            place = ("record", "lines", "reported_number")
            reports += _reports(resolved, "lines", "lines", place, record.lines.reported_number)
        self.installed: Mapping[str, float] = record.output.installed_amount if record.output is not None else {}
        self.reports = tuple(reports)
        self.figures: tuple[Figure, ...] = tuple(dict.fromkeys(report.figure for report in reports))

    def month(self, day: datetime.date) -> float:
        return (day - self.began).days / _DAYS_PER_MONTH

    def months(self, reports: Sequence[Report]) -> Floats:
        return np.array([self.month(report.day) for report in reports])

    def parts(self, values: curves.Values) -> list[tuple[float, Floats]]:
        """Parts of the plant: the month from which each runs, and what it adds to the nameplate."""
        assert self.record.output is not None
        moments = sorted(self.record.output.installed_amount, key=day_of)
        totals = [np.asarray(values[moment], dtype=np.float64) for moment in moments]
        added = [totals[0], *(after - before for before, after in pairwise(totals))]
        return [(self.month(day_of(moment)), amount) for moment, amount in zip(moments, added, strict=True)]

    def law(self, figure: Figure, values: curves.Values, months: Floats) -> Floats:
        if figure == "yield":
            return curves.yield_at(values, months)
        if figure == "lines":
            return curves.lines_at(values, months)
        if figure == "rate":
            return curves.output_at(values, months, self.parts(values))
        assert self.record.output is not None
        per_week = 1.0 / _WEEKS[self.record.output.per]
        return curves.produced_at(values, months, [(month, amount * per_week) for month, amount in self.parts(values)])

    def error(self, report: Report) -> float:
        """Standard deviation of a report around the law: of the plant, and of how the figure was reported."""
        record = self.record
        if report.figure in _RELATIVE:
            assert record.output is not None
            return float(np.hypot(record.output.error_share, np.log(report.high / report.low) / 2.0 / SIDE))
        if report.figure == "yield":
            assert record.yields is not None
            own = record.yields.error_share
        else:
            assert record.lines is not None
            own = record.lines.error_number
        return float(np.hypot(own, (report.high - report.low) / 2.0 / SIDE))

    def misfit(self, report: Report, law: Floats) -> Floats:
        """Logarithm of the likelihood of a report, up to a constant."""
        away = np.log(np.maximum(law, _LEAST) / report.value) if report.figure in _RELATIVE else law - report.value
        return np.asarray(-0.5 * (away / self.error(report)) ** 2)

    def reported(self, report: Report, law: Floats, random: np.random.Generator) -> Floats:
        """What would be reported of what the law says."""
        drawn = self.error(report) * random.standard_normal(len(law))
        if report.figure in _RELATIVE:
            return law * np.exp(drawn)
        return np.clip(law + drawn, 0.0, 1.0 if report.figure == "yield" else None)

    def curve(self, figure: Figure, values: curves.Values) -> Curve:
        last = max(report.day for report in self.reports)
        days = [self.began + datetime.timedelta(days=14 * step) for step in range((last - self.began).days // 14 + 8)]
        law = self.law(figure, values, np.array([self.month(day) for day in days]))
        low, middle, high = np.quantile(law, (BAND[0], 0.5, BAND[1]), axis=0)
        return Curve(tuple(days), tuple(low.tolist()), tuple(middle.tolist()), tuple(high.tolist()))


def _reports(
    resolved: Resolved, figure: Figure, unit: str, place: TreePath, reported: Mapping[str, float]
) -> list[Report]:
    found = []
    for moment, value in reported.items():
        note = resolved.notes.get((*place, moment))
        low = value if note is None or note.low is None else note.low
        high = value if note is None or note.high is None else note.high
        found.append(
            Report(figure, moment, day_of(moment), value, low, high, unit, "" if note is None else note.source)
        )
    return sorted(found, key=lambda report: report.day)


def _number(file: RecordFile, path: TreePath) -> float:
    """The value at a path of the spec, also where it is a default; of a part that is not there, a stand-in."""
    node: object = file
    for part in path:
        node = getattr(node, str(part))
        if node is None:
            return next(_UNUSED[name] for name, place in PATHS.items() if place == path)
    assert isinstance(node, (int, float))
    return float(node)


def _equal() -> Floats:
    return np.full(POINTS, 1.0 / POINTS)


def _three(values: Floats) -> tuple[float, float, float]:
    low, middle, high = values.tolist()
    return low, middle, high
