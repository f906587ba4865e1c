"""How much carbon dioxide comes with a kilowatt-hour."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cellfab.config.schedule import NonNegativeSchedule, Schedule
from cellfab.config.spec import Spec


class Carbon(Spec):
    """Emission factors of what the plant burns and buys as electricity; those of materials stand with the materials."""

    grid_kg_per_kwh: NonNegativeSchedule = Schedule.constant(0.367)
    """Of electricity, a number or numbers by date: United States 2023, 0.81 lb/kWh generated (EIA, frequently asked
    questions); China about 0.55, Germany 0.36, hydro and nuclear grids below 0.05."""
    gas_kg_per_kwh: Annotated[float, Field(ge=0.0, le=2.0)] = 0.202
    """Of heat, per kWh of fuel: natural gas, 56.1 kg/GJ of net calorific value (IPCC 2006, volume 2, table 1.4)."""
