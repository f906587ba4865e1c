"""Notes that a step leaves in a lot's attributes for the accounts: read once, and gone before the lot moves on."""

from __future__ import annotations

from cellfab.core.lot import Lot

REWORKED = "reworked"
"""Rows worked on a second time that passed."""
STOPS_S = "stops_s"
"""Standstill while the lot was worked on, s."""
FALSE_REJECTS = "false_rejects_"
"""Before the name of a cause: rows scrapped for it though nothing was wrong with them."""


def take(lot: Lot, name: str) -> float:
    """The note `name`, removed from the lot; 0 if there is none."""
    return lot.attributes.pop(name, 0.0)


def take_false_rejects(lot: Lot) -> dict[str, int]:
    """Sound rows rejected since the last look, by the cause's name; removed from the lot.

    A cause that is not in it is one of which the step does not tell.
    """
    facts = lot.attributes
    names = [name for name in facts if name.startswith(FALSE_REJECTS)]
    return {name.removeprefix(FALSE_REJECTS): int(facts.pop(name)) for name in names}
