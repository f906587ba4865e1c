"""What the steps that heat-seal a pouch share: bars, sealant and dirt, and what is possible with them.

Not a step itself: `pouch` and `degas` derive from `HeatSealing`. Temperature between the sheets T_i = T_bar - (T_bar -
T_0) (4 / pi) exp(-pi^2 alpha t / (4 d^2)), less what a tab draws away, plus an offset of the lot and noise of the cell;
too cold or too hot outside the window in which a seal has its least strength: P(weak) = Phi((low - T) / sd) + Phi((T -
high) / sd). Channels through dirt ~ Poisson(per metre x length). `cellfab.kernels.heat_seal_theory` has the laws.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.package_spec import PouchPackage
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Ramped, within
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.kernels import AtFirstUse
from cellfab.kernels.heat_seal_theory import interface_c, window_c
from cellfab.steps.base import once_per_maturity
from cellfab.steps.leak_test import LeakSites, LeakTest, leak_sites

if TYPE_CHECKING:
    from cellfab.kernels.heat_seal import SealLaw

heat_seal = AtFirstUse("heat_seal")


class HeatSealing(LeakTest):
    """A step that closes edges of a pouch with hot bars and looks for leaks."""

    class Params(LeakTest.Params):
        """Bars, sealant, dirt and the leak test."""

        bar_temperature_c: Annotated[float, Field(gt=25.0, le=400.0)] = 190.0
        """Of both bars, 170-210 for polypropylene sealant: assumption."""
        seal_s: Annotated[float, Field(gt=0.0, le=60.0)] = 3.0
        """Under pressure, 1-6: assumption."""
        laminate_diffusivity_m2_per_s: Annotated[float, Field(gt=0.0, le=1e-4)] = 1e-7
        """Of the laminate's polymers: handbook values of polypropylene and polyamide, 0.8-1.2e-7."""
        melt_c: Annotated[float, Field(gt=25.0, le=400.0)] = 163.0
        """Half the strength: melting point of polypropylene homopolymer, 160-165 (polymer handbooks)."""
        melt_width_k: Annotated[float, Field(gt=0.0, le=50.0)] = 3.0
        """Width of that logistic law: assumption."""
        squeeze_c: Annotated[float, Field(gt=25.0, le=500.0)] = 225.0
        """Half the strength again, the sealant being squeezed out: assumption."""
        squeeze_width_k: Annotated[float, Field(gt=0.0, le=50.0)] = 4.0
        """Width of that logistic law: assumption."""
        plateau_n_per_mm: Annotated[float, Field(gt=0.0, le=100.0)] = 5.0
        """Strength of a good seal, 75 N on 15 mm: assumption."""
        least_n_per_mm: Annotated[float, Field(gt=0.0, le=100.0)] = 3.0
        """Strength under which a seal opens, 45 N on 15 mm: assumption."""
        bar_offset_sd_k: Annotated[Capability, within(0.0, 50.0)] = Ramped(start=3.0, mature=1.5)
        """From lot to lot, 1 sigma: assumption."""
        bar_noise_sd_k: Annotated[Capability, within(0.0, 50.0)] = Ramped(start=3.0, mature=2.0)
        """From cell to cell, 1 sigma: assumption."""
        leak_decades_per_k_number: Annotated[float, Field(gt=0.0, le=10.0)] = 0.5
        """log10(leak rate / limit) per kelvin outside the window: assumption."""
        channels_per_m: Annotated[Capability, within(0.0, 100.0)] = Ramped(start=4e-3, mature=5e-4)
        """Channels through dirt, wrinkles and wet seals: assumption."""

    def __init__(self, params: Params, design: CellDesign) -> None:
        super().__init__(params, design)
        if not isinstance(design.package, PouchPackage):
            raise ConfigError(f"step '{self.name}' seals a pouch, but the design's package is {design.package.format}")
        self.pouch: PouchPackage = design.package

    def colder_k(self) -> float:
        """What draws heat from the seal at its coldest place."""
        return 0.0

    @property
    def interface_c(self) -> float:
        """Temperature of the seal at its coldest place, at set temperature."""
        params = self.params
        between = interface_c(
            params.bar_temperature_c, params.seal_s, self.pouch.laminate_um, params.laminate_diffusivity_m2_per_s
        )
        return between - self.colder_k()

    @property
    def window_c(self) -> tuple[float, float]:
        """Between which the seal is strong enough; the upper limit is for the coldest place, too."""
        params = self.params
        low, high = window_c(
            params.least_n_per_mm / params.plateau_n_per_mm, params.melt_c, params.melt_width_k, params.squeeze_c,
            params.squeeze_width_k,
        )  # fmt: skip
        return low, high - self.colder_k()

    def review(self) -> Iterator[Remark]:
        """Temperature of the seal against its window."""
        params = self.params
        if params.least_n_per_mm >= params.plateau_n_per_mm:
            yield Remark(
                "least_n_per_mm", f"no seal has {params.least_n_per_mm:g} N/mm: plateau_n_per_mm is"
                f" {params.plateau_n_per_mm:g}", impossible=True,
            )  # fmt: skip
            return
        low, high = self.window_c
        if low >= high:
            yield Remark("squeeze_c", f"the sealing window is empty: {low:.0f} to {high:.0f} degC", impossible=True)
            return
        at, sd = self.interface_c, math.hypot(self.at("bar_noise_sd_k", 1.0), self.at("bar_offset_sd_k", 1.0))
        said = f"the coldest place of the seal reaches {at:.0f} degC of {low:.0f} to {high:.0f} degC"
        if not low < at < high:
            yield Remark("bar_temperature_c", f"{said}: no seal holds", True, "change bar temperature or sealing time")
        elif min(at - low, high - at) < 3.0 * sd:
            yield Remark(
                "bar_temperature_c", f"{said}: less than 3 sigma ({3.0 * sd:.1f} K) from the window's edge",
                hint="change bar temperature or sealing time",
            )  # fmt: skip

    @property
    @abstractmethod
    def seal_m(self) -> float:
        """Length of the edges that are sealed here."""

    def channels(self, maturity: float) -> float:
        """Mean number of channels of a cell."""
        return float(self.at("channels_per_m", maturity) * self.seal_m)

    def sites(self, lot: Lot, draws: Draws, maturity: float) -> LeakSites:
        """Channels of every cell of a lot, as `seal_edges` draws them."""
        return leak_sites(self.channels(maturity), draws.uniform("channel", lot))

    def seal_edges(self, lot: Lot, draws: Draws, maturity: float) -> None:
        """Seal the edges of every cell."""
        keys = np.array([draws.key("bar"), draws.key("channel")], np.uint64)
        law = self.seal_law(maturity)
        offset = self.at("bar_offset_sd_k", maturity) * float(draws.normal("bar_offset", lot, 1)[0])
        law = law._replace(mean_c=law.mean_c + offset, sites=self.channels(maturity))
        heat_seal.seal(law, keys, lot.identity, self.leaks_so_far(lot))

    @once_per_maturity
    def seal_law(self, maturity: float) -> SealLaw:
        """Constants of seals without channels, as the kernel wants them."""
        low, high = self.window_c
        law: SealLaw = heat_seal.SealLaw(
            mean_c=self.interface_c,
            sd_c=float(self.at("bar_noise_sd_k", maturity)),
            low_c=low,
            high_c=high,
            decades_per_k=float(self.params.leak_decades_per_k_number),
            sites=0.0,
            decades=float(self.params.leak_decades_mean_number),
        )
        return law
