"""Ageing and K-value test: cells rest, shorts grow, and the voltage they lose per day betrays those that leak.

What it models
    Warm storage, in which dissolved metal grows bridges, then rest at room temperature between two voltage readings.
    True and measured K value of every cell, and a limit that each tray sets from its own cells.
Equations
    K = (I + V / R_short) x 24 h / C x 100 % x s, s = dOCV/dSOC in mV per %. I = i C x lot x cell (lognormal) x
    Arrhenius(T) x mean of 1 + 3 exp(-t / 2 d) over the rest. Noise of K = sqrt(2) x sqrt(reading^2 + (mV/K x K)^2) /
    days. Rejected above median + k x 1.4826 x median absolute deviation of the tray. A short that needs more days
    than the warm storage and half the rest gives does not conduct yet: it is invisible.
Range
    One state of charge with one slope s; shorts that do not change during the rest. For cells of 3-400 Ah.
Rows
    In and out: cells in trays. Adds k_mv_per_d and k_measured_mv_per_d. Facts in `attributes`: shorts_seen and
    shorts_missed (conducting, of the cells that came), shorts_dormant, and k_detectable_ohm, the largest short that
    stands out of a tray without spread. Dictates the time.
Left out
    Relaxation bias after charge, ageing losses of capacity, shorts that burn away or grow during the rest, a tray's
    common temperature error (the median takes it out), leakage-current tests.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels.self_discharge_theory import (
    arrhenius_factor,
    detectable_ohm,
    k_value_mv_per_d,
    reading_noise_mv_per_d,
    settling_factor,
)
from cellfab.steps.base import Step, Work

if TYPE_CHECKING:
    from cellfab.kernels.self_discharge import RestLaw

K_TRUE = column("k_mv_per_d", "float32", "mV/d", "true voltage loss per day in the K-value test")
K_READ = column("k_measured_mv_per_d", "float32", "mV/d", "measured voltage loss per day")
HIGH_K = cause("ageing", "k_value", "voltage loss per day above the tray's limit")


class Ageing(Step):
    """Store, rest and read twice; see the module's text for the model."""

    name = "ageing"
    reads = ("capacity_ah", "short_siemens", "short_delay_d", "tray_position")
    writes = (K_TRUE, K_READ)

    class Params(Step.Params):
        """Storage recipe, self-discharge law and test."""

        warm_d: Annotated[float, Field(ge=0.0, le=60.0)] = 3.0
        """Warm storage at 45 degC: NMC 3, LFP 2 (Kampker et al. 2023 and machine-builders' guides)."""
        rest_d: Annotated[float, Field(gt=0.0, le=90.0)] = 10.0
        """Between the two readings: NMC 10, LFP 7 at low state of charge."""
        rest_c: Annotated[float, Field(ge=-20.0, le=80.0)] = 25.0
        """Temperature of the rest."""
        test_voltage_v: Annotated[float, Field(gt=0.5, le=6.0)] = 3.7
        """Open-circuit voltage in the test: NMC 3.7, LFP 3.15 at 8 % and 3.3 on the plateau."""
        ocv_slope_mv_per_percent: Annotated[float, Field(ge=0.0, le=200.0)] = 8.0
        """dOCV/dSOC there: NMC 8, LFP 6 below 10 % and 0.3 on the plateau, hard carbon 8: open-circuit curves."""
        chemical_ua_per_ah: Annotated[float, Field(ge=0.0, le=1000.0)] = 1.4
        """Self-discharge without a short at 20 degC; a 100 Ah cell at 20 % showed 142 uA (IEST, leakage current)."""
        chemical_cell_gsd: Annotated[Capability, within(1.0, 5.0)] = 1.25
        """From cell to cell: assumption."""
        chemical_lot_gsd: Annotated[Capability, within(1.0, 5.0)] = 1.15
        """From lot to lot: assumption."""
        activation_ev: Annotated[float, Field(ge=0.0, le=3.0)] = 0.40
        """From 142 uA at 20 degC and 620 uA at 50 degC of the same note."""
        settling_excess_ratio: Annotated[float, Field(ge=0.0, le=100.0)] = 3.0
        """Extra self-discharge right after formation: assumption."""
        settling_d: Annotated[float, Field(gt=0.0, le=60.0)] = 2.0
        """Time constant of its decay: assumption."""
        reading_mv: Annotated[Capability, within(0.0, 50.0)] = Ramped(start=0.15, mature=0.10)
        """Noise of a voltage reading, 1 sigma: assumption."""
        temperature_sd_k: Annotated[Capability, within(0.0, 50.0)] = Ramped(start=0.8, mature=0.5)
        """Of a cell between the two readings: assumption."""
        temperature_mv_per_k: Annotated[float, Field(ge=0.0, le=10.0)] = 0.15
        """Of the open-circuit voltage: assumption."""
        limit_sigmas_number: Annotated[float, Field(gt=0.0, le=50.0)] = 4.0
        """Robust standard deviations above the tray's median: assumption (common practice 3-6)."""

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Age and test every cell."""
        from cellfab.kernels.self_discharge import rest_cells

        params, columns, n = self.params, lot.columns, lot.n
        siemens, delay = columns.pop("short_siemens"), columns.pop("short_delay_d")
        columns.pop("first_cycle_efficiency", None)  # only to look at; nobody waits two weeks for it
        k_true, k_read, reason = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.uint8)
        law = self._law(float(draws.normal("lot", lot, 1)[0]), maturity)
        seen = rest_cells(
            law, draws.normals(("cell", "reading"), lot), columns["capacity_ah"], siemens, delay,
            columns["tray_position"], int(lot.attributes["cells_per_tray"]), lot.alive(), k_true, k_read, reason,
        )  # fmt: skip
        columns[K_TRUE] = k_true
        columns[K_READ] = k_read
        lot.scrap_each(reason, (HIGH_K,))
        facts = lot.attributes
        facts["shorts_seen"] = float(seen.seen)
        facts["shorts_missed"] = float(seen.missed)
        facts["shorts_dormant"] = float(seen.dormant)
        facts["k_detectable_ohm"] = detectable_ohm(
            params.test_voltage_v, self.design.capacity_ah, params.ocv_slope_mv_per_percent,
            max(params.limit_sigmas_number * law.noise_mv_per_d, 1e-12),
        )  # fmt: skip
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """The recipe's days."""
        return Work(seconds=86_400.0 * (self.params.warm_d + self.params.rest_d))

    def _law(self, lot_z: float, maturity: float) -> RestLaw:
        """Constants of a lot whose self-discharge is off by `lot_z` standard deviations."""
        from cellfab.kernels.self_discharge import RestLaw

        params = self.params
        level = 1e-6 * params.chemical_ua_per_ah * arrhenius_factor(params.rest_c, 20.0, params.activation_ev)
        level *= settling_factor(
            params.warm_d, params.warm_d + params.rest_d, params.settling_excess_ratio, params.settling_d
        )
        level *= self.at("chemical_lot_gsd", maturity) ** lot_z
        slope = params.ocv_slope_mv_per_percent
        return RestLaw(
            chemical_mv_per_d=k_value_mv_per_d(level, 1.0, slope),
            chemical_log_sd=math.log(self.at("chemical_cell_gsd", maturity)),
            short_mv_ah_per_d=k_value_mv_per_d(params.test_voltage_v, 1.0, slope),
            grown_d=params.warm_d + 0.5 * params.rest_d,
            noise_mv_per_d=reading_noise_mv_per_d(
                self.at("reading_mv", maturity), self.at("temperature_sd_k", maturity), params.temperature_mv_per_k,
                params.rest_d,
            ),
            sigmas=params.limit_sigmas_number,
        )  # fmt: skip
