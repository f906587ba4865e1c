"""Notching: flaws of the cut, and what a camera makes of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random_rows import fill_words_from, last_word_below


@kernel
def inspect_cuts(
    entity: int,
    planned: int,
    lanes: int,
    flaw_key: np.uint64,
    flaw_probability: float,
    camera_key: np.uint64,
    seen_share: float,
    false_alarm_probability: float,
    seen_code: int,
    flaw: npt.NDArray[np.uint8],
    exit_code: npt.NDArray[np.int16],
) -> int:
    """Flaws of the cut, and which cuts the camera takes for flawed.

    Parameters
    ----------
    entity, planned, lanes : int
        The web, and positions per lane as planned: number lane * planned + position is that segment's; lanes.
    flaw_key, flaw_probability, camera_key, seen_share, false_alarm_probability
        Streams; probabilities of a flaw, of seeing it, and of an alarm without one.
    seen_code : int
        Exit code of cuts taken for flawed.
    flaw : ndarray of uint8, shape (lanes * positions,)
        Written: 1 or 0.
    exit_code : ndarray of int16, shape (lanes * positions,)
        Changed.

    Returns
    -------
    int
        Rows scrapped.
    """
    positions = exit_code.size // lanes
    flaw_scratch, camera_scratch = np.empty(positions + 3, np.uint32), np.empty(positions + 3, np.uint32)
    flawed = last_word_below(flaw_probability)
    seen, alarm = last_word_below(seen_share), last_word_below(false_alarm_probability)
    scrapped = 0
    for lane in range(lanes):
        first = lane * positions
        flaw_words = fill_words_from(flaw_key, entity, lane * planned, flaw_scratch)
        camera_words = fill_words_from(camera_key, entity, lane * planned, camera_scratch)
        for position in range(positions):
            is_flawed = (flaw_words[position] <= flawed) & (flawed > 0)
            last = seen if is_flawed else alarm
            code = exit_code[first + position]
            noticed = (camera_words[position] <= last) & (last > 0) & (code == 0)
            flaw[first + position] = is_flawed
            exit_code[first + position] = seen_code if noticed else code
            scrapped += noticed
    return scrapped
