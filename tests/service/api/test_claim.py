"""Claims over real HTTP."""

import httpx
import pytest

from gradclinic.claims import CLAIMS
from gradclinic.settings import Settings

from .serving import train


def test_every_claim_says_how_it_is_tested(api: httpx.Client) -> None:
    found = api.get("/v1/claims").json()["items"]
    assert [claim["id"] for claim in found] == list(CLAIMS)
    assert all(claim["statement"] and claim["design"] and claim["rule"] and claim["source"] for claim in found)


@pytest.mark.slow
def test_a_claim_is_inconclusive_until_its_study_has_ended(api: httpx.Client, settings: Settings) -> None:
    claim = min(api.get("/v1/claims", params={"quick": True}).json()["items"], key=lambda each: each["runs"])
    study = api.post("/v1/studies", json=claim["study"]).json()
    at, query = f"/v1/claims/{claim['id']}/ruling", {"study": study["id"], "quick": True}
    assert api.get(at, params=query).json()["verdict"] == "inconclusive"
    runs = api.get("/v1/runs", params={"study": study["id"], "limit": 200}).json()["items"]
    train(settings, *(run["id"] for run in runs))
    ruled = api.get(at, params=query).json()
    assert ruled["explanation"] != ""
    assert ruled["figures"]


def test_there_is_no_ruling_on_what_nobody_claims(api: httpx.Client) -> None:
    assert api.get("/v1/claims/nobody/ruling", params={"study": "study_01K0A"}).status_code == 404
