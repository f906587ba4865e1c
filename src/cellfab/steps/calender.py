"""Calender: the laminated web is pressed to its thickness and porosity.

What it models
    Per segment the total thickness and the porosity of the coating. In gap mode the rolls set the thickness and
    porosity follows from the loading; in force mode the line load sets the porosity and thickness follows. A
    thickness gauge (with error) marks segments out of tolerance. Now and then the bare margin of a roll wrinkles
    until somebody sees it.
Equations
    Porosity after a line load q: eps = eps_min + (eps_0 - eps_min) exp(-q / gamma) (Meyer et al. 2017); porosity of a
    coating eps = 1 - w / (t rho). Gap mode: t = design + roll + lane + gap noise, the last an Ornstein-Uhlenbeck
    process along the web, drawn as exact segment means. Force mode: the same components as errors of the thickness
    that the Meyer line load would give at the true loading. Wrinkle: one per roll with a probability, exponential
    length, uniform start, all lanes.
Range
    Design porosity between eps_min and the porosity before (refused otherwise); line load up to 2500 N/mm (Meyer's
    range is lower). The gauge's error is cut off at 4 standard deviations.
Rows
    In and out: segments; m. Adds porosity; thickness_um (both sides and foil) with `keep_all_columns`. Attribute
    line_load_n_per_mm.
Left out
    Springback as a random quantity (the gap is set so that the mean comes out right), foil elongation, what broken
    particles do to the cell (they are warned of), what calendering does to peel strength and to elevated edges.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import ElectrodeStep

calendering = AtFirstUse("calendering")

THICKNESS = column("thickness_um", "float32", "um", "true thickness of the electrode, both coatings and foil")
POROSITY = column("porosity", "float32", "1", "true porosity of the coating")
OFF_THICKNESS = cause("calender", "thickness", "thickness read as out of tolerance")
WRINKLE = cause("calender", "wrinkle", "web with a wrinkled or torn bare margin")


class Calender(ElectrodeStep):
    """Press the web; see the module's text for the model."""

    name = "calender"
    reads = ("loading_mg_per_cm2",)
    writes = (POROSITY,)
    on_demand = (THICKNESS,)
    """Columns kept with `keep_all_columns`: no later step reads them."""

    class Params(ElectrodeStep.Params):
        """Material behaviour, rolls and gauge."""

        mode: Literal["gap", "force"] = "gap"
        """What the machine holds: its gap (porosity follows the loading) or its line load (thickness follows)."""
        porosity_least_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.17
        """Porosity that no load gets below: assumption (graphite 0.16, NMC 0.17, LFP 0.24); form by Meyer et al.
        2017."""
        compaction_n_per_mm: Annotated[float, Field(gt=0.0, le=1e5)] = 380.0
        """Meyer's resistance gamma: assumption (graphite 120, LFP 500, NMC 380)."""
        porosity_crack_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.19
        """Porosity below which particles break under the rolls (a warning): assumption for NMC."""
        line_load_limit_n_per_mm: Annotated[float, Field(gt=0.0, le=1e5)] = 2500.0
        """Strongest the machine can: usual of industrial calenders."""
        roll_thickness_um: Annotated[Capability, within(0.0, 50.0)] = Ramped(start=0.46, mature=0.35)
        """Set-point error of a roll, 1 sigma: assumption."""
        lane_thickness_um: Annotated[Capability, within(0.0, 50.0)] = Ramped(start=0.35, mature=0.25)
        """Offset of a lane (roll bending), 1 sigma: assumption."""
        gap_noise_um: Annotated[Capability, within(0.0, 50.0)] = Ramped(start=0.85, mature=0.70)
        """Point value of the gap's noise, 1 sigma: assumption, 0.3-1.5."""
        gap_length_m: Annotated[float, Field(gt=0.0, le=1e5)] = 2.0
        """Correlation length of that noise: assumption."""
        gauge_um: Annotated[Capability, within(0.0, 50.0)] = 0.2
        """Error of the thickness gauge, 1 sigma: assumption."""
        thickness_tolerance_um: Annotated[float, Field(gt=0.0, le=100.0), Threshold()] = 2.0
        """Both sides together: usual of industrial calenders, 1.5-3."""
        wrinkle_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.10, mature=0.02)
        """Of a roll: assumption, 0.005-0.1 for a bare margin."""
        wrinkle_m: Annotated[Capability, within(0.0, 1e4)] = Ramped(start=400.0, mature=150.0)
        """Mean length lost by a wrinkle: assumption."""
        keep_all_columns: bool = False
        """Keep the true thickness, which no later step reads, in a column: memory."""

    def review(self) -> Iterator[Remark]:
        """The design's porosity must be within reach; pressed too far, particles break."""
        params, porosity = self.params, self.electrode.porosity
        density = f"design.{params.electrode}.press_density_g_per_cm3"
        if porosity <= params.porosity_least_fraction:
            yield Remark(
                density,
                f"the {params.electrode}'s design porosity {porosity:.3f} (1 - press density / solid density) is not"
                f" above {params.porosity_least_fraction:g}, the least that calendering can reach"
                " (porosity_least_fraction)",
                impossible=True,
                hint="lower the press density",
            )
        elif porosity < params.porosity_crack_fraction:
            yield Remark(
                density,
                f"at a porosity of {porosity:.3f}, below {params.porosity_crack_fraction:g}"
                " (porosity_crack_fraction), calendering breaks particles",
                hint="lower the press density",
            )
        elif porosity > 0.55:
            yield Remark(density, f"a porosity of {porosity:.3f} is that of a coating that has not been pressed")
        gauge_um = self.at("gauge_um", 1.0)
        if 3.0 * gauge_um > params.thickness_tolerance_um:
            yield Remark(
                "gauge_um",
                f"the gauge's error (3 x {gauge_um:g} um) is larger than the tolerance"
                f" ({params.thickness_tolerance_um:g} um) that it is to watch",
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Press, measure and mark."""
        self.expect(lot)
        electrode, facts = self.electrode, lot.attributes
        now, positions = self.capabilities(maturity), web.shape(lot)[1]
        set_um, set_um_per_loading = self._setting(lot)
        along = web.wander(lot, draws, "gap", positions, facts["pitch_m"], now["gap_length_m"])
        porosity, thickness = np.empty(lot.n, np.float32), np.empty(lot.n, np.float32)
        lot.columns[POROSITY] = porosity
        calendering.press_web(
            draws.key("lane"), draws.key("roll"), lot.identity, now["lane_thickness_um"], now["roll_thickness_um"],
            now["gap_noise_um"], along, set_um, set_um_per_loading, electrode.foil_um,
            electrode.solid_density_g_per_cm3, lot.columns["loading_mg_per_cm2"], porosity, thickness,
        )  # fmt: skip
        self._wrinkle(lot, draws, now)
        design_um, tolerance_um = electrode.thickness_um, now["thickness_tolerance_um"]
        web.inspect(
            lot, draws, "gauge", thickness, design_um - tolerance_um, design_um + tolerance_um, OFF_THICKNESS,
            absolute=now["gauge_um"],
        )  # fmt: skip
        if now["keep_all_columns"]:
            lot.columns[THICKNESS] = thickness
        web.settle_web(lot)
        return lot

    def _setting(self, lot: Lot) -> tuple[float, float]:
        """Thickness that the machine aims at, um, and what of it goes with the loading, um per mg/cm2."""
        params, electrode = self.params, self.electrode
        load = lot.attributes["line_load_n_per_mm"] = self._line_load(lot)
        if params.mode == "gap":
            return electrode.thickness_um, 0.0
        pressed = calendering.meyer_porosity(
            load, params.compaction_n_per_mm, lot.attributes["coating_porosity"], params.porosity_least_fraction
        )
        return electrode.foil_um, 2.0 * calendering.coating_um(1.0, pressed, electrode.solid_density_g_per_cm3)

    def _wrinkle(self, lot: Lot, draws: Draws, now: Mapping[str, float]) -> None:
        """Scrap the stretch whose margin is wrinkled: one per roll at most, uniform start, exponential length."""
        happens, where, how_long = draws.uniform("wrinkle", lot, 3).tolist()
        if happens >= now["wrinkle_probability"]:
            return
        pitch_m = lot.attributes["pitch_m"]
        first_m = where * lot.attributes["length_m"]
        last_m = first_m - math.log(how_long) * now["wrinkle_m"]
        web.scrap_positions(lot, math.floor(first_m / pitch_m), math.ceil(last_m / pitch_m), WRINKLE)

    def _line_load(self, lot: Lot) -> float:
        """Line load that presses nominal coating to the design's porosity, N/mm."""
        params = self.params
        try:
            load: float = calendering.meyer_line_load_n_per_mm(
                self.electrode.porosity, params.compaction_n_per_mm, lot.attributes["coating_porosity"],
                params.porosity_least_fraction,
            )  # fmt: skip
        except ValueError as impossible:
            raise ConfigError(f"calender, {params.electrode}: {impossible}") from None
        if load > params.line_load_limit_n_per_mm:
            raise ConfigError(
                f"calender, {params.electrode}: porosity {self.electrode.porosity:.3f} needs {load:.0f} N/mm, more than"
                f" the machine's {params.line_load_limit_n_per_mm:.0f} (line_load_limit_n_per_mm)"
            )
        return load
