"""Production lines with finite buffers against Markov chains that are built and solved here."""

from __future__ import annotations

import numpy as np
import pytest

STARVED, WORKING, BLOCKED = range(3)


def solve(start, transitions):
    """Stationary distribution of the chain that `transitions(state)` -> (rate, state, reward) spans; mean reward."""
    states, rows = {start: 0}, []
    for state in states_of(start, transitions, states):
        rows.append([(rate, states[after], reward) for rate, after, reward in transitions(state)])
    size = len(states)
    generator = np.zeros((size, size))
    rewards = np.zeros(size)
    for index, row in enumerate(rows):
        for rate, after, reward in row:
            generator[index, after] += rate
            generator[index, index] -= rate
            rewards[index] += rate * reward
    system = np.vstack([generator.T[:-1], np.ones(size)])
    probability = np.linalg.solve(system, np.eye(size)[-1])
    return dict(zip(states, probability, strict=True)), float(probability @ rewards)


def states_of(start, transitions, known):
    waiting = [start]
    for state in waiting:
        for _, after, _ in transitions(state):
            if after not in known:
                known[after] = len(known)
                waiting.append(after)
        yield state


def line_chain(rates, capacities, failures=None, repairs=None, always=False):
    """A line of machines with exponential cycles, saturated, blocking after service.

    State: what each machine does, lots in each buffer, which machines are up. A machine that is down works on nothing
    and takes nothing, but a finished lot may leave it. Failures strike at rate `failures` while working, or at any time
    the machine is up (`always`).
    """
    count = len(rates)

    def settled(does, held, up):
        does, held = list(does), list(held)
        moved = True
        while moved:
            moved = False
            for i in reversed(range(count)):
                if does[i] == BLOCKED and (i == count - 1 or held[i] < capacities[i]):
                    does[i] = STARVED
                    if i < count - 1:
                        held[i] += 1
                    moved = True
                if does[i] == STARVED and up[i]:
                    if i == 0:
                        does[i], moved = WORKING, True
                    elif held[i - 1]:
                        held[i - 1] -= 1
                        does[i], moved = WORKING, True
                    elif capacities[i - 1] == 0 and does[i - 1] == BLOCKED:
                        does[i - 1] = STARVED
                        does[i], moved = WORKING, True
        return tuple(does), tuple(held), up

    def transitions(state):
        does, held, up = state
        for i in range(count):
            if up[i] and does[i] == WORKING:
                after = (*does[:i], BLOCKED, *does[i + 1 :])
                yield rates[i], settled(after, held, up), float(i == count - 1)
            if failures and up[i] and (always or does[i] == WORKING):
                yield failures[i], (does, held, (*up[:i], False, *up[i + 1 :])), 0.0
            if failures and not up[i]:
                yield repairs[i], settled(does, held, (*up[:i], True, *up[i + 1 :])), 0.0

    start = settled((STARVED,) * count, (0,) * (count - 1), (True,) * count)
    probability, throughput = solve(start, transitions)
    shares = [
        {
            "starved": sum(p for (does, _, up), p in probability.items() if up[i] and does[i] == STARVED),
            "blocked": sum(p for (does, _, up), p in probability.items() if up[i] and does[i] == BLOCKED),
            "down": sum(p for (_, _, up), p in probability.items() if not up[i]),
        }
        for i in range(count)
    ]
    levels = [sum(p * held[i] for (_, held, _), p in probability.items()) for i in range(count - 1)]
    return throughput, shares, levels


@pytest.fixture
def row(exponential):
    """A row of machines m0, m1, ... with buffers b0, b1, ... between them."""

    def make(means, capacities, modes=None, lots=None):
        source = {} if lots is None else {"lots": lots}
        line = {"sources": {"source": source}, "stations": {}, "buffers": {}, "sinks": {}}
        giver = "source"
        for index, mean in enumerate(means):
            name = f"m{index}"
            line["stations"][name] = {"kind": "serial", "from": giver, "cycle": exponential(mean)}
            if modes is not None:
                line["stations"][name]["failures"] = {"jam": modes[index]}
            giver = name
            if index < len(capacities) and capacities[index]:
                giver = f"b{index}"
                line["buffers"][giver] = {"from": name, "capacity": capacities[index]}
        line["sinks"]["out"] = {"from": giver}
        return line

    return make


