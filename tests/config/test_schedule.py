"""Values by date: what the keys mean, what a week is worth, and what is refused where."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cellfab.config.economics_spec import Economics
from cellfab.config.loader import load, validate
from cellfab.config.schedule import Period, Schedule, key_problems
from cellfab.config.schema import json_schema
from cellfab.errors import ConfigError

MONDAY = datetime.date(2026, 1, 5)
days = st.dates(datetime.date(2020, 1, 1), datetime.date(2040, 1, 1))


@pytest.mark.parametrize(
    ("key", "first", "last"),
    [
        ("2030", "2030-01-01", "2030-12-31"),
        ("2027-06", "2027-06-01", "2027-06-30"),
        ("2028-02", "2028-02-01", "2028-02-29"),
        ("2026-12", "2026-12-01", "2026-12-31"),
        ("2026-01-05", "2026-01-05", "2026-01-05"),
        ("2026-01..2027-06", "2026-01-01", "2027-06-30"),
        ("2026-02-24..2026", "2026-02-24", "2026-12-31"),
        ("..2029", "0001-01-01", "2029-12-31"),
        ("2033..", "2033-01-01", "9999-12-31"),
    ],
)
def test_ends_are_included_at_their_own_precision(key, first, last):
    period = Period.parse(key)
    assert (period.first.isoformat(), period.last.isoformat()) == (first, last)
    assert period.first in period
    assert period.last in period


@pytest.mark.parametrize("key", ["26", "2026-13", "2026-02-30", "2026-1", "..", "2026..x", "2026-01-01-01", "", "0000"])
def test_what_is_no_period(key):
    with pytest.raises(ValueError, match="is not a period"):
        Period.parse(key)


def test_a_range_runs_forward():
    with pytest.raises(ValueError, match="ends before it begins"):
        Period.parse("2027..2026-06")


@given(st.lists(st.tuples(days, st.integers(0, 400)), min_size=1, max_size=5), days)
def test_periods_overlap_exactly_if_a_day_is_in_two(spans, day):
    keys = [f"{first}..{first + datetime.timedelta(days=length)}" for first, length in spans]
    periods = [Period.parse(key) for key in keys]
    every_day = [first + datetime.timedelta(days=n) for first, length in spans for n in range(length + 1)]
    assert bool(key_problems(keys)) == (len(set(every_day)) < len(every_day))
    if not key_problems(keys):
        schedule = Schedule.of({key: float(index) for index, key in enumerate(keys)})
        inside = [index for index, period in enumerate(periods) if day in period]
        if inside:
            assert schedule.at(day) == float(inside[0])
        else:
            with pytest.raises(ValueError, match=f"no value on {day}"):
                schedule.at(day)


def test_a_week_is_the_mean_of_its_days():
    schedule = Schedule.of({"2027..": 8.0, "..2026": 1.0})
    # 2026-12-28 is a Monday: four days at 1, three at 8.
    assert schedule.weekly(datetime.date(2026, 12, 21), 3) == [1.0, (4 * 1.0 + 3 * 8.0) / 7, 8.0]
    assert Schedule.constant(0.1).weekly(MONDAY, 2) == [0.1, 0.1]


@given(st.floats(0, 1e6), st.integers(1, 30))
def test_a_price_that_does_not_change_stays_itself(value, weeks):
    assert Schedule.of({"2020..2030": value}).weekly(MONDAY, weeks) == [value] * weeks


def test_the_first_day_without_a_value():
    schedule = Schedule.of({"2026": 1, "2027-02..2027": 2, "2028-01-01": 3})
    day = datetime.date
    assert schedule.uncovered(day(2026, 1, 1), day(2026, 12, 31)) is None
    assert schedule.uncovered(day(2025, 12, 31), day(2026, 1, 1)) == day(2025, 12, 31)
    assert schedule.uncovered(day(2026, 6, 1), day(2028, 1, 1)) == day(2027, 1, 1)
    assert schedule.uncovered(day(2027, 2, 1), day(2028, 1, 2)) == day(2028, 1, 2)
    assert Schedule.of({"..2029": 1, "2030..": 2}).uncovered(day.min, day.max) is None


def test_it_is_written_as_it_was_read():
    economics = Economics(
        currency_year=2026, electricity_usd_per_kwh={"2026": 0.1, "2027..": 0.2}, heat_usd_per_kwh=0.03
    )
    dumped = economics.model_dump(mode="json")
    assert dumped["electricity_usd_per_kwh"] == {"2026": 0.1, "2027..": 0.2}
    assert dumped["heat_usd_per_kwh"] == 0.03
    assert Economics.model_validate(dumped) == economics
    assert hash(Economics.model_validate(dumped).electricity_usd_per_kwh) == hash(economics.electricity_usd_per_kwh)


# ---- in files ---------------------------------------------------------------------------------------------------


@pytest.fixture
def read(tmp_path):
    """Economics from a text, with `--set` options."""

    def read(text: str, *options: str):
        file = tmp_path / "money.yaml"
        file.write_text(text, encoding="utf-8")
        resolved = load(file, options)
        return validate(resolved, Economics, "economics"), resolved

    return read


MONEY = """\
economics:
  currency_year: 2026
  electricity_usd_per_kwh:
    ..2026: {value: "80 USD/MWh", low: 0.05, high: 0.12, source: "assumption: a guess"}
    2027..: 0.09
