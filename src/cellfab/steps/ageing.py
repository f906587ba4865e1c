"""Ageing and K-value test: cells rest, shorts grow, and the voltage they lose per day betrays those that leak.

What it models
    Warm storage, in which dissolved metal grows bridges, then rest at room temperature between two voltage readings.
    True and measured K value of every cell, and a limit that each tray sets from its own cells. What the test can
    see at all is asked before anything is run: a test that cannot see the short it is there for is warned of.
Equations
    K = (I + V / R_short) x 24 h / C x 100 % x s, s = dOCV/dSOC in mV per %. I = i C x lot x cell (lognormal) x
    Arrhenius(T) x mean of 1 + 3 exp(-t / 2 d) over the rest. Noise of K = sqrt(2) x sqrt(reading^2 + (mV/K x K)^2) /
    days. Rejected above median + k x 1.4826 x median absolute deviation of the tray. Bridges grow by days at 45 degC:
    a day at T counts exp(-0.5 eV / k (1/T - 1/318 K)). A short that needs more of them than the warm storage and half
    the rest give does not conduct yet: it is invisible. Largest short that is seen: V x 24 x 100 s / (C k sd), sd
    of the noise and of the sound cells' own spread.
Range
    One state of charge with one slope s; shorts that do not change during the rest. For cells of 3-400 Ah of any
    chemistry. Published sets, test_voltage_v, ocv_slope_mv_per_percent, warm and rest days: NMC and graphite 3.7 V,
    8, 3 and 10 d, the defaults; LFP and graphite at 8 % charge 3.15 V, 6, 2 and 7 d, on its plateau 3.3 V, 0.3; NFPP
    and hard carbon 2.9 V, 8, 2 and 7 d.
Rows
    In and out: cells in trays. Adds k_mv_per_d and k_measured_mv_per_d. Facts in `attributes`: shorts_seen and
    shorts_missed (conducting, of the cells that came), shorts_dormant, k_detectable_ohm, the largest short that
    stands out of the reading noise alone, and false_rejects_k_value, rejected without a conducting short. Dictates
    the time.
Left out
    Relaxation bias after charge, ageing losses of capacity, shorts that burn away or grow during the rest, a tray's
    common temperature error (the median takes it out).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import notes
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels.self_discharge_theory import (
    arrhenius_factor,
    detectable_ohm,
    k_value_mv_per_d,
    lognormal_spread,
    reading_noise_mv_per_d,
    settling_factor,
    slope_to_see,
)
from cellfab.steps.base import Step, Work

if TYPE_CHECKING:
    from cellfab.kernels.self_discharge import RestLaw

K_TRUE = column("k_mv_per_d", "float32", "mV/d", "true voltage loss per day in the K-value test")
K_READ = column("k_measured_mv_per_d", "float32", "mV/d", "measured voltage loss per day")
HIGH_K = cause("ageing", "k_value", "voltage loss per day above the tray's limit")

_BRIDGE_C = 45.0
"""Temperature at whose days the growth of bridges is told (`short_delay_d`)."""


class Ageing(Step):
    """Store, rest and read twice; see the module's text for the model."""

    name = "ageing"
    reads = ("capacity_ah", "short_siemens", "short_delay_d", "tray_position")
    writes = (K_TRUE, K_READ)

    class Params(Step.Params):
        """Storage recipe, self-discharge law and test."""

        warm_d: Annotated[float, Field(ge=0.0, le=60.0)] = 3.0
        """Warm storage: NMC 3, LFP 2 (Kampker et al. 2023 and machine-builders' guides)."""
        warm_c: Annotated[float, Field(ge=-20.0, le=80.0)] = 45.0
        """Its temperature: 30-50, 45-60 for 12-48 h (kiprobatt.de; machine-builders' guides)."""
        bridge_activation_ev: Annotated[float, Field(ge=0.0, le=3.0)] = 0.5
        """Of the growth of metal bridges: assumption."""
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
        short_to_see_ohm: Annotated[float, Field(gt=0.0, le=1e9)] = 1000.0
        """The soft short that the test is there to find; reviewed, not simulated: assumption."""

    def review(self) -> Iterator[Remark]:
        """Whether a mature line's test can see the short that it is there for."""
        params, slope = self.params, self.params.ocv_slope_mv_per_percent
        volt, ah = params.test_voltage_v, self.design.capacity_ah
        noise = self._noise_mv_per_d(1.0)
        chemical = k_value_mv_per_d(self._chemical_a_per_ah(), 1.0, 1.0)
        spread = lognormal_spread(chemical, self.at("chemical_cell_gsd", 1.0))
        short = k_value_mv_per_d(volt / params.short_to_see_ohm, ah, 1.0)
        margin = params.limit_sigmas_number * math.hypot(noise, slope * spread)
        if slope * short >= margin:
            return
        needed = slope_to_see(short, spread, noise, params.limit_sigmas_number)
        if math.isinf(needed):
            hint = (
                "neither a steeper slope nor more days would do: sound cells differ too much (let them settle longer)"
            )
        else:
            hint = f"test where the slope is at least {needed:.2g} mV per percent (LFP: below 10 % charge)"
            if slope > 0.0:
                hint += f", or rest {params.rest_d * needed / slope:.0f} days"
        seen = detectable_ohm(volt, ah, slope, margin) if margin > 0.0 else 0.0
        yield Remark(
            "ocv_slope_mv_per_percent",
            f"the K-value test cannot see the short it is there for: {params.short_to_see_ohm:g} Ohm in a cell of"
            f" {ah:.0f} Ah take {slope * short:.2g} mV/d, but the limit lies {margin:.2g} mV/d above a tray's median;"
            f" the weakest short it sees has {seen:.3g} Ohm",
            hint=hint,
        )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Age and test every cell."""
        from cellfab.kernels.cell_numbers import fill_cell_numbers
        from cellfab.kernels.self_discharge import rest_cells

        params, columns, n = self.params, lot.columns, lot.n
        siemens, delay = columns.pop("short_siemens"), columns.pop("short_delay_d")
        for name in ("first_cycle_efficiency", "gas_ml"):  # only to look at; nobody waits two weeks for it
            columns.pop(name, None)
        k_true, k_read, reason = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.uint8)
        law = self._law(float(draws.normal("lot", lot, 1)[0]), maturity)
        words, z = np.empty((4, n), np.uint32), np.empty((2, n), np.float32)
        fill_cell_numbers(draws.key("cells"), lot.identity, words, z)
        seen = rest_cells(
            law, z, columns["capacity_ah"], siemens, delay,
            columns["tray_position"], int(lot.attributes["cells_per_tray"]), lot.alive(), k_true, k_read, reason,
        )  # fmt: skip
        columns[K_TRUE] = k_true
        columns[K_READ] = k_read
        lot.scrap_each(reason, (HIGH_K,))
        facts = lot.attributes
        facts["shorts_seen"] = float(seen.seen)
        facts["shorts_missed"] = float(seen.missed)
        facts["shorts_dormant"] = float(seen.dormant)
        facts[notes.FALSE_REJECTS + "k_value"] = float(seen.sound)
        facts["k_detectable_ohm"] = detectable_ohm(
            params.test_voltage_v, self.design.capacity_ah, params.ocv_slope_mv_per_percent,
            max(params.limit_sigmas_number * law.noise_mv_per_d, 1e-12),
        )  # fmt: skip
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """The recipe's days."""
        return Work(seconds=86_400.0 * (self.params.warm_d + self.params.rest_d))

    def _noise_mv_per_d(self, maturity: float) -> float:
        """Of K, by the readings alone, 1 sigma."""
        params = self.params
        temperature_mv = self.at("temperature_sd_k", maturity) * params.temperature_mv_per_k
        return reading_noise_mv_per_d(self.at("reading_mv", maturity), temperature_mv, float(params.rest_d))

    def _chemical_a_per_ah(self) -> float:
        """Median self-discharge during the rest of a cell without a short."""
        params = self.params
        warmth = arrhenius_factor(params.rest_c, 20.0, params.activation_ev)
        settling = settling_factor(
            params.warm_d, params.warm_d + params.rest_d, params.settling_excess_ratio, params.settling_d
        )
        return 1e-6 * float(params.chemical_ua_per_ah) * warmth * settling

    def _bridge_days(self) -> float:
        """Days at 45 degC that bridges have had to grow by the middle of the rest."""
        params, ev = self.params, self.params.bridge_activation_ev
        warm = params.warm_d * arrhenius_factor(params.warm_c, _BRIDGE_C, ev)
        return float(warm + 0.5 * params.rest_d * arrhenius_factor(params.rest_c, _BRIDGE_C, ev))

    def _law(self, lot_z: float, maturity: float) -> RestLaw:
        """Constants of a lot whose self-discharge is off by `lot_z` standard deviations."""
        from cellfab.kernels.self_discharge import RestLaw

        params, slope = self.params, self.params.ocv_slope_mv_per_percent
        level = self._chemical_a_per_ah() * self.at("chemical_lot_gsd", maturity) ** lot_z
        return RestLaw(
            chemical_mv_per_d=k_value_mv_per_d(level, 1.0, slope),
            chemical_log_sd=math.log(self.at("chemical_cell_gsd", maturity)),
            short_mv_ah_per_d=k_value_mv_per_d(params.test_voltage_v, 1.0, slope),
            grown_d=self._bridge_days(),
            noise_mv_per_d=self._noise_mv_per_d(maturity),
            sigmas=float(params.limit_sigmas_number),
        )
