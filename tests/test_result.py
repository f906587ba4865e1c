"""One figure, or the reason why there is none."""

from __future__ import annotations

import math

import pytest

from cellfab.result import Kpi


@pytest.mark.parametrize("missing", [None, math.nan])
def test_what_is_not_known_has_a_reason_instead(missing):
    assert Kpi.known(missing, "h", "too short") == Kpi(None, "h", reason="too short")


def test_what_is_known_has_no_reason():
    assert Kpi.known(0.0, "h", "too short") == Kpi(0.0, "h")


def test_a_share_of_nothing_has_a_reason_instead():
    assert Kpi.ratio(0, 0, "1", "nothing was sold") == Kpi(None, "1", reason="nothing was sold")
    assert Kpi.ratio(3, 4, "1", "nothing was sold") == Kpi(0.75, "1")
    assert Kpi.ratio(0, 4, "1", "nothing was sold") == Kpi(0.0, "1")
