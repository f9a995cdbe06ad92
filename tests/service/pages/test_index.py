import inspect
import json
import shlex
from datetime import UTC, datetime, timedelta
from html import unescape
from types import SimpleNamespace

import pytest

from gradclinic.client.connection import Connection
from gradclinic.pages import index
from gradclinic.pages.examples import examples
from gradclinic.store import ListedRun, Reason

from .document import Page


class Sent(Exception):
    """Ends a program once it has sent its request."""


URL = "http://127.0.0.1:8000"


def test_runs_that_a_study_a_search_or_a_check_asked_for_do_not_flood_the_first_page(clinic):
    text = clinic.page("/")
    assert f"/runs/{clinic.broken}" in text
    assert f"/studies/{clinic.study}" in text
    assert f"/prescriptions/{clinic.prescription}" in text
    assert f"/runs/{clinic.sick}" not in text
    links = {link["href"] for link in Page(text).all("a")}
    assert "/runs?source=all" in links


def test_the_first_page_counts_what_runs_and_waits(clinic):
    text = clinic.page("/")
    queued = clinic.client.get("/v1/runs", params={"status": "queued", "total": True}).json()["total"]
    assert f"<strong>{queued}</strong> queued" in text
    assert "<strong>0</strong> workers" in text
    assert "no worker is there" in text


def test_a_run_in_a_critical_condition_needs_attention(clinic):
    attention = clinic.page("/").split('data-part="attention"')[1].split("</div>")[0]
    assert f"/runs/{clinic.broken}" in attention
    assert "exploding gradients" in attention


def a_check(baseline, verdict, name):
    return SimpleNamespace(id=name, name=name, baseline=baseline, verdict=verdict, created_at=datetime.now(UTC))


def test_only_a_baseline_whose_newest_verdict_is_a_fail_needs_attention():
    newest_first = [
        a_check("main", None, "goes on"),
        a_check("main", "fail", "broken"),
        a_check("other", "pass", "mended"),
        a_check("other", "fail", "long ago"),
        a_check("main", "fail", "earlier"),
    ]
    page = SimpleNamespace(items=newest_first)
    service = SimpleNamespace(store=SimpleNamespace(checks=SimpleNamespace(page=lambda limit: page)))
    assert [alert.called for alert in index._failed_checks(service)] == ["broken"]


def test_a_failed_check_without_a_name_is_called_by_what_it_is_compared_with():
    page = SimpleNamespace(items=[a_check("main", "fail", None)])
    service = SimpleNamespace(store=SimpleNamespace(checks=SimpleNamespace(page=lambda limit: page)))
    (alert,) = index._failed_checks(service)
    assert alert.called == "Check against main"
    assert "main" not in alert.words


def test_the_time_left_is_that_of_the_remaining_steps_at_the_speed_so_far():
    now = datetime.now(UTC)
    fields = dict.fromkeys(inspect.signature(ListedRun).parameters)
    known = {"status": "running", "reason": Reason("", ""), "started_at": now - timedelta(seconds=10)}
    run = ListedRun(**fields | known | {"step": 25, "steps": 100})
    assert index._left_s(run, now) == pytest.approx(30.0)
    assert index._left_s(ListedRun(**fields | known | {"step": 0, "steps": 100}), now) is None


@pytest.mark.parametrize("example", examples(URL), ids=lambda example: example.name)
def test_each_example_is_one_request_in_three_languages(clinic, example, monkeypatch):
    body = json.loads(example.body)
    answer = clinic.client.post("/v1/experiments:resolve", json={"experiment": body["experiment"]})
    assert answer.status_code == 200, answer.text
    words = shlex.split(example.curl.replace("\\\n", " "))
    assert words[:3] == ["curl", "-s", URL + example.path]
    assert json.loads(words[-1]) == body
    posted = []

    def post(_connection, _model, path, body, **_options):
        posted.append((path, body))
        raise Sent

    monkeypatch.setattr(Connection, "post", post)
    with pytest.raises(Sent):
        exec(compile(example.python, "example", "exec"), {})
    ((path, sent),) = posted
    assert path == example.path
    assert sent["experiment"] == body["experiment"]
    assert sent.get("arms") == body.get("arms")
    assert body.get("budget", {}).items() <= (sent.get("budget") or {}).items()


def test_the_examples_name_a_key_where_one_is_needed(clinic):
    assert all("Bearer $GRADCLINIC_API_KEY" in each.curl for each in examples(URL, with_key=True))
    assert "Bearer" not in unescape(clinic.page("/"))
