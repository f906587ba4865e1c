"""Single-station queues against their closed forms. All rates per second."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest


@pytest.fixture
def queue():
    """source -> queue -> server -> out."""

    def make(interarrival, service, parallel=1, source=None, **buffer):
        return {
            "sources": {"source": {"interarrival": interarrival, **(source or {})}},
            "buffers": {"queue": {"from": "source", **buffer}},
            "stations": {"server": {"kind": "serial", "from": "queue", "cycle": service, "parallel": parallel}},
            "sinks": {"out": {"from": "server"}},
        }

    return make


def first_come_first_served(arrivals, services, servers=1):
    """Start of service of each customer: the first of `servers` to come free takes it (Kiefer and Wolfowitz).

    With one server the departures are D(n) = max over k <= n of A(k) + S(k) + ... + S(n) (Lindley).
    """
    if servers == 1:
        total = np.cumsum(services)
        return np.maximum.accumulate(arrivals - total + services) + total - services
    free = [0] * servers
    starts = np.empty(len(arrivals), dtype=np.int64)
    for index, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        start = max(arrival, free[0])
        starts[index] = start
        heapq.heapreplace(free, start + service)
    return starts


LOTS = 20_000


def same_path(path, named, line, arrival_law, service_law, servers=1):
    """The engine starts each of 20 000 lots at the very tick the recursion says; waits and queue length follow."""
    arrivals = np.cumsum(named.rows(arrival_law, LOTS, "source", "interarrival"))
    services = named.lots(service_law, LOTS, "server", "cycle")
    starts = first_come_first_served(arrivals, services, servers)
    line["sources"]["source"]["lots"] = LOTS
    end = float((starts + services).max() / 1e6 + 1.0)
    log, result = path(line, end)
    assert [log.began["server"][ordinal] for ordinal in range(LOTS)] == starts.tolist()
    waits = (starts - arrivals) / 1e6
    told = result.queues["queue"]
    assert told.wait.count == LOTS
    assert told.wait.mean_s == pytest.approx(waits.mean(), rel=1e-12)
    assert told.wait.max_s == waits.max()
    for share, quantile in ((0.90, told.wait.p90_s), (0.95, told.wait.p95_s), (0.99, told.wait.p99_s)):
        assert quantile == pytest.approx(np.quantile(waits, share), rel=0.01)
    # Little's law on a path that begins and ends empty is exact: length x time = sum of waits.
    assert told.queue_mean * result.horizon == pytest.approx((starts - arrivals).sum(), rel=1e-12)
    assert result.wip_mean * result.horizon == pytest.approx((starts - arrivals + services).sum(), rel=1e-12)
    assert result.lead_time.mean_s == pytest.approx((starts - arrivals + services).mean() / 1e6, rel=1e-12)


@pytest.fixture
def long_path(named, in_batches):
    """Arrivals, services and control variates for `number` customers.

    The controls are the batch means of gaps, services and squared services (s), whose true means are given by the laws.
    """

    def make(arrival_law, service_law, number, mean_gap, second_moment):
        gaps = named.rows(arrival_law, number, "arrivals")
        services = named.rows(service_law, number, "services")
        known = [(in_batches(gaps / 1e6), mean_gap), (in_batches(services / 1e6), 1.0)]
        if second_moment > 1.0:
            known.append((in_batches((services / 1e6) ** 2), second_moment))
        return np.cumsum(gaps), services, known

    return make


def test_mm1_path(path, named, queue, exponential):
    same_path(path, named, queue(exponential(2.0), exponential(1.0)), exponential(2.0), exponential(1.0))


def test_mm1_theory(long_path, exponential, agrees, in_batches):
    """W = rho / (mu - lambda) = 1 s; P(wait > t) = rho exp(-(mu - lambda) t). 4 million customers, z 4."""
    arrivals, services, known = long_path(exponential(2.0), exponential(1.0), 4_000_000, 2.0, 2.0)
    waits = (first_come_first_served(arrivals, services) - arrivals) / 1e6
    agrees(in_batches(waits), 1.0, known=known)
    p95 = math.log(0.5 / 0.05) / 0.5
    agrees(in_batches(waits > p95), 0.05, known=known)
    agrees(in_batches(waits > 0.0), 0.5, known=known)


def test_mm1_direct(replicates, queue, exponential, agrees):
    """Utilisation 0.3, number in the line 0.3 / 0.7, lead time 1 / 0.7 s. 20 x 5 000 customers, z 4.

    The control variates are the realised mean service time and rate of arrival, whose means are known.
    """
    seconds = 5000 / 0.3
    kpi = replicates(queue(exponential(1.0 / 0.3), exponential(1.0)), seconds, 20, warmup=100.0)
    span = seconds - 100.0
    arrivals = (kpi["arrivals.source"], 0.3 * span)
    service = (kpi["utilisation.server"] * span / kpi["parts_out"], 1.0)
    agrees(kpi["utilisation.server"], 0.3, known=[arrivals, service])
    agrees(kpi["throughput_per_h"], 0.3 * 3600, known=[arrivals])
    agrees(kpi["lead_time_mean_h"] * 3600, 1.0 / 0.7, known=[arrivals, service])
    agrees(kpi["wip_mean"], 0.3 / 0.7, known=[arrivals, service])
    np.testing.assert_allclose(kpi["starved_share.server"], 1.0 - kpi["utilisation.server"])


def test_mm3_path(path, named, queue, exponential):
    same_path(path, named, queue(exponential(0.5), exponential(1.0), 3), exponential(0.5), exponential(1.0), 3)


def test_mm3_theory(long_path, exponential, agrees, in_batches):
    """Erlang C, offered load 2 on 3 servers: P(wait) = 4/9, W = C / (3 mu - lambda) = 4/9 s. 3 million, z 4."""
    load, servers = 2.0, 3
    tail = load**servers / math.factorial(servers) * servers / (servers - load)
    erlang_c = tail / (sum(load**k / math.factorial(k) for k in range(servers)) + tail)
    assert erlang_c == pytest.approx(4.0 / 9.0)
    arrivals, services, known = long_path(exponential(0.5), exponential(1.0), 3_000_000, 0.5, 2.0)
    waits = (first_come_first_served(arrivals, services, 3) - arrivals) / 1e6
    agrees(in_batches(waits), erlang_c / (3.0 - 2.0), known=known)
    agrees(in_batches(waits > 0.0), erlang_c, known=known)


def test_md1_path(path, named, queue, exponential, fixed):
    same_path(path, named, queue(exponential(2.0), fixed(1.0)), exponential(2.0), fixed(1.0))


def test_md1_theory(long_path, exponential, fixed, agrees, in_batches):
    """Pollaczek-Khinchine: W = rho s / (2 (1 - rho)) = 0.5 s. 2 million customers, z 4."""
    arrivals, services, known = long_path(exponential(2.0), fixed(1.0), 2_000_000, 2.0, 1.0)
    agrees(in_batches((first_come_first_served(arrivals, services) - arrivals) / 1e6), 0.5, known=known[:1])


@pytest.mark.parametrize(
    ("service", "second_moment"),
    [
        ({"law": "lognormal", "mean_s": 1.0, "cv": 0.5}, 1.25),
        ({"law": "weibull", "shape": 2.0, "mean_s": 1.0}, 4.0 / math.pi),
        ({"law": "uniform", "low_s": 0.0, "high_s": 2.0}, 4.0 / 3.0),
        ({"law": "triangular", "low_s": 0.0, "mode_s": 0.0, "high_s": 3.0}, 1.5),
        ({"law": "empirical", "values_s": [0.5, 0.5, 2.0]}, 1.5),
    ],
)
def test_mg1_theory(path, named, long_path, queue, exponential, agrees, in_batches, service, second_moment):
    """Pollaczek-Khinchine for every law: W = lambda E[S^2] / (2 (1 - rho)). 20 000 lots exactly, 2 million, z 4."""
    same_path(path, named, queue(exponential(2.0), service), exponential(2.0), service)
    arrivals, services, known = long_path(exponential(2.0), service, 2_000_000, 2.0, second_moment)
    waits = (first_come_first_served(arrivals, services) - arrivals) / 1e6
    agrees(in_batches(waits), 0.5 * second_moment / 2.0 / 0.5, known=known)


def places_taken(arrivals, services, places):
    """Start of each customer who finds one of `places` (server included) free; -1 for those turned away."""
    departures: list[int] = []
    starts = np.full(len(arrivals), -1, dtype=np.int64)
    head = 0
    for index, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        while head < len(departures) and departures[head] <= arrival:
            head += 1
        if len(departures) - head < places:
            starts[index] = max(arrival, departures[-1] if departures else 0)
            departures.append(int(starts[index]) + service)
    return starts


def test_mm1k(path, named, long_path, queue, exponential, agrees, in_batches):
    """Loss probability and number inside for rho 0.8 and K = 4: path of 20 000 arrivals exactly; 1 million, z 4."""
    line = queue(exponential(1.25), exponential(1.0), source={"when_full": "lost"}, capacity=3)
    arrivals = np.cumsum(named.rows(exponential(1.25), LOTS, "source", "interarrival"))
    services = named.lots(exponential(1.0), LOTS, "server", "cycle")
    starts = places_taken(arrivals, services, 4)
    line["sources"]["source"]["lots"] = LOTS
    log, result = path(line, float(arrivals[-1] / 1e6 + 100.0))
    assert log.began["server"] == {index: start for index, start in enumerate(starts.tolist()) if start >= 0}
    assert result.sources["source"].lost == (starts < 0).sum()

    rho, places = 0.8, 4
    probability = (1.0 - rho) * rho ** np.arange(places + 1) / (1.0 - rho ** (places + 1))
    arrivals, services, known = long_path(exponential(1.25), exponential(1.0), 1_000_000, 1.25, 2.0)
    starts = places_taken(arrivals, services, places)
    agrees(in_batches(starts < 0), probability[-1], known=known)
    # Stays of those who were served, per arrival: by Little's law the mean number inside over the rate of arrival.
    stay = np.where(starts >= 0, starts - arrivals + services, 0) / 1e6
    agrees(in_batches(stay), probability @ np.arange(places + 1) / 0.8, known=known)


def test_priorities(path, named, long_path, exponential, agrees, in_batches):
    """Cobham, two ranks without interruption: W1 = R / (1 - rho1), W2 = R / ((1 - rho1)(1 - rho)), R = rho / mu.

    Load 0.45 with 0.15 in front: 20 000 lots exactly, then 1 million, z 4.
    """
    number = 1_000_000
    line = {
        "sources": {
            "source": {
                "interarrival": exponential(1.0 / 0.45), "products": {"low": 2, "high": 1},
                "priority": {"low": 1, "high": 0},
            }
        },
        "buffers": {"queue": {"from": "source", "order": "priority"}},
        "stations": {"server": {"kind": "serial", "from": "queue", "cycle": exponential(1.0)}},
        "sinks": {"out": {"from": "server"}},
    }  # fmt: skip

    def starts(arrivals, services, ranks):
        begun = np.empty(len(arrivals), dtype=np.int64)
        waiting: list[tuple[int, int]] = []
        now, coming, total = 0, 0, len(arrivals)
        while coming < total or waiting:
            if not waiting:
                now = max(now, arrivals[coming])
            while coming < total and arrivals[coming] <= now:
                heapq.heappush(waiting, (ranks[coming], coming))
                coming += 1
            _, index = heapq.heappop(waiting)
            begun[index] = now
            now += services[index]
        return begun

    arrivals = np.cumsum(named.rows(exponential(1.0 / 0.45), LOTS, "source", "interarrival"))
    services = named.lots(exponential(1.0), LOTS, "server", "cycle")
    in_campaigns = [1, 1, 0] * (LOTS // 3 + 1)
    expected = starts(arrivals.tolist(), services.tolist(), in_campaigns[:LOTS])
    line["sources"]["source"]["lots"] = LOTS
    log, _ = path(line, float((expected + services).max() / 1e6 + 1.0))
    assert [log.began["server"][ordinal] for ordinal in range(LOTS)] == expected.tolist()

    # Campaigns come in turn; Cobham wants each rank drawn at random, with the same shares.
    ranks = (np.random.default_rng(5).random(number) < 2.0 / 3.0).astype(int)
    arrivals, services, known = long_path(exponential(1.0 / 0.45), exponential(1.0), number, 1.0 / 0.45, 2.0)
    waits = (starts(arrivals.tolist(), services.tolist(), ranks.tolist()) - arrivals) / 1e6
    agrees(in_batches(np.where(ranks == 0, waits, 0.0)), 0.45 / 0.85 / 3.0, known=known)
    agrees(in_batches(np.where(ranks == 1, waits, 0.0)), 0.45 / (0.85 * 0.55) / 1.5, known=known)


def test_impatience(path, named, long_path, queue, exponential, agrees, in_batches):
    """M/M/1 with longest wait tau: P(expiry) = p0 rho exp(-(mu - lambda) tau), from the density of work in system.

    Below tau it is lambda p0 exp(-(mu - lambda) x), above it falls with rate mu. rho 0.8, tau 2 s: 20 000 lots exactly,
    then 1 million, z 4. (Barrer, Operations Research 5 (1957) 644.)
    """
    tau = 2.0
    line = queue(exponential(1.25), exponential(1.0), maximum_wait_h=tau / 3600.0)

    def expired(arrivals, services):
        free, gone, limit = 0, np.zeros(len(arrivals), dtype=bool), round(tau * 1e6)
        for index, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
            if free - arrival > limit:
                gone[index] = True
            else:
                free = max(free, arrival) + service
        return gone

    arrivals = np.cumsum(named.rows(exponential(1.25), LOTS, "source", "interarrival"))
    services = named.lots(exponential(1.0), LOTS, "server", "cycle")
    gone = expired(arrivals, services)
    line["sources"]["source"]["lots"] = LOTS
    log, result = path(line, float(arrivals[-1] / 1e6 + 100.0))
    assert log.thrown == set(np.flatnonzero(gone).tolist())
    assert result.queues["queue"].expired == gone.sum()

    arrivals, services, known = long_path(exponential(1.25), exponential(1.0), 1_000_000, 1.25, 2.0)
    gone = expired(arrivals, services)
    beyond = math.exp(-0.2 * tau)
    empty = 1.0 / (1.0 + 0.8 * (1.0 - beyond) / 0.2 + 0.8 * beyond)
    agrees(in_batches(gone), empty * 0.8 * beyond, known=known)


def test_batches(replicates, exponential, fixed, agrees):
    """Ovens in plenty, each waits for 4 Poisson arrivals: lead time = 3 / (2 lambda) + cycle. 10 x 4 000, z 4."""
    line = {
        "sources": {"source": {"interarrival": exponential(1.0)}},
        "stations": {"oven": {"kind": "batch", "from": "source", "batch_lots": 4, "cycle": fixed(2.0), "parallel": 12}},
        "sinks": {"out": {"from": "oven"}},
    }
    kpi = replicates(line, 4000.0, 10, warmup=50.0)
    agrees(kpi["lead_time_mean_h"] * 3600, 1.5 + 2.0, known=[(kpi["arrivals.source"], 3950.0)])


def test_infinite_servers(replicates, exponential, agrees):
    """M/G/infinity as a dwell station: mean number = lambda E[S], whatever the law. 10 x 5 000 lots, z 4."""
    stay = {"law": "uniform", "low_s": 2, "high_s": 8}
    line = {
        "sources": {"source": {"interarrival": exponential(1.0)}},
        "stations": {"age": {"kind": "dwell", "from": "source", "minimum": stay}},
        "sinks": {"out": {"from": "age"}},
    }
    kpi = replicates(line, 5050.0, 10, warmup=50.0)
    agrees(kpi["queue_mean.age"], 5.0, known=[(kpi["arrivals.source"], 5000.0)])
    agrees(kpi["wait_mean_s.age"], 5.0)
