"""Labour of repair crews: people times wage times hours, where they mend and, while they wait, at the plant.

Crews of a simulated line are there around the clock. BatPaC and other static models hold their people in overhead, so a
scenario that pays them says what share of the overhead that was (`economics.overhead.crews_on_labour_share`).
"""

from __future__ import annotations

from collections.abc import Mapping

from cellfab.config.economics_spec import Labour
from cellfab.config.line_spec import Crew
from cellfab.core.ledger import Ledger
from cellfab.economics.period_cost import LABOUR, PLANT
from cellfab.units import HOURS_PER_WEEK


def crew_wage(crew: Crew, labour: Labour) -> float:
    """Loaded cost of an hour of a member, usd; 0 for tools, and where nobody has said what people cost."""
    wage = labour.crew_wage_usd_per_h if crew.wage_usd_per_h is None else crew.wage_usd_per_h
    return wage or 0.0


def crew_account(name: str) -> str:
    """The account of a crew: "labour.maintenance"."""
    return f"{LABOUR}.{name}"


def post_crew(
    ledger: Ledger,
    name: str,
    crew: Crew,
    labour: Labour,
    worked_h: Mapping[str, Mapping[int, float]],
    weeks: int,
    last_part: float = 1.0,
    since_week: float = 0.0,
) -> None:
    """Post what a crew cost in every week, expensed: hours at work where they worked, the others at the plant.

    Call it once, after the run.

    Parameters
    ----------
    ledger : Ledger
    name : str
    crew : Crew
    labour : Labour
        Its `paid_ratio` holds for crews as for operators.
    worked_h : mapping of station to hours by week
        Of all members together.
    weeks : int
    last_part : float
        Share of the last week that was simulated, 0-1.
    since_week : float
        When they came, in weeks from the start of the run.
    """
    wage = crew_wage(crew, labour)
    if not wage:
        return
    account, ratio = crew_account(name), labour.paid_ratio
    for week in range(weeks):
        part = last_part if week == weeks - 1 else 1.0
        if since_week > week:
            part = max(0.0, week + part - since_week)
        left = crew.size * HOURS_PER_WEEK * part
        for station, by_week in worked_h.items():
            hours = by_week.get(week, 0.0)
            if hours:
                ledger.charge(week, station, account, hours * ratio, "h", hours * ratio * wage)
                left -= hours
        waiting = max(0.0, left) * ratio  # below nothing by rounding alone
        ledger.charge(week, PLANT, account, waiting, "h", waiting * wage)
