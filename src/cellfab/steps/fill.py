"""Fill: electrolyte is dosed under vacuum, the cell is sealed, weighed and leak-tested, and put into a tray.

What it models
    Dosing error of the pump; now and then a nozzle that gives too little; whether the dose fills the cell's own
    pores; the scales' error; leaks of the seal and a test that sees most of them. Good cells are set into trays in
    the order they come.
Equations
    Dose m = nominal x (1 + cv z), times a uniform number between 0.6 and 0.95 for a blocked nozzle; rejected if the
    dose, read with a normal error, is more than the tolerance off. Filling of the pores = (m + what a second filling
    adds) / (density x (V_c e_c + V_a e_a + V_s e_s)), V the volumes of coatings and separator by design, e their
    porosities, the cell's own for the coatings. A leaking seal has severity x = log10(leak rate / limit),
    exponential; detection f + (1 - f) c / (1 + exp(-(x - x_0) / w)). Trays = ceil(good cells / cells per tray).
Range
    Any cell. Electrolyte by design, g/Ah: NMC 1.2-1.8, LFP 2.8-4 in large cells, NFPP 4.5-7; it must fill the pores.
Rows
    In: cells; unit cells. Out: the same rows in trays; unit trays. Adds electrolyte_g (g), pore_filling (1), leak
    (log10 of leak rate over the limit, of the worst seal so far; 0 for a tight cell), tray_position (place counted
    through all trays; -1 for a cell that is none). Facts in `attributes`: electrolyte_kg used, cells_per_tray;
    false_rejects, cells whose true dose is within the tolerance or that are tight.
Left out
    Vacuum and pressure cycles, electrolyte lost to the pump, evaporation before sealing, temperature of the leak
    test, the seal's own mass.
Sources
    Electrolyte per Ah: batterydesign.net, electrolyte fill requirements. Leak limit 1e-6 mbar l/s: leak-detector
    vendors. Rates and errors: typical values or assumptions, as each parameter says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core.causes import cause
from cellfab.core.cell_columns import ELECTROLYTE, LEAK
from cellfab.core.columns import column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.core.web import exit_codes, note_false_rejects, scrapped
from cellfab.kernels import AtFirstUse
from cellfab.kernels.wetting_theory import pore_volume_cm3
from cellfab.steps.base import Step, Work, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.filling import FillLaw

filling = AtFirstUse("filling")

PORE_FILLING = column("pore_filling", "float32", "1", "true volume of electrolyte over that of the cell's pores")
POSITION = column("tray_position", "int32", "1", "place in the lot's trays, counted through; -1 for a scrapped cell")
WEIGHT = cause("fill", "electrolyte_mass", "weighed electrolyte out of tolerance")
LEAK_READ = cause("fill", "leak", "leak test reads a leak")
_CODES = np.array([WEIGHT, LEAK_READ], np.int16)


class Fill(Step):
    """Fill, seal and test; see the module's text for the model."""

    name = "fill"
    reads = ("cathode_porosity", "anode_porosity")
    writes = (ELECTROLYTE, PORE_FILLING, LEAK, POSITION)

    class Params(Step.Params):
        """Dosing, sealing and their tests."""

        share_of_total_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
        """Of the design's electrolyte, filled here; `second_fill` brings prismatic cells to all of it (0.85-1)."""
        dosing_cv: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.006, mature=0.003)
        """Of the pump, 0.2-0.5 % on a mature line: typical of filling machines."""
        blocked_nozzle_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=3e-3, mature=2e-4)
        """That a cell gets 60-95 % of its dose: assumption."""
        scale_error_fraction: Annotated[Capability, within(0.0, 0.5)] = 0.0015
        """Of the dose, 1 sigma: assumption."""
        tolerance_fraction: Annotated[float, Field(gt=0.0, le=1.0), Threshold(text="tolerance of the dose")] = 0.02
        """Rejected beyond: assumption."""
        leak_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=5e-3, mature=5e-4)
        """Of a seal: assumption; leak tests fail 0.1 % of cells on a mature line, 1 % on a new one."""
        leak_decades_mean_number: Annotated[float, Field(gt=0.0, le=10.0)] = 1.5
        """Mean of log10(leak rate / limit) of a leaking seal: assumption."""
        leak_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.98
        """Ceiling for a gross leak; limit 1e-6 mbar l/s helium equivalent (leak-detector vendors): assumption."""
        leak_midpoint_number: Annotated[float, Field(ge=-5.0, le=5.0)] = 0.0
        """Decades above the limit seen half as often: assumption."""
        leak_width_number: Annotated[float, Field(gt=0.0, le=5.0)] = 0.1
        """Width of that logistic law, decades: assumption."""
        leak_false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=4e-3, mature=4e-4)
        """Of a tight cell: assumption."""
        cells_per_tray: Annotated[int, Field(ge=1, le=10_000)] = 64
        """Places of a tray, 32-256 for 46xx cells: assumption."""
        separator_porosity: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.40
        """Of polyolefin separators, 0.37-0.47: makers' data sheets."""
        electrolyte_g_per_cm3: Annotated[float, Field(gt=0.5, lt=3.0)] = 1.2
        """Of carbonates with 1 mol/l LiPF6, 1.2-1.3 at 25 degC: makers' data sheets."""
        electrolyte_material: str = "electrolyte"
        """Name of the electrolyte in `materials` (kg)."""

    def __init__(self, params: Params, design: CellDesign) -> None:
        super().__init__(params, design)
        density, total_g = params.electrolyte_g_per_cm3, 1e3 * design.electrolyte_kg
        self._nominal_g = params.share_of_total_fraction * total_g
        self._later_g = total_g - self._nominal_g
        # What would fill coatings without solids: times its porosity, what a coating holds.
        self._cathode_g, self._anode_g = (
            density * pore_volume_cm3(electrode.area_m2, electrode.coating_um, 1.0)
            for electrode in (design.cathode, design.anode)
        )
        self._separator_g = density * pore_volume_cm3(
            design.separator_area_m2, design.separator_um, params.separator_porosity
        )

    def review(self) -> Iterator[Remark]:
        """The electrolyte must fill the pores."""
        design, density = self.design, self.params.electrolyte_g_per_cm3
        in_cathode = self._cathode_g * design.cathode.porosity / density
        in_anode = self._anode_g * design.anode.porosity / density
        in_separator = self._separator_g / density
        pores, filled = in_cathode + in_anode + in_separator, 1e3 * design.electrolyte_kg / density
        if filled < pores:
            yield Remark(
                "design.electrolyte_g_per_ah",
                f"{filled:.1f} cm3 of electrolyte cannot fill pores of {pores:.1f} cm3: {in_cathode:.1f} in the"
                f" cathode, {in_anode:.1f} in the anode, {in_separator:.1f} in the separator",
                impossible=True,
                hint=f"at least {density * pores / design.capacity_ah:.2f} g/Ah, or denser electrodes",
            )

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Fill, test and put into trays."""
        n, per_tray, columns = lot.n, self.params.cells_per_tray, lot.columns
        leak = columns.get(LEAK)
        if leak is None:
            leak = np.zeros(n, np.float32)
        grams, pore_filling, position = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.int32)
        found = filling.fill_cells(
            self._law(maturity), draws.key("cells"), lot.identity, columns["cathode_porosity"],
            columns["anode_porosity"], grams, pore_filling, leak, position, _CODES, exit_codes(lot),
        )  # fmt: skip
        columns |= {ELECTROLYTE: grams, PORE_FILLING: pore_filling, LEAK: leak, POSITION: position}
        lot.attributes["electrolyte_kg"] = 1e-3 * found.electrolyte_g
        lot.attributes["cells_per_tray"] = float(per_tray)
        scrapped(lot, (WEIGHT, found.mass), (LEAK_READ, found.leak))
        note_false_rejects(lot, WEIGHT, found.sound_mass)
        note_false_rejects(lot, LEAK_READ, found.sound_leak)
        lot.unit = "trays"
        lot.amount = float(-(-lot.n_alive // per_tray))
        return lot

    @once_per_maturity
    def _law(self, maturity: float) -> FillLaw:
        at = self.capabilities(maturity)
        law: FillLaw = filling.FillLaw(
            nominal_g=self._nominal_g,
            later_g=self._later_g,
            cathode_g=self._cathode_g,
            anode_g=self._anode_g,
            separator_g=self._separator_g,
            dosing_cv=float(at["dosing_cv"]),
            blocked=float(at["blocked_nozzle_probability"]),
            scale_error=float(at["scale_error_fraction"]),
            tolerance=float(at["tolerance_fraction"]),
            leak=float(at["leak_probability"]),
            leak_decades=float(at["leak_decades_mean_number"]),
            false_alarm=float(at["leak_false_alarm_probability"]),
            ceiling=float(at["leak_detection_probability"]),
            midpoint=float(at["leak_midpoint_number"]),
            width=float(at["leak_width_number"]),
        )
        return law

    def work(self, lot: Lot, maturity: float) -> Work:
        """Electrolyte in every cell that came."""
        return Work(materials={self.params.electrolyte_material: lot.attributes["electrolyte_kg"]})
