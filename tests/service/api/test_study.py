import httpx

from gradclinic.schemas.comparison import ComparisonAnswer

from .conftest import Trained
from .examples import EXPERIMENT, experiment, study


def runs_of(api: httpx.Client, study_id: str) -> list[dict]:
    listed = api.get("/v1/runs", params={"study": study_id, "limit": 200}).json()["items"]
    return [api.get(run["urls"]["self"]).json() for run in listed]


def test_a_study_fans_out_and_the_baseline_is_always_there(api_on_both: httpx.Client) -> None:
    answer = api_on_both.post("/v1/studies", json=study(seeds=[3, 5], name="trial", labels={"team": "vision"}))
    assert answer.status_code == 202
    made = api_on_both.get(answer.headers["location"]).json()
    assert made["status"] == "running"
    assert [arm["name"] for arm in made["arms"]] == ["baseline", "batch norm"]
    assert made["progress"] == {"runs": 4, "by_status": {"queued": 4}, "steps_done": 0, "steps": 120}
    runs = runs_of(api_on_both, made["id"])
    assert {(run["arm"], run["seed"]) for run in runs} == {
        (arm, seed) for arm in ("baseline", "batch norm") for seed in (3, 5)
    }


def test_studies_are_listed_by_label_and_status_page_by_page(api_on_both: httpx.Client) -> None:
    made = [
        api_on_both.post("/v1/studies", json=study(seeds=[0], labels={"team": team})).json()["id"]
        for team in ("vision", "speech", "vision")
    ]
    filters = {"label": "team:vision", "status": "running", "limit": 1}
    first = api_on_both.get("/v1/studies", params=filters)
    rest = api_on_both.get(first.links["next"]["url"])
    assert [page.json()["items"][0]["id"] for page in (first, rest)] == [made[2], made[0]]
    assert rest.json()["next"] is None
    api_on_both.post(f"/v1/studies/{made[0]}/cancel")
    canceled = api_on_both.get("/v1/studies", params={"status": "canceled"}).json()["items"]
    assert [found["id"] for found in canceled] == [made[0]]
    assert api_on_both.get("/v1/studies", params={"condition": "healthy"}).json()["items"] == []
    for wrong in ({"status": "expired"}, {"condition": "tired"}, {"label": "team"}):
        assert api_on_both.get("/v1/studies", params=wrong).status_code == 422


def test_runs_of_one_seed_are_paired(api: httpx.Client) -> None:
    made = api.post("/v1/studies", json=study(seeds=[7])).json()
    assert {run["resolved_experiment"]["training"]["seed"] for run in runs_of(api, made["id"])} == {7}


def test_an_arm_can_have_an_experiment_of_its_own(api: httpx.Client) -> None:
    arms = [{"name": "shallow", "experiment": experiment(model={"depth": 2})}]
    made = api.post("/v1/studies", json=study(arms=arms, seeds=[0])).json()
    depths = {run["arm"]: run["experiment"]["model"]["depth"] for run in runs_of(api, made["id"])}
    assert depths == {"baseline": 8, "shallow": 2}


def test_a_sweep_is_applied_before_the_remedies(api: httpx.Client) -> None:
    arms = [{"name": "slower", "remedies": [{"kind": "lower_learning_rate", "factor": 0.5}]}]
    sweep = [{"field": "/optimizer/learning_rate", "values": [0.2, 2.0]}, {"field": "/model/depth", "values": [3, 4]}]
    made = api.post("/v1/studies", json=study(arms=arms, seeds=[0], sweep=sweep)).json()
    runs = runs_of(api, made["id"])
    assert len(runs) == 2 * 2 * 2
    for run in runs:
        rate = run["sweep_point"]["/optimizer/learning_rate"] * (0.5 if run["arm"] == "slower" else 1)
        assert run["resolved_experiment"]["optimizer"]["learning_rate"] == rate
        assert run["resolved_experiment"]["model"]["depth"] == run["sweep_point"]["/model/depth"]


def test_each_arm_lists_every_field_that_its_remedies_change(api: httpx.Client) -> None:
    decayed = experiment(optimizer={"kind": "adam", "learning_rate": 0.01, "weight_decay": 0.1})
    by_sgd = {"kind": "change_optimizer", "optimizer": {"kind": "sgd", "learning_rate": 0.1}, "weight_decay": 0.0}
    arms = [{"name": "sgd", "remedies": [by_sgd, {"kind": "train_longer"}]}]
    made = api.post("/v1/studies", json={"experiment": decayed, "arms": arms, "seeds": [3, 4]}).json()
    baseline, changed = made["arms"]
    assert baseline["patch"] == []
    assert {operation["path"] for operation in changed["patch"]} == {
        "/optimizer/beta1",
        "/optimizer/beta2",
        "/optimizer/eps",
        "/optimizer/kind",
        "/optimizer/learning_rate",
        "/optimizer/momentum",
        "/optimizer/nesterov",
        "/optimizer/weight_decay",
        "/training/steps",
    }
    assert api.get(f"/v1/studies/{made['id']}").json()["arms"] == made["arms"]


