"""Two chemistries on one line, in campaigns: what is wound belongs together, and changing over takes its time."""

from __future__ import annotations

from collections import Counter

import pytest

from cellfab.config.line_checks import line_problems
from cellfab.config.line_spec import making_only
from cellfab.line.states import STATES
from cellfab.replicate import simulate
from cellfab.scenario import load_scenario
from cellfab.steps.wind import Wind

DUAL = """\
name: dual
extends: ess_from_4680
run: {horizon_h: 336}    # 2 weeks
conversion: !delete
line:
  sources:
    cathode_powder: {products: {ev_nmc811: 4, ess_lfp: 2}}
    anode_powder: {products: {ev_nmc811: 4, ess_lfp: 2}}
    separator_reels: {products: {ev_nmc811: 4, ess_lfp: 2}}
  stations:
    cathode_film:
      changeover:
        duration: {law: deterministic, value_h: 3}
        pairs: {"ess_lfp -> ev_nmc811": {law: deterministic, value_h: 6}}
"""


@pytest.fixture(scope="module")
def dual(tmp_path_factory):
    path = tmp_path_factory.mktemp("dual") / "dual.yaml"
    path.write_text(DUAL, encoding="utf-8")
    return load_scenario(path)


def test_electrodes_of_two_chemistries_are_never_wound_together_and_changes_take_their_time(dual, monkeypatch):
    wound = Counter()
    merge = Wind.merge

    def noted(self, lots, draws, maturity):
        wound[tuple(lot.product for lot in lots.values())] += 1
        return merge(self, lots, draws, maturity)

    monkeypatch.setattr(Wind, "merge", noted)
    flow = simulate(dual, 1).flow
    assert set(wound) == {("ev_nmc811",) * 3, ("ess_lfp",) * 3}
    film = flow.stations["cathode_film"]
    begun = film.lots_in - 1  # the last may be about to change over
    to_ess, to_ev = (begun + 1) // 6, (begun - 1) // 6
    spliced_h = film.lots_in * 0.1  # 6 min on average
    setup_h = film.state_ticks[STATES.index("setup")] / 3.6e9
    assert to_ev >= 3
    assert setup_h == pytest.approx(3.0 * to_ess + 6.0 * to_ev + spliced_h, abs=6.0 + 0.5 * spliced_h)


def test_each_product_is_rated_as_if_it_were_alone(dual):
    """What is rated has no campaigns, ranks or changeovers that name what is not made."""
    line = making_only(dual.spec.line, "ev_nmc811")
    assert line_problems(line) == []
    assert line == making_only(load_scenario("ev_4680_dry").spec.line, "ev_nmc811")
    assert line.stations["cathode_film"].changeover is None
