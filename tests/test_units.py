from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from cellfab import units
from cellfab.units import NUMBER, UNITS, UnitError, convert, from_suffix, from_symbol, parse_quantity, split_name

# Each suffix against scipy.constants (CODATA and the SI brochure) or a value written out by hand.
SIZES_IN_SI = {
    "ms": constants.milli,
    "s": 1.0,
    "min": constants.minute,
    "h": constants.hour,
    "d": constants.day,
    "weeks": constants.week,
    "months": constants.Julian_year / 12,
    "years": constants.Julian_year,
    "hz": 1.0,
    "um": constants.micron,
    "mm": constants.milli,
    "cm": constants.centi,
    "m": 1.0,
    "km": constants.kilo,
    "mm2": 1e-6,
    "cm2": 1e-4,
    "m2": 1.0,
    "cm3": 1e-6,
    "ml": constants.liter / 1000,
    "l": constants.liter,
    "m3": 1.0,
    "ug": 1e-9,
    "mg": 1e-6,
    "g": constants.gram,
    "kg": 1.0,
    "t": constants.metric_ton,
    "n": 1.0,
    "kn": 1e3,
    "pa": 1.0,
    "kpa": 1e3,
    "mpa": constants.mega,
    "gpa": constants.giga,
    "mbar": constants.bar / 1000,
    "bar": constants.bar,
    "w": 1.0,
    "kw": 1e3,
    "mw": constants.mega,
    "j": 1.0,
    "kj": 1e3,
    "ev": constants.electron_volt,
    "wh": constants.hour,
    "kwh": constants.kilo * constants.hour,
    "mwh": constants.mega * constants.hour,
    "gwh": constants.giga * constants.hour,
    "ua": 1e-6,
    "ma": 1e-3,
    "a": 1.0,
    "mah": constants.milli * constants.hour,
    "ah": constants.hour,
    "mv": 1e-3,
    "v": 1.0,
    "uohm": 1e-6,
    "mohm": 1e-3,
    "ohm": 1.0,
    "kohm": 1e3,
    "degc": 1.0,
    "k": 1.0,
    "percent": 0.01,
    "ppm": 1e-6,
    "usd": 1.0,
    "kusd": 1e3,
    "musd": 1e6,
}


def test_every_unit_has_its_size():
    counted = {"cell", "part", "piece", "lot", "tray", "roll", "person"}
    assert UNITS.keys() == SIZES_IN_SI.keys() | counted
    for suffix, size in SIZES_IN_SI.items():
        assert float(UNITS[suffix].factor) == pytest.approx(size, rel=1e-15), suffix


@pytest.mark.parametrize(
    ("product", "factors"),
    [
        ("w", ("v", "a")),
        ("j", ("w", "s")),
        ("ah", ("a", "h")),
        ("v", ("a", "ohm")),
        ("wh", ("v", "ah")),
        ("pa", ("n", None)),
        ("j", ("n", "m")),
    ],
)
def test_dimensions_agree_with_the_laws_of_physics(product, factors):
    # Power is volts times amperes, and so on; pressure is force over area.
    total: dict[str, int] = {}
    for name in factors:
        for base, power in UNITS[name].dimension if name else (("m", -2),):
            total[base] = total.get(base, 0) + power
    assert dict(UNITS[product].dimension) == {base: power for base, power in total.items() if power}


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (60.0, "m_per_min", "mm_per_s", 1000.0),
        (1.0, "m_per_s", "m_per_min", 60.0),
        (25.0, "mg_per_cm2", "g_per_m2", 250.0),
        (160.0, "mah_per_g", "ah_per_kg", 160.0),
        (3.0, "usd_per_kwh", "usd_per_mwh", 3000.0),
        (1.0, "kwh", "j", 3.6e6),
        (0.5, "per_km", "per_m", 0.0005),
        (2.0, "g_per_cm3", "kg_per_m3", 2000.0),
        (1.0, "n_per_mm", "kn_per_m", 1.0),
        (400.0, "w_per_m_k", "w_per_m_k", 400.0),
        (1.0, "mv_per_d", "mv_per_h", 1 / 24),
        (18000.0, "cells_per_h", "cell_per_min", 300.0),
        (1.0, "degc_per_min", "k_per_min", 1.0),
        (0.1, "m", "mm", 100.0),
    ],
)
def test_conversion_by_hand(value, source, target, expected):
    assert convert(value, from_suffix(source), from_suffix(target)) == expected


