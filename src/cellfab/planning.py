"""The plan of a scenario's conversion without simulating it: dates, floats, payments, capacity and probabilities."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cellfab.config.line_spec import Station, station_units
from cellfab.errors import ConfigError
from cellfab.ramp.capacity import (
    WeekCapacity,
    cells_per_week,
    channel_cells_per_week,
    weekly_capacity,
    weeks_to_rate,
)
from cellfab.ramp.chances import Chances, chances
from cellfab.ramp.conversion import ConversionPlan, Project
from cellfab.ramp.network import Timeline
from cellfab.ramp.project import RELEASE, Task, on_line
from cellfab.scenario import Scenario
from cellfab.units import TICKS_PER_WEEK

CASES = 1000
"""Of a plan's probabilities, unless told otherwise: standard errors of at most 1.6 %."""
_DAYS_PER_TICK = 7.0 / TICKS_PER_WEEK
_AFTER_RELEASE_WEEKS = 52
_WH_PER_MWH = 1e6


class WeekOutput(NamedTuple):
    """Capacity of a week in energy: what could be made, and what of it could be sold."""

    week: int
    product: str
    mwh: float
    sold_mwh: float


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """The plan of a conversion.

    Attributes
    ----------
    scenario : Scenario
    project : Project
        Tasks as planned.
    plans : mapping of str to ConversionPlan
        Dates by line; of the only one under "".
    chances : Chances or None
        What slips make of them; None where nothing can be late.
    capex_musd : mapping of str to float
        By month ("2027-03") in which it is paid, as planned.
    capacity : tuple of WeekOutput
    rate_week : int or None
        First week at whose end the new product is sold at 90 % of its mature rate, as planned.
    """

    scenario: Scenario
    project: Project
    plans: Mapping[str, ConversionPlan]
    chances: Chances | None
    capex_musd: Mapping[str, float]
    capacity: tuple[WeekOutput, ...]
    rate_week: int | None

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks in the order in which they are told."""
        return self.project.tasks

    @property
    def timeline(self) -> Timeline:
        """Dates of every task."""
        return next(iter(self.plans.values())).timeline

    @property
    def begin(self) -> int:
        """Tick at which the first task begins: the decision, else the stop."""
        return min(dates.start for dates in self.timeline.dates.values())

    def day(self, tick: int) -> datetime.date:
        """The day of a tick."""
        return day_of(self.scenario, tick)

    def month(self, tick: int) -> str:
        """The month of a tick."""
        return self.day(tick).strftime("%Y-%m")

    def months_from_begin(self, tick: int) -> float:
        """Months of 365.25 / 12 days from the beginning of the project."""
        return (tick - self.begin) * _DAYS_PER_TICK / (365.25 / 12.0)


def day_of(scenario: Scenario, tick: int) -> datetime.date:
    """The day of a tick of a scenario's run."""
    return scenario.spec.run.start_date + datetime.timedelta(days=math.floor(tick * _DAYS_PER_TICK))


