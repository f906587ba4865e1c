"""Laws of values that are not known exactly, written beside a value as its `distribution`.

`{value: 9, low: 7, high: 12, distribution: triangular, source: ...}` names a law whose ends are `low` and `high`;
`{value: 9, distribution: {law: normal, sd: 0.8}, source: ...}` gives its numbers, in the unit of the value. The words
are those of laws of durations (`cellfab.config.distribution`), without a unit. A run uses `value` alone.

References
----------
D. G. Malcolm, J. H. Roseboom, C. E. Clark, W. Fazar, "Application of a technique for research and development program
evaluation", Operations Research 7 (1959), 646-669: the PERT law, a beta law with weight 4 on the mode.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from cellfab.config.problems import did_you_mean, listed

EndsLaw = Literal["triangular", "pert", "uniform", "log_uniform", "normal", "lognormal"]
"""Laws for which a value's `low` and `high` are enough."""

TAIL = 0.0005
"""Share of an endless law that is cut off at each end, so that every point of a design has a value."""
TAIL_Z = 3.290526731491926
"""Quantile of the standard normal law at 1 - TAIL."""
CENTRAL_Z = 1.959963984540054
"""Between minus and plus this lie 95 % of a normal law."""

_ENDS = ("low", "high")
_KEYS: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    "triangular": ((_ENDS, ("mode",)),),
    "pert": ((_ENDS, ("mode",)),),
    "uniform": ((_ENDS, ()),),
    "log_uniform": ((_ENDS, ()),),
    "normal": ((("sd",), ("mean", *_ENDS)), (_ENDS, ())),
    "lognormal": ((("gsd",), ("median", *_ENDS)), (("cv",), ("mean", *_ENDS)), (_ENDS, ())),
    "beta": (((*_ENDS, "alpha", "beta"), ()),),
    "empirical": ((("values",), ()),),
}
"""By law, ways to give it: what is needed, and what may be given too. Ends beside the value stand for those missing."""
LAWS = tuple(_KEYS)
KEYS = tuple(dict.fromkeys(key for ways in _KEYS.values() for way in ways for keys in way for key in keys))
PURE = frozenset(("gsd", "cv", "alpha", "beta"))
"""Keys whose numbers have no unit."""


