"""Run a fleet: measure each scenario once, then all replicates, on as many processes as wanted."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

import numpy as np

from cellfab.fleet.file import LoadedFleet
from cellfab.fleet.replicate import FleetReplicate, FleetTerms, fleet_terms, simulate_fleet
from cellfab.fleet.response import MATURITIES, Response, measure
from cellfab.fleet.result import FleetResult, replicate_kpis, table_rows
from cellfab.outcome.combine import combine
from cellfab.processes import cores, spread
from cellfab.scenario import Scenario
from cellfab.version import VERSION

_PACKAGES = ("numpy", "numba", "simpy", "pydantic")
_CHUNKS_PER_WORKER = 4


class _Measure(NamedTuple):
    scenario: Scenario
    seed: int


class _Chunk(NamedTuple):
    terms: FleetTerms
    seed: int
    replicates: tuple[int, ...]


def run_fleet(
    fleet: LoadedFleet,
    *,
    seed: int | None = None,
    replicates: int | None = None,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> FleetResult:
    """Run all replicates of a fleet.

    Parameters
    ----------
    fleet : LoadedFleet
    seed, replicates : int, optional
        Default: as written in its `run`.
    workers : int, optional
        Processes; 0 for this one alone. Default: one for each core. The answer does not depend on it.
    progress : callable, optional
        Told the share done, 0-1.

    Raises
    ------
    InvariantError
        If energy or credits do not add up.
    """
    began = time.perf_counter()
    run = fleet.spec.run
    seed = run.seed if seed is None else seed
    count = run.replicates if replicates is None else replicates
    workers = cores() if workers is None else workers
    told = progress or (lambda _share: None)

    different = {one.digest: one for one in fleet.scenarios.values()}
    jobs = [_Measure(scenario, seed) for scenario in different.values()]
    measured: list[Response] = []
    for response in spread(_measured, jobs, min(workers, len(jobs))):
        measured.append(response)
        told(0.5 * len(measured) / len(jobs))
    by_digest = {response.digest: response for response in measured}
    setup_s = time.perf_counter() - began

    terms = fleet_terms(fleet, {name: by_digest[one.digest] for name, one in fleet.scenarios.items()})
    size = max(1, -(-count // max(1, workers * _CHUNKS_PER_WORKER)))
    chunks = [_Chunk(terms, seed, tuple(range(first, min(first + size, count)))) for first in range(0, count, size)]
    found: list[FleetReplicate] = []
    for done in spread(_simulated, chunks, min(workers, len(chunks))):
        found += done
        told(0.5 + 0.5 * len(found) / count)

    spec = fleet.spec.fleet
    return FleetResult(
        name=fleet.spec.name,
        digest=fleet.digest,
        description=fleet.spec.description,
        seed=seed,
        replicates=count,
        start=fleet.start,
        kpi=combine([replicate_kpis(terms, one) for one in found]),
        tables=table_rows(terms, found),
        ev_gwh_per_year={
            name: np.array(plant.ev_gwh_per_year.weekly(fleet.start, fleet.weeks))
            for name, plant in spec.plants.items()
        },
        texts={name: plant.text for name, plant in spec.plants.items()},
        responses=tuple(_told(response) for response in measured),
        manifest={
            "cellfab": VERSION,
            "packages": {name: version(name) for name in _PACKAGES},
            "python": platform.python_version(),
            "fleet": fleet.spec.name,
            "digest": fleet.digest,
            "seed": seed,
            "replicates": count,
            "start_date": str(fleet.start),
            "files": list(fleet.files),
        },
        timing={"wall_s": time.perf_counter() - began, "setup_s": setup_s},
    )


def _measured(job: _Measure) -> Response:
    return measure(job.scenario, seed=job.seed)


def _simulated(chunk: _Chunk) -> list[FleetReplicate]:
    return [simulate_fleet(chunk.terms, chunk.seed, number) for number in chunk.replicates]


def _told(response: Response) -> dict[str, object]:
    """What was measured, for people and the manifest."""
    return {
        "scenario": response.scenario,
        "digest": response.digest,
        "product": response.product,
        "gwh_per_year": response.gwh_per_year,
        "effectiveness": response.effectiveness,
        "work_weeks": response.work_weeks,
        "maturities": list(MATURITIES),
        "kwh_per_lot": response.kwh_per_lot.tolist(),
        "good_of_begun": (response.cells_per_lot / response.begun_per_lot).tolist(),
        "fixed_usd_per_week": response.weekly.whole,
    }