def plan_project(scenario: Scenario, *, seed: int | None = None, cases: int = CASES) -> ProjectPlan:
    """Plan the conversion of a scenario.

    Parameters
    ----------
    scenario : Scenario
    seed : int, optional
        Of the slips; default: as written in the scenario's `run`.
    cases : int
        Cases that probabilities are made of.

    Raises
    ------
    ConfigError
        If the scenario has no conversion.
    """
    spec = scenario.spec
    conversion = spec.conversion
    if conversion is None:
        raise ConfigError(f"scenario '{scenario.name}' has no `conversion`, so there is nothing to plan")
    project = Project(conversion, spec.line.stations, layout=scenario.layout)
    plans = {line: project.plan(line=line) for line in project.lines}
    timeline = project.timeline()
    uncertain = conversion.slips_happen and any(task.slips for task in project.tasks)
    found = chances(project, spec.run.seed if seed is None else seed, cases) if uncertain else None
    by_month: dict[str, float] = {}
    for spend in sorted(project.payments(timeline), key=lambda spend: spend.tick):
        month = day_of(scenario, spend.tick).strftime("%Y-%m")
        by_month[month] = by_month.get(month, 0.0) + spend.musd
    weeks = -(-timeline.dates[RELEASE].finish // TICKS_PER_WEEK) + _AFTER_RELEASE_WEEKS
    rows = capacity_rows(scenario, project, plans, weeks)
    mature = sum(mature_cells(scenario, project, line) for line in project.lines)
    rate_week = weeks_to_rate(rows, conversion.product_to, mature)
    return ProjectPlan(scenario, project, plans, found, by_month, tuple(outputs(scenario, rows)), rate_week)


def mature_cells(scenario: Scenario, project: Project, line: str) -> float:
    """Cells a week of a line at the mature rate of its slowest station, never stopping (`WeekCapacity.cells`)."""
    ramp, stations = project.conversion.ramp, _stations_of(scenario, project, line)
    nominal = cells_per_week(stations)
    channels = channel_cells_per_week(stations, recipes(scenario, project.conversion.product_to))
    return min([channels, *(cells * (ramp.of(n).rate.mature if ramp else 1.0) for n, cells in nominal.items())])


def recipes(scenario: Scenario, product: str) -> dict[str, float]:
    """Seconds that a tray of a product is on the channels of each station whose step has a recipe."""
    steps = scenario.steps.items()
    return {name: step.recipe_seconds for (name, made), step in steps if made == product and step.recipe_seconds}


def _stations_of(scenario: Scenario, project: Project, line: str) -> dict[str, Station]:
    own = set(project.stations_of(line))
    return {name: station for name, station in scenario.spec.line.stations.items() if name in own}


def capacity_rows(
    scenario: Scenario, project: Project, plans: Mapping[str, ConversionPlan], weeks: int
) -> list[WeekCapacity]:
    """Capacity of a scenario by week by the dates of its plans, in cells; lines that are not converted are left out."""
    spec = scenario.spec
    units = {name: float(station_units(station)) for name, station in spec.line.stations.items()}
    sums: dict[tuple[int, str], tuple[float, float]] = {}
    conversion = project.conversion
    products = [name for name in (conversion.product_from, conversion.product_to) if name is not None]
    for line, plan in plans.items():
        stations = _stations_of(scenario, project, line)
        channels = {name: channel_cells_per_week(stations, recipes(scenario, name)) for name in products}
        release = plan.timeline.dates[on_line(line, RELEASE)].finish
        for row in weekly_capacity(stations, units, channels, conversion, plan, release, spec.ramp, weeks):
            cells, sold = sums.get((row.week, row.product), (0.0, 0.0))
            sums[row.week, row.product] = (cells + row.cells, sold + row.cells * row.sold_share)
    return [
        WeekCapacity(week, product, cells, sold / cells if cells else 0.0)
        for (week, product), (cells, sold) in sorted(sums.items())
    ]


def outputs(scenario: Scenario, rows: list[WeekCapacity]) -> list[WeekOutput]:
    """The same in energy, which the parts of a bare line do not store."""
    products = scenario.spec.products
    if not products:
        return []
    found = []
    for row in rows:
        mwh = row.cells * products[row.product].design.energy_wh / _WH_PER_MWH
        found.append(WeekOutput(row.week, row.product, mwh, mwh * row.sold_share))
    return found


def task_rows(
    project: Project, planned: Timeline, now: Timeline, chances: Chances | None = None
) -> Iterator[dict[str, Any]]:
    """One row per task: when it was planned and when it is done, in weeks from the start of the run.

    Parameters
    ----------
    project : Project
    planned, now : Timeline
        By the plan, and by what is known; the same one before anything is known.
    chances : Chances, optional
    """
    critical = set(now.critical)
    for task in project.tasks:
        dates, before = now.dates[task.name], planned.dates[task.name]
        row: dict[str, Any] = {
            "task": task.name,
            "kind": task.kind,
            "line": task.line,
            "station": task.station or "",
            "start_week": dates.start / TICKS_PER_WEEK,
            "finish_week": dates.finish / TICKS_PER_WEEK,
            "planned_start_week": before.start / TICKS_PER_WEEK,
            "planned_finish_week": before.finish / TICKS_PER_WEEK,
            "float_weeks": dates.total_float / TICKS_PER_WEEK,
            "critical": int(task.name in critical),
            "capex_musd": task.capex_musd,
            "text": task.text,
        }
        if chances is not None:
            row["criticality_share"] = chances.criticality[task.name]
            row["p50_week"], row["p90_week"] = (
                tick / TICKS_PER_WEEK for tick in chances.quantiles(task.name, (0.5, 0.9))
            )
        yield row
