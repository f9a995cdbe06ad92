"""The page on which a request is made, without a browser."""

import io
import json
import re
import shlex
import subprocess
from html import unescape

import pytest

from gradclinic.cli.main import app
from gradclinic.client.connection import Connection
from gradclinic.pages import new, request_kinds
from gradclinic.pages.new import MOST_PROBLEMS
from gradclinic.pages.request_kinds import KINDS
from gradclinic.use_cases import check, prescription, study

from .conftest import EXPERIMENT, NASTY, Clinic
from .document import Page
from .form.test_fields import BODIES


class Sent(Exception):
    """Ends a program once it has sent its request."""


def posted(clinic: Clinic, **fields: object) -> Page:
    answer = clinic.client.post("/new", data=fields)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def body_of(page: Page):
    (before,) = [each for each in page.all("input") if each.get("name") == "before"]
    return json.loads(before["value"])


def start_of(page: Page):
    (start,) = [each for each in page.all("button") if "data-post" in each]
    return start


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_begins_with_a_request_that_can_be_sent(clinic, kind):
    page = Page(clinic.page(f"/new?kind={kind}"))
    body = body_of(page) | ({"baseline": "main"} if kind == "check" else {})
    filled = posted(clinic, kind=kind, before="{}", json=json.dumps(body))
    assert "disabled" not in start_of(filled)
    assert start_of(filled)["data-post"] == KINDS[kind].path
    assert body_of(filled) == body


def test_what_is_known_before_training_is_what_the_api_resolves(clinic):
    text = clinic.page("/new")
    answer = clinic.client.post("/v1/experiments:resolve", json=body_of(Page(text))).json()
    assert f"<dd>{answer['parameters']:,}</dd>" in text
    assert f"{answer['warnings'][0][1:]}." in text
    assert "nn.Sequential" in text
    assert "predicted before the first step" in text


def test_a_problem_stands_in_its_place_with_what_is_allowed(clinic):
    page = clinic.client.post(
        "/new",
        data={"kind": "run", "before": json.dumps({"experiment": EXPERIMENT}), "number /experiment/model/depth": "0"},
    )
    said = page.text.split('id="field-experiment-model-depth-note"')[1].split("</div>")[0]
    assert "greater than or equal to 1 (allowed: an integer from 1 to 1,000)" in said
    assert "1 problem" in page.text
    assert "disabled" in start_of(Page(page.text))


def test_a_new_check_begins_with_a_baseline_that_exists_and_its_seeds(clinic):
    body = body_of(Page(clinic.page("/new?kind=check")))
    assert body["baseline"] == clinic.client.get("/v1/baselines").json()["items"][0]["name"]
    assert "seeds" not in body


def test_a_baseline_that_does_not_exist_is_told_at_its_field(clinic):
    text = clinic.client.post("/new", data={"kind": "check", "before": '{"baseline": "none"}'}).text
    assert "none" in text.split('id="field-baseline-note"')[1].split("</div>")[0]
    assert '<option value="main">' in text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"a": 1, "a": 2}', "twice"),
        (r'{"a": "\ud800"}', "half of a character"),
    ],
)
def test_a_text_that_is_no_request_is_kept_and_explained(clinic, text, why):
    answer = clinic.client.post("/new", data={"kind": "run", "before": "{}", "json": text})
    assert why in answer.text.split('id="json-note"')[1].split("</div>")[0]
    (shown,) = re.findall(r'<textarea id="json"[^>]*>\n(.*?)</textarea>', answer.text, re.DOTALL)
    assert unescape(shown) == text


def test_a_request_that_is_too_long_is_refused_and_of_very_many_problems_the_first_are_described(clinic):
    layers = [{"kind": "no layer"}] * 1_000
    body = {"experiment": {**EXPERIMENT, "model": {"kind": "layers", "layers": layers}}}
    fields = {"kind": "run", "before": "{}"}
    answer = clinic.client.post("/new", data={**fields, "json": json.dumps(body)})
    assert f"{MOST_PROBLEMS} problems" in answer.text
    again = clinic.client.post("/new", data={**fields, "before": json.dumps(body_of(Page(answer.text)))})
    assert body_of(Page(again.text)) == body
    body["experiment"]["model"]["layers"] = layers * 10
    answer = clinic.client.post("/new", data={**fields, "json": json.dumps(body)})
    assert "the page takes 200,000" in answer.text
    assert len(answer.text) < 1_000_000
    broken = clinic.client.post("/new", data={**fields, "before": "{"})
    assert "This is not JSON" in broken.text


