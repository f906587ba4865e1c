"""Run a scenario: all its replicates, gathered into one frozen result."""

from __future__ import annotations

import platform
import shutil
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp

from cellfab.config.problems import Problem
from cellfab.economics.credits import Shortfall
from cellfab.outcome.books import Books
from cellfab.outcome.combine import combine, counts
from cellfab.outcome.curves import WeeklyCurve, line_curves, plant_curves
from cellfab.outcome.graph import edges, nodes
from cellfab.outcome.key_figures import bare_kpis, plant_kpis
from cellfab.outcome.phases import phases_of, shocks_of
from cellfab.outcome.tables import tables
from cellfab.outcome.valuation import capital_usd
from cellfab.plant import Plant
from cellfab.rated import rated_output
from cellfab.records.ledger_rows import ledger_rows
from cellfab.records.recording import recording
from cellfab.replicate import Replicate, rare_collection, simulate
from cellfab.result import Kpi, RunResult
from cellfab.scenario import Scenario, cell_columns
from cellfab.units import TICKS_PER_WEEK
from cellfab.version import VERSION

_PACKAGES = ("simpy", "numpy", "numba", "pandas", "pydantic")


def run_scenario(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replicates: int | None = None,
    engine: str | None = None,
    progress: Callable[[float], None] | None = None,
    records: Path | None = None,
) -> RunResult:
    """Simulate a scenario and gather what came out.

    Parameters
    ----------
    scenario : Scenario
    seed, replicates, engine : optional
        Default: as written in the scenario's `run`.
    progress : callable, optional
        Told the share of all work done, 0-1.
    records : Path, optional
        Folder for the files of single cells and postings, if the scenario's `run.record` or `run.ledger_rows` asks for
        them. Default: a temporary one, which lasts as long as the result.

    Returns
    -------
    RunResult

    Raises
    ------
    ConfigError, StallError, InvariantError
        As `cellfab.replicate.simulate`.
    """
    run = scenario.spec.run
    seed = run.seed if seed is None else seed
    count = run.replicates if replicates is None else replicates
    began = time.perf_counter()
    with rare_collection():
        rated = rated_output(scenario, seed) if scenario.is_plant else {}
    ready = time.perf_counter()
    done: list[Replicate] = []
    posts = run.ledger_rows and scenario.is_plant
    with (
        _home(records, wanted=posts) as home,
        recording(run, cell_columns(scenario.steps), home) as files,
        ledger_rows(home if posts else None) as rows,
    ):
        for replicate in range(count):

            def advance(share: float, before: int = replicate) -> None:
                if progress is not None:
                    progress((before + share) / count)

            done.append(
                simulate(
                    scenario, seed, replicate, engine=engine or run.engine, progress=advance, files=files, rows=rows
                )
            )
    timing = {"wall_s": time.perf_counter() - began, "setup_s": ready - began}
    folder = files.folder if files is not None else home if posts else None
    result = gather(scenario, done, seed, rated, timing, records=folder)
    if folder is not None and records is None:
        weakref.finalize(result, shutil.rmtree, folder, ignore_errors=True)
    return result


@contextmanager
def _home(records: Path | None, *, wanted: bool) -> Iterator[Path | None]:
    """The folder for raw rows: the one given, else (if wanted) a temporary one, which is gone after an error."""
    if records is not None or not wanted:
        yield records
        return
    folder = Path(mkdtemp(prefix="cellfab-"))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _lost_credits(scenario: Scenario, replicates: list[Replicate]) -> Iterator[Problem]:
    """Tax credits that a product lost because of where its materials come from: the worst replicate of each."""
    worst: dict[tuple[str, str], Shortfall] = {}
    for found in (lost for done in replicates if done.plant is not None for lost in done.plant.shortfalls):
        key = (found.credit, found.product)
        if key not in worst or found.lost_usd > worst[key].lost_usd:
            worst[key] = found
    for lost in worst.values():
        message = (
            f"'{lost.product}' earned nothing in {lost.weeks} weeks from week {lost.first_week} on"
            f" ({lost.lost_usd / 1e6:.3g} MUSD lost): {lost.ratio:.1%} of its direct material cost was not from"
            f" prohibited origins, and {lost.least:.1%} was needed"
        )
        yield scenario.resolved.problem(("economics", "credits", lost.credit, "material_assistance"), message, key=True)


def key_figures(
    scenario: Scenario, done: Replicate, rated: Mapping[str, float], books: Books | None = None
) -> dict[str, Kpi]:
    """Key figures of one finished replicate; `rated` as in `gather`, `books` as of `books_of` where already there."""
    books = books or books_of(scenario, done)
    return bare_kpis(scenario, done) if books is None else plant_kpis(books, done, rated)


def weekly_curves(done: Replicate, books: Books | None) -> dict[str, WeeklyCurve]:
    """What one finished replicate was week by week, by name of the figure; `books` of `books_of`."""
    return line_curves(done.flow) if books is None else plant_curves(books)


def books_of(scenario: Scenario, done: Replicate) -> Books | None:
    """The books of one finished replicate; None of a bare line, which has none."""
    return None if done.plant is None else _books(scenario, done, done.plant)


def _books(scenario: Scenario, done: Replicate, plant: Plant) -> Books:
    weeks = -(-done.flow.horizon // TICKS_PER_WEEK)
    return Books(plant, weeks, phases_of(done), capital_usd(scenario, done))


def gather(
    scenario: Scenario,
    replicates: list[Replicate],
    seed: int,
    rated: Mapping[str, float],
    timing: Mapping[str, float],
    *,
    records: Path | None = None,
) -> RunResult:
    """One result out of finished replicates; `rated` is the mature good output by product, cells per week."""
    books = [_books(scenario, done, done.plant) for done in replicates if done.plant is not None]
    if books:
        kpis = [plant_kpis(book, done, rated) for book, done in zip(books, replicates, strict=True)]
    else:
        kpis = [bare_kpis(scenario, done) for done in replicates]
    return RunResult(
        name=scenario.name,
        digest=scenario.digest,
        seed=seed,
        replicates=len(replicates),
        kpi=combine(kpis),
        **tables(scenario, replicates, books),
        phases=phases_of(replicates[0]),
        shocks=shocks_of(scenario),
        nodes=nodes(scenario.spec.line),
        edges=edges(scenario.spec.line),
        written=scenario.layout.written,
        counts=counts(replicates),
        records=records,
        timing=timing,
        manifest={
            "cellfab": VERSION,
            "packages": {name: version(name) for name in _PACKAGES},
            "python": platform.python_version(),
            "scenario": scenario.name,
            "digest": scenario.digest,
            "seed": seed,
            "replicates": len(replicates),
            "start_date": str(scenario.spec.run.start_date),
            "engine": replicates[0].flow.engine,
            **({} if scenario.spec.economics is None else {"currency_year": scenario.spec.economics.currency_year}),
            "files": list(scenario.files),
        },
        assumptions=tuple(
            (found.path, found.note.value, found.note.low, found.note.high, found.note.source)
            for found in scenario.assumptions
        ),
        warnings=tuple(
            (str(found.location), found.path, found.message, found.hint)
            for found in (*scenario.warnings, *_lost_credits(scenario, replicates))
        ),
    )
