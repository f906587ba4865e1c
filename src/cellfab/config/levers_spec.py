"""Levers: what could be changed in a scenario, each alone, and by which figure they are ranked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cellfab.config.spec import Spec

Name = Annotated[str, Field(min_length=1)]


class Lever(Spec):
    """One thing that could be done. What it costs is among the values that it sets: capital, operators, power."""

    changes: Annotated[dict[str, Any], Field(alias="set", min_length=1)]
    """Values by path, such as `line.stations.wind.parallel: 9`."""
    text: str = ""
    """What is done, in a few words that a sentence can begin with."""
    amount: Annotated[float, Field(gt=0.0)] | None = None
    """How much of something it is, so that what one of it is worth can be told."""
    unit: str = ""
    """Of the amount: `h of mean repair`, `machines`."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Lever:
        if (self.amount is None) == bool(self.unit):
            raise ValueError("give both `amount` and `unit`, or none")
        return self


class Target(Spec):
    """A state that the plant is to reach: the first week at whose end the mean of four weeks is there."""

    curve: Name
    """Figure by week: line_yield, good_energy_mwh, cells_per_min; of a bare line throughput_per_h."""
    least: Annotated[float, Field(gt=0.0)]
    """In the unit of the curve; of a yield a share."""


class Ranking(Spec):
    """Which lever is worth most."""

    metric: Name
    """Key figure by whose change levers are ranked."""
    goal: Literal["largest", "smallest"] = "largest"
    """Whether the best lever raises the figure most, or lowers it most."""
    target: Target | None = None
    """Weeks until it is reached are compared, too."""