def test_one_bad_arm_refuses_the_whole_study_and_every_fault_is_named(api: httpx.Client) -> None:
    arms = [
        {"name": "fine", "remedies": [{"kind": "add_batch_norm"}]},
        {"name": "nothing to do", "remedies": [{"kind": "add_batch_norm"}, {"kind": "add_batch_norm"}]},
        {"name": "too", "remedies": [{"kind": "swap_activation", "activation": "sigmoid"}]},
    ]
    answer = api.post("/v1/studies", json=study(arms=arms))
    assert answer.status_code == 422
    assert [found["pointer"] for found in answer.json()["errors"]] == ["/arms/1/remedies/1", "/arms/2/remedies/0"]
    assert api.get("/v1/studies").json()["items"] == []
    assert api.get("/v1/runs").json()["items"] == []


def pointer_of(answer: httpx.Response) -> str:
    assert answer.status_code == 422, answer.text
    return answer.json()["errors"][0]["pointer"]


def test_what_a_study_cannot_be_is_named_where_it_stands(api: httpx.Client) -> None:
    norm = {"name": "norm", "remedies": [{"kind": "add_batch_norm"}]}
    bad = {
        "/arms/1/name": study(arms=[norm, norm]),
        "/arms/0/remedies": study(arms=[{**norm, "name": "baseline"}]),
        "/arms/0": study(arms=[{**norm, "experiment": EXPERIMENT}]),
        "/seeds/1": study(seeds=[4, 4]),
        "/seeds/0": study(seeds=[-1]),
        "/seeds": study(seeds=list(range(1000)), arms=[norm, {**norm, "name": "too"}]),
        "/sweep/0/field": study(sweep=[{"field": "/model/dept", "values": [1]}]),
        "/sweep/0/values/1": study(sweep=[{"field": "/model/depth", "values": [4, 0]}]),
    }
    assert {pointer: pointer_of(api.post("/v1/studies", json=body)) for pointer, body in bad.items()} == {
        pointer: pointer for pointer in bad
    }


def test_five_hundred_runs_are_accepted_at_once(api_on_both: httpx.Client) -> None:
    answer = api_on_both.post("/v1/studies", json=study(seeds=list(range(250))))
    assert answer.status_code == 202
    assert answer.json()["progress"]["runs"] == 500


