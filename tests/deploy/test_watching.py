"""Alert rules and dashboard: PromQL that can be read, of metrics that there are, with a line in the
runbook each."""

import json
import re
from pathlib import Path

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY

from bot.web import app  # noqa: F401 -- every metric is declared by what it imports

from .conftest import TOKEN

ROOT = Path(__file__).resolve().parents[2]
RULES = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((ROOT / "deploy/grafana.json").read_text())["panels"]
EXPRESSIONS = [
    *((rule["alert"], rule["expr"]) for rule in RULES),
    *((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]),
]
OF_PROMETHEUS = {"up"}


def selectors(node):
    """Every (metric, labels) that an expression reads."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node.name, {matcher.name for matcher in node.matchers.matchers}
    for name in ("expr", "lhs", "rhs", "args", "vector_selector", "param"):
        part = getattr(node, name, None)
        for each in part if isinstance(part, list) else [part] if part is not None else []:
            yield from selectors(each)


def declared():
    """{name as Prometheus has it: its labels}."""
    found = {}
    for collector in set(REGISTRY._names_to_collectors.values()):
        kind, labels = getattr(collector, "_type", None), set(getattr(collector, "_labelnames", ()))
        if kind == "histogram":
            found |= {
                collector._name + end: labels | {"le"} for end in ("_bucket", "_sum", "_count")
            }
        elif kind:
            found[collector._name + ("_total" if kind == "counter" else "")] = labels
    return found


@pytest.mark.parametrize(("name", "expression"), EXPRESSIONS, ids=[name for name, _ in EXPRESSIONS])
def test_an_expression_reads_metrics_and_labels_that_there_are(name, expression):
    there, read = declared(), list(selectors(promql_parser.parse(expression)))
    assert read
    for metric, labels in read:
        assert metric in there or metric in OF_PROMETHEUS, metric
        assert labels <= there.get(metric, set()) | {"job", "instance"}, (metric, labels)


def test_an_alert_has_a_sentence_and_a_line_in_the_runbook():
    runbook = (ROOT / "docs/operations.md").read_text()
    headings = set(re.findall(r"^### (\w+)$", runbook, re.MULTILINE))
    assert {rule["alert"] for rule in RULES} == headings and len(RULES) > 9
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"].endswith(".") and rule["labels"]["severity"] in (
            "page",
            "ticket",
        )


def test_every_metric_of_ours_is_on_the_dashboard_and_served(site):
    ours = {name for name in declared() if name.startswith("pamphlet_")}
    shown = {
        metric
        for name, expression in EXPRESSIONS
        if name in {panel["title"] for panel in PANELS}
        for metric, _ in selectors(promql_parser.parse(expression))
    }
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in ours} == {
        re.sub("_(bucket|sum|count)$", "", name) for name in shown
    }
    served = httpx.get(
        f"{site.service.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
    ).text
    types = set(re.findall(r"^# TYPE (\w+) ", served, re.MULTILINE))
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in ours} <= types
