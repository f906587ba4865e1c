"""The line as the report draws it: nodes and connections."""

from __future__ import annotations

from cellfab.config.line_graph import givers
from cellfab.config.line_spec import Line, SerialStation


def nodes(line: Line) -> tuple[tuple[str, str, str], ...]:
    """(name, kind, step) of every node of the line."""
    found = [(name, "source", "") for name in line.sources]
    for name, station in line.stations.items():
        steps = [station.step or ""]
        if isinstance(station, SerialStation) and station.machines:
            steps = [machine.step or machine_name for machine_name, machine in station.machines.items()]
        found.append((name, station.kind, ", ".join(steps)))
    found += [(name, "buffer", "") for name in line.buffers]
    found += [(name, "sink", "") for name in line.sinks]
    return tuple(found)


def edges(line: Line) -> tuple[tuple[str, str], ...]:
    """(from, to) of every connection of the line."""
    takers = (*line.stations.items(), *line.buffers.items(), *line.sinks.items())
    return tuple((giver, name) for name, taker in takers for giver in givers(taker.feed))
