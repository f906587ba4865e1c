"""What a station must say about itself, and what its kind does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cellfab.config.distribution import Deterministic
from cellfab.config.line_graph import LineProblem
from cellfab.config.line_spec import COUNTED, ChannelsStation, DwellStation, Line, SerialStation, Station
from cellfab.config.tree_path import TreePath

_HOURS = 3600.0


def station_problems(line: Line, at: TreePath) -> Iterator[LineProblem]:
    """Everything that keeps a station from working, whatever stands around it.

    Parameters
    ----------
    line : Line
        The line.
    at : TreePath
        Where it stands in its file; the paths of the problems start with it.
    """
    for name, station in line.stations.items():
        path = (*at, "stations", name)
        if isinstance(station, SerialStation):
            yield from _serial(station, path)
        elif isinstance(station, ChannelsStation):
            yield from _channels(station, path)
        elif isinstance(station, DwellStation):
            yield from _dwell(station, path)
        if not (isinstance(station, SerialStation) and station.machines):
            yield from _stray_params(station.step, station.params, path)
        for key, stop in station.maintenance.items():
            if stop.duration_h >= stop.every_h:
                message = f"a stop of {stop.duration_h:g} h every {stop.every_h:g} h leaves no time to work"
                yield LineProblem((*path, "maintenance", key, "duration_h"), message)
        output = station.output
        if output.unit in COUNTED and output.amount is not None and output.amount != round(output.amount):
            message = f"{output.unit} are counted, and {output.amount:g} is not a whole number"
            yield LineProblem((*path, "output", "amount"), message)


def _serial(station: SerialStation, path: TreePath) -> Iterator[LineProblem]:
    if station.cycle is None and not station.machines:
        yield LineProblem(path, "needs 'cycle' (one machine) or 'machines' (a chain)")
    if not station.machines:
        return
    if station.cycle is not None:
        message = "a chain has a cycle per machine, not one of its own"
        yield LineProblem((*path, "cycle"), message, "remove either 'cycle' or 'machines'")
    if station.failures:
        message = "a chain has failures per machine, not of its own"
        yield LineProblem((*path, "failures"), message, "move them to the machines that fail")
    yield from _no_changeover(station, path, "a chain")
    yield from _no_merge(station, path, "a chain")
    for name, machine in station.machines.items():
        yield from _stray_params(machine.step, machine.params, (*path, "machines", name))
    last, machine = list(station.machines.items())[-1]
    if machine.buffer_after:
        hint = "a buffer behind the station goes under 'buffers'"
        place = (*path, "machines", last, "buffer_after")
        yield LineProblem(place, f"'{last}' is the last machine, so nothing lies after it", hint)


def _channels(station: ChannelsStation, path: TreePath) -> Iterator[LineProblem]:
    if station.occupied is None and station.step is None:
        yield LineProblem(path, "needs 'occupied' (how long a position is held), or a step whose recipe says it")
    if station.parallel != 1:
        message = "a channels station has positions, not parallel units"
        yield LineProblem((*path, "parallel"), message, "give it more 'positions'")
    yield from _no_changeover(station, path, "a channels station")
    yield from _no_merge(station, path, "a channels station")
    for name, mode in station.failures.items():
        if mode.clock == "time_dependent":
            message = "only positions that are held can fail, so the clock must be operation_dependent"
            yield LineProblem((*path, "failures", name, "clock"), message)


def _dwell(station: DwellStation, path: TreePath) -> Iterator[LineProblem]:
    if station.minimum is None and station.step is None:
        yield LineProblem(path, "needs 'minimum' (how long a lot stays), or a step whose recipe says it")
    if isinstance(station.minimum, Deterministic) and station.maximum_h is not None:
        stay_h = station.minimum.value_s / _HOURS
        if stay_h >= station.maximum_h:
            message = f"every lot expires ({station.maximum_h:g} h) before it may leave ({stay_h:g} h)"
            yield LineProblem((*path, "maximum_h"), message)
    if station.failures:
        yield LineProblem((*path, "failures"), "a dwell station cannot fail: nothing in it moves", "remove them")
    if station.parallel != 1:
        message = "a dwell station holds many lots at once and has no parallel units"
        yield LineProblem((*path, "parallel"), message, "give it more 'capacity'")
    if station.output.lots != 1:
        yield LineProblem((*path, "output", "lots"), "a dwell station cannot split lots", "a station behind it can")
    yield from _no_changeover(station, path, "a dwell station")
    yield from _no_merge(station, path, "a dwell station")


def _no_changeover(station: Station, path: TreePath, what: str) -> Iterator[LineProblem]:
    if station.changeover is not None:
        yield LineProblem((*path, "changeover"), f"{what} has no changeovers", "remove it")


def _no_merge(station: Station, path: TreePath, what: str) -> Iterator[LineProblem]:
    if isinstance(station.feed, dict):
        yield LineProblem((*path, "from"), f"{what} cannot merge lots", "let a one-machine station before it do so")


def _stray_params(step: str | None, params: Mapping[str, Any], path: TreePath) -> Iterator[LineProblem]:
    if step is None and params:
        yield LineProblem((*path, "params"), "these are parameters of a step, and no step is named", "remove them")
