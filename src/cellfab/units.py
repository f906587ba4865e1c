"""Units: the suffixes that field names carry, the symbols that quoted quantities use, and the tick of simulated time.

A number's unit stands in its name (`speed_m_per_min`). A suffix is one unit of the closed table below, or one unit
`_per_` one or more others (`usd_per_kwh`, `w_per_m_k`, `per_km`). A quoted quantity (`"60 m/min"`, `"25 mg/cm²"`) uses
the symbols of the same table; case counts, because mW and MW differ by 10**9. Factors are exact fractions of SI units,
so a conversion is the correctly rounded result of the decimal text.

Sources: SI brochure, 9th edition (2019), tables 2-8; a year is 365.25 days (IAU Julian year), a month a twelfth
of it. Money is one currency.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

TICKS_PER_S = 1_000_000
"""One tick is a microsecond: 2**63 of them are 292 000 years."""
TICKS_PER_H = 3600 * TICKS_PER_S
SECONDS_PER_WEEK = 604_800
HOURS_PER_WEEK = 168.0
TICKS_PER_WEEK = SECONDS_PER_WEEK * TICKS_PER_S


def to_ticks(seconds: float) -> int:
    """Seconds to the nearest tick."""
    return round(seconds * TICKS_PER_S)


def to_seconds(ticks: int) -> float:
    """Ticks to seconds."""
    return ticks / TICKS_PER_S


class UnitError(ValueError):
    """A unit is unknown, or two units measure different things; `hint` says what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


Dimension = tuple[tuple[str, int], ...]
"""Exponents of m, kg, s, A, K, usd and of counted things, sorted by name; empty for a pure number."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit.

    Attributes
    ----------
    suffix : str
        How a field name ends, without the leading underscore: "m_per_min".
    symbol : str
        How a person writes it: "m/min".
    dimension : tuple of (str, int)
        Two units convert into each other only if these are equal.
    factor : Fraction
        Size in SI base units.
    """

    suffix: str
    symbol: str
    dimension: Dimension
    factor: Fraction

    def __str__(self) -> str:
        return self.symbol


_DIMENSIONS: dict[str, dict[str, int]] = {
    "number": {},
    "time": {"s": 1},
    "frequency": {"s": -1},
    "length": {"m": 1},
    "area": {"m": 2},
    "volume": {"m": 3},
    "mass": {"kg": 1},
    "force": {"kg": 1, "m": 1, "s": -2},
    "pressure": {"kg": 1, "m": -1, "s": -2},
    "power": {"kg": 1, "m": 2, "s": -3},
    "energy": {"kg": 1, "m": 2, "s": -2},
    "current": {"A": 1},
    "charge": {"A": 1, "s": 1},
    "voltage": {"kg": 1, "m": 2, "s": -3, "A": -1},
    "resistance": {"kg": 1, "m": 2, "s": -3, "A": -2},
    "kelvin": {"K": 1},
    "celsius": {"degC": 1},
    "money": {"usd": 1},
}

_TABLE = """
ms        ms    time        1/1000
s         s     time        1
min       min   time        60
h         h     time        3600
d         d     time        86400
weeks     weeks time        604800
months    months time       2629800
years     years time        31557600
hz        Hz    frequency   1
um        um    length      1/1000000
mm        mm    length      1/1000
cm        cm    length      1/100
m         m     length      1
km        km    length      1000
mm2       mm2   area        1/1000000
cm2       cm2   area        1/10000
m2        m2    area        1
cm3       cm3   volume      1/1000000
ml        mL    volume      1/1000000
l         L     volume      1/1000
m3        m3    volume      1
ug        ug    mass        1/1000000000
mg        mg    mass        1/1000000
g         g     mass        1/1000
kg        kg    mass        1
t         t     mass        1000
n         N     force       1
kn        kN    force       1000
pa        Pa    pressure    1
kpa       kPa   pressure    1000
mpa       MPa   pressure    1000000
gpa       GPa   pressure    1000000000
mbar      mbar  pressure    100
bar       bar   pressure    100000
w         W     power       1
kw        kW    power       1000
mw        MW    power       1000000
j         J     energy      1
kj        kJ    energy      1000
ev        eV    energy      1.602176634e-19
wh        Wh    energy      3600
kwh       kWh   energy      3600000
mwh       MWh   energy      3600000000
gwh       GWh   energy      3600000000000
ua        uA    current     1/1000000
ma        mA    current     1/1000
a         A     current     1
mah       mAh   charge      18/5
ah        Ah    charge      3600
mv        mV    voltage     1/1000
v         V     voltage     1
uohm      uohm  resistance  1/1000000
mohm      mohm  resistance  1/1000
ohm       ohm   resistance  1
kohm      kohm  resistance  1000
degc      degC  celsius     1
k         K     kelvin      1
percent   %     number      1/100
ppm       ppm   number      1/1000000
usd       USD   money       1
kusd      kUSD  money       1000
musd      MUSD  money       1000000
"""

_COUNTED = ("cell", "part", "piece", "lot", "tray", "roll", "person")
"""Things that are counted: they stand in suffixes such as `usd_per_cell`, each a dimension of its own."""

