"""What a fleet file means where it says nothing, and its shortest contract."""

from __future__ import annotations

import datetime

import pytest
from pydantic import ValidationError

from cellfab.config.fleet_spec import Buyers, Contract, Fleet, FleetPlant, Supplier

PLANT = {"scenario": "ess_from_4680", "gwh_per_year": 10}
BUYERS = {"gwh_per_year": 5, "reference_price_usd_per_kwh": 60, "elasticity_factor": 0.5}
PROMISE = {"energy_gwh": 1, "price_usd_per_kwh": 70}
DAY = datetime.date(2027, 3, 1)


def test_a_plant_is_one_line_for_the_market_at_the_dates_of_its_scenario():
    plant = FleetPlant.model_validate(PLANT)
    assert (plant.lines, plant.spacing_weeks, plant.mainly, plant.begins) == (1, 0.0, "ess", None)
    assert plant.ev_gwh_per_year.at(DAY) == 0.0
    assert (plant.credits, plant.contracts, plant.slips) == (None, {}, {})


def test_nothing_is_late_dutiable_or_limited_unless_it_is_written():
    fleet = Fleet.model_validate({"plants": {"north": PLANT}, "buyers": {"grid": BUYERS}})
    assert (fleet.delay_weeks, fleet.suppliers, fleet.parity, fleet.material_assistance_share) == (0.0, {}, None, None)
    supplier = Supplier.model_validate({"price_usd_per_kwh": 50})
    assert (supplier.base_duty_share, supplier.tariffs, supplier.freight_usd_per_kwh) == (0.0, (), 0.0)
    assert supplier.gwh_per_year is None
    assert Buyers.model_validate(BUYERS).factor == 1.0


def test_a_contract_may_be_of_one_day_and_not_of_none():
    one_day = Contract.model_validate({"begins": DAY, "ends": DAY, **PROMISE})
    assert one_day.begins == one_day.ends
    with pytest.raises(ValidationError, match=r"ends \(2027-02-28\) is before begins \(2027-03-01\)"):
        Contract.model_validate({"begins": DAY, "ends": DAY - datetime.timedelta(1), **PROMISE})


@pytest.mark.parametrize("missing", [{"plants": {}}, {"buyers": {}}])
def test_there_is_a_plant_and_a_buyer(missing):
    with pytest.raises(ValidationError, match="at least 1 item"):
        Fleet.model_validate({"plants": {"north": PLANT}, "buyers": {"grid": BUYERS}, **missing})
