"""From cost to price: the mark-ups at which a maker would sell.

Three numbers that must not be mixed: *cash cost* is what goes out of the door; *full cost* adds the yearly charge that
pays equipment and building back with interest, and interest on working capital; *price* adds depreciation, research,
profit and warranty to cash cost, as BatPaC does (its result is a price, not a cost).
"""

from __future__ import annotations

from collections.abc import Mapping

from cellfab.config.economics_spec import Economics
from cellfab.economics.capital import capital_recovery_factor
from cellfab.economics.period_cost import BUILDING, CAPITAL, ELECTRICITY, HEAT, LABOUR, MATERIALS
from cellfab.economics.statement import Period
from cellfab.economics.tariffs import TARIFFS


def price_usd(period: Period, economics: Economics) -> float:
    """What the output of a period would have to be sold for, usd, before credits.

        (cash cost + D + research x D + profit x (capital-years + launch + working capital)) x (1 + warranty)

    D: straight-line depreciation of equipment and building over the period. Launch cost and working capital are shares
    of a year's labour, materials and variable cost, so over a period they come to shares of the period's. BatPaC v5,
    via jbaars/Batt_Sust_Model; without any capital it multiplies labour by 1.86648 and materials by 1.06656.
    """
    capital, marks = economics.capital, economics.markups
    accounts = period.by_account
    equipment_years = _capital_years(accounts, CAPITAL, economics, capital.equipment_life_years)
    building_years = _capital_years(accounts, BUILDING, economics, capital.building_life_years)
    depreciation = equipment_years / capital.equipment_life_years + building_years / capital.building_life_years
    labour = accounts.get(LABOUR, 0.0) * (1.0 + economics.overhead.variable_on_labour_share)
    materials = sum(usd for account, usd in sorted(accounts.items()) if account.startswith((MATERIALS, TARIFFS)))
    variable = labour + materials + accounts.get(ELECTRICITY, 0.0) + accounts.get(HEAT, 0.0)
    investment = (
        equipment_years
        + building_years
        + marks.launch_on_labour_share * labour
        + marks.launch_on_materials_share * materials
        + marks.working_capital_on_variable_share * variable
    )
    whole = (
        period.cash_cost_usd
        + (1.0 + marks.research_on_depreciation_share) * depreciation
        + marks.profit_on_investment_share_per_year * investment
    )
    return whole * (1.0 + marks.warranty_share)


def _capital_years(accounts: Mapping[str, float], account: str, economics: Economics, life_years: float) -> float:
    """Capital times the years it was there, usd: the charge of the period over the charge of a year per dollar."""
    return accounts.get(account, 0.0) / capital_recovery_factor(economics.capital.interest_share_per_year, life_years)
