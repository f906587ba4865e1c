"""What a station costs at another rate: BatPaC's power law with its exponents, by process step.

X = X0 (r / r0) ** p, one p each for labour, capital and floor. Exponents: BatPaC v5 step table (Argonne National
Laboratory, as ported in github.com/jbaars/Batt_Sust_Model). They are close to one because its baseline plant has many
machines side by side: integer machines on top of them would count economies of scale twice.
"""

from __future__ import annotations

from typing import NamedTuple


class Exponents(NamedTuple):
    """Of labour, capital and floor area."""

    labour: float
    capital: float
    area: float


MIXING = Exponents(0.9, 0.9, 0.95)
ELECTRODES = Exponents(0.7, 0.9, 0.95)
"""Coating, calendering, slitting, notching, vacuum drying."""
ASSEMBLY = Exponents(0.9, 0.9, 0.95)
"""Stacking, welding, enclosing, X-ray, filling."""
FORMATION = Exponents(0.7, 0.95, 0.95)
"""Formation, ageing and test."""
SHARED = Exponents(0.7, 0.95, 0.95)
"""Warehouse, laboratory and building support systems."""

_BY_STEP = {
    **dict.fromkeys(("dose", "dry_mix", "slurry_mix"), MIXING),
    **dict.fromkeys(("dry_film", "coat", "calender", "slit", "notch", "vacuum_dry"), ELECTRODES),
    **dict.fromkeys(("formation", "ageing", "grade"), FORMATION),
}


def exponents_of(step: str) -> Exponents:
    """Of a process step; all that come between the electrodes and formation are cell assembly."""
    return _BY_STEP.get(step, ASSEMBLY)


def power_law(base: float, ratio: float, exponent: float) -> float:
    """`base`, known at one rate, at `ratio` times that rate: base x ratio ** exponent.

    Raises
    ------
    ValueError
        Unless the ratio is positive.
    """
    if not ratio > 0.0:
        raise ValueError(f"a rate cannot be {ratio} times another")
    return float(base * ratio**exponent)
