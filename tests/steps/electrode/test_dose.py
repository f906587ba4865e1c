from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.errors import ConfigError
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


def test_recipe_errors_have_the_stated_spread(electrode):
    # 600 lots of about 10 charges; the binder's relative error is that of its own weighing (0.5 %), the rest of the charge
    # being known to 0.15 %: z-limit 4 on a standard deviation from 6 000 values (0.9 %).
    step = electrode.step(Dose, minor_dosing_cv=0.005, active_dosing_cv=0.0015)
    lots = [electrode.run([step], ordinal) for ordinal in range(600)]
    binder = np.concatenate([lot.columns["binder_fraction"] for lot in lots]).astype(float)
    expected = math.sqrt((0.98 * 0.005) ** 2 + (0.96 * 0.0015) ** 2 + (0.02 * 0.005) ** 2)
    assert binder.mean() == pytest.approx(0.02, rel=4 * expected / math.sqrt(binder.size))
    assert binder.std() / 0.02 == pytest.approx(expected, rel=4 / math.sqrt(2 * binder.size))
    for lot in lots[:20]:
        assert np.all(lot.columns["binder_fraction"] + lot.columns["active_fraction"] < 1.0)


def test_lots_of_one_powder_delivery_share_its_capacity(electrode):
    # About 1.5 t a roll: ten tonnes last for six or seven rolls.
    step = electrode.step(Dose)
    capacity = [float(electrode.run([step], i).columns["specific_capacity_mah_per_g"][0]) for i in range(600)]
    runs = 1 + sum(a != b for a, b in zip(capacity, capacity[1:], strict=False))
    kg = electrode.run([step]).amount
    assert runs == pytest.approx(600 * kg / 10_000.0, abs=2)
    # z-limit 4 on about 90 deliveries.
    levels = np.array(sorted(set(capacity))) / 195.0
    assert levels.std() == pytest.approx(0.005, rel=4 / math.sqrt(2 * levels.size))
    assert levels.mean() == pytest.approx(1.0, abs=4 * 0.005 / math.sqrt(levels.size))


def test_wrong_recipes_are_scrapped_at_the_stated_rate(electrode):
    # 10 000 charges at 2 %, z-limit 4.
    step = electrode.step(Dose, wrong_recipe_probability=0.02, charge_kg=15.0)
    lots = [electrode.run([step], ordinal) for ordinal in range(100)]
    charges = sum(lot.n for lot in lots)
    scrapped = sum(lot.n - lot.n_alive for lot in lots)
    assert scrapped / charges == pytest.approx(0.02, abs=4 * math.sqrt(0.02 * 0.98 / charges))
    assert all(set(np.unique(lot.exit_code)) <= {0, WRONG_RECIPE} for lot in lots)
    for lot in lots:
        assert lot.attributes["kg_scrap"] == pytest.approx(
            float(lot.columns["charge_kg"][~lot.alive()].sum(dtype=float)), abs=1e-3
        )


def test_powders_used_add_up_to_what_is_weighed(electrode):
    step = electrode.step(Dose, carbon_material="carbon_black")
    lot = electrode.run([step])
    used = step.work(lot, 0.5).materials
    assert set(used) == {"nmc811", "ptfe", "carbon_black"}
    assert sum(used.values()) == pytest.approx(lot.attributes["kg_in"])
    assert used["nmc811"] / lot.attributes["kg_in"] == pytest.approx(0.96, abs=0.002)


def test_lots_of_the_other_electrode_are_refused(electrode):
    step = electrode.step(Dose, "anode")
    with pytest.raises(ConfigError, match="step 'dose' makes the anode but was given a lot of 'cathode'"):
        step.apply(electrode.source_lot(electrode="cathode"), electrode.draws(step), 1.0)
