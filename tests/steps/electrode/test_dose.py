from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from cellfab.errors import ConfigError
from cellfab.kernels.random import uniform
from cellfab.steps.dose import WRONG_RECIPE, Dose


def test_powder_of_one_roll(electrode):
    step = electrode.step(Dose, **electrode.quiet["dose"])
    lot = electrode.run([step])
    # 3000 m hold 857 of the longer (anode) electrodes; 14 lanes of 25.5 mg/cm2 on 0.4488 m2, and 9 % more.
    kg = 14 * 857 * 25.5e-2 * 2 * 3.4 * 0.066 * 1.09
    assert lot.amount == pytest.approx(kg, rel=1e-6)
    assert (lot.unit, lot.n) == ("kg", math.ceil(kg / 150.0))
    assert lot.columns["charge_kg"] == pytest.approx(np.full(lot.n, kg / lot.n), rel=1e-6)
    assert lot.attributes["kg_in"] == lot.attributes["kg_good"] == lot.amount
    assert lot.attributes["planned_m"] == pytest.approx(857 * 3.4)


def test_both_polarities_get_the_same_number_of_electrodes(electrode):
    cathode, anode = (electrode.run([electrode.step(Dose, side)]) for side in ("cathode", "anode"))
    assert cathode.attributes["planned_positions"] == anode.attributes["planned_positions"]
    assert cathode.attributes["planned_m"] < anode.attributes["planned_m"] <= 3000.0


def test_components_are_off_by_their_own_weighing(electrode):
    step = electrode.step(Dose, minor_dosing_cv=0.005, active_dosing_cv=0.0015)
    lot, draws = electrode.run([step]), electrode.draws(step)
    active, binder, carbon = (
        nominal * (1.0 + cv * draws.normal(name, lot).astype(float))
        for name, nominal, cv in (("active", 0.96, 0.0015), ("binder", 0.02, 0.005), ("carbon", 0.02, 0.005))
    )
    whole = active + binder + carbon
    assert lot.columns["active_fraction"] == pytest.approx(active / whole, rel=1e-6)
    assert lot.columns["binder_fraction"] == pytest.approx(binder / whole, rel=1e-6)
    kg = lot.columns["charge_kg"].astype(float)
    assert kg / whole == pytest.approx(np.full(lot.n, kg[0] / whole[0]), rel=1e-6)


def test_lots_of_one_powder_delivery_share_its_capacity(electrode):
    # About 1.4 t a roll: ten tonnes last for seven rolls or so.
    step = electrode.step(Dose, powder_capacity_cv=0.01)
    lots = [electrode.run([step], ordinal) for ordinal in range(60)]
    roll_kg = 14 * 857 * 25.5e-2 * 2 * 3.4 * 0.066 * 1.09
    for ordinal, lot in enumerate(lots):
        delivery = int(ordinal * roll_kg // 10_000.0)
        z = NormalDist().inv_cdf(uniform(electrode.draws(step).key("powder_lot"), delivery, 0))
        expected = np.full(lot.n, 195.0 * (1 + 0.01 * z))
        assert lot.columns["specific_capacity_mah_per_g"] == pytest.approx(expected, rel=1e-6)


def test_wrong_recipes_are_scrapped_at_the_stated_rate(electrode):
    step = electrode.step(Dose, wrong_recipe_probability=0.2, charge_kg=15.0)
    lot = electrode.run([step])
    wrong = electrode.draws(step).uniform("recipe", lot) < 0.2
    assert 0 < wrong.sum() < lot.n
    assert np.array_equal(lot.exit_code == WRONG_RECIPE, wrong)
    assert lot.attributes["kg_scrap"] == pytest.approx(float(lot.columns["charge_kg"][wrong].sum(dtype=float)))
    assert lot.amount == lot.attributes["kg_good"]


def test_powders_used_add_up_to_what_is_weighed(electrode):
    step = electrode.step(Dose, carbon_material="carbon_black")
    lot = electrode.run([step])
    used = step.work(lot, 0.5).materials
    assert set(used) == {"nmc811", "ptfe", "carbon_black"}
    assert sum(used.values()) == pytest.approx(lot.attributes["kg_in"])
    assert used["nmc811"] / lot.attributes["kg_in"] == pytest.approx(0.96, abs=0.002)


@pytest.mark.parametrize("active", [0.97, 0.97 - 1e-9])
def test_a_recipe_without_room_for_carbon_uses_none(electrode, active):
    design = electrode.design()
    anode = design.anode.model_copy(update={"active_fraction": active})  # with 3 % of binder
    step = Dose(Dose.Params(electrode="anode"), design.model_copy(update={"anode": anode}))
    for ordinal in range(20):
        lot = electrode.run([step], ordinal)
        used = step.work(lot, 0.5).materials
        whole = lot.attributes["kg_in"]
        assert 0.0 <= used["carbon"] < 1e-6 * whole
        assert sum(used.values()) == pytest.approx(whole)
        assert used["carbon"] == 0.0 or active < 0.97


def test_lots_of_the_other_electrode_are_refused(electrode):
    step = electrode.step(Dose, "anode")
    with pytest.raises(ConfigError, match="step 'dose' makes the anode but was given a lot of 'cathode'"):
        step.apply(electrode.source_lot(electrode="cathode"), electrode.draws(step), 1.0)
