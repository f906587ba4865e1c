"""Lots without a clock: the same cells as in a run, in the order of the line."""

from __future__ import annotations

import numpy as np
import pytest

from cellfab.errors import ConfigError
from cellfab.pilot import QualityChain, Visit, pilot_lots, pilot_product, route
from cellfab.plant import Plant
from cellfab.replicate import simulate
from cellfab.scenario import load_scenario

SHORT_ROLLS = [f"line.stations.{side}_dose.params.roll_length_m=300" for side in ("cathode", "anode")]


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("ev_4680_dry", SHORT_ROLLS)


def test_a_route_goes_from_givers_to_takers(scenario):
    line = scenario.spec.line
    stops = route(line)
    reached = set(line.sources)
    for stop in stops:
        assert reached.issuperset(stop.givers)
        reached.add(stop.node)
    assert reached == {*line.sources, *line.buffers, *line.stations, *line.sinks}
    assert [stop.node for stop in stops if stop.is_sink] == list(line.sinks)


def test_what_no_source_feeds_is_not_on_the_route():
    line = load_scenario("mm1").spec.line
    station = next(iter(line.stations.values()))
    lost = line.model_copy(
        update={"stations": {**line.stations, "island": station.model_copy(update={"feed": "island"})}}
    )
    assert "island" not in [stop.node for stop in route(lost)]


def test_pilot_lots_are_the_lots_of_a_run(small_plant, monkeypatch):
    """Without a ramp, lot number k of a run and pilot lot number k are equal, cell for cell."""
    scenario = load_scenario("ev_4680_dry", [*small_plant, *SHORT_ROLLS, "ramp=null", "run.horizon_h=168"])
    finished = {}
    original = Plant.finished

    def finish(self, sink, lot, now):
        finished[lot.ordinal] = lot
        original(self, sink, lot, now)

    monkeypatch.setattr(Plant, "finished", finish)
    simulate(scenario, 7)
    assert len(finished) >= 2
    for ordinal, pilot in enumerate(pilot_lots(scenario, seed=7, lots=2)):
        run = finished[ordinal]
        assert pilot.identity == run.identity
        assert pilot.n_alive == run.n_alive > 0
        assert np.array_equal(pilot.exit_code, run.exit_code)
        assert list(pilot.columns) == list(run.columns)
        for name, values in pilot.columns.items():
            assert np.array_equal(values, run.columns[name]), name


def test_visits_tell_where_rows_are_lost(scenario):
    visits: list[Visit] = []
    chain = QualityChain(scenario, seed=3, maturity=0.0)
    (lot,) = chain.lot(0, visits.append)
    assert [visit.place for visit in visits] == list(chain.places)
    cells = [visit for visit in visits if visit.made.material == "cell"]
    alive = lot.n
    for visit in cells:
        assert visit.rows_in == alive
        alive -= sum(rows for _, rows in visit.losses)
    assert alive == lot.n_alive < lot.n
    assert sum(visit.reworked for visit in visits) > 0


def test_maturity_is_heard(scenario):
    young, old = (
        sum(lot.n_alive for lot in pilot_lots(scenario, lots=2, maturity=maturity)) for maturity in (0.0, 1.0)
    )
    assert young < 0.9 * old


def test_the_product_of_a_pilot():
    conversion = load_scenario("ess_from_4680")
    assert pilot_product(conversion) == "ess_lfp"
    assert pilot_product(conversion, "ev_nmc811") == "ev_nmc811"
    with pytest.raises(ConfigError, match="makes no 'ev_lmfp'; its products: ev_nmc811, ess_lfp"):
        pilot_product(conversion, "ev_lmfp")
    with pytest.raises(ConfigError, match="bare line"):
        pilot_product(load_scenario("mm1"))
