"""Carbon dioxide: quantities of the ledger times factors, by place and by account."""

from __future__ import annotations

import pytest

from cellfab.config.carbon_spec import Carbon
from cellfab.config.materials_spec import Material
from cellfab.core.ledger import Holding, Ledger
from cellfab.core.lot import Lot
from cellfab.economics.carbon import RETURNED, by_account, by_place, by_place_and_account, factors

GRID = [0.4, 0.2]
MATERIALS = {
    "lfp": Material(unit="kg", price_usd=8.0, carbon_kg=7.0),
    "foil": Material(unit="m2", price_usd=0.2),
}


@pytest.fixture
def ledger():
    book, lot = Ledger(), Lot(1)
    book.charge_lot(lot, 0, "mix", [("materials.lfp", 10.0, "kg", 80.0), ("materials.foil", 5.0, "m2", 1.0)])
    book.charge_lot(lot, 0, "coat", [("electricity", 100.0, "kWh", 8.0), ("heat", 50.0, "kWh", 1.0)])
    book.charge(1, "coat", "electricity", 10.0, "kWh", 0.8, Holding.IDLE_CAPACITY)
    book.charge(5, "plant", "electricity", 1.0, "kWh", 0.8, Holding.EXPENSED)
    book.give_back(lot, {"materials.lfp": 2.0}, 0, "mix")
    return book


def test_every_kilogram_has_a_place_and_an_account(ledger):
    known = factors(Carbon(gas_kg_per_kwh=0.2), MATERIALS, GRID)
    kg = by_place_and_account(ledger.debits(), ledger.held(), known)
    assert kg == {
        ("mix", "materials.lfp"): pytest.approx(70.0),
        ("coat", "electricity"): pytest.approx(100.0 * 0.4 + 10.0 * 0.2),
        ("coat", "heat"): pytest.approx(10.0),
        ("plant", "electricity"): pytest.approx(0.2),  # beyond the schedule: as its last week
        (RETURNED, "materials.lfp"): pytest.approx(-14.0),
    }
    assert by_account(kg) == {
        "materials.lfp": pytest.approx(56.0), "electricity": pytest.approx(42.2), "heat": pytest.approx(10.0),
    }  # fmt: skip
    assert list(by_place(kg)) == ["mix", "coat", "plant", RETURNED]
    assert sum(by_place(kg).values()) == pytest.approx(sum(by_account(kg).values()))


def test_defaults_are_the_sources_they_name():
    carbon = Carbon()
    assert carbon.grid_kg_per_kwh.plain == pytest.approx(0.81 * 0.45359237, abs=5e-4)
    assert carbon.gas_kg_per_kwh == pytest.approx(56.1 * 3.6e-3, abs=5e-4)