@pytest.mark.parametrize(
    ("name", "stem", "suffix"),
    [
        ("speed_m_per_min", "speed", "m_per_min"),
        ("capacity_mah_per_g", "capacity", "mah_per_g"),
        ("press_density_g_per_cm3", "press_density", "g_per_cm3"),
        ("price_usd_per_kg", "price", "usd_per_kg"),
        ("usd_per_kg", "", "usd_per_kg"),
        ("cells_per_min", "", "cell_per_min"),
        ("breaks_per_km", "breaks", "per_km"),
        ("duration_h", "duration", "h"),
        ("rest_c", "rest", "degc"),
        ("conductivity_w_per_m_k", "conductivity", "w_per_m_k"),
        ("cv", "cv", None),
        ("solid_fraction", "solid_fraction", None),
        ("h", "h", None),
        ("charges_per_cycle", "charges_per_cycle", None),
    ],
)
def test_names_end_in_units(name, stem, suffix):
    found_stem, unit = split_name(name)
    assert (found_stem, unit.suffix if unit else None) == (stem, suffix)


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("m/min", "m_per_min"),
        ("mg/cm²", "mg_per_cm2"),
        ("mg/cm^2", "mg_per_cm2"),
        ("µm", "um"),
        ("μm", "um"),
        ("mΩ", "mohm"),
        ("1/km", "per_km"),
        ("/km", "per_km"),
        ("W/(m K)", "w_per_m_k"),
        ("W/(m·K)", "w_per_m_k"),
        ("W/m/K", "w_per_m_k"),
        ("$/kWh", "usd_per_kwh"),
        ("usd/kWh", "usd_per_kwh"),
        ("°C", "degc"),
        ("%", "percent"),
        ("hours", "h"),
        ("cells/min", "cell_per_min"),
    ],
)
def test_symbols_as_people_write_them(text, suffix):
    assert from_symbol(text) == from_suffix(suffix)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("mWh", "MWh"), ("KWH", "kWh"), ("Kg", "kg"), ("furlong", ""), ("m/", ""), ("m//s", "")],
)
def test_unknown_symbols_are_refused_and_case_counts(text, hint):
    with pytest.raises(UnitError) as caught:
        from_symbol(text)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text", ["fast", "", "5", "-5e3", " 7 ", "m/min", "NaN", "1_000", "1,5 s", "80 000 m/min", "x" * 200]
)
def test_texts_that_are_no_quantity(text):
    assert parse_quantity(text) is None


@pytest.mark.parametrize("text", ["1e999 s", "1e-999 h", "5 s s", "5 mWh"])
def test_quantities_that_cannot_be_meant(text):
    if text == "1e-999 h":
        assert parse_quantity(text).to(UNITS["s"]) == 0.0
    else:
        with pytest.raises(UnitError):
            parse_quantity(text)


def test_a_temperature_is_never_guessed():
    with pytest.raises(UnitError) as caught:
        parse_quantity("5 °C").to(UNITS["k"])
    assert "278.15 K as a temperature and 5 K as a difference" in caught.value.hint


def test_a_rate_for_a_time_is_told_as_its_reciprocal():
    for text, symbol, hint in (
        ("30/h", "s", "30 1/h is the reciprocal of 120 s"), ("4 min", "1/h", "4 min is the reciprocal of 15 1/h"),
    ):  # fmt: skip
        with pytest.raises(UnitError) as caught:
            parse_quantity(text).to(from_symbol(symbol))
        assert hint in caught.value.hint
    with pytest.raises(UnitError) as caught:
        parse_quantity("0/h").to(from_symbol("s"))
    assert caught.value.hint == ""


def test_different_things_do_not_convert():
    with pytest.raises(UnitError, match="the value must be in m/min"):
        parse_quantity("3 kg").to(from_suffix("m_per_min"))
    with pytest.raises(UnitError, match="the value must be without a unit"):
        parse_quantity("3 kg").to(NUMBER)


same_kind = st.sampled_from([(a, b) for a in UNITS.values() for b in UNITS.values() if a.dimension == b.dimension])


@given(st.floats(-1e12, 1e12), same_kind)
def test_there_and_back(value, pair):
    source, target = pair
    # Two roundings to the nearest float, each off by at most 2**-53 relative; denormal results have fewer digits.
    there = convert(value, source, target)
    if there == 0.0 or abs(there) > 1e-290:
        assert math.isclose(convert(there, target, source), value, rel_tol=3e-16, abs_tol=1e-290)


@given(st.floats(1e-6, 1e6), same_kind)
def test_conversion_is_the_exact_product_rounded_once(value, pair):
    source, target = pair
    exact = Fraction(repr(value)) * source.factor / target.factor
    assert convert(value, source, target) == float(exact)


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)))
def test_a_quotient_reads_the_same_as_suffix_and_as_symbol(top, bottom):
    unit = from_suffix(f"{top}_per_{bottom}")
    assert from_symbol(unit.symbol) == unit


def test_the_likeliest_slip_comes_first():
    slips = [unit.symbol for unit in units.same_dimension(from_suffix("m_per_min"))]
    assert slips[:3] == ["mm/min", "km/min", "m/s"]
    assert [unit.symbol for unit in units.same_dimension(NUMBER)] == ["%", "ppm"]


def test_ticks():
    assert units.to_ticks(1.5) == 1_500_000
    assert units.to_seconds(units.to_ticks(86_400.25)) == 86_400.25
    assert units.TICKS_PER_WEEK == 7 * 86_400 * 1_000_000
