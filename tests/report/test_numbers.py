"""Numbers as they are shown."""

from __future__ import annotations

import math

import pytest

from cellfab.report import labels
from cellfab.report.numbers import as_written, duration, joined, kpi_interval, number, percent, quantity
from cellfab.result import Kpi


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (12_345.6, "12,346"),
        (84.231, "84.2"),
        (0.012345, "0.0123"),
        (-5.0, "-5"),
        (3.2e-7, "3.20e-07"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_number_keeps_three_digits_and_all_whole_ones(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (5.1e6, "USD", "5.10 M$"),
        (9_999.0, "USD", "9,999 $"),
        (12_500.0, "MWh", "12.5 GWh"),
        (412.0, "h", "17.2 d"),
        (0.066, "h", "3.96 min"),
        (0.861, "share", "86.1 %"),
        (84.2, "usd_per_kwh", "84.2 $/kWh"),
        (71.0, "ppm", "71 ppm"),
        ("disc_welder", "station", "disc_welder"),
        (None, "h", "–"),
    ],
)
def test_quantity_takes_the_unit_that_suits_its_size(value: float | str | None, unit: str, text: str) -> None:
    assert joined(value, unit) == text


def test_interval_is_in_the_unit_of_its_value() -> None:
    # 60 h alone would be shown in hours; as the end of an interval around 80 h = 3.33 d it is 2.50 d.
    assert quantity(80.0, "h") == ("3.33", "d")
    assert kpi_interval(Kpi(80.0, "h", 60.0, 100.0, 5)) == "2.50 to 4.17"
    assert kpi_interval(Kpi(80.0, "h")) == ""
    assert kpi_interval(Kpi(80.0, "h", math.nan, 100.0, 5)) == ""


def test_percent_duration_and_inputs() -> None:
    assert percent(0.125) == "12.5 %"
    assert percent(math.nan) == "–"
    assert duration(90.0) == "90 s"
    assert duration(5_400.0) == "90 min"
    assert as_written(0.35) == "0.35"
    assert as_written(2_500_000.0) == "2,500,000"


def test_a_bare_number_named_a_yield_is_a_share_and_others_are_not() -> None:
    assert labels.kpi_unit("oee.winder", Kpi(0.5, "1")) == "share"
    assert labels.kpi_unit("final_yield", Kpi(0.5, "")) == "share"
    assert labels.kpi_unit("queue_length.store", Kpi(0.5, "1")) == "1"
    assert labels.kpi_unit("final_yield", Kpi(93.0, "%")) == "%"


def test_label_of_an_unknown_figure_is_its_name_without_the_unit() -> None:
    assert labels.kpi_label("lead_time_p95_h")[0] == "Lead time p95"
    assert labels.kpi_label("wait_mean_s.store")[0] == "Wait mean, store"
    assert labels.kpi_label("final_yield")[0] == "Final yield"


def test_headlines_leave_out_what_has_no_value_and_what_belongs_to_one_station() -> None:
    kpi = {
        "oee.winder": Kpi(0.5, "1"),
        "own_figure": Kpi(1.0, "kg"),
        "final_yield": Kpi(0.9, "1"),
        "npv_musd": Kpi(None, "MUSD"),
    }
    assert labels.headline_names(kpi) == ["final_yield", "own_figure"]
