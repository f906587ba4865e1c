"""How long, how often and how a scenario is run."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from cellfab.config.spec import Spec
from cellfab.units import to_ticks


def _day(value: object) -> object:
    """A text or a date; a number would be read as seconds since 1970."""
    if isinstance(value, (datetime.date, str)):
        return value
    raise ValueError("expected a day such as 2026-01-05")


Day = Annotated[datetime.date, BeforeValidator(_day)]
"""A day, written as 2026-01-05."""


class Run(Spec):
    """Length, warm-up, replicates, seed and engine; each can be changed on the command line."""

    horizon_h: Annotated[float, Field(gt=0.0, le=1e7)]
    """At most about a thousand years."""
    start_date: Day = datetime.date(2026, 1, 5)
    """First day of the run, such as 2026-01-05: it dates the prices, duties and credits that change."""
    warmup_h: Annotated[float, Field(ge=0.0)] = 0.0
    """Statistics start here."""
    warmup_rule: Literal["fixed", "mser5"] = "fixed"
    """mser5: statistics of each replicate start where MSER-5 finds that the number of lots inside has settled, in the
    first half of the run; `warmup_h` stays 0, and each replicate is run twice."""
    replicates: Annotated[int, Field(ge=1)] = 1
    seed: Annotated[int, Field(ge=0)] = 1
    engine: Literal["auto", "simpy", "compiled"] = "auto"
    """auto: compiled where the line allows it, SimPy otherwise; both give the same answer."""
    record: Literal["summary", "sample", "full"] = "summary"
    """Single cells and their parents: none, those of some lots, or all; they are written to cells.parquet and
    genealogy.parquet, for `cellfab trace` and `cellfab impact`. About 70 bytes a cell."""
    record_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.05
    """With `record: sample`: share of the lots of cells, chosen by chance; all cells of a chosen lot are kept."""
    record_columns: tuple[str, ...] = ()
    """Further columns of cells, beyond the key ones, as named in the step cards (`cellfab steps`)."""

    ledger_rows: bool = False
    """Write every single posting of the ledger to ledger_rows.parquet, about 20 bytes each: for tracing a dollar. The
    sums by week, place, product and account are always in ledger.parquet."""

    @property
    def keeps_rows(self) -> bool:
        """Whether single cells or postings are written."""
        return self.ledger_rows or self.record != "summary"

    @model_validator(mode="after")
    def _something_left(self) -> Run:
        if self.warmup_h >= self.horizon_h:
            raise ValueError(f"warmup_h ({self.warmup_h:g}) leaves nothing of horizon_h ({self.horizon_h:g})")
        if self.warmup_rule != "fixed" and self.warmup_h:
            raise ValueError(f"warmup_h ({self.warmup_h:g}) is found by warmup_rule {self.warmup_rule}: remove one")
        if to_ticks(self.horizon_h * 3600.0) <= to_ticks(self.warmup_h * 3600.0):
            raise ValueError("less than a microsecond of horizon_h is left to be simulated")
        return self
