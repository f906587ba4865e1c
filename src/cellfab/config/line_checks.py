"""What keeps a line from working although each part of it is well formed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from cellfab.config.distribution import Deterministic, Distribution, Empirical, mean_seconds
from cellfab.config.line_graph import Graph, LineProblem, Tie, name_problems, reference_problems, wiring_problems
from cellfab.config.line_spec import (
    COUNTED,
    BatchStation,
    Buffer,
    ChannelsStation,
    DwellStation,
    Line,
    SerialStation,
    Sink,
    Source,
    WebStation,
)
from cellfab.config.station_checks import station_problems
from cellfab.config.tree_path import TreePath
from cellfab.units import TICKS_PER_S


def line_problems(line: Line, at: TreePath = ("line",)) -> list[LineProblem]:
    """Everything that keeps a line from working.

    Parameters
    ----------
    line : Line
        The line.
    at : TreePath
        Where it stands in its file; the paths of the problems start with it.

    Returns
    -------
    list of LineProblem
        Path, message and hint of each; empty for a line that can be run.
    """
    graph = Graph.of(line, at)
    names = list(name_problems(line, at))
    alone = [*reference_problems(line, graph, at), *station_problems(line, at), *_calendars(line, at)]
    alone += _clocks(line, at)
    if names:
        # Where two nodes share a name, nothing can be said about who feeds whom.
        return [*names, *alone]
    return [*wiring_problems(graph), *alone, *_rooms(line, graph), *_flows(graph), *_endless(line, graph)]


def _calendars(line: Line, at: TreePath) -> Iterator[LineProblem]:
    for name, calendar in line.calendars.items():
        path = (*at, "calendars", name, "working")
        latest, latest_key = 0.0, ""
        for key, time in sorted(calendar.working.items(), key=lambda item: item[1].start_h):
            span = f"{time.start_h:g}-{time.end_h:g} h"
            if time.end_h <= time.start_h:
                yield LineProblem((*path, key), f"ends before it starts ({span})")
                continue
            if time.end_h > calendar.cycle_h:
                message = f"reaches beyond the cycle of {calendar.cycle_h:g} h ({span})"
                yield LineProblem((*path, key), message, "split it at the end of the cycle")
            if time.start_h < latest:
                yield LineProblem((*path, key), f"overlaps '{latest_key}' ({span})")
            if time.end_h > latest:
                latest, latest_key = time.end_h, key


def _clocks(line: Line, at: TreePath) -> Iterator[LineProblem]:
    """Clocks that would ring for ever at one instant."""
    for name, source in line.sources.items():
        if source.interarrival is not None and mean_seconds(source.interarrival) * TICKS_PER_S < 1.0:
            hint = "leave it out for a source that always has a lot at hand"
            yield LineProblem((*at, "sources", name, "interarrival"), "lots would all arrive at once", hint)
    for name, station in line.stations.items():
        path = (*at, "stations", name)
        places = [(path, station.failures)]
        if isinstance(station, SerialStation):
            places += [((*path, "machines", key), machine.failures) for key, machine in station.machines.items()]
        for place, modes in places:
            for mode, failure in modes.items():
                if _always_zero(failure.time_to_failure):
                    where = (*place, "failures", mode, "time_to_failure")
                    yield LineProblem(where, "it would fail again the moment it is repaired", "remove the failure mode")


def _always_zero(law: Distribution) -> bool:
    if isinstance(law, Deterministic):
        return law.value_s == 0.0
    return isinstance(law, Empirical) and not any(law.values_s)


def _rooms(line: Line, graph: Graph) -> Iterator[LineProblem]:
    """Stations that need room to collect what they take."""
    for name, station in line.stations.items():
        merges = isinstance(station.feed, dict)
        batch = station.batch_lots if isinstance(station, BatchStation) else 1
        collects = batch > 1
        holds = isinstance(station, (WebStation, ChannelsStation, DwellStation))
        if not (merges or collects or holds):
            continue
        why = "merges lots" if merges else f"collects {batch} lots" if collects else f"is a {station.kind} station"
        for tie in graph.feeds.get(name, ()):
            giver = graph.nodes.get(tie.giver)
            if isinstance(giver, Buffer) and giver.capacity == 0.0:
                path = (*graph.paths[tie.giver], "capacity")
                message = f"'{name}' {why}, so the buffer before it needs room"
                yield LineProblem(path, message, "give it the capacity of at least one lot")
            elif (merges or collects) and not isinstance(giver, (Buffer, Source)) and tie.giver in graph.nodes:
                message = (
                    f"'{name}' {why}, and '{tie.giver}' would hold each finished lot: there is no room between them"
                )
                yield LineProblem(tie.path, message, f"put a buffer between '{tie.giver}' and '{name}'")


class _Flow(NamedTuple):
    """What leaves a node: unit and amount of a lot, None where a step's physics decides."""

    unit: str | None
    amount: float | None


