"""What wears or is used up and is in no cell, as postings: to the lots by hour, lot, cell and metre, or by the week."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cellfab.config.economics_spec import Economics
from cellfab.config.line_spec import Consumable
from cellfab.core.ledger import Entry
from cellfab.core.lot import Lot

CONSUMABLES = "consumables."
"""Prefix of accounts: "consumables.knives"."""


class UncountableError(ValueError):
    """Something is used by the cell or metre where lots are none of cells or metres; `name` is what."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class Use(NamedTuple):
    """One thing that a station uses up, ready to be posted."""

    account: str
    unit: str
    per: str
    amount: float
    usd: Sequence[float]
    """Price by week."""


def uses(
    consumables: Mapping[str, Consumable], economics: Economics, prices: Mapping[str, Sequence[float]]
) -> tuple[Use, ...]:
    """What the lots of a station use up; `prices` are those of the run by name."""
    return tuple(
        Use(f"{CONSUMABLES}{name}", economics.consumables[name].unit, one.per, one.amount, prices[name])
        for name, one in consumables.items()
        if one.amount
    )


def used_up(known: Iterable[Use], week: int, unit_hours: float, lot: Lot, rows: int) -> list[Entry]:
    """What a lot has used up.

    Parameters
    ----------
    known : iterable of Use
    week : int
    unit_hours : float
        That it held units of the station.
    lot : Lot
        As it leaves the station.
    rows : int
        Rows alive when it came.

    Raises
    ------
    UncountableError
        If something is used by the cell or metre, and the lot is none of cells or metres.
    """
    entries: list[Entry] = []
    for account, unit, per, amount, usd in known:
        if per == "machine_h":
            quantity = amount * unit_hours
        elif per == "lot":
            quantity = amount
        elif per == "cell" and lot.material == "cell":
            quantity = amount * rows
        elif per == "m" and lot.unit == "m":
            quantity = amount * lot.amount
        else:
            handled = "cells" if lot.material == "cell" else lot.unit
            name = account.removeprefix(CONSUMABLES)
            raise UncountableError(name, f"'{name}' is used per {per}, and lots here are handled in {handled}")
        entries.append((account, quantity, unit, quantity * usd[week]))
    return entries


def of_the_plant(economics: Economics, prices: Mapping[str, Sequence[float]], week: int) -> list[Entry]:
    """What the plant uses up in a week, whether anything is made or not."""
    return [
        (f"{CONSUMABLES}{name}", one.amount, economics.consumables[name].unit, one.amount * prices[name][week])
        for name, one in economics.plant.consumables.items()
    ]