def test_a_remedy_that_is_ticked_is_an_arm_until_it_is_not(clinic):
    body = {"experiment": EXPERIMENT, "seeds": [0, 1], "arms": [{"name": "own", "experiment": EXPERIMENT}]}
    fields = {"kind": "study", "before": json.dumps(body), "ticks": "1"}
    page = posted(clinic, **fields, arm=["add_batch_norm", "set_learning_rate"])
    assert body_of(page)["arms"] == [
        body["arms"][0],
        {"name": "add batch norm", "remedies": [{"kind": "add_batch_norm"}]},
        {"name": "set learning rate", "remedies": [{"kind": "set_learning_rate"}]},
    ]
    page = posted(clinic, **fields | {"before": json.dumps(body_of(page))}, arm=["add_batch_norm"])
    assert [arm["name"] for arm in body_of(page)["arms"]] == ["own", "add batch norm"]
    assert "disabled" not in start_of(page)
    assert body_of(posted(clinic, **fields | {"before": json.dumps(body_of(page))}))["arms"] == body["arms"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_starts_what_it_shows_without_a_script(clinic, kind):
    named = f"{kind} without a script"
    body = {"baseline": "main"} if kind == "check" else {"experiment": EXPERIMENT}
    fields = {"kind": kind, "before": json.dumps(body), "json": "", "text /name": named}
    started = clinic.client.post("/new/start", data=fields, follow_redirects=False)
    assert started.status_code == 303, started.text
    resource = started.headers["Location"].removeprefix("/")
    assert clinic.client.get(f"/v1/{resource}").json()["name"] == named
    assert KINDS[kind].path == f"/v1/{resource.partition('/')[0]}"
    clinic.client.post(f"/v1/{resource}/cancel")


def test_a_form_with_a_problem_starts_nothing_and_tells_it_in_its_place(clinic):
    before = clinic.client.get("/v1/runs?total=true").json()["total"]
    fields = {"kind": "run", "before": json.dumps({"experiment": EXPERIMENT})}
    wrong = clinic.client.post("/new/start", data={**fields, "number /experiment/model/depth": "0"})
    assert "greater than or equal to 1" in wrong.text.split('id="field-experiment-model-depth-note"')[1]
    assert "not JSON" in clinic.client.post("/new/start", data={**fields, "json": "{"}).text
    unknown = clinic.client.post("/new/start", data={"kind": "check", "before": '{"baseline": "none"}'})
    assert "none" in unknown.text.split('id="field-baseline-note"')[1].split("</div>")[0]
    assert clinic.client.get("/v1/runs?total=true").json()["total"] == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_resolves_the_experiment_once(clinic, kind, monkeypatch):
    calls = []
    for module in (new, request_kinds, check, prescription, study):
        resolve = module.resolve
        monkeypatch.setattr(
            module, "resolve", lambda *given, at=resolve, **named: calls.append(1) or at(*given, **named)
        )
    body = {"experiment": EXPERIMENT, **({"baseline": "main"} if kind == "check" else {})}
    posted(clinic, kind=kind, before=json.dumps(body))
    assert len(calls) == 1


def test_another_kind_of_request_keeps_what_both_have(clinic):
    before = json.dumps(BODIES["study"])
    assert body_of(posted(clinic, kind="prescription", before=before)) == {"experiment": EXPERIMENT}


def test_what_exists_can_be_changed_and_started_again(clinic):
    for kind, identifier in (("run", clinic.sick), ("study", clinic.study), ("prescription", clinic.prescription)):
        page = Page(clinic.page(f"/new?from={identifier}"))
        assert start_of(page)["data-post"] == KINDS[kind].path
        assert "disabled" not in start_of(page), identifier
        assert body_of(page)["experiment"]["model"]["depth"] == 8
    assert body_of(Page(clinic.page(f"/new?from={clinic.study}")))["arms"][0]["name"] == NASTY
    assert body_of(Page(clinic.page(f"/new?from={clinic.check}")))["baseline"] == "main"
    assert f"/new?from={clinic.sick}" in clinic.page(f"/runs/{clinic.sick}")
    assert clinic.client.get("/new?from=run_none").status_code == 404
    assert clinic.client.get("/new?from=key_1").status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_each_way_to_copy_sends_the_same_request(clinic, kind, monkeypatch, tmp_path):
    body = {**BODIES[kind], "name": "it's $HOME & `x`"}
    text = clinic.client.post("/new", data={"kind": kind, "before": "{}", "json": json.dumps(body)}).text
    ways = texts(text)
    words = shlex.split(ways["curl"].replace("\\\n", " "))
    assert (words[0], words[2]) == ("curl", f"http://127.0.0.1{KINDS[kind].path}")
    assert json.loads(words[-1]) == body
    sent = []

    def post(_connection, _model, path, body, **_options):
        sent.append((path, body))
        raise Sent

    monkeypatch.setattr(Connection, "post", post)
    with pytest.raises(Sent):
        exec(compile(ways["python"], "way", "exec"), {})
    assert sent == [(KINDS[kind].path, body)]
    command = ways["command"].splitlines()
    script = "\n".join(["cat <<'JSON'", *command[1:]])
    heard = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    assert json.loads(heard) == body
    monkeypatch.setattr("sys.stdin", io.StringIO(heard))
    arguments = shlex.split(command[0].partition(" <<")[0])
    with pytest.raises(Sent):
        app(arguments[1:], standalone_mode=False)
    assert sent[1] == sent[0]


def texts(text: str) -> dict[str, str]:
    return {
        way: unescape(text.split(f'id="way-{way}-text"')[1].partition(">")[2].partition("</pre>")[0])
        for way in ("curl", "command", "python")
    }
