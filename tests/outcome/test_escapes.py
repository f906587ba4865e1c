"""Escapes, what they become in the field, and false rejects."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from cellfab.config.quality_spec import Quality
from cellfab.outcome.escapes import field_failure_kpis


def hazards(**fractions):
    return Quality.model_validate(
        {"field": {name: {"failing_fraction": share, "weibull_shape": 1.0} for name, share in fractions.items()}}
    )


def with_quality(plant, quality):
    """A plant that sold 2 million cells, 30 of them leaking, 10 with a soft short and 2 with both."""
    spec = plant.scenario.spec.model_copy(update={"quality": quality})
    return SimpleNamespace(
        scenario=replace(plant.scenario, spec=spec),
        cells_good={(0, "ev"): 500_000, (1, "ev"): 1_500_000},
        escapes={"leak": 30, "soft_short": 10},
    )


def test_field_failures_are_escapes_times_the_share_that_fails(small_run):
    kpis = field_failure_kpis(with_quality(small_run.plant, hazards(leak=0.3, soft_short=0.05)))
    assert kpis["field_failures_ppm_10y.leak"].value == pytest.approx(15.0 * 0.3)
    assert kpis["field_failures_ppm_10y.soft_short"].value == pytest.approx(5.0 * 0.05)
    assert kpis["field_failures_ppm_10y"].value == pytest.approx(4.75)


def test_an_escape_whose_fate_is_not_given_leaves_the_sum_open(small_run):
    kpis = field_failure_kpis(with_quality(small_run.plant, hazards(leak=0.3)))
    assert kpis["field_failures_ppm_10y"].value is None
    assert "soft_short" in kpis["field_failures_ppm_10y"].reason
    assert kpis["field_failures_ppm_10y.leak"].value == pytest.approx(4.5)
    kpis = field_failure_kpis(with_quality(small_run.plant, None))
    assert "quality.field" in kpis["field_failures_ppm_10y"].reason


def test_escapes_of_a_run(small_run):
    """Each cell once in the whole, once for each of its defects in the parts; the table says the same."""
    kpi, plant, table = small_run.result.kpi, small_run.plant, small_run.result.escapes.set_index("mechanism")
    sold = sum(plant.cells_good.values())
    assert kpi["escape_ppm"].value == pytest.approx(1e6 * plant.escaped_cells / sold)
    assert max(plant.escapes.values()) <= plant.escaped_cells <= sum(plant.escapes.values())
    assert plant.escaped_cells > 0
    assert dict(table["cells"]) == plant.escapes
    for mechanism in plant.escapes:
        assert table.loc[mechanism, "ppm"] == pytest.approx(kpi[f"escape_ppm.{mechanism}"].value)
        failed = kpi[f"field_failures_ppm_10y.{mechanism}"].value
        assert table.loc[mechanism, "failed_ppm_10y"] == pytest.approx(failed)
    parts = sum(kpi[f"field_failures_ppm_10y.{mechanism}"].value for mechanism in plant.escapes)
    assert kpi["field_failures_ppm_10y"].value == pytest.approx(parts)
    ages = [f"failed_ppm_{age}y" for age in (1, 5, 10, 20)]
    assert (table[ages].diff(axis=1).iloc[:, 1:] >= 0.0).all(axis=None), "failures only add up"


def test_false_rejects_of_a_run(small_run):
    """Where a step tells, the sound rows are some of those scrapped, and their value is that share of the loss."""
    scrap = small_run.result.scrap
    told = scrap[scrap["false_rejects"].notna()]
    assert not told.empty
    assert (told["false_rejects"] <= told["rows"]).all()
    cost = small_run.result.kpi["false_reject_cost_usd"].value
    assert cost == pytest.approx(sum(usd for _, usd in small_run.plant.false_rejects.values()))
    assert 0.0 < cost <= told["usd"].sum() * (1 + 1e-6)
    # Within one lot every row is worth the same, so the cost follows the counts up to differences between lots.
    assert cost == pytest.approx((told["usd"] * told["false_rejects"] / told["rows"]).sum(), rel=0.2)
