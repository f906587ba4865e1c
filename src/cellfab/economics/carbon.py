"""Carbon dioxide of a run: every quantity posted to the ledger times the emission factor of its account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cellfab.config.carbon_spec import Carbon
from cellfab.config.materials_spec import Material
from cellfab.core.ledger import Debit, Held, Holding
from cellfab.economics.period_cost import ELECTRICITY, HEAT, MATERIALS

RETURNED = "returned"
"""The place under which material given back to the store is taken off."""


class Factors(NamedTuple):
    """Kilograms of CO2 per unit.

    Attributes
    ----------
    grid : sequence of float
        Per kWh of electricity, by week; later weeks are as the last.
    gas : float
        Per kWh of heat.
    materials : mapping of str to float
        Per unit bought, by account ("materials.lfp"); accounts without a factor are left out of every sum.
    """

    grid: Sequence[float]
    gas: float
    materials: Mapping[str, float]

    def of(self, account: str, week: int) -> float:
        """Of one unit of an account in a week; 0 for what has no factor."""
        if account == ELECTRICITY:
            return self.grid[min(week, len(self.grid) - 1)]
        return self.gas if account == HEAT else self.materials.get(account, 0.0)


def factors(carbon: Carbon, materials: Mapping[str, Material], grid: Sequence[float]) -> Factors:
    """Factors of a scenario; `grid` is its schedule by week."""
    known = {
        f"{MATERIALS}{name}": material.carbon_kg
        for name, material in materials.items()
        if material.carbon_kg is not None
    }
    return Factors(grid, carbon.gas_kg_per_kwh, known)


def by_place_and_account(debits: Iterable[Debit], held: Iterable[Held], known: Factors) -> dict[tuple[str, str], float]:
    """Kilograms by place and account; what was given back to the store is taken off under `RETURNED`."""
    kg: dict[tuple[str, str], float] = defaultdict(float)
    for debit in debits:
        per_unit = known.of(debit.account, debit.week)
        if per_unit:
            kg[debit.place, debit.account] += debit.quantity * per_unit
    for entry in held:
        if entry.holding is Holding.RETURNED and known.of(entry.account, entry.week):
            kg[RETURNED, entry.account] -= entry.quantity * known.of(entry.account, entry.week)
    return dict(kg)


def by_account(kg: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Kilograms by account, largest first."""
    return _summed(kg, 1)


def by_place(kg: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Kilograms by place, largest first."""
    return _summed(kg, 0)


def _summed(kg: Mapping[tuple[str, str], float], part: int) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for key, amount in kg.items():
        sums[key[part]] += amount
    return dict(sorted(sums.items(), key=lambda item: -item[1]))
