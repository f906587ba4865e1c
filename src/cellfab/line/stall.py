"""Has the line come to a standstill, and who waits for whom?"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import TYPE_CHECKING

from simpy.events import Event

from cellfab.line.buffers import Buffer, Store
from cellfab.line.nodes import Giver, Node
from cellfab.line.sources import Source
from cellfab.line.stations import Station

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun


class Drain:
    """Looks whether nothing inside, or in the nodes named, will ever move unless somebody acts from outside.

    Attributes
    ----------
    event : Event
        For whoever waits for it; succeeds when the line finds that it is over.
    """

    def __init__(self, run: LineRun, names: Set[str] | None = None) -> None:
        self.event = Event(run.env)
        self._nodes = [node for node in run.nodes.values() if names is None or node.name in names]

    def is_over(self) -> bool:
        """Asked of a settled tick."""
        for index, node in enumerate(self._nodes):
            if _will_move(node):
                # The next time it is the first one asked: what moves mostly moves for long.
                self._nodes[0], self._nodes[index] = node, self._nodes[0]
                return False
        return True


def _will_move(node: Node) -> bool:
    if isinstance(node, Source):
        return not node.saturated and not node.stopped and not node.exhausted
    if isinstance(node, Store):
        return node.ripening > 0 or (node.closed and node.queue.value > 0) or node.has_deadlines
    if isinstance(node, Station):
        fed = any(giver.ready() for giver in node.feeds)
        if fed and (node.off or node.held):
            return True
        return any(not unit.waits and (fed or unit.lots) for unit in node.units)
    return False


def explain(run: LineRun) -> str:
    """Who waits for whom, and the circle if there is one."""
    waits: dict[str, list[str]] = {}
    reasons: list[str] = []
    for node in run.nodes.values():
        for other, reason in _waits_for(node):
            if other.name not in waits.setdefault(node.name, []):
                waits[node.name].append(other.name)
            reasons.append(f"  {reason}")
    circle = _circle(waits)
    lines = [
        f"nothing can move any more since {max(run.settled_at, 0) / 3.6e9:.6g} h, with {run.wip.value} lots inside:",
        *dict.fromkeys(reasons),
    ]
    if circle:
        lines.append("  circle: " + " -> ".join(circle))
    return "\n".join(lines)


def _waits_for(node: Node) -> Iterable[tuple[Node, str]]:
    if isinstance(node, Giver) and node.ready():
        for taker in node.takers:
            what = "has a lot ready" if isinstance(node, Store | Source) else "holds a finished lot"
            yield taker, f"'{node.name}' {what} and waits for '{taker.name}' to take it"
    if isinstance(node, Buffer) and node.returns is not None and node.returns.ready():
        for taker in node.returns.takers:
            yield taker, f"'{node.name}' holds an expired lot and waits for room in '{taker.name}'"
    if isinstance(node, Station) and any(unit.hungry for unit in node.units):
        needs = node.needs or [(giver, 1) for giver in node.feeds]
        for giver, count in needs:
            ready = giver.ready()
            if ready < count:
                dry = isinstance(giver, Source) and giver.dry
                end = ", which has no more" if dry else f", which has {ready} of {count}"
                yield giver, f"'{node.name}' waits for lots of '{giver.name}'{end}"
        if node.pairs and all(giver.ready() >= count for giver, count in needs):
            for giver, _ in needs:
                there = " and ".join(giver.products())
                yield giver, f"'{node.name}' merges lots for one product, and of '{giver.name}' has some for {there}"
    if isinstance(node, Store) and not node.ready():
        for giver in node.feeds:
            if not giver.ready():
                dry = isinstance(giver, Source) and giver.dry
                yield giver, f"'{node.name}' waits for lots of '{giver.name}'" + (", which has no more" if dry else "")


def _circle(waits: dict[str, list[str]]) -> list[str]:
    """A circle in who waits for whom, its first name repeated at the end; empty if there is none."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        done.add(name)
        for other in waits.get(name, ()):
            found = visit(other, [*path, name])
            if found:
                return found
        return []

    for name in waits:
        found = visit(name, [])
        if found:
            return found
    return []
