import httpx
import pytest

from .test_problems import refused


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/runs?study=a%00b", "study"),
        ("/v1/checks?baseline=%00", "baseline"),
        ("/v1/claims/xavier_helps/ruling?study=%00", "study"),
        ("/v1/runs?label=team:%00", "label"),
    ],
)
def test_a_nul_in_a_value_is_refused_before_any_database_sees_it(api: httpx.Client, path: str, name: str) -> None:
    document = refused(api.get(path), 422)
    assert document["errors"][0]["parameter"] == name
    assert "NUL" in document["detail"]


def test_nothing_is_found_at_a_path_with_a_nul(api: httpx.Client) -> None:
    assert "NUL" in refused(api.get("/v1/runs/run%00"), 404)["detail"]
