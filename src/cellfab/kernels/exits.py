"""Where the rows of a lot leave a chain of machines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel


@kernel
def mark_exits(exit_code: npt.NDArray[np.int16], exits: npt.NDArray[np.int64], inside: int, machine: int) -> None:
    """Let the rows that have been scrapped, and are still said to be inside, leave after a machine.

    Parameters
    ----------
    exit_code : shape (n,)
        0 of a living row.
    exits : shape (n,)
        Machine after which each row leaves; is changed.
    inside : int
        What `exits` says of a row that has not left.
    machine : int
        What it says from now on.
    """
    for row in range(exits.size):
        if exit_code[row] != 0 and exits[row] == inside:
            exits[row] = machine
