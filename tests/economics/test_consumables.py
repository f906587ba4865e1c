"""What is used up and is in no cell: how much, at which price, and where."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from cellfab.config.economics_spec import Economics, PlantShared
from cellfab.config.line_spec import Consumable
from cellfab.core.ledger import Ledger
from cellfab.core.lot import Lot
from cellfab.economics.consumables import UncountableError, lines_of, of_the_plant
from cellfab.economics.prices import weekly_prices

START = datetime.date(2029, 12, 31)
"""A Monday: one day of the first week lies in 2029."""
ECONOMICS = Economics(
    currency_year=2026,
    plant=PlantShared(consumables={"filter": {"per": "week", "amount": 3.0}}),
    consumables={
        "knives": {"price_usd": 400.0},
        "solvent": {"unit": "L", "price_usd": {"..2029": 2.0, "2030..": 9.0}},
        "filter": {"price_usd": 50.0},
        "needles": {"price_usd": 4000.0},
    },
)
PRICES = weekly_prices(ECONOMICS, {}, START, 2).consumables
USED = {
    "knives": Consumable(per="m", amount=1e-3),
    "solvent": Consumable(per="machine_h", amount=2.0),
    "filter": Consumable(per="lot", amount=0.5),
}


def charged(consumables, lot, week, unit_hours=1.5, rows=50):
    """What a lot pays, as the ledger posts it."""
    ledger = Ledger()
    bill = ledger.bill("place", lot.product, lines_of(consumables, ECONOMICS, PRICES, lot), 3)
    ledger.charge_bill(lot, 0, bill, np.array([unit_hours, 1.0, rows, lot.amount]), week)
    return [debit[3:] for debit in ledger.debits()]


def test_a_length_of_web_by_hand():
    web = Lot(1, product="ess", material="cathode", n=50, unit="m", amount=3000.0)
    assert charged(USED, web, 0) == [
        ("consumables.knives", 3.0, "pieces", 1200.0),
        ("consumables.solvent", 3.0, "L", pytest.approx(3.0 * (2.0 + 6 * 9.0) / 7, abs=1e-6)),
        ("consumables.filter", 0.5, "pieces", 25.0),
    ]
    assert charged(USED, web, 1)[1][3] == pytest.approx(27.0)  # the price of 2030


def test_cells_are_those_that_come_in_not_those_that_pass():
    cells = Lot(2, product="ess", material="cell", n=100, unit="cells", amount=60.0)
    needles = {"needles": Consumable(per="cell", amount=1e-4)}
    assert charged(needles, cells, 0, rows=90) == [("consumables.needles", 9e-3, "pieces", 36.0)]


@pytest.mark.parametrize(
    ("per", "lot", "handled"),
    [("m", Lot(1, material="cell", n=5, unit="cells"), "cells"), ("cell", Lot(1, material="anode", unit="kg"), "kg")],
)
def test_what_cannot_be_counted_is_refused(per, lot, handled):
    with pytest.raises(UncountableError, match=f"'knives' is used per {per}, and lots here are handled in {handled}"):
        lines_of({"knives": Consumable(per=per, amount=1.0)}, ECONOMICS, PRICES, lot)


def test_the_plant_uses_its_own_whatever_is_made():
    assert of_the_plant(ECONOMICS, PRICES, 1) == [("consumables.filter", 3.0, "pieces", 150.0)]


def test_nothing_of_an_amount_of_nothing():
    assert lines_of({"knives": Consumable(per="m", amount=0.0)}, ECONOMICS, PRICES, Lot(1)) == []
