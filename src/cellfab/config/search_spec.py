"""Searching the factors of a study for what is best: goals, limits, and who proposes the points."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.selection_spec import Goal
from cellfab.config.spec import Spec

AT_ONCE = {"evolution": 12, "optuna": 4}
"""Points that each sampler proposes together, unless the study says otherwise."""
FEWEST_PARENTS = 4
"""Points that the evolution needs at least: three to move by, and one to move."""


class Constraint(Spec):
    """A figure that must not be below `least` or above `most`."""

    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Constraint:
        if self.least is None and self.most is None:
            raise ValueError("needs `least` or `most`, or both")
        if self.least is not None and self.most is not None and self.most < self.least:
            raise ValueError(f"most ({self.most:g}) is below least ({self.least:g})")
        return self


class Search(Spec):
    """What is looked for between the ends of the factors."""

    objectives: Annotated[dict[str, Goal], Field(min_length=1)]
    """Key figures that are to be smallest or largest; of several, every choice that could be right is found."""
    constraints: dict[str, Constraint] = {}
    sampler: Literal["evolution", "optuna"] = "evolution"
    trials: Annotated[int, Field(ge=1)] = 40
    at_once: Annotated[int, Field(ge=1)] | None = None
    """Points that are proposed together and run side by side; none: as the sampler does best."""
    confirm: Annotated[int, Field(ge=0)] = 0
    """Further replicates of the points that were found, whose random numbers the search has not seen."""

    @property
    def batch(self) -> int:
        """Points that are proposed together."""
        return self.at_once or AT_ONCE[self.sampler]

    @model_validator(mode="after")
    def _enough_parents(self) -> Search:
        if self.sampler == "evolution" and self.batch < FEWEST_PARENTS:
            raise ValueError(f"the evolution needs at_once of at least {FEWEST_PARENTS}, for it moves points by others")
        return self
