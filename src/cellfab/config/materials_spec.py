"""What a bought material is: the unit it is bought in, its price, and how much of it ends in the product."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field

from cellfab.config.schedule import Schedule, Values
from cellfab.config.spec import Spec


class Material(Spec):
    """One material, named by its key in `materials`; steps use it by that name."""

    unit: Literal["kg", "m2", "pieces"]
    """Unit of the price, and of what a step says it uses."""
    price_usd: Annotated[Schedule, Values(Annotated[float, Field(ge=0.0, le=1e6)])]
    """Per unit, delivered to the plant, in dollars of `economics.currency_year`."""
    use_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of what is bought that a step finds in its hands: losses that the line does not simulate (residue in drums
    and hoses, reel cores). Scrap of the line itself is simulated and must not be repeated here."""
    note: str = ""
    """Grade, typical use per kWh, what the price includes."""

    def bought(self, used: float) -> float:
        """Quantity to buy for `used` units, in the same unit."""
        return used / self.use_efficiency

    def cost_usd(self, used: float, day: datetime.date) -> float:
        """Cost of `used` units bought on a day, with what is lost on the way to them."""
        return self.price_usd.at(day) * used / self.use_efficiency
