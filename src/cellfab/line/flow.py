"""Simulate one line: wire it, run it to the horizon, check it, freeze what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cellfab.config.line_spec import Line
from cellfab.config.run_spec import Run
from cellfab.errors import ConfigError, StallError
from cellfab.line.clock import hours_to_ticks
from cellfab.line.compiled import countable, run_compiled, why_not
from cellfab.line.invariants import check_run
from cellfab.line.line_run import Controller, LineRun
from cellfab.line.physics import Physics, Ramping
from cellfab.line.result import FlowResult, collect


def simulate_line(
    line: Line,
    run: Run,
    *,
    seed: int,
    replicate: int = 0,
    engine: str = "auto",
    physics: Physics | None = None,
    ramp: Ramping | None = None,
    progress: Callable[[int], None] | None = None,
    controllers: Sequence[Controller] = (),
    closures: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    begins: Mapping[str, int] | None = None,
    watch: Sequence[int] = (),
) -> FlowResult:
    """Run one replicate of one line.

    Parameters
    ----------
    line : Line
        Sources, stations, buffers and sinks.
    run : Run
        Horizon and warm-up; its seed, replicates and engine are not looked at.
    seed, replicate : int
        Name the random numbers: equal names, equal result.
    engine : {"auto", "simpy", "compiled"}
        "auto" takes the compiled engine where the line allows it. The shifting bottleneck is looked for where there is
        physics, and with "simpy": a lot of a bare line takes little longer than to tell who waits.
    physics : Physics, optional
        What happens to cells; none on a bare line.
    ramp : Ramping, optional
        How the stations of a bare line get better; default: they stay as written. Of a plant the physics says so.
    progress : callable, optional
        Called with the present tick at the end of each simulated week.
    controllers : sequence of callables, optional
        Each is given the `LineRun` and returns a SimPy generator that runs beside the line (a plant conversion).
    closures : mapping of str to sequence of (int, int), optional
        By station: ticks from which and up to which nothing is supplied to it. It takes nothing and what it works on
        waits; its time counts as starved. In order, apart from each other.
    begins : mapping of str to int, optional
        By source, station or buffer: tick at which it comes alive. Before, it takes and gives nothing, and its time
        does not count.
    watch : sequence of int, optional
        Ticks before the horizon, in order, at which the lots inside are counted (`FlowResult.watched`).

    Returns
    -------
    FlowResult
        Statistics over [warm-up, horizon): what happens at the very tick of the horizon is not part of the run.

    Raises
    ------
    ConfigError
        If the line cannot work (unknown names, a circle, a lot that fits nowhere).
    StallError
        If nothing can move any more although lots are inside.
    InvariantError
        If a conservation law does not hold: a defect of cellfab.
    """
    horizon, warmup = hours_to_ticks(run.horizon_h), hours_to_ticks(run.warmup_h)
    if engine != "simpy":
        reason = "it makes cells" if physics is not None else "it has a controller" if controllers else why_not(line)
        reason = "it ramps" if ramp is not None else reason
        reason = "its supply is closed at times" if closures else reason
        reason = "a part of it begins later" if begins and any(begins.values()) else reason
        if reason is None and not (len(watch) and not countable(line)):
            return run_compiled(
                line, seed=seed, replicate=replicate, horizon=horizon, warmup=warmup, progress=progress, watch=watch
            )
        if engine == "compiled" and reason is not None:
            raise ConfigError(f"the compiled engine cannot run this line: {reason}; use --engine simpy")
    state = LineRun(
        line, seed=seed, replicate=replicate, physics=physics, ramp=ramp, horizon=horizon, warmup=warmup,
        closures=closures, begins=begins, watched=physics is not None or engine == "simpy",
    )  # fmt: skip

    def end_week(now: int) -> None:
        _raise_if_stalled(state)
        for station in state.stations.values():
            station.flush()
            station.book.end_week()
        for sink in state.sinks.values():
            sink.end_week()
        if progress is not None:
            progress(now)

    def end_warmup(now: int) -> None:
        for station in state.stations.values():
            station.flush()
            station.end_warmup(now)
        for source in state.sources.values():
            source.end_warmup(now)
        for buffer in state.buffers.values():
            buffer.end_warmup(now)
        for crew in state.crews.values():
            crew.end_warmup(now)
        for sink in state.sinks.values():
            sink.end_warmup()
        state.wip.reset(now)

    watched: list[int] = []
    for tick in watch:
        state.at(int(tick), lambda _: watched.append(state.wip.value))
    state.at_each_week(end_week)
    if warmup:
        state.at(warmup, end_warmup)
    state.start()
    for controller in controllers:
        state.env.process(controller(state))
    state.env.run(until=horizon)
    end_week(horizon)
    check_run(state)
    # SimPy numbers its events; the next number is how many there were.
    return collect(state, warmup=warmup, events=next(state.env._eid), watched=watched)


def _raise_if_stalled(state: LineRun) -> None:
    reason = state.stalled()
    if reason is not None:
        raise StallError(reason)
