import httpx
import pytest

from gradclinic.settings import Settings

from ..serving import serving
from .test_problems import refused

ELSEWHERE = "https://evil.example"
CANCEL = "/v1/runs/run_x/cancel"


@pytest.mark.parametrize("headers", [{"Origin": ELSEWHERE}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_page_of_another_site_cannot_change_anything(api: httpx.Client, headers: dict[str, str]) -> None:
    document = refused(api.post(CANCEL, headers=headers), 403)
    assert document["code"] == "cross_site_request"
    assert headers.get("Origin", "another site") in document["detail"]
    assert "GRADCLINIC_CORS_ORIGINS" in document["detail"]


def test_programs_and_the_services_own_pages_are_let_through(api: httpx.Client) -> None:
    own = {"Origin": str(api.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert api.post(CANCEL).status_code == 404
    assert api.post(CANCEL, headers=own).status_code == 404
    assert api.get("/v1/runs", headers={"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_an_origin_that_the_settings_list_may_change_things(settings: Settings) -> None:
    with serving(settings.model_copy(update={"cors_origins": ELSEWHERE})) as api:
        assert api.post(CANCEL, headers={"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site"}).status_code == 404


def test_no_browser_guesses_the_type_of_an_answer(api: httpx.Client) -> None:
    for path, host in (("/v1/runs", "localhost"), ("/v1/nothing", "localhost"), ("/v1/runs", "evil.example")):
        assert api.get(path, headers={"Host": host}).headers["x-content-type-options"] == "nosniff"
