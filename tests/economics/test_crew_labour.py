"""Crews: every hour of theirs is paid once, where it was worked or at the plant."""

from __future__ import annotations

from collections import defaultdict

import pytest

from cellfab.config.economics_spec import Labour
from cellfab.config.line_spec import Crew
from cellfab.core.ledger import Holding, Ledger
from cellfab.economics.crew_labour import crew_wage, post_crew
from cellfab.replicate import simulate
from cellfab.scenario import load_scenario

LABOUR = Labour(crew_wage_usd_per_h=50.0, paid_ratio=1.2)


def test_hours_at_work_and_waiting_by_hand():
    ledger = Ledger()
    worked = {"mix": {0: 30.0, 1: 2.0}, "coat": {0: 6.0}}
    post_crew(ledger, "fitters", Crew(size=2), LABOUR, worked, 2, last_part=0.5)
    posted = {(one.week, one.place): (one.quantity, one.usd) for one in ledger.debits()}
    hours = {(0, "mix"): 30.0, (0, "coat"): 6.0, (0, "plant"): 2 * 168 - 36.0, (1, "mix"): 2.0, (1, "plant"): 166.0}
    assert posted == {at: pytest.approx((1.2 * h, 60.0 * h)) for at, h in hours.items()}
    assert {(one.account, one.unit) for one in ledger.debits()} == {("labour.fitters", "h")}
    assert {held.holding for held in ledger.held()} == {Holding.EXPENSED}
    assert ledger.balance().is_zero


def test_a_wage_of_ones_own_goes_before_that_of_all_crews():
    assert crew_wage(Crew(size=1), LABOUR) == 50.0
    assert crew_wage(Crew(size=1, wage_usd_per_h=70.0), LABOUR) == 70.0
    assert crew_wage(Crew(size=1, wage_usd_per_h=0.0), LABOUR) == 0.0  # tools
    assert crew_wage(Crew(size=1), Labour()) == 0.0


def test_without_a_wage_nothing_is_posted():
    ledger = Ledger()
    post_crew(ledger, "cranes", Crew(size=2), Labour(), {"mix": {0: 5.0}}, 1)
    assert list(ledger.debits()) == []


def test_a_plant_pays_its_crew_for_every_hour():
    """Two weeks and a half of the shipped line: repairs are posted where they were, the whole is people times hours."""
    hours = 2.5 * 168
    done = simulate(load_scenario("ev_4680_dry", [f"run.horizon_h={hours}"]), 1)
    labour = done.plant.economics.labour
    by_place = defaultdict(float)
    for debit in done.plant.ledger.debits():
        if debit.account == "labour.maintenance":
            by_place[debit.place] += debit.quantity
            assert debit.usd == pytest.approx(debit.quantity * labour.crew_wage_usd_per_h, abs=1e-4)
    size = done.plant.scenario.spec.line.crews["maintenance"].size
    assert sum(by_place.values()) == pytest.approx(size * hours * labour.paid_ratio, abs=1e-5)
    busy = size * hours * done.flow.crews["maintenance"].busy_mean / size
    at_work = sum(h for place, h in by_place.items() if place != "plant")
    assert at_work == pytest.approx(busy * labour.paid_ratio, abs=1e-5)
    assert {"cathode_mix", "assembly"} <= set(by_place)
