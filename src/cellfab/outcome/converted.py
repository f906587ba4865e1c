"""What became of a conversion in a run: tasks as planned and as they were, and figures of the stop and the release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cellfab.line.conversion import PlantConversion
from cellfab.planning import capacity_rows, outputs, task_rows
from cellfab.ramp.conversion import Project
from cellfab.ramp.project import DECISION, RELEASE
from cellfab.result import Kpi
from cellfab.scenario import Scenario
from cellfab.units import TICKS_PER_WEEK

TASKS = (
    "task", "kind", "line", "station", "start_week", "finish_week", "planned_start_week",
    "planned_finish_week", "float_weeks", "critical", "capex_musd", "text",
)  # fmt: skip
CAPACITY = ("week", "product", "mwh", "sold_mwh")
_NOT_EMPTY = "no line has been empty by the end of the run"


def planned_project(scenario: Scenario) -> Project:
    """The plan of a scenario as nobody has been late yet."""
    assert scenario.spec.conversion is not None
    return Project(scenario.spec.conversion, scenario.spec.line.stations, layout=scenario.layout)


def conversion_tasks(scenario: Scenario, conversion: PlantConversion) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.tasks`: dates as they were, those after the end of the run as far as they are known."""
    yield from task_rows(conversion.project, planned_project(scenario).timeline(), conversion.project.timeline())


def planned_capacity(scenario: Scenario, weeks: int) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.capacity`: of the lines that are converted, by the dates of the plan."""
    project = planned_project(scenario)
    plans = {line: project.plan(line=line) for line in project.lines}
    for row in outputs(scenario, capacity_rows(scenario, project, plans, weeks)):
        yield row._asdict()


def conversion_kpis(scenario: Scenario, conversion: PlantConversion) -> dict[str, Kpi]:
    """What was inside when lines stopped and what became of it, and how late the release was."""
    stops = [one.at_stop for one in conversion.each if one.at_stop is not None]
    cells = [one.cells_at for one in conversion.each]
    lots = {
        "lots_at_stop": sum(stop.inside for stop in stops),
        "lots_scrapped_at_stop": sum(stop.thrown_away for stop in stops),
    }
    counted = {
        "cells_at_stop": sum(at["stop"]["inside"] for at in cells if "stop" in at),
        "cells_sold_after_stop": sum(_more(at, "good") for at in cells),
        "cells_scrapped_after_stop": sum(_more(at, "scrapped") for at in cells),
    }
    if not scenario.is_plant or any(one.line for one in conversion.each):
        counted = {}  # there are none, or other lines go on making cells
    figures = {name: Kpi.known(float(count) if stops else None, unit, _NOT_EMPTY)
               for group, unit in ((lots, "lots"), (counted, "cells")) for name, count in group.items()}  # fmt: skip
    released = [one.released for one in conversion.each]
    late = None
    if all(tick is not None for tick in released):
        planned = planned_project(scenario).timeline().dates[RELEASE].finish
        late = (max(tick for tick in released if tick is not None) - planned) / TICKS_PER_WEEK
    reason = "not every line has been released by the end of the run"
    return {**figures, "release_late_weeks": Kpi.known(late, "weeks", reason)}


def line_stops(scenario: Scenario, conversion: PlantConversion | None) -> dict[str, float]:
    """Week in which each of several lines stopped to be converted, as far as that has happened."""
    if conversion is None:
        return {}
    return {
        line: one.plan.stop / TICKS_PER_WEEK
        for one in conversion.each
        if one.plan is not None
        for line in ([one.line] if one.line else scenario.layout.lines)
    }


def decided_week(conversion: PlantConversion) -> float | None:
    """Week of the first decision; None where the plan has none."""
    dates = conversion.project.timeline().dates
    weeks = [dates[task.name].start / TICKS_PER_WEEK for task in conversion.project.tasks if task.kind == DECISION]
    return min(weeks, default=None)


def _more(at: Mapping[str, Mapping[str, int]], what: str) -> int:
    """Between the stop and the restart."""
    return at["restart"][what] - at["stop"][what] if "restart" in at else 0
