"""What becomes of cells that were sold with a defect: how many fail in the field, and when."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, field_validator

from cellfab.config.problems import did_you_mean
from cellfab.config.spec import Spec
from cellfab.core.defects import MECHANISMS

REFERENCE_YEARS = 10.0
"""Age by which `failing_fraction` of the cells has failed."""


class FieldHazard(Spec):
    """Failures of cells with one hidden defect, Weibull distributed (Weibull 1951, J. Appl. Mech. 18, 293-297)."""

    failing_fraction: Annotated[float, Field(ge=0.0, lt=1.0)]
    """Of the cells with the defect, fails within 10 years in use."""
    weibull_shape: Annotated[float, Field(gt=0.0, le=20.0)]
    """Below 1 the hazard falls with age (what is going to fail, fails early), above 1 it rises (wear)."""

    @property
    def scale_years(self) -> float:
        """Characteristic life eta; infinite where nothing fails."""
        if self.failing_fraction == 0.0:
            return math.inf
        return float(REFERENCE_YEARS / (-math.log1p(-self.failing_fraction)) ** (1.0 / self.weibull_shape))

    def hazard_per_year(self, age_years: float) -> float:
        """Failure rate of the cells with the defect that are still alive, h(t) = (b / eta) (t / eta)^(b - 1)."""
        if math.isinf(self.scale_years):
            return 0.0
        shape, scale = self.weibull_shape, self.scale_years
        return float(shape / scale * (age_years / scale) ** (shape - 1.0))

    def failed_share(self, age_years: float) -> float:
        """Share of the cells with the defect that has failed by that age, 1 - exp(-(t / eta)^b)."""
        if math.isinf(self.scale_years):
            return 0.0
        return -math.expm1(-((age_years / self.scale_years) ** self.weibull_shape))


class Quality(Spec):
    """Consequences of defects that no test found."""

    field: dict[str, FieldHazard] = {}
    """By mechanism, as in `cellfab.core.defects`."""

    @field_validator("field")
    @classmethod
    def _known(cls, value: dict[str, FieldHazard]) -> dict[str, FieldHazard]:
        for name in value:
            if name not in MECHANISMS:
                raise ValueError(f"'{name}' is no hidden defect; {did_you_mean(name, MECHANISMS)}")
        return value
