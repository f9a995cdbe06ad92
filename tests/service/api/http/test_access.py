import pytest

from gradclinic.api.http.access import csrf_of, is_token, needed_scope


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/runs", "read"),
        ("HEAD", "/v1/runs", "read"),
        ("GET", "/", "read"),
        ("GET", "/openapi.json", "read"),
        ("POST", "/v1/experiments:resolve", "read"),
        ("POST", "/v1/comparisons", "read"),
        ("POST", "/v1/runs/run_1/diagnoses", "read"),
        ("POST", "/new", "read"),
        ("POST", "/v1/runs", "run"),
        ("POST", "/v1/runs/run_1/cancel", "run"),
        ("POST", "/v1/runs/a/b/diagnoses", "run"),
        ("POST", "/v1/recordings/run_1/statistics", "run"),
        ("POST", "/v1/datasets", "run"),
        ("DELETE", "/v1/runs/run_1", "manage"),
        ("PUT", "/v1/baselines/main", "manage"),
        ("POST", "/v1/schedules", "manage"),
        ("POST", "/v1/schedules/nightly/pause", "manage"),
        ("PROPFIND", "/v1/runs", "manage"),
        ("GET", "/metrics", "admin"),
        ("GET", "/v1/audit", "admin"),
        ("PATCH", "/v1/runs/run_1", "run"),
        ("PATCH", "/v1/baselines/main", "manage"),
        ("GET", "/livez", None),
        ("GET", "/readyz", None),
        ("GET", "/static/app.css", None),
        ("POST", "/login", None),
    ],
)
def test_the_scope_follows_from_the_method_and_the_path(method: str, path: str, scope: str | None) -> None:
    assert needed_scope(method, path) == scope


def test_a_token_belongs_to_one_cookie_and_does_not_tell_it() -> None:
    assert is_token(csrf_of("secret"), "secret")
    assert not is_token(csrf_of("other"), "secret")
    assert not is_token("é", "secret")
    assert "secret" not in csrf_of("secret")
    assert csrf_of("secret") != csrf_of("secret")  # so that compressed pages do not tell it
