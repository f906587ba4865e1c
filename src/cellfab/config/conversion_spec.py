"""The conversion of a line to another product: what is stopped, rebuilt, requalified and released, and when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.ramp_spec import Ramp
from cellfab.config.spec import Spec

NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class StationTask(Spec):
    """What is done to one station. Work starts when strip-out is over and runs beside that of the other stations."""

    action: Literal["reuse", "modify", "replace"] = "reuse"
    duration_weeks: Annotated[float, Field(ge=0.0, le=260.0)] = 0.0
    capex_musd: NonNegative = 0.0
    carried_share: Share = 1.0
    """Share of the maturity, released rate and operating hours reached before the stop that still counts afterwards."""

    @model_validator(mode="after")
    def _reuse_is_free(self) -> StationTask:
        if self.action == "reuse" and (self.duration_weeks > 0.0 or self.capex_musd > 0.0):
            raise ValueError("a station that is reused takes no weeks and no capex; write action: modify")
        return self


class Drain(Spec):
    """The stop: nothing new enters, what is inside is finished."""

    limit_weeks: Positive = 6.0
    """What is still inside by then is scrapped (assumption; ageing alone takes two weeks)."""


class Requalification(Spec):
    """What is made after the restart and may not be sold: for a time, or a number of lots."""

    duration_weeks: NonNegative | None = None
    lots: Annotated[int, Field(ge=0)] | None = None
    """Lots that have passed the last station."""

    @model_validator(mode="after")
    def _one_of(self) -> Requalification:
        if (self.duration_weeks is None) == (self.lots is None):
            raise ValueError("give exactly one of duration_weeks and lots")
        return self


class Conversion(Spec):
    """One line, converted once.

    stop -> drain -> strip out -> rebuild (all stations side by side) -> commission -> restart, not sellable -> release.
    """

    stop_week: NonNegative
    """After the start of the simulation."""
    product_from: str
    product_to: str
    drain: Drain = Drain()
    strip_out_weeks: NonNegative = 2.0
    """Nothing can be rebuilt before (assumption; 0-2 months for the same format)."""
    stations: dict[str, StationTask] = {}
    other_stations: StationTask = StationTask()
    """For every station not named in `stations`."""
    commissioning_weeks: NonNegative = 6.0
    """Site acceptance and trial runs after the last station is ready (assumption; 1-2 months for the same format)."""
    requalification: Requalification = Requalification(duration_weeks=12.0)
    """Assumption; 3-6 months with overlap for the same format."""
    shared_capex_musd: NonNegative = 0.0
    """Of no single station: manufacturing execution system, product certification."""
    ramp: Ramp | None = None
    """Laws after the restart; none: the line's own laws go on."""

    @model_validator(mode="after")
    def _another_product(self) -> Conversion:
        if self.product_from == self.product_to:
            raise ValueError(f"product_from and product_to are both '{self.product_from}'")
        return self

    def task(self, station: str) -> StationTask:
        """What is done to `station`."""
        return self.stations.get(station, self.other_stations)