class LawError(ValueError):
    """What is wrong with a law; `key` says at which of its keys, empty for the law as a whole."""

    def __init__(self, message: str, key: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.hint = hint


@dataclass(frozen=True, slots=True)
class ValueLaw:
    """A law of a value.

    Attributes
    ----------
    law : str
        One of `LAWS`.
    low, high : float
        No value lies outside them.
    first, second : float
        Of triangular and pert the mode and 0; of normal mean and standard deviation; of lognormal those of the
        logarithm; of beta its two shapes.
    values : tuple of float
        Of empirical, in order.
    """

    law: str
    low: float
    high: float
    first: float = 0.0
    second: float = 0.0
    values: tuple[float, ...] = ()

    @property
    def span(self) -> tuple[float, float]:
        """Between which ends the value is moved alone: those of the law; of an endless law the central 95 %."""
        if self.law not in ("normal", "lognormal"):
            return self.low, self.high
        ends = (self.first - CENTRAL_Z * self.second, self.first + CENTRAL_Z * self.second)
        low, high = (math.exp(end) for end in ends) if self.law == "lognormal" else ends
        return max(low, self.low), min(high, self.high)

    @property
    def logarithmic(self) -> bool:
        """Whether steps between its ends are even in the logarithm."""
        return self.law in ("log_uniform", "lognormal")


def value_law(
    law: str, numbers: Mapping[str, float], value: float, *, values: Sequence[float] = (), given: Sequence[str] = ()
) -> ValueLaw:
    """A law from its numbers.

    Parameters
    ----------
    law : str
    numbers : mapping of str to float
        All by key, in the value's unit; `low` and `high` of the value where the law has none of its own.
    value : float
        Stands for a mode, mean or median that is not given.
    values : sequence of float
        Of an empirical law.
    given : sequence of str
        Keys that the law itself was written with; those that mean nothing to it are refused.

    Raises
    ------
    LawError
        If the law is unknown, numbers are missing, or contradict each other.
    """
    if law not in _KEYS:
        raise LawError(f"unknown law '{law}'", "law", did_you_mean(law, LAWS))
    present = {*numbers, *(("values",) if values else ())}
    way = next((way for way in _KEYS[law] if present.issuperset(way[0])), None)
    if way is None:
        ways = " or ".join(listed(needed) for needed, _ in _KEYS[law])
        raise LawError(f"a {law} law needs {ways}")
    stray = next((key for key in given if key not in (*way[0], *way[1])), None)
    if stray is not None:
        raise LawError(f"'{stray}' means nothing to a {law} law with {listed(way[0])}", stray)
    made = _made(law, way[0], numbers, value, values)
    for key in ("mode", "mean", "median"):
        if key in given and not made.low <= numbers[key] <= made.high:
            raise LawError(f"the {key} {numbers[key]:g} is not between {made.low:g} and {made.high:g}", key)
    if not made.low <= value <= made.high:
        raise LawError(f"the value {value:g} lies outside its own law, between {made.low:g} and {made.high:g}")
    return made


def _made(
    law: str, way: Sequence[str], numbers: Mapping[str, float], value: float, values: Sequence[float]
) -> ValueLaw:
    for key in ("sd", "cv", "alpha", "beta"):
        if key in way and numbers[key] <= 0.0:
            raise LawError(f"{key} must be above 0, not {numbers[key]:g}", key)
    if law == "empirical":
        return ValueLaw(law, min(values), max(values), values=tuple(sorted(values)))
    low, high = numbers.get("low", -math.inf), numbers.get("high", math.inf)
    if not low < high:
        raise LawError(f"low ({low:g}) must be less than high ({high:g})", "low")
    if law in ("log_uniform", "lognormal") and "low" in way and low <= 0.0:
        raise LawError(f"low ({low:g}) has no logarithm", "low")
    match law:
        case "triangular" | "pert":
            return ValueLaw(law, low, high, numbers.get("mode", value))
        case "beta":
            return ValueLaw(law, low, high, numbers["alpha"], numbers["beta"])
        case "normal":
            if "sd" not in way:
                return _cut(law, (low + high) / 2.0, (high - low) / 2.0 / CENTRAL_Z, -math.inf, math.inf)
            return _cut(law, numbers.get("mean", value), numbers["sd"], low, high)
        case "lognormal":
            return _lognormal(way, numbers, value, low, high)
    return ValueLaw(law, low, high)


def _lognormal(way: Sequence[str], numbers: Mapping[str, float], value: float, low: float, high: float) -> ValueLaw:
    if "low" in way:
        half = math.log(high / low) / 2.0
        return _cut("lognormal", math.log(low) + half, half / CENTRAL_Z, -math.inf, math.inf)
    name = "median" if "gsd" in way else "mean"
    middle = numbers.get(name, value)
    if middle <= 0.0:
        raise LawError(f"the {name} of a lognormal law is above 0, not {middle:g}", name)
    if "gsd" in way:
        if numbers["gsd"] <= 1.0:
            raise LawError(f"gsd must be above 1, not {numbers['gsd']:g}", "gsd")
        centre, width = math.log(middle), math.log(numbers["gsd"])
    else:
        squared = math.log1p(numbers["cv"] ** 2)
        centre, width = math.log(middle) - squared / 2.0, math.sqrt(squared)
    return _cut("lognormal", centre, width, low, high)


def _cut(law: str, centre: float, width: float, low: float, high: float) -> ValueLaw:
    """An endless law between its far quantiles, or between nearer ends."""
    ends = (centre - TAIL_Z * width, centre + TAIL_Z * width)
    first, last = (math.exp(end) for end in ends) if law == "lognormal" else ends
    low, high = max(low, first), min(high, last)
    if not low < high:
        raise LawError(f"low and high leave nothing of the {law} law, which lies between {first:g} and {last:g}", "low")
    return ValueLaw(law, low, high, centre, width)


def plain(law: ValueLaw) -> dict[str, Any]:
    """A law as configuration can say it, for programs: its numbers as they were settled."""
    found: dict[str, Any] = {"law": law.law}
    match law.law:
        case "empirical":
            return found | {"values": list(law.values)}
        case "triangular" | "pert":
            found["mode"] = law.first
        case "normal":
            found |= {"mean": law.first, "sd": law.second}
        case "lognormal":
            found |= {"median": math.exp(law.first), "gsd": math.exp(law.second)}
        case "beta":
            found |= {"alpha": law.first, "beta": law.second}
    return found | {"low": law.low, "high": law.high}


ENDS_LAWS: tuple[str, ...] = get_args(EndsLaw)
