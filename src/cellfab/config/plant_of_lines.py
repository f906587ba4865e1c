"""The scenario of a plant of several lines, out of the one line that is written and what is said about `lines`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cellfab.config.copying import AT, Layout, all_lines, layout, lines_problems
from cellfab.config.failure_modes_spec import Setback
from cellfab.config.line_checks import line_problems
from cellfab.config.line_spec import Line
from cellfab.config.loader import check
from cellfab.config.problems import Problem
from cellfab.config.ramp_spec import Ramp, StationRamp
from cellfab.config.resolved import Resolved
from cellfab.config.scenario_spec import ScenarioSpec
from cellfab.config.tree_path import TreePath

_LINE: TreePath = ("line",)


class PlantOfLines(NamedTuple):
    """What has been made of a scenario.

    Attributes
    ----------
    spec : ScenarioSpec
        With the graph of all lines, and laws and tasks for each of its stations.
    layout : Layout
        Empty where the scenario does not speak of lines.
    each : mapping of str to Line
        By line: its graph alone, with what is different on it, under the names as written.
    """

    spec: ScenarioSpec
    layout: Layout = Layout()
    each: Mapping[str, Line] = {}

    def shared_stations(self) -> list[str]:
        """Stations that exist once for all lines."""
        return [name for name in self.spec.line.stations if self.layout.lines and name not in self.layout.line_of]

    def differs(self, line: str) -> bool:
        """Whether anything is different on a line."""
        return self.spec.lines is not None and line in self.spec.lines.named and bool(self.spec.lines.named[line].line)


def differences_path(line: str) -> TreePath:
    """Where it is written what is different on a line."""
    return (*AT, "named", line, "line")


def plant_of_lines(resolved: Resolved, spec: ScenarioSpec) -> tuple[PlantOfLines, list[Problem]]:
    """Lay out a scenario whose one line has no problems of its own.

    Returns
    -------
    plant : PlantOfLines
        The scenario itself where something is wrong, or where there is nothing to lay out.
    problems : list of Problem
        Where the text is at fault.
    """
    lines = spec.lines
    if lines is None:
        return PlantOfLines(spec), []
    problems = [resolved.problem(*problem) for problem in lines_problems(spec.line, lines)]
    if problems:
        return PlantOfLines(spec), problems
    each: dict[str, Line] = {}
    for name in lines.names():
        different = name in lines.named and bool(lines.named[name].line)
        line, found = _line_with_differences(resolved, name) if different else (spec.line, [])
        problems += found
        if line is not None:
            each[name] = line
    if problems:
        return PlantOfLines(spec), problems
    plan = layout(spec.line, lines)
    whole = spec.model_copy(update={"line": all_lines(each, plan), **_by_station(spec, plan)})
    plant = PlantOfLines(whole, plan, each)
    return plant, list(_of_the_whole(resolved, plant))


def _line_with_differences(resolved: Resolved, name: str) -> tuple[Line | None, list[Problem]]:
    """The line as written, with what is different on one of the lines laid over it."""
    at = differences_path(name)
    for path in [path for path in resolved.created if path[: len(at)] == at]:
        if resolved.get((*_LINE, *path[len(at) :])) is not None:
            del resolved.created[path]  # it is there: under `line`
    _say_kinds(resolved, at)
    line, problems = check(resolved, Line, [_LINE, at])
    if line is None:
        return None, problems
    return line, [
        resolved.problem((*at, *path[len(_LINE) :]), message, hint) for path, message, hint in line_problems(line)
    ]


def _say_kinds(resolved: Resolved, at: TreePath) -> None:
    """Give each station that differs the kind that it has under `line`, so that its keys are read as of that kind."""
    stations = resolved.get((*at, "stations"))
    for name, station in stations.items() if isinstance(stations, dict) else ():
        kind = resolved.get((*_LINE, "stations", name, "kind"))
        if isinstance(station, dict) and "kind" not in station and kind is not None:
            station["kind"] = kind
            resolved.origins[(*at, "stations", name, "kind")] = resolved.origins[(*_LINE, "stations", name, "kind")]


def _of_the_whole(resolved: Resolved, plant: PlantOfLines) -> Iterator[Problem]:
    """What shows only once all lines stand side by side, said about the text that it comes from."""
    for path, message, hint in line_problems(plant.spec.line):
        group, node, *rest = path[len(_LINE) :]
        written = plant.layout.written.get(str(node), str(node))
        yield resolved.problem((*_LINE, group, written, *rest), message, hint)


def _by_station(spec: ScenarioSpec, plan: Layout) -> dict[str, Any]:
    """What is written by station, for all stations of that name."""
    changes: dict[str, Any] = {}
    if spec.ramp is not None:
        copies = spec.lines.ramp if spec.lines is not None else None
        changes["ramp"] = _ramp(spec.ramp, copies or spec.ramp, plan, spec.line)
    conversion = spec.conversion
    if conversion is not None:
        tasks = {name: task for written, task in conversion.stations.items() for name in plan.copies(written)}
        fed = tuple(name for written in conversion.drain.fed_until_empty for name in plan.copies(written))
        drain = conversion.drain.model_copy(update={"fed_until_empty": fed})
        update: dict[str, Any] = {"stations": tasks, "drain": drain}
        if conversion.ramp is not None:
            laws = {name: law for written, law in conversion.ramp.stations.items() for name in plan.copies(written)}
            update["ramp"] = conversion.ramp.model_copy(update={"stations": laws})
        changes["conversion"] = conversion.model_copy(update=update)
    return changes


def _ramp(first: Ramp, copies: Ramp, plan: Layout, line: Line) -> Ramp:
    """The laws of every station of every line, written out."""
    stations: dict[str, StationRamp] = {}
    for written in line.stations:
        for name in plan.copies(written):
            laws = first.of(written) if plan.twin(name) is None else copies.of(written)
            stations[name] = StationRamp.model_validate(laws.model_dump())
    modes = first.failure_modes
    if modes is not None:
        setbacks = {name: _on_all_lines(setback, plan) for name, setback in modes.setbacks.items()}
        modes = modes.model_copy(update={"setbacks": setbacks})
    return first.model_copy(update={"stations": stations, "failure_modes": modes})


def _on_all_lines(setback: Setback, plan: Layout) -> Setback:
    """A setback strikes its places on every line."""
    if setback.places is None:
        return setback
    places = dict.fromkeys(plan.name_on(line, place) for place in setback.places for line in plan.lines)
    return setback.model_copy(update={"places": tuple(places)})
