"""What a bought material is: the unit it is bought in, its price, and how much of it ends in the product."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from cellfab.config.policy_spec import Recovery
from cellfab.config.schedule import Schedule, Values
from cellfab.config.spec import Spec


def _at_most_all(origins: dict[str, float]) -> dict[str, float]:
    whole = math.fsum(origins.values())
    if whole > 1.0 + 1e-9:
        raise ValueError(f"the shares add up to {whole:g}, more than 1")
    return origins


class Material(Spec):
    """One material, named by its key in `materials`; steps use it by that name."""

    unit: Literal["kg", "m2", "pieces"]
    """Unit of the price, and of what a step says it uses."""
    price_usd: Annotated[Schedule, Values(Annotated[float, Field(ge=0.0, le=1e6)])]
    """Per unit, delivered to the plant without duty, in dollars of `economics.currency_year`."""
    use_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of what is bought that a step finds in its hands: losses that the line does not simulate (residue in drums
    and hoses, reel cores). Scrap of the line itself is simulated and must not be repeated here."""
    unit_kg: Annotated[float, Field(gt=0.0)] | None = None
    """Mass of one unit that is not a kilogram: what scrap weighs."""
    origins: Annotated[dict[str, Annotated[float, Field(ge=0.0, le=1.0)]], AfterValidator(_at_most_all)] = {}
    """Where it comes from: share of the purchase by origin ("cn", "us"); what the shares leave open is of no matter to
    duties and credits."""
    recovery: Recovery = Recovery()
    carbon_kg: Annotated[float, Field(ge=0.0, le=1e4)] | None = None
    """Carbon dioxide (equivalent) of making one unit, up to the plant's gate; none: it is left out of the sums."""
    note: str = ""
    """Grade, typical use per kWh, what the price includes."""

    @model_validator(mode="after")
    def _a_kg_weighs_a_kg(self) -> Material:
        if self.unit == "kg" and self.unit_kg not in (None, 1.0):
            raise ValueError(f"a kg weighs 1 kg, not {self.unit_kg:g}: remove unit_kg")
        return self

    @property
    def mass_kg_per_unit(self) -> float:
        """What a unit weighs, kg; 0 where it is not known."""
        return 1.0 if self.unit == "kg" else self.unit_kg or 0.0

    def share_from(self, origins: Iterable[str]) -> float:
        """Share of the purchase that comes from any of the origins, 0-1."""
        return math.fsum(self.origins.get(origin, 0.0) for origin in origins)

    def bought(self, used: float) -> float:
        """Quantity to buy for `used` units, in the same unit."""
        return used / self.use_efficiency

    def cost_usd(self, used: float, day: datetime.date) -> float:
        """Cost of `used` units bought on a day, with what is lost on the way to them."""
        return self.price_usd.at(day) * used / self.use_efficiency
