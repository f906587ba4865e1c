"""Key figures of a line that can be worked out by hand, and what they are called."""

from __future__ import annotations

import gc

import pytest

from cellfab.line.kpi import flow_kpis

PER_STATION = {
    "utilisation", "starved_share", "blocked_share", "down_share", "waiting_crew_share", "setup_share", "planned_share",
    "availability", "oee",
}  # fmt: skip
TIMES = {"mean_s", "p50_s", "p90_s", "p95_s", "p99_s"}


@pytest.fixture
def line(fixed):
    jam = {"time_to_failure": fixed(6), "time_to_repair": fixed(3), "crew": "crew"}
    return {
        "sources": {"source": {"products": {"a": 1, "b": 1}}, "guests": {"interarrival": fixed(50)}},
        "stations": {
            "cut": {"kind": "serial", "from": ["guests", "source"], "cycle": fixed(2), "failures": {"jam": jam}},
            "pack": {"kind": "serial", "from": "table", "cycle": fixed(1)},
        },
        "buffers": {"table": {"from": "cut", "capacity": 2}},
        "sinks": {"out": {"from": "pack"}},
        "crews": {"crew": {"size": 2}},
    }


def test_values(simulate, line):
    kpi = {name: figure.value for name, figure in flow_kpis(simulate(line, 909, warmup=9)).items()}
    # Three lots of 2 s, then 3 s of repair: every 9 s.
    assert kpi["parts_out"] == 300
    assert kpi["throughput_per_h"] == pytest.approx(1200)
    assert kpi["throughput_per_h.sink.out"] == pytest.approx(1200)
    assert kpi["utilisation.cut"] == pytest.approx(6 / 9)
    assert kpi["down_share.cut"] == pytest.approx(3 / 9)
    assert kpi["availability.cut"] == pytest.approx(6 / 9)
    assert kpi["oee.pack"] == pytest.approx(3 / 9)
    assert kpi["starved_share.pack"] == pytest.approx(6 / 9)
    assert kpi["crew_utilisation.crew"] == pytest.approx(3 / 9 / 2)
    assert kpi["crew_wait_mean_s.crew"] == 0.0
    assert kpi["bottleneck"] == "cut"
    assert kpi["arrivals.guests"] == 18
    assert kpi["wip_mean"] == pytest.approx(12 / 9 + kpi["queue_mean.guests"])
    # The repair falls exactly between two lots and is counted to the first of each three.
    assert kpi["lead_time_p50_h"] * 3600 == pytest.approx(3.0, rel=0.005)


def test_names(simulate, line):
    kpi = flow_kpis(simulate(line, 500))
    expected = {"throughput_per_h", "parts_out", "wip_mean", "bottleneck"}
    expected |= {f"lead_time_{time[:-1]}h" for time in TIMES}
    expected |= {"throughput_per_h.sink.out", "throughput_per_h.product.a", "throughput_per_h.product.b"}
    expected |= {"throughput_per_h.product.part"}
    expected |= {f"{name}.{station}" for name in PER_STATION for station in ("cut", "pack")}
    expected |= {f"wait_{time}.{queue}" for time in TIMES for queue in ("table", "guests")}
    expected |= {f"queue_{what}.{queue}" for what in ("mean", "max") for queue in ("table", "guests")}
    expected |= {"level_mean.table", "expired_share.table"}
    expected |= {f"{what}.{source}" for what in ("arrivals", "lost_share") for source in ("source", "guests")}
    expected |= {"crew_utilisation.crew"} | {f"crew_wait_{time}.crew" for time in TIMES}
    expected |= {"bottleneck_shifting"}
    expected |= {f"bottleneck_{what}.{station}" for what in ("share", "sole_share") for station in ("cut", "pack")}
    assert set(kpi) == expected
    assert all(figure.unit in ("1", "1/h", "h", "s", "lots", "parts", "") for figure in kpi.values())


def test_nothing_came_through(simulate, line):
    kpi = flow_kpis(simulate(line, 1.5))
    assert kpi["lead_time_mean_h"].value is None
    assert "no lot" in kpi["lead_time_mean_h"].reason
    assert kpi["throughput_per_h"].value == 0.0


def test_storage_is_no_bottleneck(simulate, fixed):
    spec = {
        "sources": {"source": {}},
        "stations": {"age": {"kind": "dwell", "from": "source", "minimum": fixed(10), "capacity": 3.0}},
        "sinks": {"out": {"from": "age"}},
    }
    figure = flow_kpis(simulate(spec, 100))["bottleneck"]
    assert figure.value is None
    assert figure.reason == "every station is storage"


def test_memory_does_not_grow_with_time(simulate, line, exponential):
    """Objects alive at the end of a long run and of one ten times longer: the same, but for the weeks."""
    line["stations"]["cut"]["cycle"] = exponential(2.0)
    line["buffers"]["table"] |= {"order": "priority", "maximum_wait_h": 0.001}
    counts = []
    for seconds in (2_000, 20_000):
        sizes = []

        def count(run, sizes=sizes, seconds=seconds):
            yield run.env.timeout(seconds * 999_000)
            gc.collect()
            sizes.append(len(gc.get_objects()))

        simulate(line, seconds, controllers=[count])
        counts += sizes
    assert abs(counts[1] - counts[0]) < 500
