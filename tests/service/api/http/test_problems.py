import json

import httpx
import pytest

from gradclinic.settings import Settings
from gradclinic.web import create_app

from ..examples import EXPERIMENT, experiment

RESOLVE = "/v1/experiments:resolve"
LAYER = {"kind": "linear", "out_features": 8}


def refused(answer: httpx.Response, status: int = 422) -> dict:
    """The problem document of a refusal, whole as RFC 9457 wants it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert {"type", "title", "detail", "code", "instance", "errors"} <= document.keys()
    return document


def entry(answer: httpx.Response) -> dict:
    (only,) = refused(answer)["errors"]
    return only


def resolving(**changes: object) -> dict:
    return {"experiment": experiment(**changes)}


@pytest.mark.parametrize(
    ("body", "pointer", "value", "allowed"),
    [
        (resolving(model={"depth": 0}), "/experiment/model/depth", 0, "an integer from 1 to 1,000"),
        (resolving(model={"width": "16"}), "/experiment/model/width", "16", "an integer from 1 to 65,536"),
        (resolving(model={"depth": 8.0}), "/experiment/model/depth", 8.0, "an integer from 1 to 1,000"),
        (resolving(model={"kind": "perceptron"}), "/experiment/model/kind", "perceptron", "mlp"),
        (resolving(model={"activation": "relux"}), "/experiment/model/activation", "relux", "relu"),
        (resolving(data={"kind": "imagenet"}), "/experiment/data/kind", "imagenet", "digits"),
        (resolving(clipping={"kind": "norm"}), "/experiment/clipping/max_norm", None, "a number above 0"),
        (
            {"experiment": EXPERIMENT, "remedies": [{"kind": "lower_learning_rate", "factor": 3}]},
            "/remedies/0/factor",
            3,
            "a number above 0 and below 1",
        ),
        (
            {
                "experiment": experiment(
                    model={"initialization": {"scheme": "torch_default"}}, optimizer={"learning_rate": -1}
                )
            },
            "/experiment/optimizer/learning_rate",
            -1,
            "a number above 0",
        ),
    ],
)
def test_a_refusal_names_the_place_the_value_and_what_is_allowed(
    api: httpx.Client, body: dict, pointer: str, value: object, allowed: str
) -> None:
    found = entry(api.post(RESOLVE, json=body))
    assert (found["pointer"], found["value"]) == (pointer, value)
    assert allowed in found["allowed"]


@pytest.mark.parametrize(
    ("changes", "pointer", "detail", "allowed"),
    [
        ({"remedies": {}}, "/remedies", "should be a list, not an object", "a list of at most 20 items"),
        (
            {"remedies": [{"kind": "add_batch_norm"}] * 21},
            "/remedies",
            "should have at most 20 items, not 21",
            "a list of at most 20 items",
        ),
        ({"labels": {"a": 1}}, "/labels/a", "should be a valid string, not an integer", "at most 200 characters"),
        ({"labels": {str(n): "" for n in range(51)}}, "/labels", "should have at most 50 items", "of at most 50 items"),
        ({"name": "x" * 201}, "/name", "should have at most 200 characters", "a string of 1 to 200 characters"),
        ({"name": "a\nb"}, "/name", "should match pattern", "that matches ^"),
    ],
)
def test_a_refusal_speaks_of_json_and_not_of_the_language_behind_it(
    api: httpx.Client, changes: dict, pointer: str, detail: str, allowed: str
) -> None:
    found = entry(api.post("/v1/runs", json={"experiment": EXPERIMENT, **changes}))
    assert found["pointer"] == pointer
    assert found["detail"].startswith(detail)
    assert allowed in found["allowed"]


def test_a_key_of_thousands_of_letters_is_not_sent_back_again_and_again(api: httpx.Client) -> None:
    document = refused(api.post(RESOLVE, json=resolving(model={"k" * 5000: 1})))
    assert len(document["detail"]) < 1000


def test_an_unknown_key_is_refused_with_the_known_ones_and_a_guess(api: httpx.Client) -> None:
    found = entry(api.post(RESOLVE, json=resolving(model={"activatoin": "relu"})))
    assert found["pointer"] == "/experiment/model/activatoin"
    assert "did you mean 'activation'?" in found["detail"]
    assert "width" in found["allowed"]


def test_a_key_named_like_a_tag_is_not_taken_for_the_tag(api: httpx.Client) -> None:
    body = resolving(clipping={"kind": "norm", "norm": 3, "max_norm": 1.0})
    assert entry(api.post(RESOLVE, json=body))["pointer"] == "/experiment/clipping/norm"


def test_every_fault_is_named_at_once(api: httpx.Client) -> None:
    body = resolving(model={"depth": 0, "width": 0}, optimizer={"learning_rate": 0})
    pointers = {found["pointer"] for found in refused(api.post(RESOLVE, json=body))["errors"]}
    assert pointers == {
        "/experiment/model/depth",
        "/experiment/model/width",
        "/experiment/optimizer/learning_rate",
    }


def test_a_fault_deep_in_a_list_of_layers_is_found_there(api: httpx.Client) -> None:
    layers = [{"kind": "repeat", "times": 2, "body": [LAYER, {"kind": "linear", "out_features": 0}]}]
    body = {"experiment": {**EXPERIMENT, "model": {"kind": "layers", "layers": layers}}}
    assert entry(api.post(RESOLVE, json=body))["pointer"] == "/experiment/model/layers/0/body/1/out_features"


def test_a_shape_that_does_not_fit_is_named_at_its_layer(api: httpx.Client) -> None:
    layers = [LAYER, {"kind": "residual", "body": [{"kind": "linear", "out_features": 3}]}]
    body = {"experiment": {**EXPERIMENT, "model": {"kind": "layers", "layers": layers}}}
    found = entry(api.post(RESOLVE, json=body))
    assert found["pointer"] == "/experiment/model/layers/1"
    assert "[8]" in found["detail"]
    assert "[3]" in found["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused_where_it_stands(api: httpx.Client, number: str) -> None:
    text = json.dumps(resolving()).replace('"learning_rate": 0.1', f'"learning_rate": {number}')
    found = entry(api.post(RESOLVE, content=text, headers={"content-type": "application/json"}))
    assert found["pointer"] == "/experiment/optimizer/learning_rate"
    assert found["value"] in {"NaN", "Infinity", "-Infinity"}


def test_a_billion_layers_are_refused_before_they_are_expanded(api: httpx.Client) -> None:
    layer: dict = LAYER
    for _ in range(3):
        layer = {"kind": "repeat", "times": 1000, "body": [layer]}
    body = {
        "experiment": {**EXPERIMENT, "model": {"kind": "layers", "layers": [layer]}},
        "remedies": [{"kind": "add_skip_connections"}, {"kind": "add_batch_norm"}],
    }
    document = refused(api.post(RESOLVE, json=body))
    assert document["code"] == "too_large"
    assert document["errors"][0]["pointer"] == "/experiment/model/layers"
    assert document["errors"][0]["value"] == 10**9


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"experiment": 1', "line 1"),
        (b"\xff\xfe{}", "UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "nested too deeply"),
        (b'{"experiment": ' + b"1" * 5000 + b"}", "number"),
        (b'{"experiment": 1, "experiment": 2}', "twice"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_400_that_says_why(api: httpx.Client, content: bytes, words: str) -> None:
    answer = api.post(RESOLVE, content=content, headers={"content-type": "application/json"})
    assert words in refused(answer, 400)["detail"]


def test_a_body_of_another_type_is_a_415(api: httpx.Client) -> None:
    answer = api.post(RESOLVE, content=json.dumps(resolving()), headers={"content-type": "text/plain"})
    assert refused(answer, 415)["code"] == "unsupported_media_type"


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_a_413(api: httpx.Client, settings: Settings, announced: bool) -> None:
    content = b" " * (settings.max_request_bytes + 1)
    sent = content if announced else iter([content[: 2**20], content[2**20 :]])
    answer = api.post(RESOLVE, content=sent, headers={"content-type": "application/json"})
    assert f"{settings.max_request_bytes:,}" in refused(answer, 413)["detail"]


def test_a_missing_body_is_asked_for(api: httpx.Client) -> None:
    assert entry(api.post(RESOLVE))["pointer"] == ""


def test_text_that_is_no_unicode_is_refused_and_not_lost(api: httpx.Client) -> None:
    content = b'{"experiment": {}, "name": "\\ud800"}'
    document = refused(api.post("/v1/runs", content=content, headers={"content-type": "application/json"}))
    assert "/name" in {found["pointer"] for found in document["errors"]}


def test_a_query_parameter_is_named(api: httpx.Client) -> None:
    (found,) = refused(api.get("/v1/runs", params={"limit": 0}))["errors"]
    assert (found["parameter"], found["pointer"], found["value"]) == ("limit", None, "0")


def test_an_unknown_query_parameter_is_refused_with_the_known_ones_and_a_guess(api: httpx.Client) -> None:
    found = entry(api.get("/v1/runs", params={"stauts": "failed"}))
    assert (found["parameter"], found["pointer"]) == ("stauts", None)
    assert "did you mean 'status'?" in found["detail"]
    assert {"status", "condition", "label", "limit"} <= set(found["allowed"].split(", "))
    assert entry(api.post("/v1/runs?name=mine", json={"experiment": EXPERIMENT}))["allowed"] == "no parameters"
    assert api.get("/livez", params={"from": "a balancer"}).status_code == 200


def test_a_parameter_that_only_its_meaning_makes_wrong_is_named_as_a_parameter(api: httpx.Client) -> None:
    document = refused(api.get("/v1/figures/studies/study_1/map", params={"metric": "beauty"}))
    (found,) = document["errors"]
    assert (found["parameter"], found["pointer"], found["value"]) == ("metric", None, "beauty")
    assert document["detail"].startswith("metric: ")


def test_a_method_that_is_not_possible_is_answered_with_those_that_are(api: httpx.Client) -> None:
    assert api.put("/v1/runs/run_1").headers["allow"] == "DELETE, GET, HEAD, PATCH"
    assert api.delete("/v1/runs").headers["allow"] == "GET, HEAD, POST"
    assert api.get("/v1/runs/run_1/cancel").headers["allow"] == "POST"


def test_unknown_paths_and_methods_are_problem_documents_too(api: httpx.Client) -> None:
    assert refused(api.get("/v1/nothing"), 404)["code"] == "not_found"
    assert refused(api.put("/v1/runs"), 405)["code"] == "method_not_allowed"
    assert "there is no run" in refused(api.get("/v1/runs/run_1"), 404)["detail"]


def test_a_500_never_shows_the_exceptions_text(settings: Settings) -> None:
    from fastapi.testclient import TestClient

    app = create_app(settings)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the password is hunter2")

    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text


def test_every_answer_carries_the_requests_id(api: httpx.Client) -> None:
    assert api.get("/livez", headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"
    made = api.get("/v1/nothing", headers={"X-Request-ID": "no good\x7f"}).headers["x-request-id"]
    assert made
    assert "no good" not in made
