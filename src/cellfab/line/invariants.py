"""What must hold in every run: lots are neither lost nor made up, and no unit is in two states at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cellfab.errors import InvariantError
from cellfab.line.buffers import Store
from cellfab.line.dwell import DwellStation
from cellfab.line.nodes import Node
from cellfab.line.sources import Source
from cellfab.line.stations import Station

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun


def check_run(run: LineRun) -> None:
    """Check every conservation law at the end of a run (statistics flushed up to now).

    Raises
    ------
    InvariantError
        Naming the station or buffer, the lot where one can be named, and both sides of the law that does not hold.
    """
    for node in run.nodes.values():
        _lots_are_conserved(node)
        if isinstance(node, Store):
            _stays_add_up(node, run.now)
        if isinstance(node, Station | DwellStation):
            _states_add_up(node, run.now)
    inside = sum(node.inside for node in (*run.sources.values(), *run.stations.values(), *run.buffers.values()))
    if inside != run.wip.value:
        raise InvariantError(f"the line: {run.wip.value} lots ought to be inside, but its places hold {inside}")
    entered = sum(source.entered for source in run.sources.values())
    made = sum(node.made - node.merged for node in run.nodes.values())
    gone = run.lots_finished + run.lots_thrown_away + sum(source.lost_in_all for source in run.sources.values())
    if entered + made != gone + inside:
        raise InvariantError(
            f"the line: {entered} lots entered and {made} were made, but {gone} left or were scrapped "
            f"and {inside} are inside"
        )


def _lots_are_conserved(node: Node) -> None:
    if isinstance(node, Station):
        held = sum(len(unit.lots) for unit in node.units)
        twice = _in_two_units(node)
    elif isinstance(node, Store):
        held, twice = node.queue.value, None
    elif isinstance(node, Source):
        held, twice = 0 if node.saturated else len(node.pending), None
    else:
        return
    if twice is not None:
        raise InvariantError(f"'{node.name}': lot {twice} is in two units at once")
    if held != node.inside:
        raise InvariantError(
            f"'{node.name}': {node.entered} lots came in and {node.made} were made, {node.left} left, "
            f"{node.scrapped} were scrapped and {node.merged} merged, but {held} are in it instead of {node.inside}"
        )
    if isinstance(node, Store):
        amount = node.amount_in - node.amount_out
        inside = sum(place.lot.amount for place in node.places())
        if not math.isclose(amount, inside, rel_tol=1e-9, abs_tol=1e-6 * max(1.0, node.amount_in)):
            raise InvariantError(f"'{node.name}': the books hold {amount:g}, the lots in it add up to {inside:g}")


def _in_two_units(station: Station) -> int | None:
    seen: set[int] = set()
    for unit in station.units:
        for lot in unit.lots:
            if id(lot) in seen:
                return lot.identity
            seen.add(id(lot))
    return None


def _stays_add_up(store: Store, now: int) -> None:
    """Little's law, exactly: the number inside integrates to the sum of all stays, those of lots inside included."""
    stays = store.waited + sum(now - place.entered for place in store.places())
    if stays != store.queue.area(now):
        raise InvariantError(
            f"'{store.name}': its lots stayed {stays} ticks, but the number in it integrates to {store.queue.area(now)}"
        )


def _states_add_up(station: Station | DwellStation, now: int) -> None:
    units, there = station.unit_count, max(0, now - station.begins)
    booked = sum(sum(week) for week in station.book.weeks)
    if booked != units * there:
        raise InvariantError(
            f"'{station.name}': {units} units x {there} ticks, but {booked} ticks are booked to states"
        )
    if min((min(week) for week in station.book.weeks), default=0) < 0:
        raise InvariantError(f"'{station.name}': time in a state is negative")
