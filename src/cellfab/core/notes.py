"""Notes that a step leaves in a lot's attributes for the accounts: read once, and gone before the lot moves on."""

from __future__ import annotations

from functools import lru_cache

from cellfab.core.lot import Lot

REWORKED = "reworked"
"""Rows worked on a second time that passed."""
STOPS_S = "stops_s"
"""Standstill while the lot was worked on, s."""
FALSE_REJECTS = "false_rejects_"
"""Before the name of a cause: rows scrapped for it though nothing was wrong with them."""

BUYER_CELLS, BUYER_KWH, BUYER_SHORT = "buyer_cells_", "buyer_kwh_", "buyer_short_"
"""Before the name of a buyer: cells sold to it, their energy, and how many of them are truly less than it demands."""


def take(lot: Lot, name: str) -> float:
    """The note `name`, removed from the lot; 0 if there is none."""
    return lot.attributes.pop(name, 0.0)


def take_false_rejects(lot: Lot) -> dict[str, int]:
    """Sound rows rejected since the last look, by the cause's name; removed from the lot.

    A cause that is not in it is one of which the step does not tell.
    """
    facts = lot.attributes
    return {reason: int(facts.pop(name)) for name, reason in _false_rejects(tuple(facts))}


@lru_cache(maxsize=1024)
def _false_rejects(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Those of a lot's facts that are false rejects, and the names of their causes. Lots of a line have few sets."""
    return tuple((name, name.removeprefix(FALSE_REJECTS)) for name in names if name.startswith(FALSE_REJECTS))
