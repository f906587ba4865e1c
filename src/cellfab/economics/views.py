"""Views of the ledger: the same dollars by place, account, product, cause or week, and where each material went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from cellfab.config.materials_spec import Material
from cellfab.core.ledger import Holding, Ledger
from cellfab.economics.period_cost import MATERIALS
from cellfab.economics.recycling import RECYCLING

SpentKey = Literal["week", "station", "place", "product", "account"]
BorneKey = Literal["week", "holding", "product", "form", "account"]

LOST_IN_HANDLING = "lost_in_handling"
IN_PROGRESS = "in_progress"
_FATES: dict[Holding, str] = {
    Holding.FINISHED_GOOD: "in_good_cells",
    Holding.QUALIFICATION: "in_unsold_cells",
    Holding.RETURNED: "returned",
    Holding.EXPENSED: "expensed",
    Holding.IDLE_CAPACITY: "expensed",
}


def spent_by(
    ledger: Ledger, *keys: SpentKey, step_of: Mapping[str, str] | None = None
) -> dict[tuple[object, ...], float]:
    """Everything posted, usd, by one or more of the facts of a posting; the largest sum first.

    Parameters
    ----------
    ledger : Ledger
    keys : str
        "week", "station", "place", "product", "account".
    step_of : mapping of place to step, optional
        If given, the step done at the place is a last key ("" where none is).
    """
    sums: dict[tuple[object, ...], float] = defaultdict(float)
    for debit in ledger.debits():
        key: tuple[object, ...] = tuple(getattr(debit, name) for name in keys)
        if step_of is not None:
            key = (*key, step_of.get(debit.place, ""))
        sums[key] += debit.usd
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def borne_by(ledger: Ledger, *keys: BorneKey) -> dict[tuple[object, ...], float]:
    """Full cost, usd, by one or more of: what became of it, account, product, form of scrap, week.

    All of it together is the full cost of the run: what left work in progress (material given back to the store left
    without cost), less what recyclers paid, which stands as a negative amount on scrap of both forms together.
    """
    sums: dict[tuple[object, ...], float] = defaultdict(float)
    for held in ledger.held():
        if held.holding is not Holding.RETURNED:
            sums[tuple(getattr(held, name) for name in keys)] += held.usd
    for income in ledger.incomes():
        if income.account.startswith(RECYCLING):
            facts = {
                "week": income.week, "holding": Holding.SCRAP, "product": income.product, "form": "",
                "account": income.account,
            }  # fmt: skip
            sums[tuple(facts[name] for name in keys)] -= income.usd
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def scrap_by_cause(ledger: Ledger) -> dict[tuple[str, str, str], float]:
    """Value already added to what was thrown away, usd, by place, cause and form; the largest sum first."""
    sums: dict[tuple[str, str, str], float] = defaultdict(float)
    for release in ledger.releases(Holding.SCRAP):
        sums[release.place, release.reason, release.form] += release.usd
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


class MaterialFate(NamedTuple):
    """How much of a material that was bought had one fate."""

    material: str
    fate: str
    """in_good_cells, in_unsold_cells, scrapped_electrode, scrapped_cell, returned (to the store), expensed, in_progress
    (in the line at the end), lost_in_handling (bought, but never in a station's hands: residue in drums and hoses)."""
    quantity: float
    unit: str
    kg: float
    """0 where the mass of a unit is not known."""
    usd: float
    """At the price paid, without duty."""
    co2_kg: float
    """Of making it; 0 for a material without a factor."""


def material_fates(ledger: Ledger, materials: Mapping[str, Material]) -> Iterator[MaterialFate]:
    """Where every material went; all fates of one together are what was bought.

    A step is charged with what must be bought for what it uses, so the share that is lost on the way to it is taken
    out of every fate and shown by itself.
    """
    found: dict[str, dict[str, list[float]]] = defaultdict(dict)
    for held in ledger.held():
        if held.account.startswith(MATERIALS):
            fate = f"scrapped_{held.form}" if held.holding is Holding.SCRAP else _FATES[held.holding]
            sums = found[held.account].setdefault(fate, [0.0, 0.0])
            sums[0] += held.quantity
            sums[1] += held.usd
    for account, inside in ledger.work_in_progress().items():
        if account.startswith(MATERIALS) and any(inside):
            found[account][IN_PROGRESS] = list(inside)
    for account, fates in found.items():
        name = account.removeprefix(MATERIALS)
        material = materials[name]
        lost = 1.0 - material.use_efficiency
        whole = [sum(sums[index] for sums in fates.values()) for index in (0, 1)]
        if lost and any(whole):
            fates = {fate: [amount * material.use_efficiency for amount in sums] for fate, sums in fates.items()}
            fates[LOST_IN_HANDLING] = [amount * lost for amount in whole]
        for fate, (quantity, usd) in fates.items():
            kg, co2_kg = quantity * material.mass_kg_per_unit, quantity * (material.carbon_kg or 0.0)
            yield MaterialFate(name, fate, quantity, material.unit, kg, usd, co2_kg)
