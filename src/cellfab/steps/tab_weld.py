"""Tab weld: an ultrasonic horn joins the bare foils of one side of a stack or flat roll to their tab.

What it models
    Weld by weld: the energy that arrives, less what wear of the horn and its tilt against the anvil take; cold welds
    (open, or touching and resistive) and torn foils; particles that rubbing leaves. The horn wears over its life and
    is changed; each horn has a tilt of its own. Inspection in the process, one second weld, then scrap.
Equations
    Needed energy = rho c (theta T_m - T_0) A (foils + tab) / coupled share. Energy over needed e = set (1 - 0.15 wear)
    cos(pi/2 tilt) (1 + cv z), tilt ~ N(0, sd) per horn. Cold if e < least, torn if e > most; torn share at the limit
    and growing with the excess. Conductance of a joint = clip((e - least) / (full - least), 0.3, 1); joints in
    parallel, plus tab. Particles ~ Poisson. Detection of a cold weld of severity x = 1 - e / least: f + (1 - f) c / (1
    + exp(-(x - x_0) / w)). P(cold) = mean over wear and tilt of Phi((least / (set wear tilt) - 1) / cv).
Range
    Up to 150 foils a weld at 20-40 kHz (trade press); energies 0.5-2 times the needed one. Horn state: lot o on one of
    `machines` machines, welds since the first horn = (o // machines) x welds per lot + row, so a lot's welds are a
    function of its names only.
Rows
    In and out: cells. Adds for the side: resistance, cold and torn joints, torn share of the foils, particles, second
    welds. Attribute `reworked`: cells welded again that passed; `false_rejects_*`: sound ones rejected.
Left out
    Amplitude, pressure and time one by one (their product is the energy), foil oxide and residues of coating,
    pre-welding of the foils, tab sealing film, laser welds of current collectors to the lid.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import notes
from cellfab.core.causes import cause, describe
from cellfab.core.cell_columns import JOINTS
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.kernels.tab_weld_theory import needed_energy_j, tilt_factor
from cellfab.steps.base import Step, Work, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.tab_weld import TabLaw

random = AtFirstUse("random")
tab_weld = AtFirstUse("tab_weld")

_SIDES = ("cathode", "anode")
_CAUSES = {
    side: (
        cause("tab_weld", f"{side}_cold_weld", f"{side} tab: alarm for a cold weld after a second weld"),
        cause("tab_weld", f"{side}_torn_foil", f"{side} tab: foils torn by the horn"),
    )
    for side in _SIDES
}
_HORN_LIFE_WELDS = {"cu": 100_000.0, "al": 200_000.0}
"""50 000 to 400 000, copper wearing a horn faster (range known from the trade; values an assumption)."""
_TAB_MM = {"cu": 0.2, "al": 0.3}
"""Usual strip: assumption."""
_MOST_FOILS = 150
"""In one weld (battery-power.eu 2022)."""


class TabWeld(Step):
    """Weld the tab of one side; see the module's text for the model."""

    name = "tab_weld"
    writes = tuple(name for side in _SIDES for name in JOINTS[side])
    """Of both sides; one weld writes those of its own side."""

    class Params(Step.Params):
        """Horn, joint and inspection of one side."""

        side: Literal["cathode", "anode"]
        """Which side's foils are welded; the tab is of that electrode's foil metal."""
        welds: Annotated[int, Field(ge=1, le=16)] = 1
        """In parallel on this side of a cell, each taking its share of the foils."""
        weld_area_mm2: Annotated[float, Field(gt=0.0, le=5000.0)] = 100.0
        """Under the horn: assumption, 20 x 5 mm; widths up to 90 mm are offered (battery-power.eu 2022)."""
        tab_mm: Annotated[float | None, Field(gt=0.0, le=10.0)] = None
        """Thickness of the tab, or of the collector leaf in a can; default 0.2 copper, 0.3 aluminium: assumption."""
        energy_j: Annotated[float | None, Field(gt=0.0, le=1e5)] = None
        """Set energy of one weld; default: `setpoint_ratio` times what the joint needs."""
        setpoint_ratio: Annotated[float, Field(gt=0.0, le=10.0)] = 1.05
        """Set energy over the needed one where `energy_j` is not given; allows for wear: assumption."""
        weld_s: Annotated[float, Field(gt=0.0, le=10.0)] = 0.35
        """Good joints take at most 0.5 s (battery-power.eu 2022)."""
        machine_w: Annotated[float, Field(gt=0.0, le=50_000.0)] = 3000.0
        """Power of the generator, 2-6 kW at 20 kHz (battery-power.eu 2022)."""
        joining_temperature_fraction: Annotated[float, Field(gt=0.32, lt=1.0)] = 0.5
        """Of the melting point, both absolute: 0.35-0.5 measured (de Vries 2004)."""
        coupled_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
        """Of the machine's energy, what heats the joint: assumption."""
        energy_cv: Annotated[Capability, within(0.0, 0.5)] = Ramped(start=0.035, mature=0.03)
        """Weld to weld: assumption."""
        tilt_sd_fraction: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.11, mature=0.075)
        """Tilt of a horn as set up, over that at which only its edge touches: assumption, for a mean of 100 cold welds
        in a million on a mature line and 3000 on a new one; most of them come from few horns set up badly."""
        horn_life_welds_number: Annotated[float | None, Field(gt=0.0)] = None
        """Welds after which a horn is worn out; default 100 000 on copper, 200 000 on aluminium: assumption."""
        horn_use_fraction: Annotated[float, Field(gt=0.0, le=2.0)] = 1.0
        """Changed when so much of its life is used up: assumption."""
        wear_loss_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.15
        """Energy lost by a worn-out horn: assumption."""
        machines: Annotated[int, Field(ge=1, le=200)] = 2
        """Welding machines that share the lots: assumption."""
        least_energy_ratio: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.80
        """Energy over the needed one under which foils do not join: assumption."""
        full_energy_ratio: Annotated[float, Field(gt=0.0, le=1.0)] = 0.90
        """From which the joint is complete: assumption."""
        most_energy_ratio: Annotated[float, Field(gt=1.0, le=10.0)] = 1.25
        """Above which foils tear: assumption."""
        torn_at_limit_fraction: Annotated[float, Field(ge=0.0, le=0.99)] = 0.05
        """Of a weld's foils, torn at that limit: assumption."""
        torn_per_excess_ratio: Annotated[float, Field(ge=0.0, le=100.0)] = 2.0
        """Further share torn per relative excess of energy: assumption."""
        weld_mohm: Annotated[float, Field(gt=0.0, le=100.0)] = 0.020
        """Sound joint, 0.01-0.06; laser-welded foil stacks have 0.045 (Hong et al., PMC12897689)."""
        tab_mohm: Annotated[float, Field(ge=0.0, le=100.0)] = 0.02
        """Tab and foils up to it: assumption."""
        touching_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.7
        """Of the cold welds, those that conduct by contact: assumption."""
        touching_low_ratio: Annotated[float, Field(ge=1.0, le=1e4)] = 5.0
        """Least resistance of such a contact over a sound joint's: assumption."""
        touching_high_ratio: Annotated[float, Field(ge=1.0, le=1e6)] = 50.0
        """Largest: assumption."""
        particles_per_weld_number: Annotated[Capability, within(0.0, 50.0)] = Ramped(start=0.1, mature=0.02)
        """Flakes that stay on the end of the stack, after suction: assumption."""
        false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=0.01, mature=0.003)
        """Per cell; energy, height and time watched by the machine: assumption."""
        cold_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.90
        """Ceiling for a cold weld: assumption."""
        cold_midpoint_fraction: Annotated[float, Field(ge=-5.0, le=5.0)] = 0.02
        """Missing energy over the least that is seen half as often: assumption."""
        cold_width_fraction: Annotated[float, Field(gt=0.0, le=5.0)] = 0.01
        """Width of that logistic law: assumption."""
        torn_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.90
        """That the camera sees torn foils: assumption."""
        rework_success_probability: Annotated[Capability, within(0.0, 1.0)] = 0.8
        """That a second weld joins the cold welds of a side: assumption."""
        rework_tear_probability: Annotated[Capability, within(0.0, 1.0)] = 0.01
        """That a second weld tears foils: assumption."""
        tab_material: str = ""
        """Name of the tab in `materials` (pieces); default: tab_cu or tab_al."""

    def __init__(self, params: Params, design: CellDesign) -> None:
        super().__init__(params, design)
        self.side = params.side
        electrode = design.anode if params.side == "anode" else design.cathode
        self.foil = electrode.foil
        layers = electrode.pieces if design.stacked else 2.0 * design.roll_turns * electrode.pieces
        self.foils_per_weld = layers / params.welds
        self.foils_mm = self.foils_per_weld * electrode.foil_um * 1e-3
        self.tab_mm = _TAB_MM[self.foil] if params.tab_mm is None else params.tab_mm
        life = params.horn_life_welds_number or _HORN_LIFE_WELDS[self.foil]
        self.horn_life_welds = life
        self.welds_per_horn = max(params.welds, round(life * params.horn_use_fraction))

    @property
    def needed_j(self) -> float:
        """Energy that one weld needs."""
        params = self.params
        return needed_energy_j(
            self.foil, params.weld_area_mm2, self.foils_mm, self.tab_mm, params.joining_temperature_fraction,
            params.coupled_fraction,
        )  # fmt: skip

    @property
    def energy_ratio(self) -> float:
        """Set energy over the needed one."""
        given = self.params.energy_j
        return float(self.params.setpoint_ratio if given is None else given / self.needed_j)

    def review(self) -> Iterator[Remark]:
        """Energy against joining, tearing, wear and the machine; number of foils; range of the limits."""
        params, ratio = self.params, self.energy_ratio
        about = "setpoint_ratio" if params.energy_j is None else "energy_j"
        energy = f"{ratio * self.needed_j:.0f} J is {ratio:.2f} times the {self.needed_j:.0f} J that the joint needs"
        worn = ratio * (1.0 - params.wear_loss_fraction * params.horn_use_fraction)
        good = f"set it between {params.least_energy_ratio:g} and {params.most_energy_ratio:g} times"
        if params.full_energy_ratio <= params.least_energy_ratio:
            yield Remark(
                "full_energy_ratio", f"full_energy_ratio {params.full_energy_ratio:g} must be above least_energy_ratio"
                f" {params.least_energy_ratio:g}", impossible=True,
            )  # fmt: skip
        if ratio < params.least_energy_ratio:
            yield Remark(about, f"{energy}: the {self.side}'s foils do not join", True, good)
        elif ratio > params.most_energy_ratio:
            yield Remark(about, f"{energy}: the {self.side}'s foils tear", True, good)
        elif worn < params.least_energy_ratio:
            yield Remark(
                about, f"{energy}, and {worn:.2f} times with a worn horn: it then joins less than half of its welds",
                hint="raise the energy, or change horns sooner (horn_use_fraction)",
            )  # fmt: skip
        if ratio * self.needed_j > params.machine_w * params.weld_s:
            yield Remark(
                about, f"{ratio * self.needed_j:.0f} J in {params.weld_s:g} s need more than machine_w"
                f" {params.machine_w:g} W", True, "weld longer, take more welds, or a stronger machine",
            )  # fmt: skip
        if self.foils_per_weld > _MOST_FOILS:
            yield Remark(
                "welds", f"{self.foils_per_weld:.0f} foils in one weld; up to {_MOST_FOILS} are welded at once",
                hint="take more welds",
            )  # fmt: skip

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Weld and inspect the side's tab on every cell."""
        params, side, n = self.params, self.side, lot.n
        lot.attributes[f"{side}_tabs"] = float(lot.n_alive)
        first = lot.ordinal // params.machines * n * params.welds
        resistance, torn = np.empty(n, np.float32), np.empty(n, np.float32)
        unfused, burnt, particles, rewelded, verdict = np.empty((5, n), np.uint8)
        tab_weld.weld_tabs(
            self.law(maturity), np.array([draws.key(f"energy/{weld}") for weld in range(params.welds)], np.uint64),
            np.array([draws.key(stream) for stream in ("alarm", "particles", "faulty")], np.uint64), lot.identity,
            first % self.welds_per_horn, self.welds_per_horn, self._tilts(lot, draws, maturity, first),
            resistance, unfused, burnt, torn, particles, rewelded, verdict,
        )  # fmt: skip
        written = (resistance, unfused, burnt, particles, rewelded, torn)
        lot.columns.update(zip(JOINTS[side], written, strict=True))
        causes = _CAUSES[side]
        rejected = np.flatnonzero(verdict == tab_weld.REJECTED_COLD)
        sound = rejected[(unfused[rejected] == 0) & (burnt[rejected] == 0)]
        lot.attributes[notes.FALSE_REJECTS + describe(causes[0]).name] = float(np.count_nonzero(lot.alive()[sound]))
        lot.scrap_each(verdict, causes)
        lot.attributes[notes.REWORKED] = float(np.count_nonzero(rewelded.view(np.bool_) & lot.alive()))
        return lot

    def work(self, lot: Lot, maturity: float) -> Work:
        """One tab for every cell that came."""
        name = self.params.tab_material or f"tab_{self.foil}"
        return Work(materials={name: lot.attributes[f"{self.side}_tabs"]})

    def _tilts(self, lot: Lot, draws: Draws, maturity: float, first: int) -> npt.NDArray[np.float64]:
        """Energy that arrives under the tilt of each horn that welds the lot: a property of machine and horn."""
        sd, key = self.at("tilt_sd_fraction", maturity), draws.key("tilt")
        machine = lot.ordinal % self.params.machines
        last = first + lot.n * self.params.welds
        horns = range(first // self.welds_per_horn, last // self.welds_per_horn + 1)
        return np.array(
            [tilt_factor(sd * random.normal_quantile(random.uniform(key, machine, horn))) for horn in horns]
        )

    @once_per_maturity
    def law(self, maturity: float) -> TabLaw:
        """The side's constants at `maturity`, as the kernel wants them."""
        params = self.params
        law: TabLaw = tab_weld.TabLaw(
            energy=self.energy_ratio,
            noise=float(self.at("energy_cv", maturity)),
            wear_per_weld=params.wear_loss_fraction / self.horn_life_welds,
            least=float(params.least_energy_ratio),
            full=float(params.full_energy_ratio),
            most=float(params.most_energy_ratio),
            weld_mohm=float(params.weld_mohm),
            tab_mohm=float(params.tab_mohm),
            touching_share=float(params.touching_share),
            touching_low=float(params.touching_low_ratio),
            touching_high=float(params.touching_high_ratio),
            torn_at_limit=float(params.torn_at_limit_fraction),
            torn_per_excess=float(params.torn_per_excess_ratio),
            particles=float(self.at("particles_per_weld_number", maturity)),
            false_alarm=float(self.at("false_alarm_probability", maturity)),
            cold_ceiling=float(self.at("cold_detection_probability", maturity)),
            cold_midpoint=float(params.cold_midpoint_fraction),
            cold_width=float(params.cold_width_fraction),
            torn_ceiling=float(self.at("torn_detection_probability", maturity)),
            rework_success=float(self.at("rework_success_probability", maturity)),
            rework_tear=float(self.at("rework_tear_probability", maturity)),
        )
        return law
