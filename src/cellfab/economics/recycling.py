"""Scrap sold: what a recycler pays for the materials in it, and what it costs to bring them to him."""

from __future__ import annotations

from collections.abc import Mapping

from cellfab.config.materials_spec import Material
from cellfab.config.policy_spec import Recycling
from cellfab.core.ledger import Holding, Ledger
from cellfab.economics.period_cost import MATERIALS

RECYCLING = "recycling."
"""Prefix of income accounts: "recycling.nmc811", in the unit of the material."""
SCRAP_FREIGHT = "scrap_freight"
"""Cost account: freight and hazard of all scrap, kg."""


def sell_scrap(ledger: Ledger, recycling: Recycling, materials: Mapping[str, Material]) -> None:
    """Book the value recovered from scrap and its freight where the scrap arose, by week, product and form.

    Value = what the material in the scrap cost, without duty, times `recovery` for the form. Call it once, after the
    run.

    Parameters
    ----------
    ledger : Ledger
    recycling : Recycling
    materials : mapping of name to Material
        Those without `recovery` are worth nothing; those not bought by the kilogram and without `unit_kg` weigh
        nothing here.
    """
    usd_per_kg = recycling.freight_usd_per_kg + recycling.hazard_usd_per_kg
    mass_kg: dict[tuple[int, str], float] = {}
    for place, held in list(ledger.held_at(Holding.SCRAP)):
        if not held.account.startswith(MATERIALS):
            continue
        name = held.account.removeprefix(MATERIALS)
        material = materials[name]
        at = (held.week, place)
        mass_kg[at] = mass_kg.get(at, 0.0) + held.quantity * material.mass_kg_per_unit
        share = material.recovery.of(held.form)
        if share:
            account = f"{RECYCLING}{name}"
            ledger.earn(*at, account, held.product, held.quantity, held.unit, held.usd * share)
    if usd_per_kg:
        for (week, place), kg in mass_kg.items():
            ledger.charge(week, place, SCRAP_FREIGHT, kg, "kg", kg * usd_per_kg)
