from pathlib import Path

from gradclinic.settings import Settings

from ..serving import NOBODY, serving

ELSEWHERE = "https://dashboard.example"
ASKED = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "prefer"}


def test_no_page_from_elsewhere_may_read_the_api_unless_it_was_named(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)
    with serving(settings) as api:
        assert "access-control-allow-origin" not in api.get("/v1/runs", headers={"Origin": ELSEWHERE}).headers
        assert api.options("/v1/runs", headers=ASKED).status_code == 405
    named = settings.model_copy(update={"cors_origins": f"https://other.example, {ELSEWHERE}"})
    with serving(named) as api:
        answer = api.get("/v1/runs", headers={"Origin": ELSEWHERE})
        assert answer.headers["access-control-allow-origin"] == ELSEWHERE
        assert "Link" in answer.headers["access-control-expose-headers"]
        assert api.options("/v1/runs", headers=ASKED).status_code == 200
        assert "access-control-allow-origin" not in api.get("/v1/runs", headers={"Origin": "https://a.example"}).headers
