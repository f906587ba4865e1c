"""The same dollars from every side, and where the kilograms went."""

from __future__ import annotations

import pytest

from cellfab.config.materials_spec import Material
from cellfab.core.ledger import Holding, Ledger
from cellfab.core.lot import Lot
from cellfab.economics.statement import total, weekly_periods
from cellfab.economics.views import borne_by, material_fates, scrap_by_cause, spent_by

LFP = Material(unit="kg", price_usd=8, use_efficiency=0.9)
FOIL = Material(unit="m2", price_usd=1, unit_kg=0.1)


@pytest.fixture
def ledger():
    """Of three lots one is sold, one scrapped at two machines as electrode and cell, and one is still inside."""
    ledger = Ledger()
    sold, scrapped, inside = (Lot(number, n=10, product="ess", material="cathode") for number in (1, 2, 3))
    for lot in (sold, scrapped, inside):
        used = [("materials.lfp", 100.0, "kg", 800.0), ("materials.foil", 20.0, "m2", 20.0), ("labour", 1.0, "h", 40.0)]
        ledger.charge_lot(lot, 0, "coat", used)
    ledger.give_back(sold, {"materials.lfp": 10.0}, 0, "coat")
    ledger.scrap(scrapped, 4, 10, 1, "coat", "torn")
    scrapped.material = "cell"
    ledger.charge_lot(scrapped, 1, "assembly.weld", [("electricity", 5.0, "kWh", 0.4)])
    ledger.scrap(scrapped, 6, 6, 1, "assembly.weld", "cold")
    ledger.finish(sold, 10, 6.2, 2, "shipped")
    ledger.charge(2, "coat", "labour", -0.5, "h", -20.0, Holding.IDLE_CAPACITY)
    ledger.earn(2, "plant", "recycling.lfp", "ess", 100.0, "kg", 90.0)
    return ledger


def test_what_was_spent_by_place_step_and_week(ledger):
    posted = 3 * 860.0 - 20.0
    assert spent_by(ledger, "station") == {("coat",): posted, ("assembly",): 0.4}
    assert spent_by(ledger, "place", step_of={"assembly.weld": "tabless_weld"}) == {
        ("coat", ""): posted,
        ("assembly.weld", "tabless_weld"): 0.4,
    }
    assert spent_by(ledger, "week", "product") == {(0, "ess"): 2580.0, (1, "ess"): 0.4, (2, ""): -20.0}
    assert next(iter(spent_by(ledger, "account"))) == ("materials.lfp",)


def test_what_was_borne_adds_up_to_full_cost(ledger):
    full = total(weekly_periods(ledger)).full_cost_usd
    assert full == pytest.approx((860 - 80) + 860.4 - 20.0 - 90.0)
    for keys in (("account",), ("holding",), ("product", "form"), ("week",), ("week", "holding", "product", "account")):
        assert sum(borne_by(ledger, *keys).values()) == pytest.approx(full)
    assert borne_by(ledger, "form")["electrode",] == pytest.approx(0.4 * 860)
    assert borne_by(ledger, "holding")[Holding.SCRAP,] == pytest.approx(860.4 - 90.0)


def test_scrap_by_cause_and_form(ledger):
    assert scrap_by_cause(ledger) == {
        ("assembly.weld", "cold", "cell"): pytest.approx(0.6 * 860 + 0.4),
        ("coat", "torn", "electrode"): pytest.approx(0.4 * 860),
    }


def test_every_kilogram_bought_has_a_fate(ledger):
    fates = {(one.material, one.fate): one for one in material_fates(ledger, {"lfp": LFP, "foil": FOIL})}
    lfp = {fate: one.quantity for (name, fate), one in fates.items() if name == "lfp"}
    assert lfp == {
        "returned": pytest.approx(9.0),
        "in_good_cells": pytest.approx(81.0),
        "scrapped_electrode": pytest.approx(36.0),
        "scrapped_cell": pytest.approx(54.0),
        "in_progress": pytest.approx(90.0),
        "lost_in_handling": pytest.approx(30.0),
    }
    assert sum(one.usd for (name, _), one in fates.items() if name == "lfp") == pytest.approx(2400.0)
    foil = {fate: (one.quantity, one.kg) for (name, fate), one in fates.items() if name == "foil"}
    assert foil["in_good_cells"] == (20.0, pytest.approx(2.0))
    assert "lost_in_handling" not in foil
    assert sum(kg for _, kg in foil.values()) == pytest.approx(6.0)


def test_nothing_bought_nothing_told():
    assert list(material_fates(Ledger(), {"lfp": LFP})) == []
    assert spent_by(Ledger(), "account") == {}
