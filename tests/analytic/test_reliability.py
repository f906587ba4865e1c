"""Availability, repairs, crews, shifts and campaigns against renewal theory and finite-source queues."""

from __future__ import annotations

import math

import numpy as np
import pytest


@pytest.fixture
def machine(fixed):
    """One saturated station."""

    def make(cycle, failures=None, **more):
        station = {"kind": "serial", "from": "source", "cycle": cycle, "failures": failures or {}, **more}
        return {
            "sources": {"source": {}}, "stations": {"m": station}, "sinks": {"out": {"from": "m"}},
            "crews": {"crew": {"size": 2}},
        }  # fmt: skip

    return make


@pytest.mark.parametrize("clock", ["operation_dependent", "time_dependent"])
def test_several_modes_compete(replicates, machine, exponential, fixed, agrees, clock):
    """Availability = 1 / (1 + sum of mttr / mtbf): no clock runs while down. 20 x 8 000 failures, z 4."""
    modes = {
        "jam": {"time_to_failure": exponential(10.0), "time_to_repair": exponential(1.0), "clock": clock},
        "wear": {"time_to_failure": exponential(20.0), "time_to_repair": fixed(4.0), "clock": clock},
        "tool": {"time_to_failure": exponential(25.0), "time_to_repair": fixed(2.5), "clock": clock},
    }
    kpi = replicates(machine(fixed(50.0), modes), 50_000.0, 20)
    agrees(kpi["availability.m"], 1.0 / (1.0 + 0.1 + 0.2 + 0.1))
    # Down per unit of work: a sum of three independent rewards, each with a known mean.
    agrees(kpi["down_share.m"] / kpi["utilisation.m"], 0.4)
    np.testing.assert_allclose(kpi["oee.m"], kpi["utilisation.m"])


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ({"law": "weibull", "shape": 2.5, "mean_s": 20.0}, {"law": "lognormal", "mean_s": 5.0, "cv": 1.0}),
        ({"law": "lognormal", "median_s": 18.0, "gsd": 1.5}, {"law": "weibull", "shape": 0.8, "scale_s": 4.0}),
        (
            {"law": "triangular", "low_s": 5.0, "mode_s": 10.0, "high_s": 30.0},
            {"law": "uniform", "low_s": 0.0, "high_s": 6.0},
        ),
    ],
)
def test_renewal_reward_for_any_law(replicates, machine, exponential, agrees, up, down):
    """Down time per up time = mean repair / mean time to failure, whatever the laws. 20 x 8 000 renewals, z 4."""

    def mean(law):
        if law["law"] == "weibull":
            return law.get("mean_s") or law["scale_s"] * math.gamma(1.0 + 1.0 / law["shape"])
        if law["law"] == "lognormal":
            return law.get("mean_s") or law["median_s"] * math.exp(math.log(law["gsd"]) ** 2 / 2.0)
        return sum(value for key, value in law.items() if key != "law") / (len(law) - 1)

    line = machine(exponential(60.0), {"jam": {"time_to_failure": up, "time_to_repair": down}})
    kpi = replicates(line, 200_000.0, 20)
    agrees(kpi["down_share.m"] / kpi["utilisation.m"], mean(down) / mean(up))


def test_scrap_costs_the_part_and_the_time_spent_on_it(replicates, machine, exponential, fixed, agrees):
    """A cycle c survives with p = exp(-c / mtbf); throughput = p / (mtbf (1 - p) + (1 - p) mttr). 20 x 2 000 s, z 4."""
    cycle, mtbf, mttr = 2.0, 5.0, 1.5
    mode = {"time_to_failure": exponential(mtbf), "time_to_repair": exponential(mttr), "fate": "scrap"}
    kpi = replicates(machine(fixed(cycle), {"jam": mode}), 4000.0, 20)
    survives = math.exp(-cycle / mtbf)
    throughput = survives / ((1.0 - survives) * (mtbf + mttr))
    mean_repair = (kpi["down_share.m"] / kpi["utilisation.m"], mttr / mtbf)
    agrees(kpi["throughput_per_h"], throughput * 3600, known=[mean_repair])
    resumed = replicates(machine(fixed(cycle), {"jam": mode | {"fate": "resume"}}), 4000.0, 20)
    agrees(resumed["throughput_per_h"], 3600 / cycle / (1.0 + mttr / mtbf))


def finite_source(machines, crew, failure_rate, repair_rate):
    """Number of machines out of order: birth rate (N - k) lambda, death rate min(k, r) mu."""
    weights = [1.0]
    for k in range(machines):
        weights.append(weights[-1] * (machines - k) * failure_rate / (min(k + 1, crew) * repair_rate))
    probability = np.array(weights) / sum(weights)
    number = np.arange(machines + 1)
    return probability @ number, probability @ np.minimum(number, crew)


