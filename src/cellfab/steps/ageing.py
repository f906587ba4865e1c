"""Ageing and K-value test: cells rest, shorts grow, and the voltage they lose per day betrays those that leak.

What it models
    Warm storage, in which dissolved metal grows bridges, then rest at room temperature between two voltage readings.
    True and measured K value of every cell, and a limit that each tray sets from its own cells. Optionally a
    potentiostatic test after the rest: the current that holds each cell at its voltage, judged in the same way; it
    takes hours and does not need a slope. What the tests can see at all is asked before anything is run: where none
    sees the short it is there for, a warning says so.
Equations
    K = (I + V / R_short) x 24 h / C x 100 % x s, s = dOCV/dSOC in mV per %. I = i C x lot x cell (lognormal) x
    Arrhenius(T) x mean of 1 + 3 exp(-t / 2 d) over the rest. Noise of K = sqrt(2) x sqrt(reading^2 + (mV/K x K)^2) /
    days. Leakage current I + V / R_short + noise, per Ah. Rejected above median + k x 1.4826 x median absolute
    deviation of the tray. Bridges grow by days at 45 degC: a day at T counts exp(-0.5 eV / k (1/T - 1/318 K)). A
    short that needs more of them than the warm storage and half the rest give does not conduct yet: it is invisible.
    Weakest short that is seen: V x 24 x 100 s / (C k sd), sd of the noise and of the sound cells' own spread
    together; by the current V / (k sd).
Range
    One state of charge with one slope s; shorts that do not change during the rest. For cells of 3-400 Ah of any
    chemistry. Published sets, test_voltage_v, ocv_slope_mv_per_percent, warm and rest days: NMC and graphite 3.7 V,
    8, 3 and 10 d, the defaults; LFP and graphite at 8 % charge 3.15 V, 6, 2 and 7 d, on its plateau 3.3 V, 0.3; NFPP
    and hard carbon 2.9 V, 8, 2 and 7 d.
Rows
    In and out: cells in trays. Adds k_mv_per_d and k_measured_mv_per_d, and leakage_measured_ua_per_ah where that
    test is made. Facts in `attributes`: shorts_seen and shorts_missed (conducting, of the cells that came),
    shorts_dormant, k_detectable_ohm, the weakest short that either test sees; false_rejects_k_value and
    false_rejects_leakage_current, rejected without a conducting short. Dictates the time.
Left out
    Relaxation bias after charge and of the potentiostat, capacity lost by ageing, shorts that burn away or grow
    during the rest, a tray's common temperature error (the median takes it out).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.core.web import exit_codes, note_false_rejects, scrapped
from cellfab.kernels import AtFirstUse
from cellfab.kernels.self_discharge_theory import (
    arrhenius_factor,
    detectable_ohm,
    k_value_mv_per_d,
    leakage_detectable_ohm,
    lognormal_spread,
    reading_noise_mv_per_d,
    settling_factor,
    slope_to_see,
)
from cellfab.steps.base import Step, Work, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.self_discharge import RestLaw

cell_numbers = AtFirstUse("cell_numbers")
self_discharge = AtFirstUse("self_discharge")

K_TRUE = column("k_mv_per_d", "float32", "mV/d", "true voltage loss per day in the K-value test")
K_READ = column("k_measured_mv_per_d", "float32", "mV/d", "measured voltage loss per day")
LEAKAGE_READ = column("leakage_measured_ua_per_ah", "float32", "uA/Ah", "measured current that holds a cell's voltage")
HIGH_K = cause("ageing", "k_value", "voltage loss per day above the tray's limit")
LEAKAGE = cause("ageing", "leakage_current", "current that holds the voltage above the tray's limit")
_CODES = np.array([HIGH_K, LEAKAGE], np.int16)

_BRIDGE_C = 45.0
"""Temperature at whose days the growth of bridges is told (`short_delay_d`)."""
_LEAST_MARGIN = 1e-12
"""mV/d or A that a limit lies above the median at least, where nothing scatters."""


class Ageing(Step):
    """Store, rest and read twice; see the module's text for the model."""

    name = "ageing"
    reads = ("capacity_ah", "short_siemens", "short_delay_d", "tray_position")
    writes = (K_TRUE, K_READ, LEAKAGE_READ)

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
        limit_sigmas_number: Annotated[float, Field(gt=0.0, le=50.0), Threshold(text="K-value limit, sigmas")] = 4.0
        """Robust standard deviations above the tray's median: assumption (common practice 3-6)."""
        leakage_test_h: Annotated[float, Field(ge=0.0, le=200.0)] = 0.0
        """Potentiostatic test after the rest; 0: none. Some hours (IEST, leakage current; Keysight, 2020)."""
        leakage_noise_ua: Annotated[Capability, within(0.0, 1e5)] = 10.0
        """Of that current's reading, 1 sigma: assumption."""
        short_to_see_ohm: Annotated[float, Field(gt=0.0, le=1e9)] = 1000.0
        """The soft short that the test is there to find; reviewed, not simulated: assumption."""

    def review(self) -> Iterator[Remark]:
        """Whether the tests of a mature line can see the short that they are there for, within the voltage limits."""
        params, slope = self.params, self.params.ocv_slope_mv_per_percent
        lower, upper = self.design.lower_voltage_v, self.design.upper_voltage_v
        if not lower <= params.test_voltage_v <= upper:
            yield Remark(
                "test_voltage_v",
                f"cells rest at {params.test_voltage_v:g} V, outside their limits of {lower:g} to {upper:g} V",
                impossible=True,
                hint="the open-circuit voltage of this chemistry at the state of charge of the test",
            )
            return
        asked, ah = params.short_to_see_ohm, self.design.capacity_ah
        seen = self._seen_ohm(1.0)
        if seen >= asked:
            return
        noise, spread = self._noise_mv_per_d(1.0), self._spread_mv_per_d(1.0, 1.0)
        short = k_value_mv_per_d(params.test_voltage_v / asked, ah, 1.0)
        needed = slope_to_see(short, spread, noise, params.limit_sigmas_number)
        if math.isinf(needed):
            hints = ["neither slope nor days would do, sound cells differ too much: let them settle longer"]
        else:
            hints = [f"test where the slope is at least {needed:.2g} mV per percent (LFP: below 10 % charge)"]
            if slope > 0.0:
                hints.append(f"rest {params.rest_d * needed / slope:.0f} days")
        if self._leakage_seen_ohm(1.0) >= asked and not params.leakage_test_h:
            hints.append(f"add a leakage test (leakage_test_h), which sees {self._leakage_seen_ohm(1.0):.0f} Ohm")
        margin = params.limit_sigmas_number * math.hypot(noise, slope * spread)
        yield Remark(
            "ocv_slope_mv_per_percent",
            f"the K-value test cannot see the short it is there for: {asked:g} Ohm in a cell of {ah:.0f} Ah take"
            f" {slope * short:.2g} mV/d, but the limit lies {margin:.2g} mV/d above a tray's median; the weakest short"
            f" that is seen has {seen:.3g} Ohm",
            hint=", or ".join(hints),
        )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Age and test every cell."""
        columns, n, facts = lot.columns, lot.n, lot.attributes
        siemens, delay = columns.pop("short_siemens"), columns.pop("short_delay_d")
        for name in ("first_cycle_efficiency", "gas_ml"):  # only to look at; nobody waits two weeks for it
            columns.pop(name, None)
        lot_z, came, tested = float(draws.normal("lot", lot, 1)[0]), lot.alive(), bool(self.params.leakage_test_h)
        z = np.empty((4 if tested else 2, n), np.float32)
        cell_numbers.fill_cell_normals(draws.key("cells"), lot.identity, z)
        given = columns["capacity_ah"], siemens, delay, columns["tray_position"], int(facts["cells_per_tray"]), came
        true, read, reason = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.uint8)
        law = self._law(lot_z, maturity)
        self_discharge.rest_cells(law, z[0], z[1], *given, true, read, reason)
        columns[K_TRUE], columns[K_READ] = true, read
        if tested:
            columns[LEAKAGE_READ] = np.empty(n, np.float32)
            high, current = np.empty(n, np.uint8), np.empty(n, np.float32)
            self_discharge.rest_cells(
                self._leakage_law(lot_z, maturity), z[0], z[2], *given, current, columns[LEAKAGE_READ], high
            )
            reason = np.where(reason > 0, reason, np.uint8(2) * high)
        seen = self_discharge.count_shorts(siemens, delay, law.grown_d, came, reason, _CODES, exit_codes(lot))
        scrapped(lot, (HIGH_K, seen.rejected_1), (LEAKAGE, seen.rejected_2))
        facts["shorts_seen"] = float(seen.seen)
        facts["shorts_missed"] = float(seen.missed)
        facts["shorts_dormant"] = float(seen.dormant)
        note_false_rejects(lot, HIGH_K, seen.sound_1)
        note_false_rejects(lot, LEAKAGE, seen.sound_2)
        facts["k_detectable_ohm"] = self._seen_ohm(maturity)
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """The recipe's days and hours."""
        params = self.params
        return Work(seconds=86_400.0 * (params.warm_d + params.rest_d) + 3600.0 * params.leakage_test_h)

    def _noise_mv_per_d(self, maturity: float) -> float:
        """Of K, by the readings alone, 1 sigma."""
        params = self.params
        temperature_mv = self.at("temperature_sd_k", maturity) * params.temperature_mv_per_k
        return reading_noise_mv_per_d(self.at("reading_mv", maturity), temperature_mv, float(params.rest_d))

    def _chemical_a_per_ah(self, start_d: float, end_d: float) -> float:
        """Median self-discharge between two times after formation of a cell without a short."""
        params = self.params
        warmth = arrhenius_factor(params.rest_c, 20.0, params.activation_ev)
        settling = settling_factor(start_d, end_d, params.settling_excess_ratio, params.settling_d)
        return 1e-6 * float(params.chemical_ua_per_ah) * warmth * settling

    @cached_property
    def _resting_a_per_ah(self) -> float:
        """Its mean over the rest."""
        return self._chemical_a_per_ah(self.params.warm_d, self.params.warm_d + self.params.rest_d)

    def _held_a_per_ah(self) -> float:
        """Its mean over the day after the rest, when the leakage current is read."""
        rested_d = self.params.warm_d + self.params.rest_d
        return self._chemical_a_per_ah(rested_d, rested_d + 1.0)

    def _spread_mv_per_d(self, slope: float, maturity: float) -> float:
        """Robust standard deviation of the true K of sound cells."""
        chemical = k_value_mv_per_d(self._resting_a_per_ah, 1.0, slope)
        return lognormal_spread(chemical, self.at("chemical_cell_gsd", maturity))

    @once_per_maturity
    def _seen_ohm(self, maturity: float) -> float:
        """Weakest short that stands out of a tray in either test."""
        params, slope = self.params, self.params.ocv_slope_mv_per_percent
        sd = math.hypot(self._noise_mv_per_d(maturity), self._spread_mv_per_d(slope, maturity))
        margin = max(params.limit_sigmas_number * sd, _LEAST_MARGIN)
        by_voltage = detectable_ohm(params.test_voltage_v, self.design.capacity_ah, slope, margin)
        return max(by_voltage, self._leakage_seen_ohm(maturity)) if params.leakage_test_h else by_voltage

    def _leakage_seen_ohm(self, maturity: float) -> float:
        """Weakest short that stands out of a tray in a leakage test."""
        params, ah = self.params, self.design.capacity_ah
        spread_a = lognormal_spread(self._held_a_per_ah() * ah, self.at("chemical_cell_gsd", maturity))
        sd_a = math.hypot(1e-6 * self.at("leakage_noise_ua", maturity), spread_a)
        return leakage_detectable_ohm(params.test_voltage_v, max(params.limit_sigmas_number * sd_a, _LEAST_MARGIN))

    def _bridge_days(self) -> float:
        """Days at 45 degC that bridges have had to grow by the middle of the rest."""
        params, ev = self.params, self.params.bridge_activation_ev
        warm = params.warm_d * arrhenius_factor(params.warm_c, _BRIDGE_C, ev)
        return float(warm + 0.5 * params.rest_d * arrhenius_factor(params.rest_c, _BRIDGE_C, ev))

    def _law(self, lot_z: float, maturity: float) -> RestLaw:
        """K in mV/d, of a lot whose self-discharge is off by `lot_z` standard deviations."""
        slope = self.params.ocv_slope_mv_per_percent
        level = self._resting_a_per_ah * self.at("chemical_lot_gsd", maturity) ** lot_z
        return self._median_law(maturity)._replace(chemical=k_value_mv_per_d(level, 1.0, slope))

    @once_per_maturity
    def _median_law(self, maturity: float) -> RestLaw:
        """K in mV/d, of a lot of median self-discharge."""
        params, slope = self.params, self.params.ocv_slope_mv_per_percent
        law: RestLaw = self_discharge.RestLaw(
            chemical=k_value_mv_per_d(self._resting_a_per_ah, 1.0, slope),
            chemical_log_sd=math.log(self.at("chemical_cell_gsd", maturity)),
            per_siemens_ah=k_value_mv_per_d(params.test_voltage_v, 1.0, slope),
            grown_d=self._bridge_days(),
            noise=self._noise_mv_per_d(maturity),
            sigmas=float(params.limit_sigmas_number),
        )
        return law

    def _leakage_law(self, lot_z: float, maturity: float) -> RestLaw:
        """The current that holds the voltage, uA/Ah."""
        return self._law(lot_z, maturity)._replace(
            chemical=1e6 * self._held_a_per_ah() * self.at("chemical_lot_gsd", maturity) ** lot_z,
            per_siemens_ah=1e6 * float(self.params.test_voltage_v),
            noise=self.at("leakage_noise_ua", maturity) / self.design.capacity_ah,
        )
