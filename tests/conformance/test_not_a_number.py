"""What is not a number never leaves a step looking sound, whatever step and whatever column it is in."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from cellfab.core.lot import Lot
from cellfab.errors import CellfabError
from cellfab.steps.base import Merge

MARKS = ("separator_fault", "defects")
"""Columns that say of a cell that something is wrong with it, above 0."""

UNUSED = {(joiner, "binder_fraction", "cathode") for joiner in ("wind", "stack")}
"""Columns declared as read that count in the other electrode only: what the anode's binder consumes, formation wants
to know; nobody asks it of the cathode's."""


def some(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The first, the middle and the last of them."""
    return np.unique(rows[[0, rows.size // 2, -1]])


def made_of(visit, made: Lot, material: str, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Rows of the lot made that these rows of a lot that came became."""
    if not visit.makes_another:
        return rows
    if not isinstance(visit.step, Merge):
        return np.flatnonzero(np.isin(made.columns["charge"], rows))
    first_pieces = made.columns[f"{material}_row"]
    return np.searchsorted(first_pieces, rows, side="right") - 1


def to_lose(visit, material: str) -> np.ndarray[Any, Any]:
    """Rows of a lot that came to lose a number: living ones, and of a merged lot such as became part of cells.

    Of one cell the first piece, of another one that is neither the first nor the last.
    """
    lot = visit.given[material]
    if not isinstance(visit.step, Merge):
        return some(np.flatnonzero(lot.alive()))
    used = np.flatnonzero(visit.left[material].alive())  # the step may have thrown out some
    first = np.searchsorted(used, some(visit.made.columns[f"{material}_row"]))
    first[1:] += int(lot.attributes["pieces_per_cell"]) // 2
    return used[first]


def announced(made: Lot, rows: np.ndarray[Any, Any], writes: tuple[str, ...]) -> np.ndarray[Any, Any]:
    """Which of these rows are scrapped, marked as bad, or have something written that is not a number."""
    seen = ~made.alive()[rows]
    for name in writes:
        values = made.columns.get(name)
        if values is not None and values.dtype.kind == "f":
            seen |= np.isnan(values[rows])
        elif values is not None and name in MARKS:
            seen |= values[rows] > 0
    return seen


def effects(one: Lot, other: Lot, but: str) -> bool:
    """Whether two lots differ in anything but one column."""
    names = set(one.columns) - {but}
    return not np.array_equal(one.alive(), other.alive()) or any(
        one.columns[name].tobytes() != other.columns[name].tobytes() for name in names
    )


def test_what_is_not_a_number_is_announced(pilots, plant, at):
    """Three rows lose one of their numbers: the step fails, or scraps or marks them, or shows it in what it writes.

    A step may also pass a column on as it is, to a later place that reads it; and one that it does not declare as read
    may only be missed if nothing else comes of it.
    """
    visit = pilots.visits(plant)[at]
    order = pilots.on_the_way(pilots.plants[plant])
    later = [pilots.plants[plant].steps[place.key, at[1]] for place in order[order.index(visit.place) + 1 :]]
    unseen = []
    for material, lot in visit.given.items():
        for name in [name for name, values in lot.columns.items() if values.dtype.kind == "f"]:
            if (visit.step.name, name, material) in UNUSED:
                continue
            rows = to_lose(visit, material)
            given = copy.deepcopy(visit.given)
            given[material].columns[name][rows] = np.nan
            try:
                _, made = visit.again(given=given)
            except CellfabError:
                continue
            became = made_of(visit, made, material, rows)
            assert became.size
            seen = announced(made, became, visit.step.writes)
            if any(name in step.reads for step in later) and not visit.makes_another and name in made.columns:
                seen |= np.isnan(made.columns[name][became])
            if not seen.all() and (name in visit.step.reads or effects(made, visit.made, name)):
                unseen.append(f"{name} of the {material}")
    assert not unseen, "not a number, and nobody can tell afterwards"
