"""The bare lines that are shipped, and the examples of docs/bare-lines.md, run; what they promise is about right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cellfab.config.loader import load, validate
from cellfab.config.scenario_spec import ScenarioSpec
from cellfab.line.flow import simulate_line
from cellfab.line.kpi import flow_kpis

ROOT = Path(__file__).parents[2]
PROMISED = {
    "mm1": ("wait_mean_s.queue", 108.0),
    "mm3": ("queue_mean.queue", 0.889),
    "md1": ("wait_mean_s.queue", 90.0),
    "mm1k": ("lost_share.arrivals", 0.1218),
    "tandem_blocking": ("throughput_per_h", 0.66285 * 3600),
    "two_machine_line": ("throughput_per_h", 0.55564 * 3600),
    "transfer_line_10": ("throughput_per_h", 0.8743 * 3600),
    "machine_repair": ("crew_utilisation.fitters", 0.767),
    "merge_and_split": ("utilisation.cathode_film", 0.945),
    "priority_lab": ("planned_share.laboratory", 1.0 / 3.0),
}


@pytest.mark.parametrize("name", PROMISED)
def test_shipped_line(name):
    """A tenth of its length, one replicate, within 15 %: enough to see a wrong file, not to verify the engine."""
    spec = validate(load(ROOT / "configs" / "lines" / f"{name}.yaml"), ScenarioSpec)
    run = spec.run.model_copy(update={"horizon_h": spec.run.horizon_h / 10 + spec.run.warmup_h})
    if name == "transfer_line_10":
        run = spec.run.model_copy(update={"horizon_h": 1.5})
    kpi = flow_kpis(simulate_line(spec.line, run, seed=1))
    figure, promised = PROMISED[name]
    assert kpi[figure].value == pytest.approx(promised, rel=0.15)


def examples(language):
    text = (ROOT / "docs" / "bare-lines.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(2))
def test_yaml_of_the_page(number, tmp_path):
    file = tmp_path / "example.yaml"
    file.write_text(examples("yaml")[number], encoding="utf-8")
    spec = validate(load(file), ScenarioSpec)
    assert simulate_line(spec.line, spec.run, seed=1).lots_finished > 1000


def test_python_of_the_page():
    names: dict[str, object] = {}
    (example,) = examples("python")
    exec(example, names)
    assert names["wait"].value == pytest.approx(108.0, rel=0.2)


def test_every_key_figure_is_on_the_page(simulate, fixed):
    page = (ROOT / "docs" / "bare-lines.md").read_text(encoding="utf-8")
    spec = {
        "sources": {"S": {"interarrival": fixed(1)}},
        "stations": {"M": {"kind": "serial", "from": "B", "cycle": fixed(1)}},
        "buffers": {"B": {"from": "S"}},
        "sinks": {"out": {"from": "M"}},
    }
    for name in flow_kpis(simulate(spec, 10)):
        stem = re.sub(r"_(p50|p90|p95|p99)_(?=s)", "_mean_", re.sub(r"\.(sink|product)\..*", "", name))
        if stem.startswith(("wait", "queue")):
            stem = stem.replace(".S", ".B")
        assert f"`{stem}`" in page or f"`_{stem.split('_', 2)[-1]}`" in page, name
