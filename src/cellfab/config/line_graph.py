"""The wiring of a line as a graph of names, and what is wrong with the wiring alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cellfab.config.line_spec import Buffer, DwellStation, Feed, Line, SerialStation, Sink, Source, Station
from cellfab.config.problems import did_you_mean, listed
from cellfab.config.tree_path import TreePath

Node = Source | Buffer | Station | Sink
_NAME = re.compile(r"\w[\w-]*")


class LineProblem(NamedTuple):
    """Something that keeps a line from working: where it is written, what is wrong, what to do."""

    path: TreePath
    message: str
    hint: str = ""


class Tie(NamedTuple):
    """One name in the `from` of a node: how many lots are taken from it at a time, and where the name is written."""

    giver: str
    lots: int
    path: TreePath


def ties(path: TreePath, feed: Feed) -> list[Tie]:
    """The names in a feed, in the order written; `path` is the feed's own."""
    if isinstance(feed, str):
        return [Tie(feed, 1, path)]
    if isinstance(feed, dict):
        return [Tie(name, lots, (*path, name)) for name, lots in feed.items()]
    return [Tie(name, 1, (*path, position)) for position, name in enumerate(feed)]


def givers(feed: Feed) -> tuple[str, ...]:
    """The names in a feed alone."""
    return (feed,) if isinstance(feed, str) else tuple(feed)


@dataclass(frozen=True)
class Graph:
    """Nodes by name with where they are written, what feeds each and what each feeds.

    Attributes
    ----------
    paths : dict of str to TreePath
        Where each node is written ("line", "stations", "weld").
    nodes : dict of str to spec
        Sources, buffers, stations and sinks, in this order.
    feeds : dict of str to list of Tie
        What feeds a node; none for sources.
    takers : dict of str to list of str
        What takes from a node; unknown names are left out.
    """

    paths: dict[str, TreePath]
    nodes: dict[str, Node]
    feeds: dict[str, list[Tie]]
    takers: dict[str, list[str]]

    @classmethod
    def of(cls, line: Line, at: TreePath) -> Graph:
        """The graph of a line that is written at a path."""
        paths: dict[str, TreePath] = {}
        nodes: dict[str, Node] = {}
        feeds: dict[str, list[Tie]] = {}
        for kind in ("sources", "buffers", "stations", "sinks"):
            for name, node in getattr(line, kind).items():
                paths.setdefault(name, (*at, kind, name))
                nodes.setdefault(name, node)
                if not isinstance(node, Source):
                    feeds.setdefault(name, ties((*at, kind, name, "from"), node.feed))
        takers: dict[str, list[str]] = {name: [] for name in nodes}
        for name, tied in feeds.items():
            for tie in tied:
                if tie.giver in takers:
                    takers[tie.giver].append(name)
        return cls(paths, nodes, feeds, takers)

    def in_order(self) -> list[str]:
        """Names so that each comes after what feeds it; what is on a circle, or after one, is left out."""
        waiting = {name: sum(tie.giver in self.nodes for tie in self.feeds.get(name, ())) for name in self.nodes}
        ready = [name for name, count in waiting.items() if count == 0]
        for name in ready:
            for taker in self.takers[name]:
                waiting[taker] -= 1
                if waiting[taker] == 0:
                    ready.append(taker)
        return ready


def wiring_problems(graph: Graph) -> Iterator[LineProblem]:
    """Unknown names, open ends and circles: what can be said without knowing how a station works."""
    unknown = list(_unknown_givers(graph))
    yield from unknown
    yield from _open_ends(graph, {problem.path[-2] for problem in unknown})
    yield from _circles(graph)