def test_the_same_key_makes_one_study(api: httpx.Client) -> None:
    first, again = (api.post("/v1/studies", json=study(), headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert len(api.get("/v1/studies").json()["items"]) == 1


def test_a_cancelled_study_ends_and_can_still_be_compared(api_on_both: httpx.Client) -> None:
    made = api_on_both.post("/v1/studies", json=study()).json()
    assert api_on_both.post(made["urls"]["cancel"]).status_code == 202
    again = api_on_both.post(made["urls"]["cancel"])
    assert again.status_code == 200
    assert again.json()["status"] == "canceled"
    assert api_on_both.get(made["urls"]["comparison"]).status_code == 200


def test_a_deleted_study_takes_its_runs_with_it(api: httpx.Client) -> None:
    made = api.post("/v1/studies", json=study()).json()
    assert api.delete(made["urls"]["self"]).status_code == 204
    assert api.get("/v1/runs").json()["items"] == []


def test_a_comparison_ranks_the_arms_with_effects_and_conditions(trained: Trained) -> None:
    found = trained.api.get(f"/v1/studies/{trained.study}/comparison").json()
    assert found["complete"]
    assert found["metric"] == "final_validation_loss"
    (arm,) = found["arms"]
    assert (arm["arm"], arm["rank"], arm["runs"]) == ("batch norm", 1, 2)
    assert arm["baseline_conditions"] == {"vanishing_gradients": 2}
    assert arm["effects"]["final_validation_loss"]["difference"] < 0
    assert abs(arm["effects"]["depth_slope"]["arm_mean"]) < 1 < arm["effects"]["depth_slope"]["baseline_mean"]
    assert arm["cost"]["parameters_ratio"] > 1
    (sick,) = found["baseline_diagnoses"]
    assert (sick["primary"], sick["findings"][0]["seeds"], sick["findings"][0]["of"]) == ("vanishing_gradients", 2, 2)
    assert ComparisonAnswer.model_validate(found).arms[0].diagnoses[0].seeds == sick["seeds"]


def test_a_comparison_of_a_study_that_runs_is_open(api: httpx.Client) -> None:
    made = api.post("/v1/studies", json=study()).json()
    found = api.get(made["urls"]["comparison"]).json()
    assert not found["complete"]
    assert [arm["verdict"] for arm in found["arms"]] == ["inconclusive"]


def test_verdicts_can_rest_on_another_metric(trained: Trained) -> None:
    at = f"/v1/studies/{trained.study}/comparison"
    assert trained.api.get(at, params={"metric": "final_train_loss"}).json()["metric"] == "final_train_loss"
    answer = trained.api.get(at, params={"metric": "beauty"})
    assert answer.status_code == 422
    assert "final_validation_loss" in answer.json()["errors"][0]["allowed"]


def test_any_runs_can_be_compared(trained: Trained) -> None:
    runs = {(run["arm"], run["seed"]): run["id"] for run in runs_of(trained.api, trained.study)}
    ids = list(runs.values())
    query = {"runs": ",".join(ids), "baseline": runs["baseline", 0]}
    by_address = trained.api.get("/v1/comparisons", params=query).json()
    by_body = trained.api.post("/v1/comparisons", json={"runs": ids, "baseline": runs["baseline", 0]}).json()
    assert by_address == by_body
    assert by_address["baseline"] == "baseline"
    assert by_address["arms"][0]["arm"] == "batch norm"


def test_runs_of_no_study_are_arms_of_their_own(trained: Trained) -> None:
    body = {"runs": [trained.sick, trained.broken], "baseline": trained.sick}
    found = trained.api.post("/v1/comparisons", json=body).json()
    (arm,) = found["arms"]
    assert arm["arm"] == trained.broken
    assert arm["effects"]["final_validation_loss"]["difference"] is None


def test_a_comparison_that_cannot_be_made_says_why(trained: Trained) -> None:
    ask = trained.api.post
    outsider = ask("/v1/comparisons", json={"runs": [trained.sick, trained.broken], "baseline": "run_1"})
    assert outsider.json()["errors"][0]["pointer"] == "/baseline"
    assert ask("/v1/comparisons", json={"runs": [trained.sick, "run_1"], "baseline": trained.sick}).status_code == 404
    alone = ask("/v1/comparisons", json={"runs": [trained.sick, trained.sick], "baseline": trained.sick})
    assert alone.status_code == 409


def test_a_control_arm_tries_a_remedy_drawn_by_chance(api: httpx.Client) -> None:
    made = api.post("/v1/studies", json=study(seeds=[0], control="random_remedy")).json()
    assert [arm["name"] for arm in made["arms"]] == ["baseline", "batch norm", "random control"]
    (drawn,) = made["arms"][2]["remedies"]
    assert drawn["kind"] != "add_batch_norm"
    again = api.post("/v1/studies", json=study(seeds=[0], control="random_remedy")).json()
    assert again["arms"] == made["arms"]


def test_a_study_whose_experiments_would_fill_the_database_is_refused(api: httpx.Client) -> None:
    body = [{"kind": "linear", "out_features": 4}, {"kind": "activation", "activation": "relu"}] * 4
    layers = [{"kind": "linear", "out_features": 4}, *[{"kind": "residual", "body": body}] * 190]
    large = experiment(data={"kind": "moons"})
    large["model"] = {"kind": "layers", "layers": [*layers, {"kind": "linear", "out_features": 2}]}
    posted = {"experiment": large, "arms": [], "seeds": list(range(200))}
    answer = api.post("/v1/studies", json=posted)
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["pointer"] == "/seeds"
    assert "at most 33.6 MB" in problem["allowed"]
    assert api.get("/v1/runs").json()["items"] == []
    assert api.post("/v1/studies", json={**posted, "seeds": [0, 1]}).status_code == 202
    assert len(api.get("/v1/runs").content) < 10_000


def test_a_sweep_over_networks_that_take_long_to_check_is_refused_at_once(api: httpx.Client) -> None:
    axes = [
        {"field": "/optimizer/learning_rate", "values": [0.001 * n for n in range(1, 101)]},
        {"field": "/model/width", "values": list(range(1, 11))},
    ]
    posted = {"experiment": experiment(model={"depth": 900}), "arms": [], "seeds": [0], "sweep": axes}
    answer = api.post("/v1/studies", json=posted)
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert (problem["pointer"], problem["value"]) == ("/sweep", 1_801_000)
    assert answer.elapsed.total_seconds() < 5


def test_a_study_is_renamed_labelled_and_annotated(api: httpx.Client) -> None:
    at = api.post("/v1/studies", json=study(labels={"team": "vision"})).headers["location"]
    edited = api.patch(at, json={"name": "second", "labels": {"week": "47"}, "notes": "compare with the first"}).json()
    assert (edited["name"], edited["labels"]) == ("second", {"team": "vision", "week": "47"})
    assert api.get(at).json()["notes"] == "compare with the first"
    found = api.get("/v1/studies", params={"label": ["team:vision", "week:47"]}).json()["items"]
    assert [study["name"] for study in found] == ["second"]
    assert api.patch("/v1/studies/study_x", json={"name": "x"}).status_code == 404