_ALIASES = {
    "week": "weeks",
    "month": "months",
    "year": "years",
    "day": "d",
    "days": "d",
    "hour": "h",
    "hours": "h",
    "minute": "min",
    "minutes": "min",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "usd": "USD",
    "musd": "MUSD",
    "kusd": "kUSD",
    "ml": "mL",
    "l": "L",
    "percent": "%",
    "cells": "cell",
    "parts": "part",
    "pieces": "piece",
    "lots": "lot",
    "trays": "tray",
    "rolls": "roll",
}
"""Other symbols for the same unit, in quoted quantities."""


def _table() -> dict[str, Unit]:
    units = {}
    for row in _TABLE.split("\n")[1:-1]:
        suffix, symbol, kind, factor = row.split()
        units[suffix] = Unit(suffix, symbol, _sorted(_DIMENSIONS[kind]), Fraction(factor))
    for noun in _COUNTED:
        units[noun] = Unit(noun, noun, ((noun, 1),), Fraction(1))
    return units


def _sorted(exponents: dict[str, int]) -> Dimension:
    return tuple(sorted((name, power) for name, power in exponents.items() if power))


UNITS: dict[str, Unit] = _table()
"""The closed table, by suffix."""
NUMBER = Unit("", "", (), Fraction(1))
"""The unit of a pure number."""
_BY_SYMBOL = {unit.symbol: unit for unit in UNITS.values()}
_BY_SYMBOL |= {alias: _BY_SYMBOL[symbol] for alias, symbol in _ALIASES.items()}
_PLURALS = {alias: UNITS[noun] for alias, noun in _ALIASES.items() if noun in _COUNTED}
_SUFFIX_WORDS = (
    UNITS | _PLURALS | {"week": UNITS["weeks"], "month": UNITS["months"], "year": UNITS["years"], "c": UNITS["degc"]}
)

DIMENSIONLESS = frozenset(
    {
        *("amount", "capacity", "cv", "degree", "efficiency", "exponent", "factor", "fraction", "gsd", "ln", "mature"),
        *("multiplier", "number", "operators", "order", "origins", "porosity", "probability", "quantile", "rate"),
        *("indifference", "least", "most", "ratio"),
        *("share", "shape", "size", "slope", "start", "tortuosity", "value", "weight", "yield"),
    }
)
"""Last words of the names of numbers without a unit (`cv`, `solid_fraction`); `ln` ends standard deviations of natural
logarithms, `origins` are shares, `amount` and `capacity` are counted in the unit named beside them, and `least`, `most`
and `indifference` in that of the key figure that they are about."""


@lru_cache(maxsize=4096)
def from_suffix(suffix: str) -> Unit | None:
    """The unit that a suffix such as "usd_per_kwh" names; None if it names none."""
    words = suffix.split("_")
    if "per" not in words:
        return _SUFFIX_WORDS.get(suffix)
    cut = words.index("per")
    above, below = words[:cut], words[cut + 1 :]
    if len(above) > 1 or not below or any(word not in _SUFFIX_WORDS for word in above + below):
        return None
    return _compose([_SUFFIX_WORDS[word] for word in above], [_SUFFIX_WORDS[word] for word in below])


def _compose(above: list[Unit], below: list[Unit]) -> Unit:
    exponents: dict[str, int] = {}
    factor = Fraction(1)
    for units, sign in ((above, 1), (below, -1)):
        for unit in units:
            factor *= unit.factor**sign
            for name, power in unit.dimension:
                # In a rate, a degree Celsius is a difference of temperatures and so a kelvin.
                name = "K" if name == "degC" else name
                exponents[name] = exponents.get(name, 0) + sign * power
    suffix = "_".join([unit.suffix for unit in above] + ["per"] + [unit.suffix for unit in below])
    top = above[0].symbol if above else "1"
    bottom = " ".join(unit.symbol for unit in below)
    symbol = f"{top}/({bottom})" if len(below) > 1 else f"{top}/{bottom}"
    return Unit(suffix, symbol, _sorted(exponents), factor)


@lru_cache(maxsize=4096)
def split_name(name: str) -> tuple[str, Unit | None]:
    """Split a field name into its stem and its unit: "speed_m_per_min" -> ("speed", m/min), "cv" -> ("cv", None).

    The longest suffix counts. A whole name is a unit only if it is a quotient ("usd_per_kg").
    """
    words = name.split("_")
    for start in range(len(words)):
        if start == 0 and "per" not in words[1:]:
            continue
        unit = from_suffix("_".join(words[start:]))
        if unit is not None:
            return "_".join(words[:start]), unit
    return name, None


def is_dimensionless(name: str) -> bool:
    """Whether a field of this name is known to hold a number without a unit."""
    return name.rsplit("_", 1)[-1] in DIMENSIONLESS


