"""What is used up and is in no cell: how much, at which price, and where."""

from __future__ import annotations

import datetime

import pytest

from cellfab.config.economics_spec import Economics, PlantShared
from cellfab.config.line_spec import Consumable
from cellfab.core.lot import Lot
from cellfab.economics.consumables import of_the_plant, used_up, uses
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


def test_a_length_of_web_by_hand():
    web = Lot(1, product="ess", material="cathode", n=50, unit="m", amount=3000.0)
    known = uses(USED, ECONOMICS, PRICES)
    assert used_up(known, 0, 1.5, web, 50) == [
        ("consumables.knives", 3.0, "pieces", 1200.0),
        ("consumables.solvent", 3.0, "L", pytest.approx(3.0 * (2.0 + 6 * 9.0) / 7)),
        ("consumables.filter", 0.5, "pieces", 25.0),
    ]
    assert used_up(known, 1, 1.5, web, 50)[1][3] == pytest.approx(27.0)  # the price of 2030


def test_cells_are_those_that_come_in_not_those_that_pass():
    cells = Lot(2, product="ess", material="cell", n=100, unit="cells", amount=60.0)
    known = uses({"needles": Consumable(per="cell", amount=1e-4)}, ECONOMICS, PRICES)
    ((account, *amounts),) = used_up(known, 0, 0.2, cells, 90)
    assert (account, *amounts) == ("consumables.needles", pytest.approx(9e-3), "pieces", pytest.approx(36.0))


@pytest.mark.parametrize(
    ("per", "lot", "handled"),
    [("m", Lot(1, material="cell", n=5, unit="cells"), "cells"), ("cell", Lot(1, material="anode", unit="kg"), "kg")],
)
def test_what_cannot_be_counted_is_refused(per, lot, handled):
    known = uses({"knives": Consumable(per=per, amount=1.0)}, ECONOMICS, PRICES)
    with pytest.raises(ValueError, match=f"'knives' is used per {per}, and lots here are handled in {handled}"):
        used_up(known, 0, 1.0, lot, 5)


def test_the_plant_uses_its_own_whatever_is_made():
    assert of_the_plant(ECONOMICS, PRICES, 1) == [("consumables.filter", 3.0, "pieces", 150.0)]


def test_nothing_of_an_amount_of_nothing():
    assert uses({"knives": Consumable(per="m", amount=0.0)}, ECONOMICS, PRICES) == ()
