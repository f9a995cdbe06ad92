import httpx
import pytest

from gradclinic.settings import Settings

from ..serving import serving
from .test_problems import refused


@pytest.mark.parametrize("path", ["/v1/runs", "/livez", "/", "/openapi.json", "/static/app.css"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_a_name_that_another_site_could_resolve_to_this_machine_is_refused(
    api: httpx.Client, path: str, host: str
) -> None:
    document = refused(api.get(path, headers={"Host": host}), 421)
    assert document["code"] == "unknown_host"
    assert host in document["detail"]
    assert "GRADCLINIC_ALLOWED_HOSTS" in document["detail"]


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "evil.example:x", "[::1].evil.example", "xn--:", "@127.0.0.1"])
def test_a_host_that_is_none_is_no_error_of_the_service(api: httpx.Client, host: str) -> None:
    assert 400 <= api.get("/v1/runs/run_x", headers={"Host": host}).status_code < 500


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost.:80", "127.0.0.1", "127.0.0.2:8000", "[::1]:8000", "192.0.2.7"]
)
def test_loopback_names_and_addresses_are_let_through(api: httpx.Client, host: str) -> None:
    assert api.get("/v1/runs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("setting", "host", "status"),
    [
        ({"host": "box.example.org"}, "box.example.org:8000", 200),
        ({"allowed_hosts": "api, box.example.org"}, "BOX.example.org.", 200),
        ({"allowed_hosts": "*.example.org"}, "a.b.example.org", 200),
        ({"allowed_hosts": "*.example.org"}, "example.org", 421),
        ({"allowed_hosts": "*.example.org"}, "evilexample.org", 421),
        ({"allowed_hosts": "*"}, "evil.example", 200),
    ],
)
def test_the_settings_name_further_hosts(settings: Settings, setting: dict, host: str, status: int) -> None:
    with serving(settings.model_copy(update=setting)) as api:
        assert api.get("/livez", headers={"Host": host}).status_code == status
