"""The base of every frozen spec, the two kinds of value that a spec can hold besides a number, and what marks them."""

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


@dataclass(frozen=True, slots=True)
class Threshold:
    """Marks a parameter as what a reading is judged by: beyond it a part is rejected, whatever its true state.

    For `Annotated[float, Field(...), Threshold()]`. Such a value is a decision of the plant, which can be made looser
    (fewer rejects, more escapes) or tighter; a limit beyond which a part really fails is none.
    """

    looser: int = 1
    """1: a larger value lets more pass; -1: a smaller one does."""
    sound: float = 0.0
    """What the reading of a part exactly as designed is counted from: 1 for ratios to the design."""
    of: str = ""
    """Parameter that the threshold is counted from, whose size steps are a share of where it is the larger one."""
    text: str = ""
    """What it is, in words; none: the parameter's name says it."""

    def loosened(self, value: float, share: float, counted_from: float = 0.0) -> float:
        """The threshold `share` of its distance from what is sound further out."""
        return value + self.looser * share * max(abs(value - self.sound), abs(counted_from))