def departures(services, capacities):
    """Tick at which lot n leaves machine i (blocking after service), saturated; services: shape (machines, lots)."""
    machines, lots = services.shape
    left = [[0] * (lots + 1) for _ in range(machines)]
    times = services.tolist()
    for n in range(lots):
        for i in range(machines):
            begun = max(left[i][n], left[i - 1][n + 1] if i else 0)
            room = 0
            if i < machines - 1:
                # Lot n may leave once lot n - capacity - 1 has left the next machine.
                ahead = n - capacities[i] - 1
                room = left[i + 1][ahead + 1] if ahead >= 0 else 0
            left[i][n + 1] = max(begun + times[i][n], room)
    return left


LINES = {
    "two, no buffer": ((1.0, 1.0), (0,)),
    "two, buffer of 3": ((1.0, 0.8), (3,)),
    "three, unequal": ((1.0, 1.2, 0.9), (2, 1)),
}


@pytest.mark.parametrize("name", LINES)
def test_exponential_lines(path, named, row, exponential, agrees, in_batches, name):
    """10 000 lots leave each machine at the very tick of the recursion; then 200 000 against the chain, z 4."""
    means, capacities = LINES[name]
    lots = 10_000
    services = np.array([named.lots(exponential(mean), lots, f"m{i}", "cycle") for i, mean in enumerate(means)])
    left = departures(services, capacities)
    end = left[-1][-1] / 1e6 + 1.0
    log, _ = path(row(means, capacities, lots=lots), end)
    last = f"m{len(means) - 1}"
    assert [log.ended[last][ordinal] for ordinal in range(lots)] == left[-1][1:]
    for i in range(1, len(means)):
        begun = [log.began[f"m{i}"][ordinal] for ordinal in range(lots)]
        assert begun == [max(left[i][n], left[i - 1][n + 1]) for n in range(lots)] or capacities[i - 1] > 0

    throughput, _, _ = line_chain([1.0 / mean for mean in means], capacities)
    many = 200_000
    services = np.array([named.rows(exponential(mean), many, f"m{i}") for i, mean in enumerate(means)])
    gaps = np.diff(departures(services, capacities)[-1]) / 1e6
    known = [(in_batches(services[i] / 1e6), mean) for i, mean in enumerate(means)]
    agrees(in_batches(gaps), 1.0 / throughput, known=known)


def test_shares_and_level_of_an_exponential_line(replicates, row, agrees):
    """Starving, blocking and mean level of a three-machine line: 20 x 500 s, z 4, power 2 % for throughput only."""
    means, capacities = (1.0, 1.2, 0.9), (2, 1)
    throughput, shares, levels = line_chain([1.0 / mean for mean in means], capacities)
    kpi = replicates(row(means, capacities), 520.0, 20, warmup=20.0)
    known = [(kpi[f"utilisation.m{i}"] * 500.0 / kpi["parts_out"], mean) for i, mean in enumerate(means)]
    agrees(kpi["throughput_per_h"], throughput * 3600, known=known)
    for i, share in enumerate(shares):
        for state in ("starved", "blocked"):
            if share[state]:
                agrees(kpi[f"{state}_share.m{i}"], share[state], known=known, power=0.25)
    for i, level in enumerate(levels):
        agrees(kpi[f"queue_mean.b{i}"], level, known=known, power=0.25)


UNRELIABLE = {
    "two": ((1.0, 1.1), (2,), (8.0, 10.0), (3.0, 2.0)),
    "two, no buffer": ((1.0, 1.0), (0,), (6.0, 6.0), (2.0, 2.0)),
    "three": ((1.0, 0.9, 1.1), (2, 3), (8.0, 6.0, 10.0), (2.0, 1.5, 2.0)),
}


