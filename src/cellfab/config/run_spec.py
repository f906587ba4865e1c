"""How long, how often and how a scenario is run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.spec import Spec


class Run(Spec):
    """Length, warm-up, replicates, seed and engine; each can be changed on the command line."""

    horizon_h: Annotated[float, Field(gt=0.0)]
    warmup_h: Annotated[float, Field(ge=0.0)] = 0.0
    """Statistics start here."""
    replicates: Annotated[int, Field(ge=1)] = 1
    seed: Annotated[int, Field(ge=0)] = 1
    engine: Literal["auto", "simpy", "compiled"] = "auto"
    """auto: compiled where the line allows it, SimPy otherwise; both give the same answer."""

    @model_validator(mode="after")
    def _something_left(self) -> Run:
        if self.warmup_h >= self.horizon_h:
            raise ValueError(f"warmup_h ({self.warmup_h:g}) leaves nothing of horizon_h ({self.horizon_h:g})")
        return self
