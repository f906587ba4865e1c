"""How near each station is to the sinks: what is nearest moves first within a tick."""

from __future__ import annotations

from collections.abc import Collection

from cellfab.line.nodes import Giver, Node
from cellfab.line.stations import Station


def count_places_ahead(nodes: Collection[Node]) -> None:
    """Set `places_ahead` of every station: nodes between it and the sinks, by the longest way.

    Stations that share a feed are served by how long they have waited, so they count as near as the nearest of them.

    Parameters
    ----------
    nodes : collection of Node
        All of a line, connected to each other.
    """
    givers = [node for node in nodes if isinstance(node, Giver)]
    ahead: dict[Node, int] = dict.fromkeys(nodes, 0)
    uncounted: dict[Node, int] = {giver: len(giver.takers) for giver in givers}
    counted = [node for node in nodes if not uncounted.get(node)]
    while counted:
        node = counted.pop()
        for giver in node.feeds:
            if giver in uncounted:  # lots that are redone come from none of the nodes
                ahead[giver] = max(ahead[giver], ahead[node] + 1)
                uncounted[giver] -= 1
                if not uncounted[giver]:
                    counted.append(giver)
    rivals = [[taker for taker in giver.takers if isinstance(taker, Station)] for giver in givers]
    changed = True
    while changed:
        changed = False
        for group in rivals:
            nearest = min((ahead[station] for station in group), default=0)
            for station in group:
                changed |= ahead[station] > nearest
                ahead[station] = nearest
    for node in nodes:
        if isinstance(node, Station):
            node.places_ahead = ahead[node]