def _flows(graph: Graph) -> Iterator[LineProblem]:
    """Units that do not match, and stores too small for one lot, as far as amounts are known beforehand."""
    flows: dict[str, _Flow] = {}
    for name in graph.in_order():
        node = graph.nodes[name]
        tied = [tie for tie in graph.feeds.get(name, ()) if tie.giver in flows]
        flow = flows[tied[0].giver] if tied else _Flow(None, None)
        if isinstance(node, Source):
            flows[name] = _Flow(node.unit, node.amount)
            continue
        if not isinstance(node.feed, dict) and not isinstance(node, Sink):
            yield from _mixed(name, [(tie.path, tie.giver, flows[tie.giver].unit) for tie in tied])
            if any(flows[tie.giver].amount != flow.amount for tie in tied):
                flow = _Flow(flow.unit, None)
        if isinstance(node, Buffer):
            if node.unit is not None and flow.unit is not None and node.unit != flow.unit:
                path = (*graph.paths[name], "unit")
                message = f"counts {node.unit}, and '{tied[0].giver}' delivers {flow.unit}"
                yield LineProblem(path, message, f"leave the unit out, or give '{tied[0].giver}' an output.unit")
                flow = _Flow(node.unit, None)
            flow = _Flow(node.unit or flow.unit, flow.amount)
            yield from _too_small(graph, name, node.capacity, flow)
        elif not isinstance(node, Sink):
            if isinstance(node, WebStation) and node.step is None and flow.unit not in (None, "m"):
                path = (*graph.paths[name], "from")
                message = f"a web station takes metres, and '{tied[0].giver}' delivers {flow.unit}"
                yield LineProblem(path, message, "give what feeds it the unit m")
            if isinstance(node, DwellStation):
                yield from _too_small(graph, name, node.capacity, flow)
            if isinstance(node.feed, dict):
                yield from _too_small_to_merge(graph, name, tied, flows)
            flow = _output(node, flow)
        flows[name] = flow


def _output(node: BatchStation | ChannelsStation | DwellStation | SerialStation | WebStation, taken: _Flow) -> _Flow:
    steps = [node.step]
    if isinstance(node, SerialStation):
        steps += [machine.step for machine in node.machines.values()]
    physics = any(step is not None for step in steps)
    unit = node.output.unit or (None if physics else taken.unit)
    if node.output.amount is not None:
        return _Flow(unit, node.output.amount)
    if physics or taken.amount is None:
        return _Flow(unit, None)
    amount = taken.amount / node.output.lots
    # Parts and cells are not cut up: pieces of a lot that cannot be shared out evenly differ.
    return _Flow(unit, None if unit in COUNTED and amount != round(amount) else amount)


def _mixed(name: str, given: list[tuple[TreePath, str, str | None]]) -> Iterator[LineProblem]:
    known = [one for one in given if one[2] is not None]
    for path, giver, unit in known[1:]:
        if unit != known[0][2]:
            message = f"'{giver}' delivers {unit}, and '{known[0][1]}' {known[0][2]}"
            yield LineProblem(path, message, f"what '{name}' takes from any of several must be counted alike")


def _too_small(graph: Graph, name: str, capacity: float | None, flow: _Flow) -> Iterator[LineProblem]:
    if capacity is None or flow.amount is None or not 0.0 < capacity < flow.amount:
        return
    message = f"holds {capacity:g} {flow.unit}, and one lot is {flow.amount:g}"
    yield LineProblem((*graph.paths[name], "capacity"), message, "nothing could ever enter: make it larger")


def _too_small_to_merge(graph: Graph, name: str, tied: list[Tie], flows: dict[str, _Flow]) -> Iterator[LineProblem]:
    for tie in tied:
        giver, amount = graph.nodes[tie.giver], flows[tie.giver].amount
        if not isinstance(giver, (Buffer, DwellStation)) or giver.capacity is None or amount is None:
            continue
        room = math.floor(giver.capacity / amount * (1.0 + 1e-9))
        if 0 < room < tie.lots:
            message = f"takes {tie.lots} lots of '{tie.giver}' at a time, which has room for {room}"
            yield LineProblem(tie.path, message, f"give '{tie.giver}' the capacity of at least {tie.lots} lots")


def _endless(line: Line, graph: Graph) -> Iterator[LineProblem]:
    """Sources that always have a lot at hand, with nothing behind them that takes time or fills up."""
    for name, source in line.sources.items():
        if source.interarrival is not None or source.lots is not None:
            continue
        for end in _reached_at_once(graph, name):
            hint = f"give '{name}' an interarrival or a number of lots" + (
                "" if isinstance(graph.nodes[end], Sink) else f", or '{end}' a capacity"
            )
            message = f"always has a lot at hand, and '{end}' takes lots without end and without delay"
            yield LineProblem(graph.paths[name], message, hint)


def _reached_at_once(graph: Graph, start: str) -> Iterator[str]:
    """Bottomless nodes that a lot reaches from `start` in no time."""
    ways, seen = [start], {start}
    for name in ways:
        for taker in graph.takers[name]:
            if taker in seen:
                continue
            seen.add(taker)
            node = graph.nodes[taker]
            stores = isinstance(node, (Buffer, DwellStation))
            if isinstance(node, Sink) or (stores and getattr(node, "capacity", None) is None):
                yield taker
            elif isinstance(node, Buffer) or _takes_no_time(node):
                ways.append(taker)


def _takes_no_time(node: object) -> bool:
    """Whether a station is known to take no time; where a step decides, it is not known."""
    if getattr(node, "step", None) is not None:
        return False
    if isinstance(node, SerialStation):
        laws = [node.cycle] if not node.machines else [machine.cycle for machine in node.machines.values()]
        return all(law is not None and _always_zero(law) for law in laws)
    if isinstance(node, BatchStation):
        return _always_zero(node.cycle)
    if isinstance(node, ChannelsStation):
        return node.occupied is not None and _always_zero(node.occupied)
    return isinstance(node, DwellStation) and node.minimum is not None and _always_zero(node.minimum)
