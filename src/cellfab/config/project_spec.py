"""Parts of a project plan: tasks, what may make them late, when they are paid, and what becomes of the people."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.distribution import Distribution
from cellfab.config.spec import Spec
from cellfab.units import TICKS_PER_WEEK

NonNegative = Annotated[float, Field(ge=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weeks = Annotated[float, Field(ge=0.0, le=520.0)]
Members = Annotated[int, Field(ge=1, le=10_000)]
_ROUNDING = 1e-9


class Slip(Spec):
    """Something that makes a task take longer (or, below zero, shorter) than planned.

    Either three numbers, `low_weeks`, `likely_weeks` and `high_weeks`, or a law of durations in `delay`; with a
    `probability` below 1 it happens in that share of cases and else costs nothing.
    """

    probability: Share = 1.0
    """1: it always happens, and only its length is uncertain."""
    low_weeks: Annotated[float, Field(ge=-520.0, le=520.0)] | None = None
    likely_weeks: Annotated[float, Field(ge=-520.0, le=520.0)] | None = None
    """Alone: the slip is exactly so long."""
    high_weeks: Annotated[float, Field(ge=-520.0, le=520.0)] | None = None
    curve: Literal["triangular", "pert"] = "triangular"
    """Through the three numbers: a triangle, or the beta law of PERT with weight 4 on the likely one (Malcolm et al.,
    Operations Research 7, 1959)."""
    delay: Distribution | None = None
    """Any other law, such as `{law: lognormal, mean_weeks: 8, cv: 0.5}`."""
    text: str = ""
    """What happens, for the report."""

    @model_validator(mode="after")
    def _one_form(self) -> Slip:
        if (self.delay is None) == (self.likely_weeks is None):
            raise ValueError("give exactly one of likely_weeks and delay")
        if (self.low_weeks is None) != (self.high_weeks is None):
            raise ValueError("give both low_weeks and high_weeks, or neither")
        if self.low_weeks is not None and self.high_weeks is not None:
            if self.likely_weeks is None:
                raise ValueError("low_weeks and high_weeks go with likely_weeks, not with delay")
            if not self.low_weeks <= self.likely_weeks <= self.high_weeks:
                raise ValueError("need low_weeks <= likely_weeks <= high_weeks")
        return self


class Payment(Spec):
    """Shares of a price that are due at the order, at delivery, and when the line has passed its acceptance test."""

    order_share: Share = 0.3
    delivery_share: Share = 0.6
    acceptance_share: Share = 0.1
    """30/60/10 is a usual split for machines built to order (assumption)."""

    @model_validator(mode="after")
    def _whole(self) -> Payment:
        total = self.order_share + self.delivery_share + self.acceptance_share
        if abs(total - 1.0) > _ROUNDING:
            raise ValueError(f"the shares add up to {total:g}, not to 1")
        return self


class ProjectTask(Spec):
    """A task of the plan: one of your own, or one that every conversion has, with something else said about it.

    What is not written stays as it is generated. A task of your own needs `duration_weeks`.
    """

    text: str = ""
    """What is done, for the report."""
    duration_weeks: Weeks | None = None
    after: tuple[str, ...] | None = None
    """Tasks that must be over before this one begins; replaces those that are generated."""
    before: tuple[str, ...] = ()
    """Tasks that must wait for this one as well, besides what they wait for already."""
    not_before_week: NonNegative | None = None
    """After the start of the simulation."""
    station: str | None = None
    """It cannot work before this task is over (a task of your own only)."""
    crews: dict[str, Members] | None = None
    """Members of crews that are busy with it, as `{installers: 2}`."""
    capex_musd: NonNegative | None = None
    payment: Payment | None = None
    """Default: that of the conversion; a task of your own is paid when it begins."""
    slips: dict[str, Slip] = {}
    """What may make it late, by a name of your own."""


class People(Spec):
    """Who leaves while the line stands still, and who comes back.

    They go when the line is empty and are back `recall_lead_weeks` before the restart, or in `recall_week` however late
    the restart becomes. Labour of the stations costs less in between. What those who do not come back knew is lost:
    every station keeps `carried_share` times
    1 - laid_off_share * not_returning_share * knowledge_share.
    """

    laid_off_share: Share
    recall_lead_weeks: Weeks = 8.0
    """Recall, refreshers and training before the restart (assumption; 700 laid-off workers were called back over
    about a quarter at Ultium Spring Hill, automotivepowertraintechnologyinternational.com 2025-07-17)."""
    recall_week: NonNegative | None = None
    """A date that has been promised, after the start of the simulation, instead of `recall_lead_weeks`; never later
    than the restart."""
    not_returning_share: Share = 0.25
    """Of those laid off: they have found other work (assumption)."""
    knowledge_share: Share = 0.5
    """Of what a station has learned that is in people's heads rather than in recipes and machines (assumption)."""

    def recalled(self, restart: int) -> int:
        """Tick at which they are back, if the line starts again at tick `restart`."""
        if self.recall_week is not None:
            return min(round(self.recall_week * TICKS_PER_WEEK), restart)
        return restart - round(self.recall_lead_weeks * TICKS_PER_WEEK)

    @property
    def lost_share(self) -> float:
        """Share of what was learned that is gone for good."""
        return self.laid_off_share * self.not_returning_share * self.knowledge_share


class LineDates(Spec):
    """When one of several lines is converted; everything else is as for the others."""

    stop_week: NonNegative | None = None
    """Default: that of the conversion."""
    decision_week: NonNegative | None = None
    """Default: that of the conversion."""
