"""Everything a run depends on: line, products, materials, money, ramp and conversion."""

from __future__ import annotations

from typing import Any

from cellfab.config.cell_spec import CellDesign
from cellfab.config.conversion_spec import Conversion
from cellfab.config.economics_spec import Economics
from cellfab.config.line_spec import Line
from cellfab.config.lines_spec import Lines
from cellfab.config.materials_spec import Material
from cellfab.config.quality_spec import Quality
from cellfab.config.ramp_spec import Ramp
from cellfab.config.run_spec import Run
from cellfab.config.schedule import PositiveSchedule, Schedule
from cellfab.config.shock_spec import Shock
from cellfab.config.spec import Spec


class Product(Spec):
    """A cell that the line can make, and what its recipe changes at the stations."""

    design: CellDesign
    params: dict[str, dict[str, Any]] = {}
    """By station (or "station.machine"): step parameters of this product, over those written at the station."""
    sale_price_usd_per_kwh: PositiveSchedule | None = None
    """Of this product, instead of `economics.sale_price_usd_per_kwh`."""


class ScenarioSpec(Spec):
    """A scenario file, resolved. Without `products` it is a bare line: parts, stations and buffers, no chemistry."""

    name: str
    description: str = ""
    run: Run
    line: Line
    lines: Lines | None = None
    """Several lines like the one above; none: there is just that one."""
    products: dict[str, Product] = {}
    materials: dict[str, Material] = {}
    economics: Economics | None = None
    ramp: Ramp | None = None
    conversion: Conversion | None = None
    quality: Quality | None = None
    shocks: dict[str, Shock] = {}
    """Dated events, by a name of your own: a price multiplied, a supplier lost, an export control, a demand drop."""

    def sale_prices(self) -> dict[str, Schedule]:
        """Price of a good kWh by product; products without one are left out."""
        common = None if self.economics is None else self.economics.sale_price_usd_per_kwh
        prices = {name: product.sale_price_usd_per_kwh or common for name, product in self.products.items()}
        return {name: price for name, price in prices.items() if price is not None}