def name_problems(line: Line, at: TreePath) -> Iterator[LineProblem]:
    """Names that two nodes share, or that would be ambiguous in results ("station.machine", "from -> to")."""
    seen: dict[str, str] = {}
    for kind in ("sources", "buffers", "stations", "sinks", "crews", "calendars"):
        for name in getattr(line, kind):
            path = (*at, kind, name)
            if not _NAME.fullmatch(name):
                yield LineProblem(path, f"'{name}' cannot be a name", "names hold letters, digits, '_' and '-'")
            if kind in ("crews", "calendars"):
                continue
            if name in seen:
                yield LineProblem(path, f"'{name}' is also the name of one of the {seen[name]}", "names must differ")
            seen.setdefault(name, kind)
    for name, station in line.stations.items():
        if isinstance(station, SerialStation):
            for machine in station.machines:
                if not _NAME.fullmatch(machine):
                    path = (*at, "stations", name, "machines", machine)
                    yield LineProblem(path, f"'{machine}' cannot be a name", "names hold letters, digits, '_' and '-'")


def _unknown_givers(graph: Graph) -> Iterator[LineProblem]:
    for name, tied in graph.feeds.items():
        seen = set()
        path = (*graph.paths[name], "from")
        if not tied:
            yield LineProblem(path, f"nothing feeds '{name}'", "name what it takes from")
        for tie in tied:
            if tie.giver in seen:
                yield LineProblem(tie.path, f"'{tie.giver}' is named twice")
            elif tie.giver not in graph.nodes:
                known = [other for other, node in graph.nodes.items() if not isinstance(node, Sink) and other != name]
                yield LineProblem(tie.path, f"there is no '{tie.giver}' in the line", did_you_mean(tie.giver, known))
            elif isinstance(graph.nodes[tie.giver], Sink):
                yield LineProblem(tie.path, f"'{tie.giver}' is a sink, and nothing can be taken from it")
            seen.add(tie.giver)


def _open_ends(graph: Graph, misnamed: set[str | int]) -> Iterator[LineProblem]:
    """Nodes that lead nowhere. Silent where a misspelt name elsewhere may be the reason."""
    for name, node in graph.nodes.items():
        if not graph.takers[name] and not isinstance(node, Sink) and not misnamed:
            hint = f"add a sink with from: {name}, or name it under the 'from' of what comes next"
            yield LineProblem(graph.paths[name], f"nothing takes lots from '{name}'", hint)


def _circles(graph: Graph) -> Iterator[LineProblem]:
    """Each circle once, in the direction of flow, reported at the node that is written first."""
    settled = set(graph.in_order())
    order = {name: rank for rank, name in enumerate(graph.nodes)}
    done: set[str] = set()
    for start in graph.nodes:
        if start in settled or start in done:
            continue
        circle = _circle_through(graph, start, settled)
        if circle and not done & set(circle):
            done |= set(circle)
            first = circle.index(min(circle, key=order.__getitem__))
            named = [*circle[first:], *circle[:first]]
            way = " -> ".join([*named, named[0]])
            hint = "a line runs one way; send lots back with on_expiry: redo and redo_at"
            yield LineProblem((*graph.paths[named[0]], "from"), f"the line runs in a circle: {way}", hint)


def _circle_through(graph: Graph, start: str, settled: set[str]) -> list[str]:
    """A shortest way from a node back to itself; empty if there is none."""
    came_from: dict[str, str] = {}
    ways = [start]
    for name in ways:
        for taker in graph.takers[name]:
            if taker == start:
                back = [name]
                while back[-1] != start:
                    back.append(came_from[back[-1]])
                return back[::-1]
            if taker not in came_from and taker not in settled:
                came_from[taker] = name
                ways.append(taker)
    return []


