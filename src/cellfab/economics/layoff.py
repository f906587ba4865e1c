"""Labour that is not paid while a line is converted: people laid off when it was empty, and recalled later."""

from __future__ import annotations

from cellfab.config.line_spec import StationEconomics
from cellfab.config.project_spec import People
from cellfab.units import TICKS_PER_WEEK


def absent_shares(people: People, drained: int, restart: int) -> dict[int, float]:
    """Share of each week's labour that is not paid.

    Parameters
    ----------
    people : People
    drained, restart : int
        Ticks at which the line was empty and starts again.

    Returns
    -------
    dict of week to float
        Weeks in which everybody is there are left out; empty if the recall would begin before the line is empty.
    """
    recalled = people.recalled(restart)
    shares = {}
    for week in range(drained // TICKS_PER_WEEK, -(-recalled // TICKS_PER_WEEK)):
        first, last = week * TICKS_PER_WEEK, (week + 1) * TICKS_PER_WEEK
        away = (min(last, recalled) - max(first, drained)) / TICKS_PER_WEEK
        if away > 0.0 and people.laid_off_share > 0.0:
            shares[week] = people.laid_off_share * away
    return shares


def with_absent(station: StationEconomics, share: float) -> StationEconomics:
    """The station with a share of its operators away."""
    return station.model_copy(update={"operators": station.operators * (1.0 - share)})