@pytest.mark.parametrize("clock", ["operation_dependent", "time_dependent"])
@pytest.mark.parametrize("name", UNRELIABLE)
def test_unreliable_lines(replicates, row, exponential, agrees, name, clock):
    """Exponential cycles, failures and repairs, each clock: 40 x 800 s against the chain, z 4.

    The controls are the realised mean cycle and the realised ratio of down time to time on the clock, both known.
    """
    means, capacities, mtbf, mttr = UNRELIABLE[name]
    always = clock == "time_dependent"
    modes = [
        {"time_to_failure": exponential(up), "time_to_repair": exponential(down), "clock": clock}
        for up, down in zip(mtbf, mttr, strict=True)
    ]
    throughput, shares, _ = line_chain(
        [1.0 / mean for mean in means], capacities, [1.0 / up for up in mtbf], [1.0 / down for down in mttr], always
    )
    kpi = replicates(row(means, capacities, modes), 820.0, 40, warmup=20.0)
    known = []
    for i, mean in enumerate(means):
        working, down = kpi[f"utilisation.m{i}"], kpi[f"down_share.m{i}"]
        known.append((working * 800.0 / kpi["parts_out"], mean))
        known.append((down / (1.0 - down if always else working), mttr[i] / mtbf[i]))
    agrees(kpi["throughput_per_h"], throughput * 3600, known=known)
    for i, share in enumerate(shares):
        for state, probability in share.items():
            if probability:
                controls = known if state != "down" else []
                agrees(kpi[f"{state}_share.m{i}"], probability, known=controls, power=0.25)


def test_failures_of_operation_dependent_machines_to_the_tick(path, named, row, exponential, fixed):
    """Repairs folded into service: lot n takes its cycle and the repairs that fall into it. 5 000 lots, exactly."""
    lots, cycle = 5_000, 1.0
    means, capacities, mtbf, mttr = (cycle, cycle, cycle), (3, 0), 15.0, 2.0
    modes = [{"time_to_failure": exponential(mtbf), "time_to_repair": exponential(mttr)} for _ in means]
    line = row(means, capacities, modes, lots=lots)
    services = np.empty((3, lots), dtype=np.int64)
    for i in range(3):
        line["stations"][f"m{i}"]["cycle"] = fixed(cycle)
        runs = iter(named.rows(exponential(mtbf), lots, f"m{i}", "jam", "time_to_failure").tolist())
        repairs = iter(named.rows(exponential(mttr), lots, f"m{i}", "jam", "time_to_repair").tolist())
        left = next(runs)
        for n in range(lots):
            work, takes = 1_000_000, 0
            while left < work:
                work -= left
                takes += left + next(repairs)
                left = next(runs)
            left -= work
            services[i, n] = takes + work
    expected = departures(services, capacities)
    log, result = path(line, expected[-1][-1] / 1e6 + 1.0)
    assert [log.ended["m2"][ordinal] for ordinal in range(lots)] == expected[-1][1:]
    assert result.lots_finished == lots


