"""Logging in to the pages with OpenID Connect, at a provider with real redirects and signed tokens."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gradclinic.kernel.errors import SetupFailed
from gradclinic.settings import GroupRole, Settings
from gradclinic.store import Store
from gradclinic.use_cases.login.provider import check_settings

from ..api.examples import EXPERIMENT
from ..api.serving import NOBODY, serving
from .document import Page
from .openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIDProvider, providing
from .test_session import BROWSER, token_in

Running = tuple[OpenIDProvider, Settings]
ROLES = (
    GroupRole(group="vision-team", scope="run", project="vision"),
    GroupRole(group="vision-leads", scope="manage", project="vision"),
    GroupRole(group="speech-team", scope="read", project="speech"),
    GroupRole(group="ops", scope="admin"),
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("openid")
    shutil.copy(sqlite_template, folder / "gradclinic.db")
    (folder / "client_secret").write_text(f"{CLIENT_SECRET}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with providing() as provider:
        settings = Settings(
            data_dir=folder,
            broker_url=NOBODY,
            access="required",
            public_url=f"http://127.0.0.1:{port}",
            oidc_issuer=provider.issuer,
            oidc_client_id=CLIENT_ID,
            oidc_client_secret_file=str(folder / "client_secret"),
            oidc_groups=ROLES,
            oidc_name="Example Inc.",
        )
        with serving(settings, port=port):
            yield provider, settings


@pytest.fixture
def provider(running: Running) -> OpenIDProvider:
    """The provider, of which somebody else logs in each time."""
    running[0].begin_anew()
    return running[0]


@pytest.fixture
def settings(running: Running) -> Settings:
    return running[1]


@pytest.fixture
def browser(settings: Settings) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=settings.public_url, headers=BROWSER, timeout=30, follow_redirects=True) as client:
        yield client


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    made = Store(settings.database_url)
    yield made
    made.close()


def log_in(browser: httpx.Client, *, to: str = "/") -> httpx.Response:
    """The last page of a login, after all redirects."""
    (link,) = [
        each for each in Page(browser.get("/login", params={"to": to}).text).all("a") if "openid" in each["href"]
    ]
    return browser.get(str(link["href"]))


def test_a_page_leads_to_the_provider_and_from_there_back_to_the_page(
    provider: OpenIDProvider, browser: httpx.Client
) -> None:
    provider.claims["groups"] = ["vision-team"]
    assert "Log in with Example Inc." in browser.get("/runs?status=failed").text
    page = log_in(browser, to="/runs?status=failed")
    assert (page.status_code, page.url.raw_path) == (200, b"/runs?status=failed")
    assert "Project vision" in page.text
    assert "gradclinic_openid" not in browser.cookies


def test_what_a_person_may_do_follows_from_the_groups(provider: OpenIDProvider, browser: httpx.Client) -> None:
    provider.claims["groups"] = ["vision-team", "another"]
    (meta,) = [each for each in Page(log_in(browser).text).all("meta") if each.get("name") == "csrf-token"]
    header = {"X-CSRF-Token": str(meta["content"])}
    assert browser.post("/v1/runs", json={"experiment": EXPERIMENT}).json()["code"] == "csrf_token_required"
    assert browser.post("/v1/runs", json={"experiment": EXPERIMENT}, headers=header).status_code == 202
    assert browser.delete("/v1/runs/run_1", headers=header).json()["code"] == "scope_too_small"
    assert browser.get("/v1/runs", headers={"X-Project": "speech"}).json()["code"] == "other_project"
    provider.claims["groups"] = ["vision-leads"]
    log_in(browser)
    assert browser.delete("/v1/runs/run_1", headers=header).json()["code"] == "csrf_token_required"


def log_out(browser: httpx.Client, page: httpx.Response) -> httpx.Response:
    """The page after the logout of a page."""
    (form,) = [each for each in Page(page.text).all("form") if each.get("action") == "/logout"]
    assert form["method"] == "post"
    return browser.post("/logout", data={"csrf": token_in(page.text)})


def test_who_logs_out_here_can_log_out_at_the_provider_too(provider: OpenIDProvider, browser: httpx.Client) -> None:
    provider.claims["groups"] = ["vision-team"]
    page = log_out(browser, log_in(browser))
    assert "gradclinic_session" not in browser.cookies
    (link,) = [str(each["href"]) for each in Page(page.text).all("a") if "/logout?" in str(each["href"])]
    asked = parse_qs(urlsplit(link).query)
    assert link.startswith(f"{provider.issuer}/logout?")
    assert asked["client_id"] == [CLIENT_ID]
    assert asked["post_logout_redirect_uri"] == [str(browser.base_url.join("/login"))]
    assert browser.get("/").url.path == "/login"


def test_who_logged_in_with_a_key_has_nothing_to_log_out_of_elsewhere(browser: httpx.Client, store: Store) -> None:
    form = browser.get("/login")
    key = store.keys.create("ana", scope="read").text
    page = browser.post("/login", data={"key": key, "csrf": token_in(form.text), "to": "/"})
    assert log_out(browser, page).url.path == "/login"


@pytest.mark.parametrize("groups", [[], ["strangers"], None, "strangers", 5, {"ops": True}, [["ops"]]])
def test_somebody_without_a_group_of_ours_is_not_let_in(
    provider: OpenIDProvider, browser: httpx.Client, groups: object
) -> None:
    provider.claims["groups"] = groups
    page = log_in(browser)
    assert page.status_code == 403
    assert "You may not use this service as ana@example.org" in page.text
    assert "gradclinic_session" not in browser.cookies


def test_groups_may_be_in_the_userinfo_of_the_same_person_only(provider: OpenIDProvider, browser: httpx.Client) -> None:
    del provider.claims["groups"]
    provider.userinfo = {"sub": provider.claims["sub"], "groups": ["speech-team"]}
    assert "Project speech" in log_in(browser).text
    provider.userinfo = {"sub": "another", "groups": ["ops"]}
    assert log_in(browser).status_code == 502


def test_keys_of_the_provider_are_read_again_when_it_has_replaced_them(
    provider: OpenIDProvider, browser: httpx.Client
) -> None:
    provider.claims["groups"] = ["vision-team"]
    log_in(browser)
    provider.requests.clear()
    assert log_in(browser).status_code == 200
    assert "/keys" not in provider.requests
    provider.rotate()
    assert log_in(browser).status_code == 200
    assert provider.requests.count("/keys") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.example"}, {"aud": "another"}, {"nonce": "another"}, {"nonce": None}, {"exp": 1},
        {"sub": None}, {"iat": None}, {"aud": [CLIENT_ID, "another"]}, {"azp": "another"}, {"at_hash": "another"},
    ],
    ids=str,
)  # fmt: skip
def test_an_id_token_that_is_not_for_this_login_lets_nobody_in(
    provider: OpenIDProvider, browser: httpx.Client, wrong: dict[str, Any]
) -> None:
    provider.claims["groups"], provider.wrong = ["ops"], wrong
    page = log_in(browser)
    assert (page.status_code, "gradclinic_session" in browser.cookies) == (502, False)
    assert "could not be used" in page.text


def test_a_provider_that_sends_no_json_lets_nobody_in(provider: OpenIDProvider, browser: httpx.Client) -> None:
    provider.babbles = True
    assert log_in(browser).status_code == 502


def test_an_id_token_with_a_key_that_is_not_the_provider_s_lets_nobody_in(
    provider: OpenIDProvider, browser: httpx.Client
) -> None:
    provider.claims["groups"], provider.forges = ["ops"], True
    assert log_in(browser).status_code == 502


@pytest.mark.parametrize("answer", [{"error": "access_denied"}, {"iss": "https://evil.example"}, {"code": "forged"}])
def test_an_answer_that_is_no_login_lets_nobody_in(
    provider: OpenIDProvider, browser: httpx.Client, answer: dict[str, str]
) -> None:
    provider.claims["groups"], provider.answers_with = ["ops"], answer
    assert log_in(browser).status_code == 502
    assert "gradclinic_session" not in browser.cookies


def test_an_answer_is_taken_from_the_browser_that_began_the_login_only_and_once(
    provider: OpenIDProvider, browser: httpx.Client
) -> None:
    provider.claims["groups"] = ["ops"]
    begun = browser.get("/login/openid", follow_redirects=False)
    cookie = begun.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/login/openid;"))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.headers["Location"]).query).items()}
    answer = provider.authorized(asked)
    with httpx.Client(headers=BROWSER) as another:
        assert another.get(answer).status_code == 403
        another.cookies.update({"gradclinic_openid": "x" * 43})
        assert another.get(answer).status_code == 403
    assert browser.get(answer.replace("state=", "state=x")).status_code == 403
    assert browser.get(answer).url.path == "/"
    browser.cookies.update({"gradclinic_openid": cookie.partition("=")[2].partition(";")[0]})
    assert browser.get(answer).status_code == 502


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/login", "/runs?search=" + "x" * 2000])
def test_the_login_leads_nowhere_else(provider: OpenIDProvider, browser: httpx.Client, to: str) -> None:
    provider.claims["groups"] = ["vision-team"]
    assert browser.get("/login/openid", params={"to": to}).url.raw_path == b"/"


def test_the_audit_names_the_person_who_can_be_locked_out(
    provider: OpenIDProvider, browser: httpx.Client, store: Store
) -> None:
    provider.claims["groups"] = ["vision-team"]
    for _ in range(2):
        log_in(browser)
    person = store.keys.all()[-1]
    assert (person.id[:5], person.name, person.scope, person.project) == ("user_", "ana@example.org", "run", "vision")
    (entry, *_) = store.audit.page().items
    assert (entry.action, entry.key_id) == ("GET /login/openid/return", person.id)
    assert (
        httpx.get(f"{browser.base_url}/v1/runs", headers={"Authorization": f"Bearer {person.id}."}).status_code == 401
    )
    store.keys.revoke(person.id)
    assert "Log in" in browser.get("/").text
    assert log_in(browser).status_code == 403


def test_one_person_is_the_same_with_another_name_and_another_one_is_not(
    provider: OpenIDProvider, browser: httpx.Client, store: Store
) -> None:
    before = len(store.keys.all())
    provider.claims["groups"] = ["vision-team"]
    log_in(browser)
    provider.claims["email"] = "ana.maria@example.org"
    log_in(browser)
    provider.begin_anew()
    provider.claims["groups"] = ["vision-team"]
    log_in(browser)
    assert [person.name for person in store.keys.all()[before:]] == ["ana.maria@example.org", "ana@example.org"]


def test_who_may_see_several_projects_chooses_one_on_a_page(provider: OpenIDProvider, browser: httpx.Client) -> None:
    provider.claims["groups"] = ["vision-team", "speech-team"]
    log_in(browser)
    page = browser.get("/projects")
    assert Page(page.text).open == []
    assert ("Show speech" in page.text, "Show vision" in page.text) == (True, False)
    csrf = [each["value"] for each in Page(page.text).all("input") if each.get("name") == "csrf"][-1]
    browser.post("/project", data={"project": "speech", "csrf": "x"})
    assert "Project vision" in browser.get("/").text
    assert "Project speech" in browser.post("/project", data={"project": "speech", "csrf": csrf}).text
    assert "Project speech" in browser.get("/runs").text
    assert "Project speech" in browser.post("/project", data={"project": "secret", "csrf": csrf}).text
    assert browser.post("/project", data={"project": "../secret", "csrf": csrf}).status_code == 422


def test_an_admin_chooses_among_all_projects_and_who_has_one_is_offered_none(
    provider: OpenIDProvider, browser: httpx.Client, store: Store
) -> None:
    store.keys.create("ci", scope="run", project="robots")
    provider.claims["groups"] = ["ops"]
    log_in(browser)
    page = browser.get("/projects").text
    assert [f"Show {name}" in page for name in ("default", "robots", "speech", "vision")] == [False, True, True, True]
    provider.claims["groups"] = ["speech-team"]
    assert "/projects" not in log_in(browser).text


def test_a_provider_that_is_away_is_said_to_be_and_a_key_still_logs_in(settings: Settings, store: Store) -> None:
    away = settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:1"})
    key = store.keys.create("ana", scope="read").text
    with serving(away) as api:
        answer = api.get("/login/openid", headers=BROWSER)
        assert (answer.status_code, "provider does not answer" in answer.text) == (503, True)
        form = api.get("/login")
        sent = api.post("/login", data={"key": key, "csrf": token_in(form.text), "to": "/"})
        assert sent.status_code == 303


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"access": "off"}, "GRADCLINIC_ACCESS"),
        ({"public_url": ""}, "GRADCLINIC_PUBLIC_URL"),
        ({"oidc_client_id": ""}, "GRADCLINIC_OIDC_CLIENT_ID"),
        ({"oidc_groups": ()}, "GRADCLINIC_OIDC_GROUPS"),
        ({"oidc_issuer": "http://id.example.org"}, "https"),
        ({"oidc_client_secret_file": "/nowhere"}, "GRADCLINIC_OIDC_CLIENT_SECRET_FILE"),
    ],
)
def test_the_service_does_not_start_without_what_the_login_needs(
    settings: Settings, change: dict[str, object], named: str
) -> None:
    with pytest.raises(SetupFailed, match=named):
        check_settings(settings.model_copy(update=change))


def test_groups_are_set_as_json_and_no_other_scope_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADCLINIC_OIDC_GROUPS", '[{"group": "ops", "scope": "admin"}]')
    assert Settings().oidc_groups == (GroupRole(group="ops", scope="admin", project="default"),)
    monkeypatch.setenv("GRADCLINIC_OIDC_GROUPS", '[{"group": "ops", "scope": "root"}]')
    with pytest.raises(ValueError, match="scope"):
        Settings()
