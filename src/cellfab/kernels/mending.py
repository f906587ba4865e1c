"""Breakdowns that need nobody, decided for a whole stretch of work at once."""

from __future__ import annotations

from cellfab.kernels._jit import kernel
from cellfab.kernels.serial_line import CREW, SCRAP, Chain, Ints, draw

LEFT, NUMBER = range(2)
"""Columns of a unit's clocks: ticks of work to the next breakdown of each mode, and breakdowns so far."""


@kernel
def mend(
    chain: Chain,
    clock: Ints,
    entity: int,
    now: int,
    work: int,
    failure_factor: float,
    repair_factor: float,
    stops: Ints,
) -> tuple[int, int, int]:
    """Let a unit work from tick `now` on, up to the first breakdown that calls for a crew or throws the part away.

    Parameters
    ----------
    chain : Chain
        One stage with the failure modes of the unit, all operation-dependent.
    clock : shape (K, 2)
        Columns LEFT and NUMBER; is changed.
    entity : int
        The unit: names the draws.
    now : int
        Tick.
    work : int
        Ticks of work to do.
    failure_factor, repair_factor : float
        On times to failure and to repair drawn during the call.
    stops : shape (s, 2)
        Output: ticks at which the unit went down and came up.

    Returns
    -------
    mended : int
        Rows of `stops` filled; if s, there may be more to come.
    now, work : int
        Tick of the last repair's end and the work left then.
    """
    for mended in range(stops.shape[0]):
        struck = 0
        for k in range(1, clock.shape[0]):
            if clock[k, LEFT] < clock[struck, LEFT]:
                struck = k
        run = max(clock[struck, LEFT], 0)
        if run >= work or chain.mode[struck, CREW] or chain.mode[struck, SCRAP]:
            return mended, now, work
        for k in range(clock.shape[0]):
            clock[k, LEFT] -= run
        work -= run
        now += run
        stops[mended, 0] = now
        number = clock[struck, NUMBER]
        now += draw(chain, 2 + 2 * struck, repair_factor, entity, number)
        stops[mended, 1] = now
        clock[struck, NUMBER] = number + 1
        clock[struck, LEFT] = draw(chain, 1 + 2 * struck, failure_factor, entity, number + 1)
    return stops.shape[0], now, work
