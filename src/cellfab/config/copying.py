"""From one line as it is written to all lines of a plant: which nodes exist once, which once per line, and their names.

A station `wind` of a line `two` becomes the station "two-wind"; what the lines share keeps its name. The graph of all
lines is made of specs that have been checked, so that whatever is wrong is found, and reported, in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cellfab.config.line_graph import Graph, LineProblem
from cellfab.config.line_spec import Crew, FailureMode, Feed, Line, SerialStation, Station
from cellfab.config.lines_spec import MOST_LINES, Lines
from cellfab.config.problems import did_you_mean, listed
from cellfab.config.tree_path import TreePath
from cellfab.units import TICKS_PER_WEEK

AT: TreePath = ("lines",)
NODES = ("sources", "stations", "buffers", "sinks")
_LINE_NAME = re.compile(r"\w+")


@dataclass(frozen=True)
class Layout:
    """Which node of a plant is on which line.

    Attributes
    ----------
    lines : tuple of str
        Names, in the order in which they start; empty where a scenario does not speak of lines.
    line_of : mapping of str to str
        By node (and crew): its line; what is shared is left out.
    written : mapping of str to str
        By node (and crew): its name under `line`.
    start_weeks : mapping of str to float
        By line.
    copied_from : mapping of str to str
        By line after the first: the line that it is a copy of.
    """

    lines: tuple[str, ...] = ()
    line_of: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)
    start_weeks: Mapping[str, float] = field(default_factory=dict)
    copied_from: Mapping[str, str] = field(default_factory=dict)

    def name_on(self, line: str, written: str) -> str:
        """What a node (or "station.machine") written under `line` is called on one of the lines."""
        own = f"{line}-{written}"
        return own if own.partition(".")[0] in self.line_of else written

    def copies(self, written: str) -> tuple[str, ...]:
        """All nodes that a node written under `line` has become."""
        return tuple(dict.fromkeys(self.name_on(line, written) for line in self.lines)) or (written,)

    def begins(self) -> dict[str, int]:
        """Tick at which each node of a line comes alive that is not there from the start."""
        ticks = {line: round(week * TICKS_PER_WEEK) for line, week in self.start_weeks.items()}
        return {node: ticks[line] for node, line in self.line_of.items() if ticks[line]}

    def twin(self, node: str) -> str | None:
        """The same node on the line that its own line is a copy of; None on the first line, and for what is shared."""
        model = self.copied_from.get(self.line_of.get(node, ""))
        return None if model is None else self.name_on(model, self.written[node])


def shared_nodes(line: Line, lines: Lines) -> set[str]:
    """Nodes of which there is one for all lines: the stations named, the buffers beside them, sources that feed nothing
    else, and sinks that take from nothing else."""
    graph = Graph.of(line, ("line",))
    shared = {name for name in lines.shared if name in graph.nodes}
    stations = shared & line.stations.keys()
    givers = {name: {tie.giver for tie in graph.feeds.get(name, ())} for name in graph.nodes}
    for name in line.buffers:
        if stations & (givers[name] | set(graph.takers[name])):
            shared.add(name)
    for name in line.sources:
        if graph.takers[name] and shared.issuperset(graph.takers[name]):
            shared.add(name)
    for name in line.sinks:
        if givers[name] and shared.issuperset(givers[name]):
            shared.add(name)
    return shared


def layout(line: Line, lines: Lines) -> Layout:
    """Names of all nodes of all lines."""
    shared, names = shared_nodes(line, lines), lines.names()
    line_of: dict[str, str] = {}
    written: dict[str, str] = {}
    own = [name for group in NODES for name in getattr(line, group) if name not in shared]
    own += [name for name in line.crews if name not in lines.shared_crews]
    for name in names:
        for node in own:
            line_of[f"{name}-{node}"] = name
            written[f"{name}-{node}"] = node
    written |= {node: node for node in (*sorted(shared), *line.crews)}
    copied = {name: model for name in names if (model := lines.copied_from(name)) is not None}
    return Layout(names, line_of, written, lines.start_weeks(), copied)


def all_lines(each: Mapping[str, Line], plan: Layout) -> Line:
    """The graph of a plant: every line's own nodes, and once what they share.

    Parameters
    ----------
    each : mapping of str to Line
        By line, as it would be alone; they differ in parameters only.
    plan : Layout
    """
    first = each[plan.lines[0]]
    made: dict[str, dict[str, Any]] = {}
    for group in NODES:
        made[group] = {}
        for node in getattr(first, group):
            for name in plan.copies(node):
                line = plan.line_of.get(name, plan.lines[0])
                spec = getattr(each[line], group)[node]
                made[group][name] = _renamed(spec, plan, plan.line_of.get(name))
    crews = {
        name: each[plan.line_of.get(name, plan.lines[0])].crews[crew]
        for crew in first.crews
        for name in plan.copies(crew)
    }
    return Line(**made, crews=_with_crews_of_shared(first, plan, made["stations"], crews), calendars=first.calendars)


def _with_crews_of_shared(
    line: Line, plan: Layout, stations: Mapping[str, Station], crews: dict[str, Crew]
) -> dict[str, Crew]:
    """Shared stations keep the crew as written, besides the crews of each line."""
    for name, station in stations.items():
        if name not in plan.line_of:
            crews |= {mode.crew: line.crews[mode.crew] for mode in _modes(station) if mode.crew is not None}
    return crews


def _modes(station: Station) -> Iterator[FailureMode]:
    yield from station.failures.values()
    if isinstance(station, SerialStation):
        for machine in station.machines.values():
            yield from machine.failures.values()


def _renamed(spec: Any, plan: Layout, line: str | None) -> Any:
    """A node as it stands on `line` (None: shared), with every name in it that of a node or crew of that line."""
    changes: dict[str, Any] = {}
    if hasattr(spec, "feed"):
        changes["feed"] = _feed(spec.feed, plan, line)
    if getattr(spec, "redo_at", None) is not None:
        changes["redo_at"] = spec.redo_at if line is None else plan.name_on(line, spec.redo_at)
    if line is not None and hasattr(spec, "failures"):
        changes["failures"] = _own_crews(spec.failures, plan, line)
        if isinstance(spec, SerialStation):
            changes["machines"] = {
                name: machine.model_copy(update={"failures": _own_crews(machine.failures, plan, line)})
                for name, machine in spec.machines.items()
            }
    return spec.model_copy(update=changes) if changes else spec


def _feed(feed: Feed, plan: Layout, line: str | None) -> Feed:
    names: Callable[[str], Sequence[str]] = plan.copies if line is None else lambda name: (plan.name_on(line, name),)
    if isinstance(feed, dict):
        return {name: lots for written, lots in feed.items() for name in names(written)}
    found = [name for written in ((feed,) if isinstance(feed, str) else feed) for name in names(written)]
    return found[0] if isinstance(feed, str) and len(found) == 1 else tuple(found)


def _own_crews(modes: Mapping[str, FailureMode], plan: Layout, line: str) -> dict[str, FailureMode]:
    return {
        name: mode if mode.crew is None else mode.model_copy(update={"crew": plan.name_on(line, mode.crew)})
        for name, mode in modes.items()
    }


def lines_problems(line: Line, lines: Lines) -> list[LineProblem]:
    """What keeps a plant of several lines from being made of one.

    Parameters
    ----------
    line : Line
        Without problems of its own.
    lines : Lines
    """
    problems = [*_names(lines), *_starts(lines), *_models(lines), *_shared(line, lines), *_differences(line, lines)]
    if not problems:
        problems = [*_clashes(line, lines), *_meetings(line, lines)]
    return problems


def _names(lines: Lines) -> Iterator[LineProblem]:
    names = lines.names()
    if not names:
        yield LineProblem(AT, "says of no line that it exists", "name them under 'named', or give a 'count'")
    for name in lines.named:
        path = (*AT, "named", name)
        if name not in names:
            yield LineProblem(path, f"there is no line '{name}'", f"with a count, lines are called {listed(names)}")
        elif not _LINE_NAME.fullmatch(name):
            yield LineProblem(path, f"'{name}' cannot be the name of a line", "names hold letters, digits and '_'")
    if len(names) > MOST_LINES:
        yield LineProblem((*AT, "named"), f"a plant has at most {MOST_LINES} lines, and these are {len(names)}")


def _starts(lines: Lines) -> Iterator[LineProblem]:
    before, latest = "", 0.0
    for name, week in lines.start_weeks().items():
        path = (*AT, "named", name, "start_week")
        if not before and week > 0.0:
            message = f"the run begins with the first line, and '{name}' starts in week {week:g}"
            yield LineProblem(path, message, "write 0, or leave it out")
        elif week < latest:
            message = f"'{name}' starts in week {week:g}, before '{before}' in week {latest:g}"
            yield LineProblem(path, message, "lines stand in the order in which they start")
        before, latest = name, max(week, latest)


def _models(lines: Lines) -> Iterator[LineProblem]:
    names = lines.names()
    for position, name in enumerate(names):
        model = lines.named[name].copy_of if name in lines.named else None
        path = (*AT, "named", name, "copy_of")
        if model is None:
            continue
        if model not in names:
            yield LineProblem(path, f"there is no line '{model}'", did_you_mean(model, names))
        elif names.index(model) >= position:
            hint = f"before it start: {listed(names[:position])}" if position else "the first line is a copy of none"
            yield LineProblem(path, f"'{name}' can be a copy of an earlier line only", hint)


def _shared(line: Line, lines: Lines) -> Iterator[LineProblem]:
    known = list(line.stations)
    for position, name in enumerate(lines.shared):
        path = (*AT, "shared", position)
        if name not in known:
            yield LineProblem(path, f"there is no station '{name}' in the line", did_you_mean(name, known))
        elif name in lines.shared[:position]:
            yield LineProblem(path, f"'{name}' is named twice")
    for position, name in enumerate(lines.shared_crews):
        path = (*AT, "shared_crews", position)
        if name not in line.crews:
            hint = did_you_mean(name, line.crews) if line.crews else "the line has no crews"
            yield LineProblem(path, f"there is no crew '{name}' in the line", hint)
        elif name in lines.shared_crews[:position]:
            yield LineProblem(path, f"'{name}' is named twice")


def _differences(line: Line, lines: Lines) -> Iterator[LineProblem]:
    """What a line changes must be its own."""
    shared = shared_nodes(line, lines)
    groups = (*NODES, "crews")
    for name, one in lines.named.items():
        for group, changed in one.line.items():
            path = (*AT, "named", name, "line", group)
            if group not in groups:
                hint = "calendars are common to all lines" if group == "calendars" else did_you_mean(group, groups)
                yield LineProblem(path, f"a line has no '{group}' of its own", hint)
                continue
            known = getattr(line, group)
            for node in changed if isinstance(changed, dict) else ():
                if node not in known:
                    message = f"there is no '{node}' under line.{group} that could be different here"
                    yield LineProblem((*path, node), message, did_you_mean(node, known))
                elif node in shared or (group == "crews" and node in lines.shared_crews):
                    message = f"'{node}' is shared by all lines, and cannot be different on one"
                    yield LineProblem((*path, node), message, f"change line.{group}.{node}")


def _clashes(line: Line, lines: Lines) -> Iterator[LineProblem]:
    """A node as written that has the very name that a line gives to one of its own."""
    plan = layout(line, lines)
    for group in (*NODES, "crews"):
        for name in getattr(line, group):
            if name in plan.line_of:
                message = f"'{name}' is also what '{plan.written[name]}' of line '{plan.line_of[name]}' is called"
                yield LineProblem(("line", group, name), message, "give one of them another name")


def _meetings(line: Line, lines: Lines) -> Iterator[LineProblem]:
    """Shared nodes that need something of every line at once."""
    shared = shared_nodes(line, lines)
    graph = Graph.of(line, ("line",))
    for name in (*line.stations, *line.buffers):
        if name not in shared:
            continue
        for tie in graph.feeds[name]:
            if tie.giver not in shared and isinstance(graph.nodes[name].feed, dict):  # type: ignore[union-attr]
                message = f"'{name}' is shared and merges lots, but '{tie.giver}' exists once per line"
                hint = f"put a buffer between them, or share '{tie.giver}', too"
                yield LineProblem(tie.path, message, hint)
    for name, buffer in line.buffers.items():
        if name in shared and buffer.redo_at is not None and buffer.redo_at not in shared:
            message = f"'{name}' is shared, and does not know to which line's '{buffer.redo_at}' a lot goes back"
            yield LineProblem(("line", "buffers", name, "redo_at"), message, "send lots back to a shared buffer")
