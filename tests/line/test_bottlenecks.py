"""The shifting bottleneck: against a reading of the whole log afterwards, and on lines where the answer is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cellfab.line.bottlenecks import SHARE, SHIFTING, SOLE, Bottlenecks
from cellfab.line.kpi import bottleneck_rows, flow_kpis
from cellfab.line.states import BLOCKED, CONVERTING, STARVED
from cellfab.units import TICKS_PER_S, TICKS_PER_WEEK


def active_periods(log, units, horizon):
    """(place, start, end) of every active period; `log` has (tick, place, by), all units wait at first."""
    periods = []
    for place, count in enumerate(units):
        waiting = count
        steps = {0: waiting}
        for tick, where, by in log:
            if where == place:
                waiting += by
                steps[tick] = waiting  # what counts is how the tick ends
        start = None
        for tick, waiting in sorted(steps.items()):
            if waiting == 0 and start is None:
                start = tick
            elif waiting and start is not None:
                periods.append((place, start, tick))
                start = None
        if start is not None and start < horizon:
            periods.append((place, start, horizon))
    return periods


def bottleneck_periods(periods, horizon):
    """The longest around 0, the longest around its end, and so on; where there is none, around the next beginning."""
    chosen, point = [], 0
    while point < horizon:
        around = [period for period in periods if period[1] <= point < period[2]]
        if around:
            chosen.append(min(around, key=lambda period: (period[1] - period[2], period[0])))
            point = chosen[-1][2]
        else:
            point = min((period[1] for period in periods if period[1] > point), default=horizon)
    return chosen


def counted(log, units, horizon, start, end):
    """Sole, shifting and shared ticks of each place between two ticks, from the whole log."""
    chosen = bottleneck_periods(active_periods(log, units, horizon), horizon)
    edges = sorted({start, end, *(tick for _, *ends in chosen for tick in ends if start < tick < end)})
    found = np.zeros((len(units), 3))
    for left, right in itertools.pairwise(edges):
        here = [place for place, begin, stop in chosen if begin <= left and right <= stop]
        for place in here:
            found[place, SOLE if len(here) == 1 else SHIFTING] += right - left
            found[place, SHARE] += (right - left) / len(here)
    return found


def random_log(seed, places, units, horizon, gap):
    """Units that turn at random; some at the same tick, and some for no time."""
    generator = np.random.default_rng(seed)
    waiting, log, tick = list(units), [], 0
    pull = generator.uniform(0.2, 0.9, places)
    while tick < horizon:
        place = int(generator.integers(places))
        leave = waiting[place] == units[place] or (waiting[place] > 0 and generator.random() < pull[place])
        waiting[place] += -1 if leave else 1
        log.append((tick, place, -1 if leave else 1))
        tick += int(generator.integers(gap + 1)) if generator.random() < 0.7 else 0
    return log


@pytest.mark.parametrize("seed", range(60))
def test_what_is_found_on_the_way_is_what_the_whole_log_says(seed):
    """Ticks are few, so that ends and beginnings meet; weeks and the warm-up cut the periods."""
    generator = np.random.default_rng(1000 + seed)
    places = int(generator.integers(1, 7))
    units = [int(one) for one in generator.integers(1, 4, places)]
    gap = int(generator.choice([1, 3, TICKS_PER_WEEK // 20]))
    horizon = 3 * TICKS_PER_WEEK - 5 if gap > 3 else 400
    warmup = int(generator.integers(horizon // 2))
    log = random_log(seed, places, units, horizon, gap)
    seen = Bottlenecks(places, horizon, warmup)
    for place, count in enumerate(units):
        seen.add(place, count)
    for tick, place, by in log:
        seen.turn(place, by, tick)
    seen.close()
    assert seen.window == pytest.approx(counted(log, units, horizon, warmup, horizon), rel=1e-12, abs=1e-3)
    for week in range(len(seen.weekly)):
        start, end = week * TICKS_PER_WEEK, min(horizon, (week + 1) * TICKS_PER_WEEK)
        assert seen.weekly[week] == pytest.approx(counted(log, units, horizon, start, end), rel=1e-12, abs=1e-3)


@pytest.fixture
def tandem():
    """Two machines with exponential cycles and room for `capacity` parts between them."""

    def make(first_s, second_s, capacity=3):
        def cycle(seconds):
            return {"law": "exponential", "mean_s": seconds}

        return {
            "sources": {"source": {}},
            "stations": {
                "first": {"kind": "serial", "from": "source", "cycle": cycle(first_s)},
                "second": {"kind": "serial", "from": "buffer", "cycle": cycle(second_s)},
            },
            "buffers": {"buffer": {"from": "first", "capacity": capacity}},
            "sinks": {"out": {"from": "second"}},
        }

    return make


@pytest.fixture
def watched(monkeypatch):
    """What stations have told during a run, and how many periods were kept at most."""
    log, kept = [], [0]
    turn = Bottlenecks.turn

    def noted(self, place, by, now):
        log.append((now, place, by))
        turn(self, place, by, now)
        kept[0] = max(kept[0], self.kept)

    monkeypatch.setattr(Bottlenecks, "turn", noted)
    return log, kept


def test_lines_of_all_kinds_of_stations_against_their_log(simulate, fixed, exponential, watched):
    failures = {"jam": {"time_to_failure": exponential(300), "time_to_repair": exponential(40), "crew": "crew"}}
    spec = {
        "sources": {"source": {"parts_per_lot": 20, "interarrival": exponential(24)}},
        "stations": {
            "mix": {"kind": "batch", "from": "source", "cycle": exponential(20), "failures": failures},
            "wind": {"kind": "serial", "from": "mixed", "parallel": 3, "cycle": exponential(3.2), "failures": failures},
            "weld": {
                "kind": "serial",
                "from": "wound",
                "machines": {
                    "one": {"cycle": exponential(1.0), "failures": failures, "buffer_after": 5},
                    "two": {"cycle": fixed(1.0)},
                },
            },
            "rest": {"kind": "dwell", "from": "weld", "minimum": exponential(60), "capacity": 4.0},
            "form": {"kind": "channels", "from": "rest", "positions": 45, "occupied": exponential(45)},
        },
        "buffers": {"mixed": {"from": "mix", "capacity": 2}, "wound": {"from": "wind", "capacity": 2}},
        "sinks": {"out": {"from": "form"}},
        "crews": {"crew": {"size": 1}},
    }
    result = simulate(spec, 40_000, warmup=5_000)
    log, _ = watched
    order = {name: place for place, name in enumerate((*spec["sources"], *spec["stations"]))}
    units = [1] * len(order)
    units[order["wind"]] = 3
    log = [entry for entry in log if entry[0] < result.horizon]
    # A source is no station: without a unit that waits it would always be active.
    truth = counted(log, units, result.horizon, result.warmup, result.horizon)
    found = np.array([result.bottlenecks[name].window for name in spec["stations"]])
    assert found == pytest.approx(truth[1:], rel=1e-12, abs=1e-3)
    assert (found[:, SHARE] > 0).sum() >= 4  # the line is not dull
    # What the mixer, a single unit, told about itself is what its state times say.
    told = sum(end - start for place, start, end in active_periods(log, units, result.horizon) if place == order["mix"])
    states = result.stations["mix"].weekly_ticks.sum(axis=0)
    assert told == states.sum() - states[STARVED] - states[BLOCKED]


def test_the_slowest_of_a_deterministic_line_takes_over_and_stays(simulate, fixed):
    spec = {
        "sources": {"source": {}},
        "stations": {
            "cut": {"kind": "serial", "from": "source", "cycle": fixed(1)},
            "drill": {"kind": "serial", "from": "cut", "cycle": fixed(3)},
            "pack": {"kind": "serial", "from": "drill", "cycle": fixed(2)},
        },
        "sinks": {"out": {"from": "pack"}},
    }
    result = simulate(spec, 600)
    # The first part is cut until 1, the second until 2 and kept until 4; from 1 on the drill never waits.
    assert (result.bottlenecks["cut"].window / TICKS_PER_S).tolist() == [1.0, 1.0, 1.5]
    assert (result.bottlenecks["drill"].window / TICKS_PER_S).tolist() == [598.0, 1.0, 598.5]
    assert (result.bottlenecks["pack"].window / TICKS_PER_S).tolist() == [0.0, 0.0, 0.0]
    assert flow_kpis(result)["bottleneck_shifting"].value == "drill"
    assert [(row["station"], row["sole_h"] * 3600) for row in bottleneck_rows(result)] == [
        ("cut", pytest.approx(1.0)),
        ("drill", pytest.approx(598.0)),
    ]


@pytest.mark.parametrize(("first_s", "second_s", "slow"), [(1.0, 3.0, "second"), (3.0, 1.0, "first")])
def test_of_two_very_unequal_machines_it_is_the_slow_one(simulate, tandem, first_s, second_s, slow):
    kpi = flow_kpis(simulate(tandem(first_s, second_s), 60_000))
    assert kpi["bottleneck_shifting"].value == kpi["bottleneck"].value == slow
    assert kpi[f"bottleneck_sole_share.{slow}"].value > 0.95


def test_of_two_equal_machines_each_is_it_half_of_the_time(simulate, tandem):
    """Parts that go one way are places that go the other, so both machines are alike. Eight runs of 10 000 s;
    the share of a run has a standard deviation of about 0.04, so that 4 standard errors are 0.06."""
    shares = []
    for replicate in range(8):
        kpi = flow_kpis(simulate(tandem(1.0, 1.0), 10_000, replicate=replicate))
        shares.append(kpi["bottleneck_share.first"].value)
        assert kpi["bottleneck_share.first"].value + kpi["bottleneck_share.second"].value == pytest.approx(1.0)
    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    assert 4 * error < 0.08
    assert np.mean(shares) == pytest.approx(0.5, abs=4 * error)


def test_what_is_kept_does_not_grow(simulate, tandem, watched):
    """Periods remembered at most, after 4 000 and after 40 000 parts of a line whose machines are nearly equal."""
    most = []
    for seconds in (4_000, 40_000):
        simulate(tandem(1.0, 1.02), seconds)
        most.append(watched[1][0])
        watched[1][0] = 0
    assert most[1] < 40
    assert most[1] <= 3 * most[0]


def test_a_line_that_waits_for_work_has_no_bottleneck(simulate, fixed):
    spec = {
        "sources": {"source": {"interarrival": fixed(10)}},
        "stations": {"lathe": {"kind": "serial", "from": "source", "cycle": fixed(2)}},
        "sinks": {"out": {"from": "lathe"}},
    }
    kpi = flow_kpis(simulate(spec, 1000))
    assert kpi["bottleneck_share.lathe"].value == pytest.approx(0.2, abs=0.01)
    assert kpi["bottleneck_share.lathe"].value == kpi["bottleneck_sole_share.lathe"].value


def test_a_planned_stop_is_active_and_a_repair_too(simulate, fixed):
    """The fast machine is off for half of the time: it is the one that others wait for, from its stop on."""
    spec = {
        "sources": {"source": {}},
        "stations": {
            "fast": {"kind": "serial", "from": "source", "cycle": fixed(1), "calendar": "half"},
            "slow": {"kind": "serial", "from": "fast", "cycle": fixed(1.5)},
        },
        "sinks": {"out": {"from": "slow"}},
        "calendars": {"half": {"cycle_h": 0.2, "working": {"first": {"start_h": 0.0, "end_h": 0.1}}}},
    }
    kpi = flow_kpis(simulate(spec, 7200))
    assert kpi["starved_share.slow"].value == pytest.approx(0.5, abs=0.01)
    assert kpi["bottleneck_share.fast"].value == pytest.approx(0.5, abs=0.01)
    assert kpi["bottleneck_share.slow"].value == pytest.approx(0.5, abs=0.01)


def test_a_conversion_is_not_active(simulate, fixed, watched):
    """A line that has run dry after 100 s is held up to 400 s: being converted, all wait, and nobody is it."""
    spec = {
        "sources": {"source": {}},
        "stations": {
            "saw": {"kind": "serial", "from": "source", "cycle": fixed(2)},
            "mill": {"kind": "serial", "from": "saw", "cycle": fixed(3)},
            "weld": {
                "kind": "serial",
                "from": "mill",
                "machines": {"one": {"cycle": fixed(1)}, "two": {"cycle": fixed(1)}},
            },
        },
        "sinks": {"out": {"from": "weld"}},
    }

    def convert(run):
        yield run.env.timeout(100 * TICKS_PER_S)
        run.stop_sources()
        yield run.drained()
        for station in run.stations.values():
            station.hold(400 * TICKS_PER_S)
        yield run.env.timeout(400 * TICKS_PER_S - run.now)
        run.restart_sources("part")

    result = simulate(spec, 1000, controllers=(convert,))
    log, _ = watched
    log = [entry for entry in log if entry[0] < result.horizon]
    periods = active_periods(log, [1, 1, 1, 1], result.horizon)
    for place, name in ((1, "saw"), (2, "mill")):
        states = result.stations[name].weekly_ticks.sum(axis=0)
        assert states[CONVERTING] > 250 * TICKS_PER_S
        told = sum(end - start for where, start, end in periods if where == place)
        assert told == states.sum() - states[[STARVED, BLOCKED, CONVERTING]].sum()
    idle = 1.0 - sum(found.window[SHARE] for found in result.bottlenecks.values()) / result.horizon
    assert 0.28 < idle < 0.31
    assert flow_kpis(result)["bottleneck_shifting"].value == "mill"


def test_storage_is_it_only_while_it_is_full_of_what_must_stay(simulate, fixed):
    spec = {
        "sources": {"source": {}},
        "stations": {
            "age": {"kind": "dwell", "from": "source", "minimum": fixed(10), "capacity": 3.0},
            "pack": {"kind": "serial", "from": "age", "cycle": fixed(1)},
        },
        "sinks": {"out": {"from": "pack"}},
    }
    kpi = flow_kpis(simulate(spec, 1000))
    # Three in at once every 10 s; of these the first is taken at once, the others wait for the packer.
    assert kpi["bottleneck_shifting"].value == "age"
    assert kpi["bottleneck_share.age"].value > 0.7
    spec["stations"]["age"]["capacity"] = 30.0
    kpi = flow_kpis(simulate(spec, 1000))
    assert kpi["bottleneck_shifting"].value == "pack"


def test_nobody_watches_the_compiled_engine(simulate, tandem):
    result = simulate(tandem(1.0, 1.0), 100, engine="auto")
    assert result.engine == "compiled"
    assert result.bottlenecks is None
    assert not [name for name in flow_kpis(result) if name.startswith("bottleneck_s")]
    assert list(bottleneck_rows(result)) == []