"""


def test_values_have_units_and_notes_of_their_own(read):
    economics, resolved = read(MONEY)
    assert economics.electricity_usd_per_kwh.weekly(MONDAY, 1) == [0.08]
    assert [found.path for found in resolved.assumptions()] == ['economics.electricity_usd_per_kwh."..2026"']
    assert str(resolved.location(("economics", "electricity_usd_per_kwh", "2027.."))).endswith("money.yaml:5:13")


def test_another_unit_in_the_key_is_converted(read):
    economics, _ = read("economics:\n  currency_year: 2026\n  heat_usd_per_mwh: {..2026: 80, 2027..: 0.09 USD/kWh}\n")
    assert economics.heat_usd_per_kwh.plain == {"..2026": pytest.approx(0.08), "2027..": pytest.approx(0.09)}


def test_set_changes_one_period_adds_one_or_takes_the_place_of_all(read):
    assert (
        read(MONEY, 'economics.electricity_usd_per_kwh."2027.."=0.2')[0].electricity_usd_per_kwh.plain["2027.."] == 0.2
    )
    assert read(MONEY, "economics.electricity_usd_per_kwh=0.2")[0].electricity_usd_per_kwh.plain == 0.2
    economics, _ = read(MONEY.replace("    2027..: 0.09\n", ""), "economics.electricity_usd_per_kwh.2027=0.3")
    assert economics.electricity_usd_per_kwh.plain["2027"] == 0.3


def test_an_overlap_names_both_keys_and_their_lines(read):
    with pytest.raises(ConfigError) as caught:
        read(MONEY.replace("2027..:", "2026-06..2027:"))
    (problem,) = caught.value.problems
    assert (problem.location.line, problem.location.column) == (5, 5)
    assert problem.message == "the period '2026-06..2027' overlaps '..2026': both have 2026-06-01"
    assert "'..2026' stands at" in problem.hint
    assert "money.yaml:4:5" in problem.hint


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{2026-6..: 1}", "is not a period"),
        ("{2026..: -1}", "-1 USD/kWh is below 0"),
        ("{2026..: cheap}", "expected a number in USD/kWh"),
        ("-1", "-1 USD/kWh is below 0"),
        ("cheap", "expected a number in USD/kWh, got 'cheap'"),
        ("[1, 2]", "expected a number in USD/kWh or numbers by period"),
        ("{}", "at least one period"),
    ],
)
def test_a_bad_value_is_named_once(read, value, message):
    with pytest.raises(ConfigError) as caught:
        read(f"economics:\n  currency_year: 2026\n  heat_usd_per_kwh: {value}\n")
    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.location.line == 3


def test_a_price_without_a_currency_year_is_refused(read):
    with pytest.raises(ConfigError) as caught:
        read("economics:\n  heat_usd_per_kwh: 0.02\n")
    (problem,) = caught.value.problems
    assert (problem.path, problem.message, problem.location.line) == ("economics.currency_year", "is missing", 1)


def test_both_schemas_know_schedules():
    for overlay in (False, True):
        validator = Draft202012Validator(json_schema(Economics, overlay=overlay))
        good = {"currency_year": 2026, "heat_usd_per_kwh": {"..2026": 0.02, "2027-01..": {"value": "20 USD/MWh"}}}
        assert not list(validator.iter_errors(good))
        for bad in ({"2026-1": 1}, {"2026": "x y"}, {"2026": -1}, -1):
            assert list(validator.iter_errors(good | {"heat_usd_per_kwh": bad})), bad
    full = json_schema(Economics)
    assert full["properties"]["heat_usd_per_kwh"]["default"] == 0.02
