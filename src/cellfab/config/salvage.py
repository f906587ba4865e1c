"""A line with faulty parts: what can still be said about its wiring, so that all problems come out in one go."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from cellfab.config.distribution import Deterministic
from cellfab.config.line_graph import Graph, LineProblem, name_problems, wiring_problems
from cellfab.config.line_spec import Buffer, Feed, Line, SerialStation, Sink, Source
from cellfab.config.resolved import Resolved
from cellfab.config.tree_path import TreePath

_FEED: TypeAdapter[Any] = TypeAdapter(Feed)
_ONE_SECOND = Deterministic(law="deterministic", value_s=1.0)


def wiring_problems_of_faulty(resolved: Resolved, at: TreePath = ("line",)) -> list[LineProblem]:
    """Problems of names and wiring in a line that does not validate, as far as each node says what feeds it.

    Every node is replaced by a plain one with the same name and feed. Empty if even that cannot be made out: a group
    that is not a mapping, or a `from` that cannot be read (which has been reported as such).
    """
    groups: dict[str, dict[str, Any]] = {}
    for group in ("sources", "buffers", "stations", "sinks"):
        nodes = resolved.get((*at, group), {})
        if not isinstance(nodes, dict):
            return []
        groups[group] = nodes
    try:
        line = Line(
            sources={name: Source() for name in groups["sources"]},
            buffers={name: Buffer(feed=_feed(node)) for name, node in groups["buffers"].items()},
            stations={
                name: SerialStation(kind="serial", feed=_feed(node), cycle=_ONE_SECOND)
                for name, node in groups["stations"].items()
            },
            sinks={name: Sink(feed=_feed(node)) for name, node in groups["sinks"].items()},
        )
    except ValidationError:
        return []
    # Where two nodes share a name, nothing can be said about who feeds whom.
    return list(name_problems(line, at)) or list(wiring_problems(Graph.of(line, at)))


def _feed(node: Any) -> Any:
    return _FEED.validate_python(node.get("from") if isinstance(node, dict) else None)
