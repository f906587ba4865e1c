"""Critical paths against published and independent ones, floats against their meaning, crews against their size."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.ramp.network import Activity, CircularError, Network, find_circle

# General Foundry (Heizer, Render & Munson, Operations Management, ch. 3): expected weeks and predecessors. Published:
# 15 weeks, critical path A-C-E-G-H, slack of B 1, D 1, F 6.
FOUNDRY = {
    "A": (2, ""), "B": (3, ""), "C": (2, "A"), "D": (4, "AB"), "E": (4, "C"), "F": (3, "C"), "G": (5, "DE"),
    "H": (2, "FG"),
}  # fmt: skip


def network(table, crews=None, needs=None, end=None):
    needs = needs or {}
    return Network(
        [Activity(name, lasts, tuple(before), crews=needs.get(name, {})) for name, (lasts, before) in table.items()],
        crews,
        end,
    )


def test_a_published_network():
    timeline = network(FOUNDRY).schedule()
    assert timeline.critical == ("A", "C", "E", "G", "H")
    assert max(dates.finish for dates in timeline.dates.values()) == 15
    assert {name: dates.total_float for name, dates in timeline.dates.items()} == {
        "A": 0, "B": 1, "C": 0, "D": 1, "E": 0, "F": 6, "G": 0, "H": 0,
    }  # fmt: skip
    # B may slip one week, but that takes it from D, which it hands over to without a gap.
    assert timeline.dates["B"].free_float == 0
    assert timeline.dates["D"].free_float == 1
    assert (timeline.dates["F"].start, timeline.dates["F"].late_start) == (4, 10)


def test_a_fixed_end_is_what_floats_are_about():
    table = {"a": (4, ""), "long": (20, ""), "b": (3, "a")}
    timeline = network(table, end="b").schedule()
    assert timeline.critical == ("a", "b")
    assert timeline.dates["a"].total_float == 0
    assert network(table).schedule().critical == ("long",)


def test_no_start_before_its_day():
    activities = [Activity("a", 2), Activity("b", 1, ("a",), not_before=10)]
    dates = Network(activities).schedule().dates
    assert (dates["b"].start, dates["a"].total_float) == (10, 8)


@st.composite
def plans(draw):
    count = draw(st.integers(1, 12))
    table = {}
    for at in range(count):
        before = draw(st.lists(st.integers(0, at - 1), max_size=3, unique=True)) if at else []
        table[f"t{at}"] = (draw(st.integers(0, 9)), tuple(f"t{other}" for other in before))
    return table


def longest_ends(table):
    """When each activity is over: the longest path to it, counted by walking every path."""

    def ends(name):
        lasts, before = table[name]
        return lasts + max((ends(other) for other in before), default=0)

    return {name: ends(name) for name in table}


@given(plans())
def test_early_dates_are_longest_paths(table):
    timeline = network(table).schedule()
    assert {name: dates.finish for name, dates in timeline.dates.items()} == longest_ends(table)


@given(plans(), st.data())
def test_a_float_may_be_lost_and_no_more(table, data):
    plan = network(table)
    timeline = plan.schedule()
    end = max(dates.finish for dates in timeline.dates.values())
    name = data.draw(st.sampled_from(sorted(table)))
    dates = timeline.dates[name]
    lasts = table[name][0]

    def later_by(ticks):
        return max(plan.finishes({name: lasts + ticks}).values())

    assert later_by(dates.total_float) == end
    assert later_by(dates.total_float + 3) == end + 3
    delayed = plan.finishes({name: lasts + dates.free_float})
    assert all(delayed[other] == timeline.dates[other].finish for other in table if other != name)


@given(plans(), st.data())
def test_crews_are_never_overdrawn_and_nobody_waits_without_need(table, data):
    needs = {name: {"crew": data.draw(st.integers(1, 3))} for name in table if data.draw(st.booleans())}
    plan = network(table, {"crew": 3}, needs)
    timeline = plan.schedule()
    dates = timeline.dates
    for name, (_, before) in table.items():
        assert all(dates[other].finish <= dates[name].start for other in before)
    busy = [name for name in needs if table[name][0]]

    def at_work(tick):
        return sum(needs[name]["crew"] for name in busy if dates[name].start <= tick < dates[name].finish)

    ticks = range(max(d.finish for d in dates.values()) + 1)
    assert all(at_work(tick) <= 3 for tick in ticks)
    for name in needs:
        # While it waited, too few were free at every moment.
        waited_from = dates[name].start - dates[name].waited
        assert all(at_work(tick) + needs[name]["crew"] > 3 for tick in range(waited_from, dates[name].start))


@given(plans(), st.data())
def test_with_crews_the_critical_path_has_no_gap_and_floats_hold(table, data):
    needs = {name: {"crew": data.draw(st.integers(1, 2))} for name in table}
    timeline = network(table, {"crew": 2}, needs).schedule()
    end = max(dates.finish for dates in timeline.dates.values())
    critical = [timeline.dates[name] for name in timeline.critical]
    assert critical[0].start == 0
    assert max(dates.finish for dates in critical) == end
    covered = 0
    for dates in critical:
        assert dates.start <= covered
        covered = max(covered, dates.finish)
    assert all(0 <= dates.free_float <= dates.total_float for dates in timeline.dates.values())


def test_the_rule_of_crews():
    # One crew: b leads to the long tail, so it has the earlier latest start and goes first although a is written first.
    table = {"a": (3, ""), "b": (3, ""), "tail": (5, "b")}
    timeline = network(table, {"crew": 1}, {"a": {"crew": 1}, "b": {"crew": 1}}).schedule()
    assert (timeline.dates["b"].start, timeline.dates["a"].start) == (0, 3)
    assert timeline.dates["a"].waited == 3
    assert timeline.critical == ("b", "tail")
    # a may be over at 8, two later than it is.
    assert timeline.dates["a"].total_float == 2


def test_a_handover_of_a_crew_is_critical():
    table = {"a": (4, ""), "b": (5, "")}
    timeline = network(table, {"crew": 1}, {"a": {"crew": 1}, "b": {"crew": 1}}).schedule()
    assert set(timeline.critical) == {"a", "b"}
    assert [timeline.dates[name].total_float for name in "ab"] == [0, 0]


def test_what_comes_later_changes_nothing_before():
    table = {"a": (4, ""), "b": (5, ""), "c": (3, "a"), "d": (2, "b")}
    plan = network(table, {"crew": 1}, {name: {"crew": 1} for name in table})
    first = plan.schedule().dates
    longer = plan.schedule({"c": 30}).dates
    assert all(longer[name][:2] == first[name][:2] for name in table if first[name].finish <= first["c"].start)


@pytest.mark.parametrize(
    ("after", "circle"),
    [
        ({"a": ("b",), "b": ("c",), "c": ("a",)}, ("a", "c", "b", "a")),
        ({"a": (), "b": ("a", "b")}, ("b", "b")),
        ({"a": ("x",), "b": ("a",)}, ()),
    ],
)
def test_circles_are_named_in_the_order_of_time(after, circle):
    assert find_circle(after) == circle


@given(plans(), st.data())
def test_a_circle_is_found_whenever_there_is_one(table, data):
    after = {name: set(before) for name, (_, before) in table.items()}
    late = data.draw(st.sampled_from(sorted(table)))
    early = data.draw(st.sampled_from(sorted(table)))
    after[early].add(late)
    found = find_circle(after)
    reach, grown = {early}, True
    while grown:
        more = {name for name, before in after.items() if before & reach} - reach
        reach, grown = reach | more, bool(more)
    assert bool(found) == (late in reach)
    assert all(one in after[other] for one, other in pairwise(found))


@pytest.mark.parametrize(
    ("activities", "crews", "message"),
    [
        ([Activity("a", 1, ("b",))], {}, "'a' waits for 'b', which is not there"),
        ([Activity("a", 1), Activity("a", 1)], {}, "same name"),
        ([Activity("a", 1, crews={"team": 3})], {"team": 2}, "needs 3 of 'team', and there are 2"),
    ],
)
def test_refusals(activities, crews, message):
    with pytest.raises(ValueError, match=message):
        Network(activities, crews)


def test_a_circle_is_refused():
    with pytest.raises(CircularError, match="a -> b -> a"):
        network({"a": (1, "b"), "b": (1, "a")})
