"""What leaves a station for what came in: merges, splits and changes of unit, as `output` says."""

from __future__ import annotations

from cellfab.config.line_spec import COUNTED, Output
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError


def changes_lots(output: Output) -> bool:
    """Whether what leaves differs at all from what came."""
    return output.lots != 1 or output.unit is not None or output.amount is not None


def leaving(station: str, output: Output, lots: list[Lot], taken_first: int) -> list[Lot]:
    """The lots that leave a station of a bare line for one set of inputs.

    The first `taken_first` inputs came from the feed named first: they give product, unit, amount and living rows; the
    others are built in. Age is that of the oldest input. A change to a counted unit (parts, cells) makes one row of
    each. A piece whose rows were all scrapped before does not come into being; where a lot amounted to its parts, each
    of its pieces does.

    Parameters
    ----------
    station : str
        Where it happens; part of the identity of what is made.
    output : Output
        From the config.
    lots : list of Lot
        One input, or all that are merged.
    taken_first : int
        How many of them came from the feed named first.
    """
    first = lots[0]
    main = lots[:taken_first]
    unit = output.unit or first.unit
    amount = output.amount if output.amount is not None else sum(lot.amount for lot in main) / output.lots
    counted_anew = unit != first.unit and unit in COUNTED
    came, rows = sum(lot.n for lot in main), sum(lot.n_alive for lot in main)
    if counted_anew:
        came = rows = round(amount) * output.lots
        if rows != amount * output.lots or rows == 0:
            raise ConfigError(f"'{station}' makes lots of {amount:g} {unit}; these are counted, so give a whole number")
    if len(lots) == 1 and output.lots == 1:
        first.unit, first.amount = unit, amount
        if counted_anew:
            first.n, first.exit_code, first.n_dead = rows, None, 0
        return lots
    by_part = output.amount is None and unit in COUNTED and came == sum(lot.amount for lot in main)
    made = []
    for index in range(output.lots):
        n = rows // output.lots + (index < rows % output.lots)
        if n == 0 and came >= output.lots:
            break
        n = max(n, 1)
        lot = first.child(
            station if output.lots == 1 else f"{station}#{index}", n=n, unit=unit,
            amount=float(n) if by_part else amount, others=tuple(lots[1:]),
        )  # fmt: skip
        lot.created = min(parent.created for parent in lots)
        made.append(lot)
    return made
