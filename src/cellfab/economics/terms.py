"""When what is earned and used is paid: weeks from the posting to the payment.

A cell is earned when it is finished, sold when it has been in stock for `goods_d`, and paid `receivables_d` after
that; a tax credit arrives so many months after the sale. Materials are paid `payables_d` after delivery, which is
`materials_d` before use, consumables and energy `payables_d` after use; people and services at once.
"""

from __future__ import annotations

from cellfab.config.economics_spec import Economics
from cellfab.core.ledger import ENERGY_UNIT, SALES
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.consumables import CONSUMABLES
from cellfab.economics.period_cost import MATERIALS
from cellfab.economics.tariffs import TARIFFS

CREDITS = "credits."
"""Prefix of income accounts: "credits.cell_45x", kWh credited."""
DAYS_PER_WEEK = 7.0
_WEEKS_PER_MONTH = WEEKS_PER_YEAR / 12.0


def payment_delay(account: str, unit: str, economics: Economics) -> int:
    """Weeks from the posting to the payment; negative where it comes first."""
    terms = economics.working_capital
    days = 0.0
    if account == SALES:
        days = terms.goods_d + terms.receivables_d
    elif account.startswith(CREDITS):
        months = economics.credits[account.removeprefix(CREDITS)].paid_after_months
        days = terms.goods_d + months * _WEEKS_PER_MONTH * DAYS_PER_WEEK
    elif account.startswith((MATERIALS, TARIFFS)):
        days = terms.payables_d - terms.materials_d
    elif account.startswith(CONSUMABLES) or unit == ENERGY_UNIT:
        days = terms.payables_d
    return round(days / DAYS_PER_WEEK)
