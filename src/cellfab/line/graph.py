"""The wiring of a line: who feeds whom, and whether it can work at all."""

from __future__ import annotations

from collections.abc import Iterable

from cellfab.config.line_spec import Feed, Line
from cellfab.errors import ConfigError


def feed_names(feed: Feed) -> dict[str, int]:
    """Names in a feed, in the order written, with the lots taken from each at a time."""
    if isinstance(feed, str):
        return {feed: 1}
    if isinstance(feed, dict):
        return dict(feed)
    return dict.fromkeys(feed, 1)


def node_names(line: Line) -> list[str]:
    """All nodes in the order of their rank: sources, stations, buffers, sinks, each in the order written."""
    return [*line.sources, *line.stations, *line.buffers, *line.sinks]


def check(line: Line) -> None:
    """Raise a `ConfigError` that lists everything that keeps the line from working.

    A scenario file has been checked before, with line numbers; this is for lines that are built in Python.
    """
    problems = [*_unknown_names(line)]
    if not problems:
        problems = [*_unfed(line), *_cycles(line), *_endless(line)]
    if problems:
        raise ConfigError("\n".join(problems), tuple(problems))


def _takers(line: Line) -> Iterable[tuple[str, Feed]]:
    for group in (line.stations, line.buffers, line.sinks):
        for name, spec in group.items():
            yield name, spec.feed


def _unknown_names(line: Line) -> Iterable[str]:
    names = node_names(line)
    for name in names:
        if names.count(name) > 1:
            yield f"the name '{name}' is given twice"
    for name, feed in _takers(line):
        for giver in feed_names(feed):
            if giver not in names:
                yield f"'{name}' is fed from '{giver}', which is not in the line"
            elif giver in line.sinks:
                yield f"'{name}' is fed from the sink '{giver}'"
        if isinstance(feed, dict) and name not in line.stations:
            yield f"'{name}' cannot merge lots: only a station can be fed by a mapping"
    for name, station in line.stations.items():
        for mode in station.failures.values():
            if mode.crew is not None and mode.crew not in line.crews:
                yield f"'{name}' calls the crew '{mode.crew}', which is not in the line"
        if station.calendar is not None and station.calendar not in line.calendars:
            yield f"'{name}' follows the calendar '{station.calendar}', which is not in the line"
    for name, buffer in line.buffers.items():
        if buffer.redo_at is not None and buffer.redo_at not in line.buffers:
            yield f"'{name}' sends expired lots to '{buffer.redo_at}', which is not a buffer"


def _unfed(line: Line) -> Iterable[str]:
    fed = {giver for _, feed in _takers(line) for giver in feed_names(feed)}
    for name in node_names(line):
        if name not in fed and name not in line.sinks:
            yield f"nothing takes lots from '{name}'"


def _cycles(line: Line) -> Iterable[str]:
    feeds = {name: list(feed_names(feed)) for name, feed in _takers(line)}
    done: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> str | None:
        if name in path:
            return " <- ".join([*path[path.index(name) :], name])
        if name in done:
            return None
        path.append(name)
        for giver in feeds.get(name, ()):
            found = visit(giver)
            if found:
                return found
        path.pop()
        done.add(name)
        return None

    for name in feeds:
        found = visit(name)
        if found:
            yield f"the line runs in a circle: {found}"
            return


def _endless(line: Line) -> Iterable[str]:
    for name, feed in _takers(line):
        for giver in feed_names(feed):
            source = line.sources.get(giver)
            if source is None or source.interarrival is not None or source.lots is not None:
                continue
            if name in line.sinks or (name in line.buffers and line.buffers[name].capacity is None):
                yield f"source '{giver}' always has a lot at hand, and '{name}' takes without end: give it a capacity"
