"""What wears or is used up and is in no cell, as postings: to the lots by hour, lot, cell and metre, or by the week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cellfab.config.economics_spec import Economics
from cellfab.config.line_spec import Consumable
from cellfab.core.bills import AMOUNT, LOTS, ROWS, UNIT_HOURS, Line
from cellfab.core.ledger import Entry
from cellfab.core.lot import Lot

CONSUMABLES = "consumables."
"""Prefix of accounts: "consumables.knives"."""


class UncountableError(ValueError):
    """Something is used by the cell or metre where lots are none of cells or metres; `name` is what."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


_COUNTS = {"machine_h": UNIT_HOURS, "lot": LOTS, "cell": ROWS, "m": AMOUNT}


def lines_of(
    consumables: Mapping[str, Consumable], economics: Economics, prices: Mapping[str, Sequence[float]], lot: Lot
) -> list[Line]:
    """What lots of a station use up, as lines of a bill for lots counted as at a station.

    Parameters
    ----------
    consumables : mapping of str to Consumable
        Of the station.
    economics : Economics
    prices : mapping of str to sequence of float
        Those of the run by name and week.
    lot : Lot
        One of those that the bill is for. By the cell, those alive count that came.

    Raises
    ------
    UncountableError
        If something is used by the cell or metre, and the lot is none of cells or metres.
    """
    lines = []
    for name, one in consumables.items():
        if not one.amount:
            continue
        if (one.per == "cell" and lot.material != "cell") or (one.per == "m" and lot.unit != "m"):
            handled = "cells" if lot.material == "cell" else lot.unit
            raise UncountableError(name, f"'{name}' is used per {one.per}, and lots here are handled in {handled}")
        account, unit = f"{CONSUMABLES}{name}", economics.consumables[name].unit
        lines.append(Line(account, unit, _COUNTS[one.per], one.amount, price=prices[name]))
    return lines


def of_the_plant(economics: Economics, prices: Mapping[str, Sequence[float]], week: int) -> list[Entry]:
    """What the plant uses up in a week, whether anything is made or not."""
    return [
        (f"{CONSUMABLES}{name}", one.amount, economics.consumables[name].unit, one.amount * prices[name][week])
        for name, one in economics.plant.consumables.items()
    ]
