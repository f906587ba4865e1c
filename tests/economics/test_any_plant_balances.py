"""Whatever a plant is like, every dollar, kilogram and kWh is somewhere, and every view has the same sum."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellfab.core.ledger import Holding
from cellfab.economics.statement import total, weekly_periods
from cellfab.economics.views import borne_by, material_fates, spent_by
from cellfab.outcome.books import Books
from cellfab.records.ledger_rows import LedgerRows
from cellfab.replicate import simulate
from cellfab.scenario import load_scenario

share = st.floats(0.0, 1.0)
few = settings(
    max_examples=4 if settings.default.derandomize else 40,  # a plant takes a second; more when new ones are looked for
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def plants(draw):
    """Options that make a small plant of the shipped one: some days of a line, ageing of hours, and any money."""
    schedule = st.sampled_from(("0.1", "{..2026-01-07: 0.05, 2026-01-08..: 0.3}", "{2026: 0}"))
    return [
        f"run.horizon_h={draw(st.floats(100.0, 250.0))}",
        "line.stations.wind.parallel=1",
        "line.stations.age.params.warm_d=0.2",
        "line.stations.age.params.rest_d=0.2",
        f"line.stations.assembly.economics.operators={draw(st.floats(0.0, 20.0))}",
        f"economics.normal_utilisation_share={draw(st.floats(0.05, 1.0))}",
        f"economics.electricity_usd_per_kwh={draw(schedule)}",
        f"economics.tariffs.section_301.share={draw(schedule)}",
        f"economics.credits.cell_45x.sales_share={draw(share)}",
        f"economics.credits.cell_45x.paid_after_months={draw(st.floats(0.0, 12.0))}",
        f"economics.working_capital.payables_d={draw(st.floats(0.0, 100.0))}",
        f"economics.working_capital.receivables_d={draw(st.floats(0.0, 100.0))}",
        f"economics.sale_price_usd_per_kwh={draw(st.floats(10.0, 200.0))}",
        f"materials.nmc811.recovery.electrode_share={draw(st.floats(-1.0, 1.0))}",
        f"materials.electrolyte.use_efficiency={draw(st.floats(0.1, 1.0))}",
        f"materials.nmc811.price_usd={draw(st.floats(0.0, 1000.0))}",
        f"ramp.utilisation_before_start={draw(share)}",
    ]


@few
@given(plants(), st.integers(0, 2**16))
def test_the_books_of_any_plant(tmp_path, options, seed):
    scenario = load_scenario("ev_4680_dry", options)
    rows = LedgerRows(tmp_path)
    done = simulate(scenario, seed, rows=rows)
    rows.close()
    ledger, books = done.plant.ledger, Books(done.plant, 2, ())
    assert ledger.balance().is_zero
    cent = 0.005

    debits, held = list(ledger.debits()), list(ledger.held())
    spent = sum(debit.usd for debit in debits)
    inside = sum(usd for _, usd in ledger.work_in_progress().values())
    assert spent == pytest.approx(sum(part.usd for part in held) + inside, abs=cent)
    assert spent == pytest.approx(sum(release.usd for release in ledger.releases()) + inside, abs=cent)
    for keys in (("station",), ("place", "account"), ("product",), ("week",)):
        assert sum(spent_by(ledger, *keys).values()) == pytest.approx(spent, abs=cent)

    whole = total(weekly_periods(ledger))
    for keys in (("account",), ("holding",), ("week", "product"), ("form",)):
        assert sum(borne_by(ledger, *keys).values()) == pytest.approx(whole.full_cost_usd, abs=cent)
    returned = sum(part.usd for part in held if part.holding is Holding.RETURNED)
    assert whole.full_cost_usd == pytest.approx(spent - returned - inside - whole.recycling_usd, abs=cent)

    bought = {debit.account: 0.0 for debit in debits if debit.account.startswith("materials.")}
    for debit in debits:
        if debit.account in bought:
            bought[debit.account] += debit.quantity
    fates = dict.fromkeys(bought, 0.0)
    for fate in material_fates(ledger, scenario.spec.materials):
        fates[f"materials.{fate.material}"] += fate.quantity
    assert fates == pytest.approx(bought, rel=1e-9, abs=1e-4)

    incomes = list(ledger.incomes())
    assert sum(income.usd for income in incomes) == pytest.approx(sum(usd for _, usd in ledger.received()), abs=cent)
    sold = sum(income.quantity for income in incomes if income.account == "sales")
    assert sold == pytest.approx(sum(done.plant.good_kwh.values()), abs=1e-3)
    assert sum(row["usd"] for row in books.incomes()) == pytest.approx(
        whole.sales_usd + whole.credits_usd + whole.recycling_usd, abs=cent
    )
    import pyarrow.parquet as pq

    raw = pq.read_table(tmp_path / "ledger_rows.parquet").to_pandas()
    assert raw["usd"].sum() == pytest.approx(spent, abs=1e-6 * len(raw))
    assert set(raw["account"]) == {debit.account for debit in debits}
