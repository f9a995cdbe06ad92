import httpx
import jsonpatch
import pytest

from .examples import EXPERIMENT, experiment

RESOLVE = "/v1/experiments:resolve"


def resolved(api: httpx.Client, posted: dict, *remedies: dict) -> dict:
    answer = api.post(RESOLVE, json={"experiment": posted, "remedies": list(remedies)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_experiment_comes_back_with_every_default_spelled_out(api: httpx.Client) -> None:
    found = resolved(api, EXPERIMENT)
    assert found["patch"] == []
    assert found["resolved_experiment"]["training"] == {
        "steps": 30,
        "batch_size": 32,
        "seed": 0,
        "precision": "float32",
        "device": "auto",
        "stop_when": None,
    }


def test_the_patch_leads_from_the_posted_experiment_to_the_resolved_one(api: httpx.Client) -> None:
    before = resolved(api, EXPERIMENT)["resolved_experiment"]
    found = resolved(api, EXPERIMENT, {"kind": "add_batch_norm"}, {"kind": "lower_learning_rate"})
    assert jsonpatch.apply_patch(before, found["patch"]) == found["resolved_experiment"]
    assert {change["path"] for change in found["patch"]} == {"/model/normalization", "/optimizer/learning_rate"}


def test_the_layers_have_their_names_shapes_and_parameters(api: httpx.Client) -> None:
    found = resolved(api, EXPERIMENT, {"kind": "add_skip_connections"})
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert layers["0.linear"] == {"name": "0.linear", "kind": "linear", "shape": [16], "parameters": 64 * 16 + 16}
    assert layers["2.residual.0.linear"]["parameters"] == 16 * 16 + 16
    assert sum(layer["parameters"] for layer in found["layers"]) == found["parameters"]


def test_the_estimate_grows_with_the_batch(api: httpx.Client) -> None:
    small, large = (resolved(api, experiment(training={"batch_size": size})) for size in (32, 64))
    assert large["flops_per_step"] == 2 * small["flops_per_step"]
    assert large["memory_bytes"] > small["memory_bytes"]
    assert large["parameters"] == small["parameters"] == 64 * 16 + 16 + 7 * (16 * 16 + 16) + 16 * 10 + 10


def test_a_sick_network_is_warned_about_before_it_is_trained(api: httpx.Client) -> None:
    found = resolved(api, experiment(model={"depth": 12, "width": 64}))
    assert found["predicted_profile"]["depth_slope"] > 5
    assert any("predicted to shrink" in warning for warning in found["warnings"])
    assert len(found["predicted_profile"]["sites"]) == 12


def test_where_theory_says_nothing_the_reason_is_given(api: httpx.Client) -> None:
    found = resolved(api, experiment(model={"depth": 1}))
    assert found["predicted_profile"]["sites"] == []
    assert found["predicted_profile"]["reason"]


@pytest.mark.parametrize(
    ("remedy", "line"),
    [
        ({"kind": "swap_activation"}, "nn.ReLU()"),
        ({"kind": "add_batch_norm"}, "nn.BatchNorm1d(16"),
        ({"kind": "lower_learning_rate"}, "lr=0.01"),
        ({"kind": "add_skip_connections"}, "class Residual(nn.Module)"),
        ({"kind": "set_initialization"}, "nn.init.xavier_uniform_"),
        ({"kind": "clip_gradients", "by": "norm", "threshold": 1.0}, "clip_grad_norm_(model.parameters(), 1.0)"),
    ],
)
def test_the_listing_shows_what_a_remedy_changes(api: httpx.Client, remedy: dict, line: str) -> None:
    found = resolved(api, EXPERIMENT, remedy)
    assert line in found["listing"]
    assert line not in found["listing_before"]


def test_a_remedy_that_has_nothing_to_change_is_refused_with_its_place(api: httpx.Client) -> None:
    remedies = [{"kind": "add_batch_norm"}, {"kind": "add_batch_norm"}]
    answer = api.post(RESOLVE, json={"experiment": EXPERIMENT, "remedies": remedies})
    assert answer.status_code == 422
    assert answer.json()["code"] == "remedy_does_not_apply"
    (found,) = answer.json()["errors"]
    assert found["pointer"] == "/remedies/1"
    assert found["value"]["kind"] == "add_batch_norm"


@pytest.mark.parametrize(
    ("changes", "pointer", "suggestion"),
    [
        ({"model": {"width": 65_536, "depth": 100}}, "/experiment/model", "at most 50,000,000 parameters"),
        (
            {"training": {"steps": 999_999}, "recording": {"full_every": 1}},
            "/experiment/recording/every",
            "record every",
        ),
        (
            {"model": {"width": 2048}, "training": {"batch_size": 65_536}},
            "/experiment/training/batch_size",
            "would fit",
        ),
    ],
)
def test_what_would_not_fit_is_refused_with_what_would(
    api: httpx.Client, changes: dict, pointer: str, suggestion: str
) -> None:
    answer = api.post(RESOLVE, json={"experiment": experiment(**changes)})
    assert answer.status_code == 422
    assert answer.json()["code"] == "too_large"
    found = {each["pointer"]: each for each in answer.json()["errors"]}
    assert suggestion in found[pointer]["allowed"]


def test_the_batch_size_that_is_suggested_does_fit(api: httpx.Client) -> None:
    changes = {"model": {"width": 2048}, "training": {"batch_size": 65_536}}
    allowed = api.post(RESOLVE, json={"experiment": experiment(**changes)}).json()["errors"][0]["allowed"]
    fitting = int(allowed.split("a batch size of ")[1].split(" ")[0].replace(",", ""))
    changes["training"] = {"batch_size": fitting}
    assert api.post(RESOLVE, json={"experiment": experiment(**changes)}).status_code == 200


def test_nothing_is_stored(api: httpx.Client) -> None:
    resolved(api, EXPERIMENT)
    assert api.get("/v1/runs").json()["items"] == []
