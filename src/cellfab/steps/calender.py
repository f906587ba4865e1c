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
    Design porosity between eps_min and the porosity before (checked); line load up to 2500 N/mm (Meyer's range is
    lower).
Rows
    In and out: segments; m. Adds thickness_um (both sides and foil), porosity. Attribute line_load_n_per_mm.
Left out
    Springback as a random quantity (the gap is set so that the mean comes out right), foil elongation, cracking of
    particles when pressed below about 19 % porosity, what calendering does to peel strength.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.steps.base import ElectrodeStep

THICKNESS = column("thickness_um", "float32", "um", "true thickness of the electrode, both coatings and foil")
POROSITY = column("porosity", "float32", "1", "true porosity of the coating")
OFF_THICKNESS = cause("calender", "thickness", "thickness read as out of tolerance")
WRINKLE = cause("calender", "wrinkle", "web with a wrinkled or torn bare margin")


class Calender(ElectrodeStep):
    """Press the web; see the module's text for the model."""

    name = "calender"
    reads = ("loading_mg_per_cm2",)
    writes = (THICKNESS, POROSITY)

    class Params(ElectrodeStep.Params):
        """Material behaviour, rolls and gauge."""

        mode: Literal["gap", "force"] = "gap"
        """What the machine holds: its gap (porosity follows the loading) or its line load (thickness follows)."""
        porosity_least_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.17
        """Porosity that no load gets below: assumption (graphite 0.16, NMC 0.17, LFP 0.24); form by Meyer et al.
        2017."""
        compaction_n_per_mm: Annotated[float, Field(gt=0.0, le=1e5)] = 380.0
        """Meyer's resistance gamma: assumption (graphite 120, LFP 500, NMC 380)."""
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
        thickness_tolerance_um: Annotated[float, Field(gt=0.0, le=100.0)] = 2.0
        """Both sides together: usual of industrial calenders, 1.5-3."""
        wrinkle_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.10, mature=0.02)
        """Of a roll: assumption, 0.005-0.1 for a bare margin."""
        wrinkle_m: Annotated[Capability, within(0.0, 1e4)] = Ramped(start=400.0, mature=150.0)
        """Mean length lost by a wrinkle: assumption."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        super().__init__(params, design)
        if self.electrode.porosity <= params.porosity_least_fraction:
            raise ConfigError(
                f"the {params.electrode}'s design porosity {self.electrode.porosity:.3f} (1 - press density / solid"
                f" density) is not above {params.porosity_least_fraction:g}, the least that calendering can reach"
                " (porosity_least_fraction): lower the press density"
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Press, measure and mark."""
        from cellfab.kernels import calendering

        self.expect(lot)
        params, electrode = self.params, self.electrode
        loading = lot.columns["loading_mg_per_cm2"]
        load = self._line_load(lot)
        lot.attributes["line_load_n_per_mm"] = load
        error = self._thickness_error(lot, draws, maturity)
        if params.mode == "gap":
            thickness = np.float32(electrode.thickness_um) + error
        else:
            pressed = calendering.meyer_porosity(
                load, params.compaction_n_per_mm, lot.attributes["coating_porosity"], params.porosity_least_fraction
            )
            coating = calendering.coating_um(loading, np.float32(pressed), electrode.solid_density_g_per_cm3)
            thickness = 2.0 * coating + np.float32(electrode.foil_um) + error
        lot.columns[THICKNESS] = thickness
        half = 0.5 * (thickness - np.float32(electrode.foil_um))
        lot.columns[POROSITY] = calendering.porosity(loading, half, electrode.solid_density_g_per_cm3)

        lot.scrap(self._wrinkled(lot, draws, maturity), WRINKLE)
        gauge = np.float32(self.at("gauge_um", maturity)) * web.normal(draws, "gauge", lot).ravel()
        off = np.abs(thickness + gauge - np.float32(electrode.thickness_um)) > params.thickness_tolerance_um
        lot.scrap(off, OFF_THICKNESS)
        web.settle_web(lot)
        return lot

    def _line_load(self, lot: Lot) -> float:
        """Line load that presses nominal coating to the design's porosity, N/mm."""
        from cellfab.kernels.calendering import meyer_line_load_n_per_mm

        params = self.params
        try:
            load = meyer_line_load_n_per_mm(
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

    def _thickness_error(self, lot: Lot, draws: Draws, maturity: float) -> npt.NDArray[np.float32]:
        """Deviation from the set thickness, um, shape (n,)."""
        from cellfab.kernels import web_field

        lanes, positions = web.shape(lot)
        gap = np.empty(positions, np.float32)
        web_field.ou_segment_means(
            draws.normal("gap", lot, positions + 1), draws.normal("gap_mean", lot, positions),
            *web_field.ou_coefficients(lot.attributes["pitch_m"], self.params.gap_length_m), gap,
        )  # fmt: skip
        roll = self.at("roll_thickness_um", maturity) * float(draws.normal("roll", lot, 1)[0])
        along = np.float32(self.at("gap_noise_um", maturity)) * gap + np.float32(roll)
        across = np.float32(self.at("lane_thickness_um", maturity)) * draws.normal("lane", lot, lanes)
        return (across[:, None] + along[None, :]).ravel()

    def _wrinkled(self, lot: Lot, draws: Draws, maturity: float) -> npt.NDArray[np.bool_]:
        """Rows within the wrinkled stretch of the roll, if it has one."""
        happens, where, how_long = draws.uniform("wrinkle", lot, 3).astype(np.float64)
        if happens >= self.at("wrinkle_probability", maturity):
            return np.zeros(lot.n, np.bool_)
        start_m = web.starts_m(lot)
        first_m = where * lot.attributes["length_m"]
        last_m = first_m - np.log(how_long) * self.at("wrinkle_m", maturity)
        end_m = start_m + lot.attributes["pitch_m"]
        return web.rows_at((end_m > first_m) & (start_m < last_m), web.shape(lot)[0])
