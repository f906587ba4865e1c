"""Notes that a step leaves in a lot's attributes for the accounts: read once, and gone before the lot moves on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import islice
from typing import NamedTuple

from cellfab.core.lot import Lot

REWORKED = "reworked"
"""Rows worked on a second time that passed."""
STOPS_S = "stops_s"
"""Standstill while the lot was worked on, s."""
FALSE_REJECTS = "false_rejects_"
"""Before the name of a cause: rows scrapped for it though nothing was wrong with them."""

BUYER_CELLS, BUYER_KWH, BUYER_SHORT = "buyer_cells_", "buyer_kwh_", "buyer_short_"
"""Before the name of a buyer: cells sold to it, their energy, and how many of them are truly less than it demands."""


class Notes(NamedTuple):
    """What a step has noted.

    `false_rejects` is by the cause's name; one that is not in it is one of which the step does not tell.
    """

    stops_s: float = 0.0
    reworked: int = 0
    false_rejects: Mapping[str, int] = {}


NONE = Notes()


def take(lot: Lot, known: int = 0) -> Notes:
    """The notes of the last step, removed from the lot.

    Parameters
    ----------
    lot : Lot
    known : int
        Attributes that it had before. Nothing but notes is ever removed from them, so that those of the step are the
        newest: of a lot that has no more than before, none has to be looked at.
    """
    facts = lot.attributes
    new = len(facts) - known
    if not new:
        return NONE
    rejects = {}
    for name in list(islice(reversed(facts), new)):
        if name.startswith(FALSE_REJECTS):
            rejects[_cause_of(name)] = int(facts.pop(name))
    return Notes(facts.pop(STOPS_S, 0.0), int(facts.pop(REWORKED, 0.0)), rejects)


@cache
def _cause_of(name: str) -> str:
    """The same string each time: sums are kept by it."""
    return name.removeprefix(FALSE_REJECTS)
