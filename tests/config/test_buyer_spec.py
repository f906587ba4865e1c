"""What a use allows a cell's resistance, by hand; and what is no specification."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from cellfab.config.buyer_spec import Buyer, Use, in_order_of_price
from cellfab.scenario import load_scenario


@pytest.fixture(scope="module")
def design():
    return load_scenario("ess_lfp_prismatic").spec.products["lfp_314ah_prismatic"].design


def test_resistance_by_voltage_warming_and_efficiency(design):
    use = Use(
        c_rate_per_h=2, least_voltage_v=2.9, open_circuit_v=3.2, most_warming_k=10, duration_min=6,
        least_efficiency_fraction=0.8, overvoltage_v=0.04,
    )  # fmt: skip
    found = use.limits_mohm(design, 300.0)
    assert found["least_voltage_v"] == pytest.approx(0.5)  # 0.3 V of 600 A
    # 600 A for a tenth of an hour through 1 mohm are 36 Wh, and the cell takes 0.28 Wh per kg and kelvin.
    assert found["most_warming_k"] == pytest.approx(10 * 0.28 * design.mass_kg / 36.0)
    # At that resistance charge takes U + o + IR, and discharge gives U - o - IR.
    lost = 0.04 + 600e-3 * found["least_efficiency_fraction"]
    assert (design.nominal_voltage_v - lost) / (design.nominal_voltage_v + lost) == pytest.approx(0.8)


def test_the_hardest_demand_counts(design):
    use = Use(c_rate_per_h=1, least_voltage_v=3.0)
    only = Buyer(use=use).most_mohm(design)
    assert only == pytest.approx(1e3 * (design.nominal_voltage_v - 3.0) / design.capacity_ah)
    assert Buyer(use=use, most_dcir_mohm=0.1).most_mohm(design) == 0.1
    assert Buyer(use=use, most_dcir_mohm=10.0).most_mohm(design) == only
    assert Buyer().most_mohm(design) == math.inf == Buyer().most_mv_per_d


def test_capacity_is_of_the_nameplate_else_of_the_design(design):
    assert Buyer().least_ah(design) == design.capacity_ah
    assert Buyer(nameplate_ah=300, tolerance_fraction=0.02).least_ah(design) == pytest.approx(294.0)


def test_who_pays_most_comes_first_and_equals_as_written():
    buyers = {name: Buyer(price_ratio=ratio) for name, ratio in (("a", 1.0), ("b", 2.0), ("c", 1.0))}
    assert [name for name, _ in in_order_of_price(buyers)] == ["b", "a", "c"]


@pytest.mark.parametrize(
    "use", [{"most_warming_k": 5.0}, {"duration_min": 5.0}, {"least_efficiency_fraction": 1.0}, {"c_rate_per_h": 0.0}]
)
def test_what_is_no_use(use):
    with pytest.raises(ValidationError):
        Use(**{"c_rate_per_h": 1.0, **use})
