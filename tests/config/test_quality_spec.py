"""The Weibull law of field failures, against its own definition and against SciPy."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError
from scipy.integrate import quad
from scipy.stats import weibull_min

from cellfab.config.quality_spec import FieldHazard, Quality
from cellfab.core.defects import MECHANISMS
from cellfab.scenario import load_scenario

LAWS = [(0.05, 0.8), (0.2, 1.0), (0.002, 2.0), (0.9, 3.5)]


@pytest.mark.parametrize(("fraction", "shape"), LAWS)
def test_the_share_named_has_failed_after_ten_years(fraction, shape):
    hazard = FieldHazard(failing_fraction=fraction, weibull_shape=shape)
    assert hazard.failed_share(10.0) == pytest.approx(fraction, rel=1e-12)
    for age in (0.5, 3.0, 20.0):
        assert hazard.failed_share(age) == pytest.approx(
            weibull_min.cdf(age, shape, scale=hazard.scale_years), rel=1e-9
        )


@pytest.mark.parametrize(("fraction", "shape"), LAWS)
def test_the_hazard_adds_up_to_the_failures(fraction, shape):
    hazard = FieldHazard(failing_fraction=fraction, weibull_shape=shape)
    whole, _ = quad(hazard.hazard_per_year, 0.0, 7.0)
    assert -math.expm1(-whole) == pytest.approx(hazard.failed_share(7.0), rel=1e-6)


def test_early_failures_and_wear():
    early, wear = (FieldHazard(failing_fraction=0.1, weibull_shape=shape) for shape in (0.8, 2.0))
    assert early.hazard_per_year(1.0) > early.hazard_per_year(9.0)
    assert wear.hazard_per_year(1.0) < wear.hazard_per_year(9.0)
    assert early.failed_share(1.0) > 5.0 * wear.failed_share(1.0)


def test_what_never_fails():
    hazard = FieldHazard(failing_fraction=0.0, weibull_shape=2.0)
    assert hazard.failed_share(100.0) == hazard.hazard_per_year(3.0) == 0.0


def test_an_unknown_defect_is_an_error():
    with pytest.raises(ValidationError, match="did you mean 'leak'"):
        Quality.model_validate({"field": {"leek": {"failing_fraction": 0.1, "weibull_shape": 1.0}}})


def test_the_shipped_plants_say_what_becomes_of_every_defect():
    for name in ("ev_4680_dry", "ess_from_4680"):
        quality = load_scenario(name).spec.quality
        assert quality is not None
        assert set(quality.field) == set(MECHANISMS)
