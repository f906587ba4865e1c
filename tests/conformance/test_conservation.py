"""Nothing appears or vanishes at any step of any plant: rows, kg of coating, solvent, electrolyte, Ah and kWh."""

from __future__ import annotations

import copy
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellfab.core.lot import ALIVE, Lot
from cellfab.core.web import KG_PER_M2
from cellfab.steps.base import Merge
from cellfab.steps.slurry_mix import solvent_held_kg

some_lot = st.tuples(st.integers(0, 200), st.integers(1, 1000), st.sampled_from((0.0, 0.5, 1.0)))
"""Number of the lot, seed and maturity."""
LOSSES = ("loss_fraction", "flashed_fraction", "carried_g_per_ml")
"""Parameters by which electrolyte leaves cells."""
few = settings(
    max_examples=5 if settings.default.derandomize else 100,  # more when new ones are looked for
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def good_kg(lot: Lot) -> float:
    """Dry coating of the rows alive, from their columns."""
    alive = lot.alive()
    if lot.unit == "kg":
        return float(lot.columns["charge_kg"][alive].sum(dtype=np.float64))
    coated = lot.columns["loading_mg_per_cm2"][alive].sum(dtype=np.float64) * KG_PER_M2 * lot.attributes["segment_m2"]
    return float(coated + lot.attributes["kg_strip"])


def check_rows(visit) -> None:
    """Every row is alive or has left for a cause, and each loss is noted once."""
    for lot in {id(lot): lot for lot in (*visit.left.values(), visit.made)}.values():
        codes = np.zeros(lot.n, np.int16) if lot.exit_code is None else lot.exit_code
        assert lot.n_alive == np.count_nonzero(codes == ALIVE)
        noted: Counter = Counter()
        for cause, rows in lot.losses:
            noted[cause] += rows
        assert noted == Counter(codes[codes != ALIVE].tolist())
        assert all(values.shape == (lot.n,) for values in lot.columns.values())


def check_coating(visit) -> None:
    """The account of an electrode lot balances, agrees with its rows, and never gives back what it lost."""
    for material in ("cathode", "anode"):
        lot = visit.made if visit.made.material == material else visit.left.get(material)
        if lot is None or "kg_in" not in lot.attributes:
            continue
        facts = lot.attributes
        assert facts["kg_in"] == pytest.approx(facts["kg_good"] + facts["kg_scrap"] + facts["kg_returned"], rel=1e-9)
        if isinstance(visit.step, Merge):
            continue  # sheets that it throws out are counted with those left over
        assert facts["kg_good"] == pytest.approx(good_kg(lot), rel=1e-5)
        before = visit.given[material].attributes
        if "kg_in" in before:
            assert facts["kg_in"] == before["kg_in"]
            tiny = 1e-6 * facts["kg_in"]
            assert all(facts[name] >= before[name] - tiny for name in ("kg_scrap", "kg_returned"))
        if "solvent_in_kg" in facts:
            ways = [name for name in facts if name.startswith("solvent_") and name != "solvent_in_kg"]
            held_kg = solvent_held_kg(lot) if lot.unit == "kg" else 0.0
            assert facts["solvent_in_kg"] == pytest.approx(held_kg + sum(facts[name] for name in ways), rel=1e-6)


def check_cells_made(visit) -> None:
    """What goes into cells and what is left over is what came, in segments and in kg."""
    cells = visit.made
    pieces = {name: getattr(visit.step.design, name).pieces for name in ("cathode", "anode")}
    for name, per_cell in pieces.items():
        web, facts = visit.left[name], cells.attributes
        assert web.n_alive == cells.n * per_cell + facts[f"{name}_remnant_cells"]
        living = np.flatnonzero(web.alive())
        first = np.searchsorted(living, cells.columns[f"{name}_row"])
        used = living[first[:, None] + np.arange(per_cell)]  # a cell takes the next good ones
        assert np.unique(used).size == used.size, "a segment is in two cells"
        lane = used // int(web.attributes["positions"])
        assert (lane == lane[:, :1]).all(), "pieces of two lanes in one cell"
        used_kg = web.columns["loading_mg_per_cm2"][used].sum(dtype=np.float64) * KG_PER_M2
        used_kg *= web.attributes["segment_m2"]
        assert facts[f"{name}_used_kg"] == pytest.approx(used_kg, rel=1e-5)
        assert facts[f"{name}_used_kg"] + facts[f"{name}_remnant_kg"] == pytest.approx(good_kg(web), rel=1e-5)
        assert web.alive()[cells.columns[f"{name}_row"]].all(), "a scrapped segment is in a cell"


def check_electrolyte(visit) -> None:
    """What is in the cells was bought; nothing comes from nowhere."""
    (came,), made = visit.given.values(), visit.made
    if "electrolyte_g" not in made.columns:
        return
    alive = came.alive()
    after = made.columns["electrolyte_g"][alive].sum(dtype=np.float64)
    before = came.columns["electrolyte_g"][alive].sum(dtype=np.float64) if "electrolyte_g" in came.columns else 0.0
    bought = 1e3 * visit.work.materials.get("electrolyte", 0.0)
    assert after <= (before + bought) * (1.0 + 1e-6)
    if before == 0.0:
        assert after == pytest.approx(bought, rel=1e-5)


def check_energy(visit) -> None:
    """A cell gives no more Ah than it was charged with, later steps add none, and the grid pays for the difference."""
    (came,), made = visit.given.values(), visit.made
    volt = visit.step.design.nominal_voltage_v
    if "capacity_ah" not in made.columns:
        return
    alive, capacity = came.alive(), made.columns["capacity_ah"].astype(np.float64)
    if "capacity_ah" in came.columns:
        assert (capacity <= came.columns["capacity_ah"]).all()
    else:
        charged = 10.0 * came.columns["cathode_areal_mah_per_cm2"] * visit.step.design.cathode.area_m2
        charged = charged.astype(np.float64) / visit.step.design.first_cycle_efficiency
        charged *= 1.0 - came.columns["unwetted_fraction"]
        facts = made.attributes
        assert facts["formation_charged_kwh"] == pytest.approx(charged[alive].sum() * volt * 1e-3, rel=1e-5)
        assert facts["formation_discharged_kwh"] == pytest.approx(capacity[alive].sum() * volt * 1e-3, rel=1e-5)
        assert (capacity <= np.maximum(charged, 1e-3)).all()
        assert visit.work.energy_kwh >= facts["formation_charged_kwh"] - facts["formation_discharged_kwh"]
    if "energy_wh" in made.columns:
        np.testing.assert_allclose(made.columns["energy_wh"][made.alive()], volt * capacity[made.alive()], rtol=1e-5)
        sold_wh = made.columns["energy_wh"][made.alive()].sum(dtype=np.float64)
        assert made.attributes["good_energy_kwh"] == pytest.approx(1e-3 * sold_wh, rel=1e-5)


@few
@given(lot=some_lot)
def test_nothing_appears_or_vanishes(pilots, plant, product, lot):
    """Whatever lot, seed and maturity."""
    ordinal, seed, maturity = lot
    for visit in pilots.walk(pilots.plants[plant], product, ordinal, seed=seed, maturity=maturity):
        check_rows(visit)
        check_coating(visit)
        if isinstance(visit.step, Merge):
            check_cells_made(visit)
        elif visit.made.material == "cell":
            check_electrolyte(visit)
            check_energy(visit)
        if not visit.made.n_alive:
            break


def test_a_web_takes_no_more_than_its_powder(pilots, plant, at):
    """Half of the powder that the roll needs, thirty times: what its last segments take is drawn, and may be too much.

    Trim is not returned here: all that comes back is what the web left over.
    """
    visit = pilots.visits(plant)[at]
    if not visit.makes_another or "charge" not in visit.made.columns or "charge_kg" not in visit.step.reads:
        return
    no_trim = {name: 0.0 for name in ("trim_returned_share",) if name in type(visit.step.params).model_fields}
    step = pilots.with_params(visit.step, **no_trim)
    given = copy.deepcopy(visit.given)
    (lot,) = given.values()
    lot.columns["charge_kg"] *= np.float32(0.5)
    for name in ("kg_in", "kg_good", "kg_scrap"):
        lot.attributes[name] *= 0.5
    for _ in range(30):
        lot.identity += 1
        _, made = visit.again(step, given)
        assert made.attributes["positions"] < made.attributes["planned_positions"]
        assert made.attributes["kg_returned"] >= -1e-6 * lot.attributes["kg_in"]


def test_electrolyte_without_losses_is_all_in_the_cells(pilots, plant, at):
    """What came in the cells and what was bought, at every step that changes it, with its losses off."""
    visit = pilots.visits(plant)[at]
    if "electrolyte_g" not in visit.step.writes:
        return
    lossless = {name: 0.0 for name in LOSSES if name in type(visit.step.params).model_fields}
    step = pilots.with_params(visit.step, **lossless)
    _, made = visit.again(step)
    came = visit.given["cell"]
    alive = came.alive()
    before = came.columns["electrolyte_g"][alive].sum(dtype=np.float64) if "electrolyte_g" in came.columns else 0.0
    bought = 1e3 * step.work(made, pilots.MATURITY).materials.get("electrolyte", 0.0)
    after = made.columns["electrolyte_g"][alive].sum(dtype=np.float64)
    assert after == pytest.approx(before + bought, rel=1e-5)


def test_what_lots_weigh_in_buffers_is_what_is_alive(pilots, plant, at):
    """Metres of mother roll, kg of powder, cells or trays."""
    visit = pilots.visits(plant)[at]
    lot, facts = visit.made, visit.made.attributes
    if lot.unit == "m":
        assert lot.amount == pytest.approx(lot.n_alive * facts["pitch_m"] / facts["lanes"])
    elif lot.unit == "kg":
        assert lot.amount == pytest.approx(facts["kg_good"])
    elif lot.unit == "trays":
        assert lot.amount >= np.ceil(lot.n_alive / facts["cells_per_tray"])
    else:
        assert lot.unit == "cells"
        assert lot.amount >= lot.n_alive