def test_assembly(path, named, exponential, agrees, in_batches):
    """Two machines feed an assembly through buffers of 2 and 3: 10 000 sets exactly; 200 000 against the chain, z 4."""
    means, capacities, sets = (1.0, 0.9, 0.8), (2, 3), 10_000
    line = {
        "sources": {"left": {"lots": sets}, "right": {"lots": sets}},
        "stations": {
            "m0": {"kind": "serial", "from": "left", "cycle": exponential(means[0])},
            "m1": {"kind": "serial", "from": "right", "cycle": exponential(means[1])},
            "glue": {"kind": "serial", "from": {"b0": 1, "b1": 1}, "cycle": exponential(means[2])},
        },
        "buffers": {"b0": {"from": "m0", "capacity": 2}, "b1": {"from": "m1", "capacity": 3}},
        "sinks": {"out": {"from": "glue"}},
    }

    def assembled(first, second, glue):
        count = len(glue)
        left = [[0] * (count + 1), [0] * (count + 1)]
        begun, done = [0] * count, [0] * (count + 1)
        for n in range(count):
            for i, services in enumerate((first, second)):
                ahead = n - capacities[i] - 1
                # A place in the buffer comes free when the assembly begins with an earlier set.
                room = begun[ahead + 1] if ahead >= -1 and ahead + 1 < n else 0
                left[i][n + 1] = max(left[i][n] + services[n], room)
            begun[n] = max(done[n], left[0][n + 1], left[1][n + 1])
            done[n + 1] = begun[n] + glue[n]
        return begun

    services = [named.lots(exponential(m), sets, f"m{i}", "cycle", source=s).tolist()
                for i, (m, s) in enumerate(zip(means[:2], ("left", "right"), strict=True))]  # fmt: skip
    glue = named.glued(exponential(means[2]), sets)
    log, _ = path(line, 20_000.0)
    assert [log.began["glue"][ordinal] for ordinal in range(sets)] == assembled(*services, glue)

    def transitions(state):
        does, held = state

        def settled(does, held):
            does, held = list(does), list(held)
            moved = True
            while moved:
                moved = False
                if does[2] == STARVED and held[0] and held[1]:
                    held[0], held[1], does[2], moved = held[0] - 1, held[1] - 1, WORKING, True
                for i in range(2):
                    if does[i] == BLOCKED and held[i] < capacities[i]:
                        held[i], does[i], moved = held[i] + 1, WORKING, True
            return tuple(does), tuple(held)

        for i in range(3):
            if does[i] == WORKING:
                after = STARVED if i == 2 else BLOCKED
                yield 1.0 / means[i], settled((*does[:i], after, *does[i + 1 :]), held), float(i == 2)

    _, throughput = solve(((WORKING, WORKING, STARVED), (0, 0)), transitions)
    many = 200_000
    rows = [named.rows(exponential(mean), many, f"m{i}") for i, mean in enumerate(means)]
    begun = assembled(*(row.tolist() for row in rows))
    known = [(in_batches(row[1:] / 1e6), mean) for row, mean in zip(rows, means, strict=True)]
    agrees(in_batches(np.diff(begun) / 1e6), 1.0 / throughput, known=known)


def test_a_split_feeds_as_many_as_it_says(replicates, exponential, fixed, agrees):
    """One roll of 10 m becomes 5 pieces: pieces per hour = 5 x rolls per hour, and all lots are accounted for."""
    line = {
        "sources": {"source": {"unit": "m", "amount": 10.0}},
        "stations": {
            "slit": {"kind": "web", "from": "source", "speed_m_per_min": 60.0, "output": {"lots": 5}},
            "pack": {"kind": "serial", "from": "pieces", "cycle": fixed(1.0)},
        },
        "buffers": {"pieces": {"from": "slit", "unit": "m", "capacity": 20.0}},
        "sinks": {"out": {"from": "pack"}},
    }
    kpi = replicates(line, 1000.0, 1)
    # A roll takes 10 s and gives 5 s of packing: the packer works half the time.
    assert kpi["utilisation.pack"][0] == pytest.approx(0.5, abs=0.01)
    assert kpi["parts_out"][0] == 5 * 99
    assert kpi["level_mean.pieces"][0] == pytest.approx((4 + 3 + 2 + 1) * 2.0 / 10, abs=0.03)


