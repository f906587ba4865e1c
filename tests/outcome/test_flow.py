"""States and buffers of a finished line as rows."""

from __future__ import annotations

from cellfab.outcome.flow import buffer_rows, state_rows


def test_states_and_buffers_are_those_of_the_flow(small_run):
    flow = small_run.done.flow
    states = list(state_rows(flow))
    assert {row["station"] for row in states} == set(flow.stations)
    assert all(row["hours"] > 0.0 for row in states)
    rows = {row["buffer"]: row for row in buffer_rows(flow)}
    for name, buffer in small_run.scenario.spec.line.buffers.items():
        assert rows[name]["capacity"] == buffer.capacity
        assert 0.0 <= rows[name]["mean"] <= rows[name]["maximum"]
        wait = flow.queues[name].wait
        assert (rows[name]["wait_mean_s"], rows[name]["wait_p95_s"]) == (wait.mean_s, wait.p95_s)
