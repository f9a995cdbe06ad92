"""The alert rules and the dashboard use only what `/metrics` exports, with labels and values that exist."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import httpx
import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.service.api import examples
from tests.service.api.serving import serving
from tests.service.store.pins import new_check, pinned
from tests.service.store.records import new_run

from gradclinic.api.http.request_times import METHODS
from gradclinic.kernel.status import RunStatus
from gradclinic.kernel.vocabulary import CheckVerdict
from gradclinic.queue.messages import QUEUES
from gradclinic.settings import Settings
from gradclinic.store import Store

VALUES = {
    ("gradclinic_up", "part"): {"database", "queue"},
    ("gradclinic_runs", "status"): set(get_args(RunStatus)),
    ("gradclinic_checks", "verdict"): {"", *get_args(CheckVerdict)},
    ("gradclinic_queue_messages", "queue"): set(QUEUES),
    ("gradclinic_http_request_seconds_count", "status"): {"200", "500", "503"},
    ("gradclinic_http_request_seconds_bucket", "method"): set(METHODS),
}
"""Values of labels that expressions may select by."""
OF_PROMETHEUS = {"up": {"job", "instance"}}
SCRAPED = {"instance", "job"}
"""Labels that Prometheus adds."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, valkey: Any, sqlite_template: Path) -> Mapping[str, set[str]]:
    """The labels of each exported series."""
    folder = tmp_path_factory.mktemp("monitoring")
    (folder / "gradclinic.db").write_bytes(sqlite_template.read_bytes())
    settings = Settings(data_dir=folder, broker_url=valkey.url)
    store = Store(settings.database_url)
    pinned(store)
    store.checks.create(new_check(store.baselines.get("main")), [new_run()])
    store.reconciliation.saw_worker("a", queue="cpu", device="cpu", run_id=None)
    store.close()
    with serving(settings) as api:
        assert api.post("/v1/runs", json={"experiment": examples.EXPERIMENT}).status_code == 202
        return labels_of(api)


def labels_of(api: httpx.Client) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(api.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def rules(checkout: Path) -> list[Mapping[str, Any]]:
    (group,) = yaml.safe_load((checkout / "deploy/prometheus/rules.yml").read_text())["groups"]
    return list(group["rules"])


def expressions(checkout: Path) -> Iterator[tuple[str, str]]:
    for rule in rules(checkout):
        yield rule["alert"], rule["expr"]
    for panel in json.loads((checkout / "deploy/grafana/dashboard.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def children(node: Any) -> Iterator[Any]:
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        if (child := getattr(node, name, None)) is not None:
            yield child
    yield from getattr(node, "args", ())


def walk(node: Any) -> Iterator[Any]:
    yield node
    for child in children(node):
        yield from walk(child)


def test_every_series_and_label_of_an_expression_is_exported(checkout: Path, exported: Mapping[str, set[str]]):
    for title, text in expressions(checkout):
        nodes = list(walk(promql.parse(text)))
        known: set[str] = set()
        for selector in (node for node in nodes if isinstance(node, promql.VectorSelector)):
            labels = {**exported, **OF_PROMETHEUS}.get(selector.name)
            assert labels is not None, f"{title}: {selector.name} is not exported"
            known |= labels | SCRAPED
            for matcher in selector.matchers.matchers:
                assert matcher.name in labels | SCRAPED, f"{title}: {selector.name} has no label {matcher.name}"
                if matcher.name not in SCRAPED:
                    of_label = VALUES[selector.name, matcher.name]
                    for value in matcher.value.split("|"):
                        assert value in of_label, f"{title}: {matcher.name} is never {value!r}"
        for aggregate in (node for node in nodes if isinstance(node, promql.AggregateExpr)):
            grouped = set(aggregate.modifier.labels) if aggregate.modifier is not None else set()
            assert grouped <= known, f"{title}: {grouped - known} is no label"


def test_every_metric_is_on_the_dashboard(checkout: Path, exported: Mapping[str, set[str]]):
    dashboard = (checkout / "deploy/grafana/dashboard.json").read_text()
    families = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in exported}
    assert {name for name in families if name not in dashboard} == set()


def test_a_rule_says_what_happens_and_what_to_do(checkout: Path):
    names = [rule["alert"] for rule in rules(checkout)]
    assert len(set(names)) == len(names) >= 10
    for rule in rules(checkout):
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}
        assert all(text.endswith(".") for text in rule["annotations"].values()), rule["alert"]
        assert re.fullmatch(r"\d+m", rule.get("for", "0m"))


def test_the_panels_do_not_overlap(checkout: Path):
    taken: set[tuple[int, int]] = set()
    panels = json.loads((checkout / "deploy/grafana/dashboard.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
