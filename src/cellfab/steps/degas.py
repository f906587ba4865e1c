"""Degas: after formation a pouch is pierced, its gas is drawn off, and the last side is sealed for good.

What it models
    Gas of the first charge, most of which is drawn off; electrolyte that goes with it; now and then a pouch that is not
    pierced and keeps all its gas. Gas that stays keeps part of the electrode from working, and so does electrolyte lost
    below the pores' volume. A thickness gauge rejects swollen cells. The final seal, with the same bars and laws as in
    `pouch`, but wet with electrolyte; a leak test.
Equations
    Gas left = gas exp(-t / tau) (1 + cv z). Electrolyte lost = flash share x mass + g/mL x gas drawn off. Idle share b
    = 1 - (1 - gas left / (bubble height x area)) (1 - starved), starved = max(0, 1 - m / (density x pore volume)) less
    what was starved before; capacity x (1 - b), resistance / (1 - b). Rejected if gas left, read with an error, is
    above the limit. Temperature, window and channels of the seal as in `pouch`; leak test f + (1 - f) c / (1 + exp(-(x
    - x_0) / w)).
Range
    Pouches with a gas bag; gas up to a few mL/Ah; vacuum of a few mbar for 2-20 s.
Rows
    In and out: cells in trays, formed. Changes electrolyte_g, capacity_ah, dcir_mohm, leak and the bits leak and
    under_wetted of defects; adds residual_gas_ml.
Left out
    Gas of later cycles and storage, foam, composition of what evaporates, air and moisture let in, folding of the
    sealed edges.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, Threshold, within
from cellfab.core import notes
from cellfab.core.causes import cause
from cellfab.core.cell_columns import ELECTROLYTE, LEAK
from cellfab.core.columns import column
from cellfab.core.defects import DEFECTS, bit
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import once_per_maturity
from cellfab.steps.heat_sealing import HeatSealing

if TYPE_CHECKING:
    from cellfab.kernels.degassing import DegasLaw

degassing = AtFirstUse("degassing")

RESIDUAL = column("residual_gas_ml", "float32", "mL", "true gas left in the cell after degassing")
_USUAL_ML_PER_AH = 0.8
"""Of the first charge of NMC and graphite; LFP 0.6, hard carbon 1.0: typical 0.3-2."""
SWOLLEN = cause("degas", "swollen", "thickness gauge reads too much gas left")
LEAK_READ = cause("degas", "final_leak", "leak test reads a leak of the final seal")


class Degas(HeatSealing):
    """Pierce, evacuate, seal and test; see the module's text for the model."""

    name = "degas"
    reads = ("gas_ml", ELECTROLYTE, LEAK, "capacity_ah", "dcir_mohm", DEFECTS)
    writes = (ELECTROLYTE, LEAK, "capacity_ah", "dcir_mohm", DEFECTS, RESIDUAL)

    class Params(HeatSealing.Params):
        """Evacuation, losses, thickness gauge, final seal and leak test."""

        evacuation_s: Annotated[float, Field(gt=0.0, le=600.0)] = 6.0
        """Under vacuum, 3-30 for degassing and resealing: assumption."""
        evacuation_time_constant_s: Annotated[Capability, within(0.01, 600.0)] = Ramped(start=1.2, mature=1.0)
        """In which the gas falls to 1/e: assumption."""
        left_cv: Annotated[Capability, within(0.0, 3.0)] = 0.3
        """Of the gas left, from cell to cell: assumption."""
        missed_piercing_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=2e-3, mature=1e-4)
        """Of a cell: assumption."""
        carried_g_per_ml: Annotated[float, Field(ge=0.0, le=10.0)] = 0.02
        """Electrolyte that leaves with the gas: assumption."""
        flashed_fraction: Annotated[float, Field(ge=0.0, le=0.5)] = 0.004
        """Of the electrolyte, that evaporates in the vacuum: assumption."""
        electrolyte_g_per_cm3: Annotated[float, Field(gt=0.5, le=3.0)] = 1.2
        """Of the electrolyte: 1.2-1.3 for 1 mol/l LiPF6 in carbonates (data sheets)."""
        bubble_um: Annotated[float, Field(gt=0.0, le=5000.0)] = 100.0
        """Height of gas trapped between the layers: assumption."""
        gas_limit_ml_per_ah: Annotated[float, Field(gt=0.0, le=10.0), Threshold()] = 0.03
        """Rejected above, as the thickness gauge reads it: assumption."""
        gauge_ml_per_ah: Annotated[Capability, within(0.0, 10.0)] = 0.004
        """Error of that reading, 1 sigma: assumption."""
        dry_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.02
        """Idle share from which a cell counts as under-wetted: assumption."""
        channels_per_m: Annotated[Capability, within(0.0, 100.0)] = Ramped(start=8e-3, mature=1e-3)
        """Channels in a seal wet with electrolyte: assumption, twice those of a dry one."""

    @property
    def left_share(self) -> float:
        """Of the gas, when all is mature."""
        return math.exp(-self.params.evacuation_s / self.at("evacuation_time_constant_s", 1.0))

    def review(self) -> Iterator[Remark]:
        """The seal, and the gas that usually stays against the limit."""
        yield from super().review()
        params, share = self.params, self.left_share
        if share * _USUAL_ML_PER_AH > params.gas_limit_ml_per_ah:
            yield Remark(
                "evacuation_s", f"{params.evacuation_s:g} s leave {share:.1%} of the gas, of {_USUAL_ML_PER_AH:g} mL/Ah"
                f" more than gas_limit_ml_per_ah {params.gas_limit_ml_per_ah:g}: most cells would be rejected",
                hint="evacuate longer",
            )  # fmt: skip

    @property
    def seal_m(self) -> float:
        """Length of the last side."""
        return 1e-3 * self.pouch.length_mm

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Pierce, evacuate, seal and test every cell."""
        columns, n = lot.columns, lot.n
        self.seal_edges(lot, draws, maturity)
        residual, verdict = np.empty(n, np.float32), np.empty(n, np.uint8)
        law = self.law(maturity)
        degassing.degas_cells(
            law, np.array([draws.key(stream) for stream in ("gas_left", "piercing", "gauge")], np.uint64),
            lot.identity, bit("leak"), bit("under_wetted"), columns["gas_ml"], columns[LEAK], columns[ELECTROLYTE],
            columns["capacity_ah"], columns["dcir_mohm"], columns[DEFECTS], residual, verdict,
        )  # fmt: skip
        columns[RESIDUAL] = residual
        rejected = np.flatnonzero(verdict)
        sound = rejected[residual[rejected] <= law.limit_ml]
        lot.attributes[notes.FALSE_REJECTS + "swollen"] = float(np.count_nonzero(lot.alive()[sound]))
        lot.scrap_each(verdict, (SWOLLEN,))
        self.test_leaks(lot, draws, maturity, LEAK_READ)
        return lot

    @once_per_maturity
    def law(self, maturity: float) -> DegasLaw:
        """Constants at `maturity`, as the kernel wants them."""
        params, design = self.params, self.design
        law: DegasLaw = degassing.DegasLaw(
            left=math.exp(-params.evacuation_s / self.at("evacuation_time_constant_s", maturity)),
            left_cv=float(self.at("left_cv", maturity)),
            missed=float(self.at("missed_piercing_probability", maturity)),
            carried_g_per_ml=float(params.carried_g_per_ml),
            flashed=float(params.flashed_fraction),
            pores_g=float(params.electrolyte_g_per_cm3 * design.pore_volume_ml),
            blocked_per_ml=1.0 / (params.bubble_um * design.cathode.area_m2),
            gauge_ml=float(self.at("gauge_ml_per_ah", maturity) * design.capacity_ah),
            limit_ml=float(params.gas_limit_ml_per_ah * design.capacity_ah),
            dry=float(params.dry_fraction),
        )
        return law
