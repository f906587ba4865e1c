"""Choosing the best case of a study: by which figure, and how replicates are given to the cases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.spec import Spec

Goal = Literal["smallest", "largest"]


class _Choice(Spec):
    metric: Annotated[str, Field(min_length=1)]
    """Key figure by which the best is the best."""
    goal: Goal
    """Whether the best has the smallest mean of it, or the largest."""


class KimNelsonSelection(_Choice):
    """The best is chosen with a stated probability; what cannot be the best any more gets no further replicates."""

    kind: Literal["kim_nelson"]
    indifference: Annotated[float, Field(gt=0.0)]
    """Smallest difference that matters, in the unit of the figure."""
    probability: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.95
    """Of choosing the best, if it is better than all others by the smallest difference that matters."""
    first: Annotated[int, Field(ge=2)] = 10
    """Replicates of every case, from which the scatter of the differences is estimated."""
    most: Annotated[int, Field(ge=2)] = 200
    """Replicates of a case, after which it is given up."""

    @model_validator(mode="after")
    def _first_before_most(self) -> KimNelsonSelection:
        if self.most < self.first:
            raise ValueError(f"most ({self.most}) is below first ({self.first})")
        return self


class OcbaSelection(_Choice):
    """A fixed number of replicates, most of them for the cases that are hard to tell from the best."""

    kind: Literal["ocba"]
    first: Annotated[int, Field(ge=2)] = 5
    """Replicates of every case, from which its mean and scatter are estimated."""
    total: Annotated[int, Field(ge=4)]
    """Replicates of all cases together."""


Selection = Annotated[KimNelsonSelection | OcbaSelection, Field(discriminator="kind")]