def reference_problems(line: Line, graph: Graph, at: TreePath) -> Iterator[LineProblem]:
    """Names of crews, calendars, products and buffers that are not there."""
    products = list(dict.fromkeys(product for source in line.sources.values() for product in source.products))
    for name, station in line.stations.items():
        path = (*at, "stations", name)
        if station.calendar is not None and station.calendar not in line.calendars:
            yield _no_such((*path, "calendar"), "calendar", station.calendar, list(line.calendars))
        places = [(path, station.failures)]
        if isinstance(station, SerialStation):
            places += [((*path, "machines", key), machine.failures) for key, machine in station.machines.items()]
        for place, modes in places:
            for mode, failure in modes.items():
                if failure.crew is not None and failure.crew not in line.crews:
                    yield _no_such((*place, "failures", mode, "crew"), "crew", failure.crew, list(line.crews))
        if station.changeover is not None:
            for pair in station.changeover.pairs:
                yield from _pair((*path, "changeover", "pairs", pair), pair, products)
    for name, source in line.sources.items():
        for product in source.priority:
            if product not in source.products:
                place = (*at, "sources", name, "priority", product)
                yield _no_such(place, "product", product, list(source.products))
    yield from _expiries(line, graph, at)


def _no_such(path: TreePath, what: str, name: str, known: list[str]) -> LineProblem:
    hint = did_you_mean(name, known) if known else f"the line has no {what}s"
    return LineProblem(path, f"there is no {what} '{name}'", hint)


def _pair(path: TreePath, pair: str, products: list[str]) -> Iterator[LineProblem]:
    match = re.fullmatch(r"\s*(\S(?:.*\S)?)\s*->\s*(\S(?:.*\S)?)\s*", pair)
    if match is None:
        yield LineProblem(path, f"'{pair}' is not a pair of products", 'write "from -> to", such as "ev -> ess"')
        return
    if f"{match[1]} -> {match[2]}" != pair:
        yield LineProblem(path, f"'{pair}' has odd spaces", f'write "{match[1]} -> {match[2]}"')
    for product in match.groups():
        if product not in products:
            yield _no_such(path, "product", product, products)
    if match[1] == match[2]:
        yield LineProblem(path, f"a change from '{match[1]}' to itself never happens")


def _expiries(line: Line, graph: Graph, at: TreePath) -> Iterator[LineProblem]:
    for name, buffer in line.buffers.items():
        path = (*at, "buffers", name)
        redo = buffer.on_expiry == "redo"
        if buffer.redo_at is not None and not redo:
            yield LineProblem((*path, "redo_at"), "redo_at needs on_expiry: redo", "expired lots are scrapped here")
        elif redo and buffer.redo_at is None:
            yield LineProblem(
                (*path, "on_expiry"), "redo needs redo_at", "name the buffer that expired lots go back to"
            )
        if redo and buffer.maximum_wait_h is None:
            yield LineProblem((*path, "on_expiry"), "nothing expires here without maximum_wait_h")
        if buffer.maximum_wait_h is not None and buffer.minimum_wait_h >= buffer.maximum_wait_h:
            message = f"lots expire ({buffer.maximum_wait_h:g} h) before they may leave ({buffer.minimum_wait_h:g} h)"
            yield LineProblem((*path, "maximum_wait_h"), message)
        if buffer.redo_at is None:
            continue
        before = _before(graph, name)
        if buffer.redo_at not in line.buffers:
            known = [other for other in line.buffers if other in before]
            yield _no_such((*path, "redo_at"), "buffer", buffer.redo_at, known)
        elif buffer.redo_at not in before:
            hint = f"before '{name}' lie: {listed(other for other in line.buffers if other in before)}"
            yield LineProblem((*path, "redo_at"), f"'{buffer.redo_at}' does not lie before '{name}'", hint)
    for name, station in line.stations.items():
        if isinstance(station, DwellStation) and station.on_expiry == "redo" and station.maximum_h is None:
            yield LineProblem((*at, "stations", name, "on_expiry"), "nothing expires here without maximum_h")


def _before(graph: Graph, name: str) -> set[str]:
    """A node and everything upstream of it."""
    found = {name}
    ways = [name]
    for node in ways:
        for tie in graph.feeds.get(node, ()):
            if tie.giver not in found:
                found.add(tie.giver)
                ways.append(tie.giver)
    return found