def from_symbol(text: str) -> Unit:
    """The unit that a person wrote: "m/min", "mg/cm²", "1/km", "W/(m K)", "µm", "%".

    Raises
    ------
    UnitError
        If a symbol is not in the table; the hint names one that differs only in case.
    """
    plain = unicodedata.normalize("NFKC", text).replace("μ", "u").replace("Ω", "ohm").replace("°C", "degC")
    plain = plain.replace("$", "USD").replace("^", "").replace("·", " ").replace("*", " ").strip()
    top, *bottoms = plain.split("/")
    above = [] if bottoms and top.strip() in ("", "1") else [_symbol(top.strip(), text)]
    below = [_symbol(word, text) for bottom in bottoms for word in _denominator(bottom, text)]
    return _compose(above, below) if below else above[0]


def _denominator(text: str, whole: str) -> list[str]:
    words = text.strip().removeprefix("(").removesuffix(")").split()
    if not words:
        raise UnitError(f"'{whole}' is not a unit")
    return words


def _symbol(word: str, whole: str) -> Unit:
    unit = _BY_SYMBOL.get(word)
    if unit is None:
        alike = [symbol for symbol in _BY_SYMBOL if symbol.lower() == word.lower()]
        hint = f"did you mean '{alike[0]}'? Case counts in units" if alike else ""
        raise UnitError(f"unknown unit '{word}'" + (f" in '{whole}'" if word != whole else ""), hint)
    return unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit, as it was written."""

    value: Fraction
    unit: Unit

    def to(self, unit: Unit) -> float:
        """The number in another unit; raises `UnitError` if that measures something else."""
        return convert(self.value, self.unit, unit)


# The number is taken whole or not at all (an atomic group): "5e3" is no 5 of a unit "e3". A unit starts with a letter,
# a sign such as % or a slash, so that "1_000", "1,5" and "80 000" are not numbers with a unit either.
_NUMBER = r"(?>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*([^\s\d_,.'+-].*|(?<=\s)1\s*/.*)", re.DOTALL)


def parse_quantity(text: str) -> Quantity | None:
    """Read "60 m/min"; None if the text does not start with a number that something follows.

    Raises
    ------
    UnitError
        If what follows the number is not a unit.
    """
    match = _QUANTITY.fullmatch(text) if len(text) < 100 else None
    if match is None:
        return None
    unit = from_symbol(match[2])
    size = float(match[1])
    if not math.isfinite(size):
        raise UnitError(f"{match[1]} is too large for a number")
    # A number too small for a float is not worked out as a fraction: 1e-999999999 has a billion digits.
    return Quantity(Fraction(match[1]) if size else Fraction(0), unit)


def convert(value: float | Fraction, source: Unit, target: Unit) -> float:
    """Convert a number from one unit to another; exact up to the final rounding to a float.

    Raises
    ------
    UnitError
        If the two measure different things. Temperatures in degC and in K are different things here, because a
        difference of 5 degC is 5 K and a temperature of 5 degC is 278.15 K; the hint gives both. Of a rate where a time
        is asked for, or the other way round, it gives the reciprocal.
    """
    exact = value if isinstance(value, Fraction) else Fraction(repr(value))
    if source.dimension != target.dimension:
        hint = ""
        if source.dimension == tuple((name, -exponent) for name, exponent in target.dimension):
            with suppress(OverflowError, ZeroDivisionError):
                reciprocal = float(1 / (exact * source.factor * target.factor))
                hint = f"{float(exact):g} {source} is the reciprocal of {reciprocal:g} {target}: write that"
        if {source.suffix, target.suffix} == {"degc", "k"}:
            offset = Fraction("273.15") if source.suffix == "degc" else -Fraction("273.15")
            hint = (
                f"{float(exact):g} {source} is {float(exact + offset):g} {target} as a temperature"
                f" and {float(exact):g} {target} as a difference: write which in {target}"
            )
        wanted = f"in {target}" if target.symbol else "without a unit"
        raise UnitError(f"{source} cannot be converted: the value must be {wanted}", hint)
    try:
        return float(exact * source.factor / target.factor)
    except OverflowError:
        raise UnitError(f"the value is too large in {target}") from None


def same_dimension(unit: Unit) -> Iterator[Unit]:
    """Units that differ from `unit` in one part (m/min: mm/min, m/s, ...), the likeliest slips first.

    A factor of 1000 is the likeliest, then time units, then the rest; parts above the line come before parts below.
    """
    if not unit.dimension:
        yield from (UNITS["percent"], UNITS["ppm"])
        return
    words = unit.suffix.split("_")
    found: list[tuple[int, int, int, Unit]] = []
    for position, word in enumerate(words):
        for other in UNITS.values():
            if word in UNITS and other.suffix != word and other.dimension == UNITS[word].dimension:
                relative = from_suffix("_".join([*words[:position], other.suffix, *words[position + 1 :]]))
                if relative is not None:
                    ratio = other.factor / UNITS[word].factor
                    rank = 0 if ratio in (Fraction(1, 1000), 1000) else 1 if ratio in (Fraction(1, 60), 60) else 2
                    found.append((rank, position, len(found), relative))
    yield from (relative for *_, relative in sorted(found, key=lambda item: item[:3]))
