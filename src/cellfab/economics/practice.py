"""People that a line needs besides its mature operators while they have not made many cells yet."""

from __future__ import annotations

from collections.abc import Mapping

from cellfab.config.economics_spec import Economics
from cellfab.config.line_spec import StationEconomics
from cellfab.core.ledger import Holding, Ledger
from cellfab.economics.period_cost import weekly_period_cost


def post_learners(
    ledger: Ledger, week: int, stations: Mapping[str, StationEconomics], economics: Economics, factor: float,
    part: float = 1.0,
) -> None:  # fmt: skip
    """Post wages and overhead of the people beyond the mature operators in a week, as capacity no lot has paid for.

    Lots pay the standard rate of the mature line, so that what a lot costs does not depend on who is in training.

    Parameters
    ----------
    ledger : Ledger
    week : int
    stations : mapping of station to StationEconomics
    economics : Economics
    factor : float
        People over those of the mature line, at least 1 (`cellfab.ramp.laws.labour_factor`).
    part : float
        Share of the week that was simulated, 0-1.
    """
    for name, station in stations.items():
        more = StationEconomics(operators=(factor - 1.0) * station.operators)
        for account, quantity, unit, usd in weekly_period_cost(more, economics):
            ledger.charge(week, name, account, quantity * part, unit, usd * part, Holding.IDLE_CAPACITY)
