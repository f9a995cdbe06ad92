import httpx

from gradclinic.settings import Settings

from . import examples
from .http.test_problems import refused
from .keyed import keyed

CSV = {"Content-Type": "text/csv"}


def test_it_names_the_key_the_request_and_what_became_of_it(settings: Settings) -> None:
    with keyed(settings) as clinic:

        def ask(method: str, path: str, **body: object) -> httpx.Response:
            headers = {**clinic.header("manage"), "X-Request-ID": f"{method}-1", **CSV}
            if "json" in body:
                del headers["Content-Type"]
            return clinic.api.request(method, path, headers=headers, **body)

        run = ask("POST", "/v1/runs", json={"experiment": examples.EXPERIMENT}).json()
        data = ask("POST", "/v1/datasets", content="a,b\n" + "1,2\n3,4\n" * 20).json()
        ask("GET", "/v1/runs")
        ask("POST", "/v1/experiments:resolve", json={"experiment": examples.EXPERIMENT})
        assert ask("DELETE", "/v1/runs/run_1").status_code == 404
        ask("POST", f"/v1/runs/{run['id']}/cancel")
        ask("DELETE", f"/v1/runs/{run['id']}")
        found = clinic.api.get("/v1/audit", headers=clinic.header("admin")).json()["items"]
    assert [(each["action"], each["created"]) for each in found[::-1]] == [
        ("POST /v1/runs", run["urls"]["self"]),
        ("POST /v1/datasets", f"/v1/datasets/{data['id']}"),
        (f"POST /v1/runs/{run['id']}/cancel", None),
        (f"DELETE /v1/runs/{run['id']}", None),
    ]
    identifier, secret = clinic.keys["manage"].split(".")
    assert {(each["key_id"], each["key_name"]) for each in found} == {(identifier, "the one that may manage")}
    assert found[0]["request_id"] == "DELETE-1"
    assert secret not in str(found)


def test_its_entries_are_filtered_by_key_and_come_in_pages(settings: Settings) -> None:
    with keyed(settings) as clinic:
        for scope in ("run", "manage", "run"):
            body = {"experiment": examples.EXPERIMENT}
            assert clinic.api.post("/v1/runs", json=body, headers=clinic.header(scope)).is_success
        own = {"key": clinic.keys["run"].split(".")[0], "limit": "1"}
        first = clinic.api.get("/v1/audit", params=own, headers=clinic.header("admin"))
        assert first.headers["Link"]
        second = clinic.api.get(
            "/v1/audit", params={**own, "after": first.json()["next"]}, headers=clinic.header("admin")
        ).json()
        assert len(first.json()["items"]) == len(second["items"]) == 1
        assert second["next"] is None


def test_only_an_administrator_reads_it(settings: Settings) -> None:
    with keyed(settings) as clinic:
        refused(clinic.api.get("/v1/audit", headers=clinic.header("manage")), 403)
        assert clinic.api.get("/v1/audit", headers=clinic.header("admin")).status_code == 200


def test_where_no_key_is_required_nobody_is_named(api: httpx.Client) -> None:
    assert api.post("/v1/runs", json={"experiment": examples.EXPERIMENT}).is_success
    assert api.get("/v1/audit").json() == {"items": [], "next": None}