def test_a_chain_of_machines_before_a_full_queue(replicates, exponential, agrees):
    """A chain of three machines, a queue of 2 and a slower machine are a line of four: 20 x 1000 s, z 4, power 2 %."""
    means, capacities = (1.0, 1.2, 0.9, 1.3), (1, 0, 2)
    throughput, shares, levels = line_chain([1.0 / mean for mean in means], capacities)
    machines = {
        f"m{i}": {"cycle": exponential(mean), "buffer_after": places}
        for i, (mean, places) in enumerate(zip(means[:3], (1, 0, 0), strict=True))
    }
    line = {
        "sources": {"source": {}},
        "stations": {
            "chain": {"kind": "serial", "from": "source", "machines": machines},
            "press": {"kind": "serial", "from": "b2", "cycle": exponential(means[3])},
        },
        "buffers": {"b2": {"from": "chain", "capacity": 2}},
        "sinks": {"out": {"from": "press"}},
    }
    kpi = replicates(line, 1020.0, 20, warmup=20.0)
    busy = (kpi["utilisation.press"] * 1000.0 / kpi["parts_out"], means[3])
    known = [busy, (kpi["utilisation.chain"] * 3000.0 / kpi["parts_out"], sum(means[:3]))]
    agrees(kpi["throughput_per_h"], throughput * 3600, known=known)
    agrees(kpi["blocked_share.chain"], sum(share["blocked"] for share in shares[:3]) / 3, known=known, power=0.05)
    agrees(kpi["queue_mean.b2"], levels[2], known=known, power=0.05)
    agrees(kpi["wait_mean_s.b2"], levels[2] / throughput, known=known, power=0.05)


def test_channels_before_a_full_queue(replicates, exponential, agrees):
    """Arrivals that find the queue full are lost; two positions, a queue of 1, a slow press: 40 x 1000 s, z 4."""
    arrivals, hold, press, before, behind = 0.7, 1.5, 1.1, 2, 1

    def settled(waiting, held, blocked, queued, pressing):
        moved = True
        while moved:
            moved = False
            if not pressing and queued:
                queued, pressing, moved = queued - 1, 1, True
            if blocked and queued < behind:
                blocked, queued, moved = blocked - 1, queued + 1, True
            if waiting and held + blocked < 2:
                waiting, held, moved = waiting - 1, held + 1, True
        return waiting, held, blocked, queued, pressing

    def transitions(state):
        waiting, held, blocked, queued, pressing = state
        if waiting < before:
            yield 1.0 / arrivals, settled(waiting + 1, held, blocked, queued, pressing), 0.0
        if held:
            yield held / hold, settled(waiting, held - 1, blocked + 1, queued, pressing), 0.0
        if pressing:
            yield 1.0 / press, settled(waiting, held, blocked, queued, 0), 1.0

    probability, throughput = solve((0, 0, 0, 0, 0), transitions)
    mean = [sum(p * state[i] for state, p in probability.items()) for i in range(5)]
    line = {
        "sources": {"source": {"interarrival": exponential(arrivals), "when_full": "lost"}},
        "stations": {
            "rack": {"kind": "channels", "from": "before", "positions": 2, "occupied": exponential(hold)},
            "press": {"kind": "serial", "from": "behind", "cycle": exponential(press)},
        },
        "buffers": {
            "before": {"from": "source", "capacity": before}, "behind": {"from": "rack", "capacity": behind},
        },
        "sinks": {"out": {"from": "press"}},
    }  # fmt: skip
    kpi = replicates(line, 1020.0, 40, warmup=20.0)
    known = [
        (kpi["utilisation.press"] * 1000.0 / kpi["parts_out"], press),
        (kpi["utilisation.rack"] * 2000.0 / kpi["parts_out"], hold),
        (kpi["arrivals.source"] / 1000.0, 1.0 / arrivals),
    ]
    agrees(kpi["throughput_per_h"], throughput * 3600, known=known)
    agrees(kpi["blocked_share.rack"], mean[2] / 2, known=known)
    agrees(kpi["wip_mean"], sum(mean), known=known)
    agrees(kpi["queue_mean.behind"], mean[3], known=known)
    agrees(kpi["starved_share.rack"], 1.0 - (mean[1] + mean[2]) / 2, known=known, power=0.10)
