"""The line as a graph."""

from __future__ import annotations

from cellfab.outcome.graph import edges, nodes


def test_the_graph_names_every_node_once_and_every_connection(small_run):
    line = small_run.scenario.spec.line
    found, ties = nodes(line), edges(line)
    names = [name for name, *_ in found]
    assert len(names) == len(set(names))
    assert set(names) == {*line.sources, *line.stations, *line.buffers, *line.sinks}
    assert {name for edge in ties for name in edge} == set(names)
    assert {giver for giver, taker in ties if taker == "wind"} == set(line.stations["wind"].feed)
    kinds = {name: (kind, step) for name, kind, step in found}
    assert kinds["assembly"] == ("serial", "fold, tabless_weld, tabless_weld, can, fill")
    assert kinds["warehouse"] == ("sink", "")
