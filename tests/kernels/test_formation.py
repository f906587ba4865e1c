from __future__ import annotations

import pytest

from cellfab.kernels.formation import binder_loss_ah, channels_needed, grid_energy_kwh


@pytest.mark.parametrize(
    ("cell_wh", "hours", "thousand_channels"),
    # Thousand channels per GWh a year, 90 % in use and 98 % good, one hour of handling included: 4680 with NMC and with
    # LFP, a 146 Ah long cell, 280 Ah, 314 Ah and a 160 Ah sodium-ion cell. Figures given to two digits.
    [
        (85.0, 17.0, 25.9),
        (62.0, 17.0, 35.0),
        (467.0, 19.0, 5.3),
        (896.0, 21.0, 3.0),
        (1005.0, 21.0, 2.7),
        (464.0, 21.0, 5.8),
    ],
)
def test_channels_per_gwh_scale_with_one_over_cell_energy(
    cell_wh: float, hours: float, thousand_channels: float
) -> None:
    found = channels_needed(1e9 / cell_wh, hours, 0.9, 0.98)
    assert found / 1e3 == pytest.approx(thousand_channels, rel=0.02)


def test_one_full_cycle_takes_about_0_6_kwh_per_kwh_of_cell() -> None:
    assert grid_energy_kwh(1.0 / 0.875, 1.0, 0.90, 0.75) == pytest.approx(0.52, abs=0.005)
    assert grid_energy_kwh(1.0, 1.0, 1.0, 1.0) == 0.0


def test_binder_loss_is_charge_per_mass_of_binder() -> None:
    assert binder_loss_ah(0.07, 0.03, 300.0) == pytest.approx(0.63)  # 70 g of coating, 2.1 g of PTFE