@pytest.mark.parametrize("separate", [False, True])
def test_machine_repair_with_a_shared_crew(replicates, machine, exponential, fixed, agrees, separate):
    """Six machines, two fitters: M/M/2 with a finite source. 20 x 4 000 s, about 30 000 repairs, z 4.

    As six units of one station, and as six stations.
    """
    mtbf, mttr = 10.0, 4.0
    jam = {"time_to_failure": exponential(mtbf), "time_to_repair": exponential(mttr), "crew": "crew"}
    line = machine(fixed(1000.0), {"jam": jam}, parallel=1 if separate else 6)
    if separate:
        line["stations"] = {f"m{i}": line["stations"]["m"] for i in range(6)}
        line["sinks"] = {"out": {"from": list(line["stations"])}}
    kpi = replicates(line, 4000.0, 20, warmup=100.0)
    out_of_order, in_repair = finite_source(6, 2, 1.0 / mtbf, 1.0 / mttr)

    def total(name):
        return sum(kpi[f"{name}.m{i}"] for i in range(6)) if separate else 6.0 * kpi[f"{name}.m"]

    # Fewer repairs take longer only by chance: the ratio of repair to working time has the known mean mttr / mtbf.
    known = [(total("down_share") / total("utilisation"), mttr / mtbf)]
    agrees(total("utilisation"), 6.0 - out_of_order, known=known)
    agrees(kpi["crew_utilisation.crew"] * 2.0, in_repair, known=known)
    agrees(total("waiting_crew_share"), out_of_order - in_repair, known=known, power=0.06)
    # Little: waiting machines = calls per second x mean wait.
    rate = (6.0 - out_of_order) / mtbf
    agrees(kpi["crew_wait_mean_s.crew"], (out_of_order - in_repair) / rate, known=known, power=0.06)


def test_two_shifts_of_three_make_two_thirds(replicates, machine, fixed):
    """Exact: 16 of 24 hours worked, a cycle of 10 minutes, whatever falls on a boundary is finished the next day."""
    shifts = {"day": {"start_h": 6.0, "end_h": 14.0}, "late": {"start_h": 14.0, "end_h": 22.0}}
    line = machine(fixed(700.0), calendar="two") | {"calendars": {"two": {"cycle_h": 24.0, "working": shifts}}}
    kpi = replicates(line, 21 * 86_400.0, 1)
    assert kpi["parts_out"][0] == 21 * 16 * 3600 // 700
    assert kpi["planned_share.m"][0] == pytest.approx(1.0 / 3.0, abs=1e-12)
    assert kpi["availability.m"][0] == 1.0
    assert kpi["oee.m"][0] == pytest.approx(1.0)


def test_failures_and_shifts_together(replicates, machine, exponential, fixed, agrees):
    """Repairs go on in the free time, so within shifts less than mttr per failure is lost. 20 x 50 days, z 4.

    Shift 8 h on, 16 h off, repairs of 1 h: a failure within the last hour costs only what is left of the shift. With
    exponential times to failure the state within a shift is a renewal process that starts afresh (up) each morning.
    """
    mtbf = 4.0
    jam = {"time_to_failure": exponential(mtbf * 3600), "time_to_repair": fixed(3600.0)}
    line = machine(fixed(100_000.0), {"jam": jam}, calendar="day")
    line["calendars"] = {"day": {"cycle_h": 24.0, "working": {"day": {"start_h": 0.0, "end_h": 8.0}}}}
    kpi = replicates(line, 50 * 86_400.0, 20)
    # Expected up time u(x) in x hours from an up start: u' = 1 - (1/mtbf) (u(x) - u(x - 1)), solved on a fine grid.
    step, hours = 1e-4, 8.0
    up = np.zeros(int(hours / step) + 1)
    hour = int(1.0 / step)
    for i in range(len(up) - 1):
        before = up[i - hour] if i >= hour else 0.0
        up[i + 1] = up[i] + step * (1.0 - (up[i] - before) / mtbf)
    agrees(kpi["utilisation.m"], up[-1] / 24.0)
    np.testing.assert_allclose(kpi["planned_share.m"], 2.0 / 3.0)


def test_campaigns_with_changeovers(replicates, exponential, fixed, agrees):
    """Campaigns of 5 and 3 lots, 30 s to change there and back: 8 lots in 8 x 3 + 30 s. 20 x 20 000 s, z 4."""
    line = {
        "sources": {"source": {"products": {"ev": 5, "ess": 3}}},
        "stations": {
            "m": {
                "kind": "serial", "from": "source", "cycle": exponential(3.0),
                "changeover": {"duration": exponential(20.0), "pairs": {"ess -> ev": fixed(10.0)}},
            }
        },
        "sinks": {"out": {"from": "m"}},
    }  # fmt: skip
    kpi = replicates(line, 20_000.0, 20)
    share = 30.0 / (8 * 3.0 + 30.0)
    mean_cycle = (kpi["utilisation.m"] * 20_000.0 / kpi["parts_out"], 3.0)
    agrees(kpi["setup_share.m"], share, known=[mean_cycle])
    agrees(kpi["throughput_per_h"], 8 * 3600 / 54.0, known=[mean_cycle])
    agrees(kpi["throughput_per_h.product.ess"], 3 * 3600 / 54.0, known=[mean_cycle])


def test_the_ramp_of_a_bare_line_is_flat(replicates, machine, fixed):
    """A deterministic machine of 2.5 s makes exactly one part every 2.5 s."""
    kpi = replicates(machine(fixed(2.5)), 3600.0, 1, warmup=1000.0)
    assert kpi["parts_out"][0] == 2600 / 2.5
    assert kpi["throughput_per_h"][0] == pytest.approx(1440.0)
