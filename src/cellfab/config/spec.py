"""The base of every frozen spec, and the two kinds of value that a spec can hold besides a number."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


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


def within(low: float, high: float) -> AfterValidator:
    """Physical range of a capability, for `Annotated[Capability, within(low, high)]`: holds for both ends of a ramp."""

    def check(value: float | Ramped) -> float | Ramped:
        for end in (value.start, value.mature) if isinstance(value, Ramped) else (value,):
            if not low <= end <= high:
                raise ValueError(f"{end:g} is not between {low:g} and {high:g}")
        return value

    return AfterValidator(check)
