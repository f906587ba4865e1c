"""Heat of a dryer against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cellfab.kernels.dryer_theory import Dryer

NMP = Dryer(0.14, 0.0005, 90.0, 120.0, 8.0, 0.0, 0.0, 1.0)
WATER = Dryer(0.66, 0.00116, 50.0, 90.0, 40.0, 0.0, 0.0, 1.0)


def test_a_dryer_without_air_or_losses_needs_latent_and_sensible_heat():
    dilute = replace(NMP, exhaust_g_per_m3=1e12)
    assert dilute.fuel_kwh_per_kg(0.0) == pytest.approx(0.14 + 65.0 * 0.0005)
    assert dilute.fuel_kwh_per_kg(4.0) == pytest.approx(0.14 + 65.0 * (0.0005 + 4.0 * 0.00025))


def test_exhaust_air_by_hand():
    # 125 m3 of air per kg, 148 kg, warmed by 95 K at 1.006 kJ/kg K.
    assert NMP.exhaust_kwh_per_kg() == pytest.approx(148.0 * 1.006 * 95.0 / 3600.0)
    assert NMP.exhaust_kwh_per_kg() > 20.0 * NMP.latent_kwh_per_kg


def test_fuel_falls_with_recovery_and_concentration_and_rises_with_losses():
    bare = NMP.fuel_kwh_per_kg(1.6)
    assert replace(NMP, recovered_share=0.6).fuel_kwh_per_kg(1.6) == pytest.approx(
        bare - 0.6 * NMP.exhaust_kwh_per_kg()
    )
    assert replace(NMP, recovered_share=1.0).fuel_kwh_per_kg(1.6) == pytest.approx(NMP.evaporation_kwh_per_kg(1.6))
    assert replace(NMP, exhaust_g_per_m3=16.0).exhaust_kwh_per_kg() == pytest.approx(0.5 * NMP.exhaust_kwh_per_kg())
    assert replace(NMP, loss_share=0.15, efficiency=0.85).fuel_kwh_per_kg(1.6) == pytest.approx(bare * 1.15 / 0.85)


def test_the_published_demand_without_recovery_is_that_of_a_tenth_of_the_flammability_limit():
    """Ahmed et al. 2016: about 10 kWh per kg of NMP, distillation included, against 4-10 elsewhere."""
    tenth = replace(NMP, exhaust_g_per_m3=5.4, loss_share=0.15, efficiency=0.85)
    assert 7.0 < tenth.fuel_kwh_per_kg(1.6) < 10.5


def test_water_takes_more_latent_heat_and_far_less_air():
    assert WATER.evaporation_kwh_per_kg(1.0) > 3.0 * NMP.evaporation_kwh_per_kg(1.0)
    assert WATER.exhaust_kwh_per_kg() < 0.2 * NMP.exhaust_kwh_per_kg()
    assert WATER.fuel_kwh_per_kg(1.0) < 0.4 * NMP.fuel_kwh_per_kg(1.0)
