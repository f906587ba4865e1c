"""What a buyer demands of a cell: capacity, resistance for a use, self-discharge, strings, and what is paid for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from cellfab.config.cell_spec import CellDesign
from cellfab.config.spec import Spec
from cellfab.kernels.grading_theory import efficiency_mohm, voltage_mohm, warming_mohm

Positive = Annotated[float, Field(gt=0.0)]


class Use(Spec):
    """How hard a buyer works a cell, and what the cell must hold while it is: each limit is one on its resistance."""

    c_rate_per_h: Annotated[float, Field(gt=0.0, le=100.0)]
    """Current over the nameplate's capacity: 0.25 empties a cell in four hours."""
    least_voltage_v: Annotated[float, Field(gt=0.0, le=10.0)] | None = None
    """Under that current, from `open_circuit_v`."""
    open_circuit_v: Annotated[float, Field(gt=0.0, le=10.0)] | None = None
    """Voltage at rest at the end of the use; none: the design's nominal voltage."""
    most_warming_k: Annotated[float, Field(gt=0.0, le=200.0)] | None = None
    """By the current's heat in `duration_min`, none of which leaves the cell."""
    duration_min: Annotated[float, Field(gt=0.0, le=10_000.0)] | None = None
    heat_capacity_wh_per_kg_k: Annotated[float, Field(gt=0.1, le=1.0)] = 0.28
    """Of a cell: assumption, 1.0 kJ/(kg K), 0.9-1.1."""
    least_efficiency_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    """Energy discharged over energy charged, both at that current."""
    overvoltage_v: Annotated[float, Field(ge=0.0, le=1.0)] = 0.035
    """Each way beyond what the measured resistance explains (hysteresis, slow diffusion): assumption; with 0.28 mohm
    and 157 A it makes 95 %, the order of what cells of 314 Ah are sold with at half of their hourly power."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Use:
        if (self.most_warming_k is None) != (self.duration_min is None):
            raise ValueError("most_warming_k and duration_min belong together: how warm it gets depends on how long")
        return self

    def limits_mohm(self, design: CellDesign, nameplate_ah: float) -> dict[str, float]:
        """Largest resistance that each demand allows, by the demand's name; 0 or below where no cell can meet it.

        Parameters
        ----------
        design : CellDesign
        nameplate_ah : float
            Capacity that the C-rate refers to.
        """
        current_a = self.c_rate_per_h * nameplate_ah
        found: dict[str, float] = {}
        if self.least_voltage_v is not None:
            rest_v = design.nominal_voltage_v if self.open_circuit_v is None else self.open_circuit_v
            found["least_voltage_v"] = voltage_mohm(rest_v, self.least_voltage_v, current_a)
        if self.most_warming_k is not None and self.duration_min is not None:
            heat_wh_per_k = design.mass_kg * self.heat_capacity_wh_per_kg_k
            hours = self.duration_min / 60.0
            found["most_warming_k"] = warming_mohm(self.most_warming_k, heat_wh_per_k, current_a, hours)
        if self.least_efficiency_fraction is not None:
            found["least_efficiency_fraction"] = efficiency_mohm(
                self.least_efficiency_fraction, design.nominal_voltage_v, self.overvoltage_v, current_a
            )
        return found


class Buyer(Spec):
    """One specification that cells are sold by."""

    text: str = ""
    """Who buys and what for, in a few words."""
    price_ratio: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0
    """Paid for a kWh, over the product's sale price; who pays more is served first."""
    nameplate_ah: Positive | None = None
    """Capacity that is bought; none: the design's."""
    tolerance_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Of the nameplate, by which a reading may fall short."""
    most_dcir_mohm: Positive | None = None
    """Measured direct-current resistance, whatever the use."""
    most_self_discharge_mv_per_d: Positive | None = None
    """Voltage loss per day as the ageing step reads it."""
    takes_downgraded: bool = False
    """Whether cells are taken that an inspection downgraded, or whose joints were welded twice."""
    use: Use | None = None
    cells_in_series: Annotated[int, Field(ge=1, le=10_000)] = 416
    """In the strings that its cells are matched into: 416 in a rack of 1500 V: typical."""
    match_capacity_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01
    """Width of a bin of capacity readings whose cells make a string, of the nameplate; 0: one bin."""
    match_dcir_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.05
    """Likewise of resistance readings, of the rated resistance."""

    def nameplate(self, design: CellDesign) -> float:
        """Capacity that is bought, Ah."""
        return design.capacity_ah if self.nameplate_ah is None else self.nameplate_ah

    def least_ah(self, design: CellDesign) -> float:
        """Smallest capacity read that is taken, Ah."""
        return self.nameplate(design) * (1.0 - self.tolerance_fraction)

    def most_mohm(self, design: CellDesign) -> float:
        """Largest resistance read that is taken: the least of all limits on it, mohm; infinite without one."""
        limits = [] if self.use is None else list(self.use.limits_mohm(design, self.nameplate(design)).values())
        return min([math.inf if self.most_dcir_mohm is None else self.most_dcir_mohm, *limits])

    @property
    def most_mv_per_d(self) -> float:
        """Largest self-discharge read that is taken, mV/d; infinite without a limit."""
        return math.inf if self.most_self_discharge_mv_per_d is None else self.most_self_discharge_mv_per_d


def in_order_of_price(buyers: Mapping[str, Buyer]) -> tuple[tuple[str, Buyer], ...]:
    """Buyers by name, who pays most first; at equal prices as written."""
    return tuple(sorted(buyers.items(), key=lambda named: -named[1].price_ratio))
