"""What holds for every registered step and station kind, tried on plants: a new one is tested as it comes."""

from __future__ import annotations

import math
import typing
from typing import Any

import numpy as np
import pytest

from cellfab.config.line_spec import Line, SerialStation
from cellfab.config.line_spec import Station as StationSpec
from cellfab.config.run_spec import Run
from cellfab.core.causes import describe
from cellfab.core.columns import COLUMNS
from cellfab.core.lot import ALIVE
from cellfab.line.flow import simulate_line
from cellfab.line.kinds import KINDS
from cellfab.scenario import places
from cellfab.steps.registry import registry


def test_the_plants_use_every_registered_step(pilots):
    tried = {place.step for scenario in pilots.plants.values() for place in places(scenario.spec.line)}
    assert set(registry()) - tried == set(), "steps that no plant uses: add a scenario to tests/data/plants"


@pytest.mark.parametrize("name", registry())
def test_a_step_declares_what_it_is(name):
    step = registry()[name]
    assert step.name == name
    assert step.__doc__ and step.Params.__doc__
    assert set(step.writes) <= set(COLUMNS), "every column that a step writes is registered"
    assert set(step.reads) <= set(COLUMNS)
    assert len(set(step.writes)) == len(step.writes)


def test_columns_as_declared(pilots, plant, at):
    visit = pilots.visits(plant)[at]
    before = {name: values for lot in visit.given.values() for name, values in lot.columns.items()}
    missing = set(visit.step.reads) - set(before)
    assert not missing, "reads what nothing before has written"
    for name, values in visit.made.columns.items():
        column = COLUMNS[name]
        assert values.shape == (visit.made.n,), name
        assert values.dtype == column.dtype, name
        if np.issubdtype(values.dtype, np.floating):
            assert np.isfinite(values[visit.made.alive()]).all(), f"{name} of a living row is not a number"
        if name in visit.step.writes:
            continue
        assert name in before, f"writes {name}, which it does not declare"
        if not visit.makes_another:
            np.testing.assert_array_equal(values, before[name], err_msg=f"changes {name}, which is not declared")


def test_rows_are_conserved_and_the_dead_stay_dead(pilots, plant, at):
    visit = pilots.visits(plant)[at]
    codes = pilots.codes_of(visit.made)
    for name, lot in visit.given.items():
        before, after = pilots.codes_of(lot), pilots.codes_of(visit.left[name])
        assert before.shape == after.shape
        np.testing.assert_array_equal(after[before != ALIVE], before[before != ALIVE])
    if visit.makes_another:
        assert set(visit.made.parents) == {lot.identity for lot in visit.given.values()}
        assert visit.made.ordinal == next(iter(visit.given.values())).ordinal
        assert visit.made.product == visit.product
    for code in np.unique(codes[codes != ALIVE]):
        assert describe(int(code)).code == code
        assert describe(int(code)).text
    assert (codes == ALIVE).any(), "nothing is left of a pilot lot half way up the ramp"


def test_work_is_priced_and_sane(pilots, plant, at):
    visit = pilots.visits(plant)[at]
    work = visit.work
    assert work.seconds is None or (math.isfinite(work.seconds) and work.seconds > 0.0)
    assert math.isfinite(work.energy_kwh) and work.energy_kwh >= 0.0
    assert math.isfinite(work.heat_kwh) and work.heat_kwh >= 0.0
    for material, used in work.materials.items():
        assert material in pilots.plants[plant].spec.materials
        assert math.isfinite(used) and used > 0.0


def frozen(visit) -> tuple[Any, ...]:
    """All that a step decided about a lot."""
    lot = visit.made
    codes = b"" if lot.exit_code is None else lot.exit_code.tobytes()
    columns = {name: values.tobytes() for name, values in sorted(lot.columns.items())}
    return codes, lot.n_dead, columns, sorted(lot.attributes.items()), visit.work, lot.identity


def test_draws_do_not_depend_on_the_order_of_calls(pilots, plant, product):
    """Two lots, the second after the first and then the other way round, step objects shared between them."""
    scenario = pilots.plants[plant]

    def both(first: int, second: int) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {first: [], second: []}
        walks = {ordinal: pilots.walk(scenario, product, ordinal) for ordinal in (first, second)}
        for pair in zip(*walks.values(), strict=True):
            for ordinal, visit in zip(walks, pair, strict=True):
                found[ordinal].append((visit.place.key, frozen(visit)))
        return found

    forth, back = both(3, 4), both(4, 3)
    assert forth == back
    alone = [(visit.place.key, frozen(visit)) for visit in pilots.walk(scenario, product, 4)]
    assert forth[4] == alone


def test_another_seed_deals_anew_and_renames_nothing(pilots, plant, product):
    """Every place that draws at all gives other values to a lot of the same name."""
    unchanged = set()
    for other in pilots.walk(pilots.plants[plant], product, 3, seed=2):
        one = pilots.visits(plant)[other.place.key, product]
        assert one.made.identity == other.made.identity
        new = [name for name in one.step.writes if name in one.made.columns and name in other.made.columns]
        shapes_differ = one.made.n != other.made.n
        if (
            new
            and not shapes_differ
            and all(np.array_equal(one.made.columns[name], other.made.columns[name]) for name in new)
        ):
            unchanged.add(one.place.step)
    assert unchanged == set()


# ---- station kinds ----------------------------------------------------------------------------------------------

ONE_HOUR = {"law": "deterministic", "value_s": 3600.0}
KIND_SPECS: dict[str, dict[str, Any]] = {
    "serial": {"cycle": ONE_HOUR},
    "batch": {"cycle": ONE_HOUR},
    "web": {"speed_m_per_min": 1.0},
    "channels": {"positions": 1, "occupied": ONE_HOUR},
    "dwell": {"capacity": 60.0, "minimum": ONE_HOUR},
}
"""The least that each kind needs to take an hour for a lot of 60 m, one lot at a time."""


def test_every_kind_can_be_configured_and_run():
    union = typing.get_args(typing.get_args(StationSpec)[0])
    configured = {typing.get_args(spec.model_fields["kind"].annotation)[0] for spec in union}
    assert configured == set(KINDS) == set(KIND_SPECS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_takes_its_time_and_loses_nothing(kind):
    """Seven lots at hand, an hour each: the seventh is out after seven hours, whatever the kind."""
    station = {"kind": kind, "from": "rolls", **KIND_SPECS[kind]}
    line = Line.model_validate(
        {
            "sources": {"rolls": {"unit": "m", "amount": 60.0, "lots": 7}},
            "stations": {"place": station},
            "sinks": {"out": {"from": "place"}},
        }
    )
    for hours, out in ((6.9, 6), (7.1, 7)):
        flow = simulate_line(line, Run(horizon_h=hours), seed=1)
        assert flow.lots_finished == out
        place = flow.stations["place"]
        assert int(place.state_ticks.sum()) == place.units * flow.horizon
        assert place.lots_in == 7 and place.lots_out == out


def test_serial_chains_are_of_that_kind_too(pilots):
    assembly = pilots.plants["ess_from_4680"].spec.line.stations["assembly"]
    assert isinstance(assembly, SerialStation)
    assert assembly.machines
