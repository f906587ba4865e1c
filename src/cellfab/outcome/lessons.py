"""What a plant learned in one replicate: its failure modes, when each was found and fixed, and what it cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from cellfab.plant import Plant
from cellfab.ramp.mode_book import State
from cellfab.ramp.modes import FailureMode
from cellfab.result import Kpi
from cellfab.units import TICKS_PER_WEEK

MODES = (
    "place", "mode", "moves", "share", "since", "state", "opened_week", "seen_week", "detected_week", "begun_week",
    "fixed_week", "cells", "usd", "text",
)  # fmt: skip
"""Columns of `RunResult.modes`, after `replicate`."""


def mode_rows(plant: Plant) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.modes`: one per life of a mode."""
    if plant.modes is None:
        return
    for mode, episode in plant.modes.book.timeline():
        yield {
            "place": mode.place,
            "mode": mode.name,
            "moves": _moves(mode),
            "share": max((share for held in mode.holds.values() for share in held.values()), default=0.0),
            "since": episode.since,
            "state": str(episode.state),
            "opened_week": _week(episode.opened),
            "seen_week": _week(episode.seen),
            "detected_week": _week(episode.detected),
            "begun_week": _week(episode.begun),
            "fixed_week": _week(episode.fixed),
            "cells": episode.cells,
            "usd": episode.usd,
            "text": mode.text,
        }


def mode_kpis(plant: Plant, horizon: int) -> dict[str, Kpi]:
    """Key figures of what was learned; empty where the line does not learn by causes.

    Parameters
    ----------
    plant : Plant
        After the run.
    horizon : int
        Its end, ticks.
    """
    if plant.modes is None:
        return {}
    book = plant.modes.book
    lives = [episode for episode in book.episodes if episode.opened is not None]
    detected = [(one.detected - one.opened) for one in lives if one.detected is not None and one.opened is not None]
    fixed = [(one.fixed - one.detected) for one in lives if one.fixed is not None and one.detected is not None]
    at_end = {episode.mode: episode.state for episode in book.episodes}  # the last life of each counts
    states = list(at_end.values())
    teams = book.spec.fixing.teams
    busy = Kpi.ratio(book.engineering_ticks, teams * horizon, "1", "there are no teams")
    return {
        "modes_total": Kpi(len(book.modes), "1"),
        "modes_fixed": Kpi(states.count(State.FIXED), "1"),
        "modes_open": Kpi(len(states) - states.count(State.FIXED), "1"),
        "modes_not_detected": Kpi(states.count(State.OPEN), "1"),
        "weeks_to_detect_mean": _mean_weeks(detected, "no mode was detected"),
        "weeks_to_fix_mean": _mean_weeks(fixed, "no mode was fixed"),
        "modes_cost_musd": Kpi(math.fsum(one.usd for one in lives) / 1e6, "MUSD"),
        "engineering_teams_busy_share": busy,
    }


def _moves(mode: FailureMode) -> str:
    """Capabilities that the mode holds back."""
    if not mode.named:
        return "all that ramps"
    return ", ".join(dict.fromkeys(name for held in mode.holds.values() for name in held))


def _week(tick: int | None) -> float:
    return math.nan if tick is None else tick / TICKS_PER_WEEK


def _mean_weeks(ticks: list[int], reason: str) -> Kpi:
    mean = math.fsum(ticks) / len(ticks) / TICKS_PER_WEEK if ticks else None
    return Kpi.known(mean, "weeks", reason)
