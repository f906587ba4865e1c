"""The base of every frozen spec, and the two kinds of value that a spec can hold besides a number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function


class Spec(BaseModel):
    """Frozen; unknown keys and NaN are errors. Every float field's name ends in a unit suffix of `cellfab.units`
    or is listed as dimensionless there."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


class Ramped(Spec):
    """A process capability that improves with experience: `start` on day one, `mature` at the end of the ramp."""

    start: float
    mature: float

    def at(self, maturity: float) -> float:
        """Value at `maturity` in [0, 1]: geometric between positive ends, linear otherwise."""
        if self.start > 0.0 and self.mature > 0.0:
            return self.mature * math.exp((1.0 - maturity) * math.log(self.start / self.mature))
        return self.mature + (1.0 - maturity) * (self.start - self.mature)


Capability = Annotated[float | Ramped, Field(union_mode="smart")]


def capability_at(value: float | Ramped, maturity: float) -> float:
    """A capability's value at `maturity`; a plain number does not ramp."""
    return value.at(maturity) if isinstance(value, Ramped) else value


@dataclass(frozen=True, slots=True)
class Within:
    """Physical range of a capability, ends included: holds for both ends of a ramp."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the range after the value itself."""
        return no_info_after_validator_function(self.check, handler(source))

    def check(self, value: float | Ramped) -> float | Ramped:
        """Return the value; ValueError if it, or an end of the ramp, is out of range."""
        for end in (value.start, value.mature) if isinstance(value, Ramped) else (value,):
            if not self.low <= end <= self.high:
                raise ValueError(f"{end:g} is not between {self.low:g} and {self.high:g}")
        return value


def within(low: float, high: float) -> Within:
    """The range of a capability, for `Annotated[Capability, within(low, high)]`."""
    return Within(low, high)
