"""What wears or is used up and is in no cell, as postings: by the hour, lot, cell and metre, or by the calendar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cellfab.config.line_spec import Consumable
from cellfab.core.ledger import Entry
from cellfab.core.lot import Lot

CONSUMABLES = "consumables."
"""Prefix of accounts: "consumables.knives"."""
_BY_LOT = frozenset({"lot", "cell", "m"})


def per_week(consumables: Mapping[str, Consumable]) -> tuple[Entry, ...]:
    """What all units of a station, or the plant, use in a calendar week whether anything is made or not."""
    return tuple(_entry(name, one, 1.0) for name, one in consumables.items() if one.per == "week" and one.quantity)


def per_machine_hour(consumables: Mapping[str, Consumable]) -> tuple[Entry, ...]:
    """What a lot uses up in an hour that it holds a unit of the station."""
    return tuple(_entry(name, one, 1.0) for name, one in consumables.items() if one.per == "machine_h" and one.quantity)


def by_lot(consumables: Mapping[str, Consumable]) -> dict[str, Consumable]:
    """Those whose amount follows from the lot that is worked on."""
    return {name: one for name, one in consumables.items() if one.per in _BY_LOT and one.quantity}


def used(consumables: Mapping[str, Consumable], lot: Lot, rows: int) -> Iterator[Entry]:
    """What a lot has used up.

    Parameters
    ----------
    consumables : mapping of name to Consumable
        From `by_lot`.
    lot : Lot
        As it leaves the station.
    rows : int
        Rows alive when it came.

    Raises
    ------
    ValueError
        If something is used by the cell or metre, and the lot is none of cells or metres.
    """
    for name, one in consumables.items():
        if one.per == "lot":
            yield _entry(name, one, 1.0)
        elif one.per == "cell" and lot.material == "cell":
            yield _entry(name, one, float(rows))
        elif one.per == "m" and lot.unit == "m":
            yield _entry(name, one, lot.amount)
        else:
            handled = "cells" if lot.material == "cell" else lot.unit
            raise ValueError(f"'{name}' is used per {one.per}, and lots here are handled in {handled}")


def _entry(name: str, one: Consumable, times: float) -> Entry:
    quantity = one.quantity * times
    return f"{CONSUMABLES}{name}", quantity, one.unit, quantity * one.price_usd
