"""Shocks: dated events from outside that change a price or close a supply. See `cellfab.economics.shocks`."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.problems import Problem, did_you_mean
from cellfab.config.resolved import Resolved
from cellfab.config.run_spec import Day
from cellfab.config.spec import Spec
from cellfab.config.tree_path import TreePath

Share = Annotated[float, Field(ge=0.0, le=1.0)]
PriceFactor = Annotated[float, Field(gt=0.0, le=1000.0)]
_HOURS_PER_DAY = 24.0


class _Shock(Spec):
    first: Annotated[Day, Field(alias="from")]
    """First day, such as 2026-10-09; may lie before the run."""
    last: Annotated[Day, Field(alias="until")]
    """Last day; may lie after the run."""
    text: str = ""
    """What happened, for the report."""

    @model_validator(mode="after")
    def _in_order(self) -> _Shock:
        if self.last < self.first:
            raise ValueError(f"until ({self.last}) is before from ({self.first})")
        return self

    @property
    def subject(self) -> str | None:
        """The material it is about; None: the plant."""
        return None

    @property
    def price_multiplier(self) -> float:
        """On the price of the material."""
        return 1.0

    @property
    def open_share(self) -> float:
        """Of each week, in which there is something to work on."""
        return 1.0


class _MaterialShock(_Shock):
    material: str
    """As named in `materials`."""

    @property
    def subject(self) -> str | None:
        """The material it is about."""
        return self.material


class MaterialPrice(_MaterialShock):
    """The price of a material is multiplied."""

    kind: Literal["material_price"]
    price_factor: PriceFactor

    @property
    def price_multiplier(self) -> float:
        """As written."""
        return self.price_factor


class SupplierLost(_MaterialShock):
    """A material is not delivered, and who needs it starves; or only a share, and the plant makes that share."""

    kind: Literal["supplier_lost"]
    supply_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Of what is needed, still delivered."""

    @property
    def open_share(self) -> float:
        """As written."""
        return self.supply_share


class ExportControl(_MaterialShock):
    """The share of a material that comes from one origin becomes dearer, and scarcer."""

    kind: Literal["export_control"]
    origin_share: Annotated[float, Field(gt=0.0, le=1.0)]
    """Of what the plant buys, from that origin."""
    price_factor: PriceFactor = 1.0
    """On the price of that share."""
    supply_share: Share = 1.0
    """Of that share, still delivered."""

    @property
    def price_multiplier(self) -> float:
        """On the mean price of what is bought from all origins."""
        return 1.0 + self.origin_share * (self.price_factor - 1.0)

    @property
    def open_share(self) -> float:
        """What the other origins deliver, and what is left of this one."""
        return 1.0 - self.origin_share * (1.0 - self.supply_share)


class DemandDrop(_Shock):
    """Less is wanted: the plant works only for a share of each week. Stores go on: what ages does so."""

    kind: Literal["demand_drop"]
    output_share: Annotated[float, Field(ge=0.0, lt=1.0)]
    """Of what it would make."""

    @property
    def open_share(self) -> float:
        """As written."""
        return self.output_share


Shock = Annotated[MaterialPrice | SupplierLost | ExportControl | DemandDrop, Field(discriminator="kind")]


def shock_problems(
    resolved: Resolved, shocks: Mapping[str, Shock], start: datetime.date, horizon_h: float
) -> Iterator[Problem]:
    """Unknown materials, shocks outside the run, and two of one kind on the same thing at the same time.

    Parameters
    ----------
    resolved : Resolved
    shocks : mapping of str to Shock
    start : date
        First day of the run.
    horizon_h : float
    """
    if shocks and not resolved.get("products"):
        yield resolved.problem("shocks", "a bare line buys nothing and sells nothing: shocks are for plants")
        return
    materials = list(resolved.get("materials") or ())
    end = start + datetime.timedelta(days=-(-horizon_h // _HOURS_PER_DAY) - 1)
    for name, shock in shocks.items():
        path: TreePath = ("shocks", name)
        if shock.subject is not None and shock.subject not in materials:
            message = f"there is no material '{shock.subject}'"
            yield resolved.problem((*path, "material"), message, did_you_mean(shock.subject, materials))
        if shock.first > end or shock.last < start:
            key = "from" if shock.first > end else "until"
            message = f"the run is from {start} to {end}: this shock lies outside"
            yield resolved.problem((*path, key), message, "move it, or change run.start_date or run.horizon_h")
    for (one, before), (other, after) in combinations(shocks.items(), 2):
        alike = before.kind == after.kind and before.subject == after.subject
        if alike and before.first <= after.last and after.first <= before.last:
            about = f" on '{after.subject}'" if after.subject is not None else ""
            message = f"is a second {after.kind}{about} on {max(before.first, after.first)}, besides '{one}'"
            yield resolved.problem(("shocks", other), message, "let one end before the other begins", key=True)
