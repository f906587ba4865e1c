"""A baseline's set: scenarios that are run again and again, and the figures that are watched in each."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from cellfab.config.spec import Spec

Replicates = Annotated[int, Field(ge=2)]


class Watched(Spec):
    """One scenario of the set."""

    scenario: str | None = None
    """Scenario file, relative to the set's, or the name of a shipped scenario or line; default: its own name."""
    changes: Annotated[dict[str, Any], Field(alias="set")] = {}
    """Values by path, such as `run.horizon_h: 100`."""
    replicates: Replicates | None = None
    """Default: the set's."""
    metrics: tuple[str, ...] = ()
    """Key figures that are watched; with none, all."""


class BaselineSpec(Spec):
    """A baseline's set."""

    description: str = ""
    seed: Annotated[int, Field(ge=0)] = 1
    """Of all random numbers; replicates are counted from 0."""
    replicates: Replicates = 10
    scenarios: Annotated[dict[str, Watched], Field(min_length=1)]
