"""Logging in to the pages with a key."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gradclinic.settings import Settings

from ..api.examples import EXPERIMENT
from ..api.keyed import Keyed, keyed
from ..api.serving import NOBODY, serving
from .document import Page

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path) -> Iterator[Keyed]:
    shutil.copy(sqlite_template, tmp_path / "gradclinic.db")
    with keyed(Settings(data_dir=tmp_path, broker_url=NOBODY)) as made:
        yield made


@pytest.fixture
def browser(service: Keyed) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.api.base_url, headers=BROWSER, timeout=30) as client:
        yield client


def token_in(page: str) -> str:
    (found,) = {each["value"] for each in Page(page).all("input") if each.get("name") == "csrf"}
    assert found is not None
    return found


def log_in(browser: httpx.Client, key: str, *, to: str = "/") -> httpx.Response:
    form = browser.get("/login", params={"to": to})
    assert form.status_code == 200
    return browser.post("/login", data={"key": key, "csrf": token_in(form.text), "to": to})


def test_a_page_leads_to_the_login_and_from_there_back_to_the_page(service: Keyed, browser: httpx.Client) -> None:
    sent = browser.get("/?status=failed")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/login?to=%2F%3Fstatus%3Dfailed")
    entered = log_in(browser, service.keys["read"], to="/?status=failed")
    assert (entered.status_code, entered.headers["Location"]) == (303, "/?status=failed")
    assert browser.get("/?status=failed").status_code == 200
    assert browser.get("/v1/runs").json()["items"] == []


def test_the_cookie_is_for_no_script_and_no_other_site_and_does_not_hold_the_key(
    service: Keyed, browser: httpx.Client
) -> None:
    cookies = log_in(browser, service.keys["read"]).headers.get_list("Set-Cookie")
    (session,) = [each for each in cookies if each.startswith("gradclinic_session=")]
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Path=/;" in session
    assert service.keys["read"].split(".")[1] not in session


def test_a_wrong_key_is_told_in_the_form_and_not_repeated(service: Keyed, browser: httpx.Client) -> None:
    for key in ("", "nonsense", service.keys["read"] + "x"):
        answer = log_in(browser, key)
        assert answer.status_code == 401
        assert "wrong, revoked or expired" in answer.text
        assert key == "" or key not in answer.text
        assert "gradclinic_session" not in browser.cookies


def test_no_other_site_can_log_somebody_in(service: Keyed, browser: httpx.Client) -> None:
    form = {"key": service.keys["read"], "to": "/"}
    assert browser.post("/login", data=form).status_code == 403
    token = token_in(browser.get("/login").text)
    browser.cookies.clear()
    assert browser.post("/login", data={**form, "csrf": token}).status_code == 403
    answer = browser.post("/login", data=form, headers={"Origin": "https://evil.example"})
    assert answer.json()["code"] == "cross_site_request"


@pytest.mark.parametrize("to", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", "/logout", ""])
def test_the_login_leads_nowhere_else(service: Keyed, browser: httpx.Client, to: str) -> None:
    form = browser.get("/login", params={"to": to})
    data = {"key": service.keys["read"], "csrf": token_in(form.text), "to": to}
    assert browser.post("/login", data=data).headers["Location"] == "/"


def test_a_session_changes_something_with_the_token_of_its_page_only(service: Keyed, browser: httpx.Client) -> None:
    log_in(browser, service.keys["run"])
    (meta,) = [each for each in Page(browser.get("/").text).all("meta") if each.get("name") == "csrf-token"]
    body = {"experiment": EXPERIMENT}
    assert browser.post("/v1/runs", json=body).json()["code"] == "csrf_token_required"
    assert browser.post("/v1/runs", json=body, headers={"X-CSRF-Token": "x"}).status_code == 403
    token = str(meta["content"])
    assert browser.post("/v1/runs", json=body, headers={"X-CSRF-Token": token}).status_code == 202
    assert browser.delete("/v1/runs/run_1", headers={"X-CSRF-Token": token}).json()["code"] == "scope_too_small"


def test_logging_out_ends_the_session_for_whoever_has_its_cookie(service: Keyed, browser: httpx.Client) -> None:
    log_in(browser, service.keys["read"])
    cookie = {"Cookie": f"gradclinic_session={browser.cookies['gradclinic_session']}"}
    page = browser.get("/").text
    browser.post("/logout")
    assert browser.get("/").status_code == 200
    left = browser.post("/logout", data={"csrf": token_in(page)})
    assert (left.status_code, left.headers["Location"]) == (303, "/login")
    assert browser.get("/").status_code == 303
    assert httpx.get(f"{service.api.base_url}/v1/runs", headers=cookie).status_code == 401


def test_a_session_ends_with_its_key(service: Keyed, browser: httpx.Client) -> None:
    log_in(browser, service.keys["read"])
    service.store.keys.revoke(service.keys["read"].split(".")[0])
    assert browser.get("/").status_code == 303


def test_the_login_has_what_it_needs_and_asks_for_nothing_else(service: Keyed, browser: httpx.Client) -> None:
    page = Page(browser.get("/login").text)
    assert page.open == []
    for address in [each["src"] for each in page.all("script")] + [each["href"] for each in page.all("link")]:
        assert browser.get(str(address)).status_code == 200
    assert re.search(r"form-action 'self'", browser.get("/login").headers["Content-Security-Policy"])
    assert "Log out" not in browser.get("/login").text


def test_a_form_that_is_too_large_is_refused(service: Keyed, browser: httpx.Client) -> None:
    assert browser.post("/login", data={"key": "x" * 20_000}).status_code == 413


def test_where_no_key_is_required_there_is_no_login(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "gradclinic.db")
    with serving(Settings(data_dir=tmp_path, broker_url=NOBODY)) as api:
        assert api.get("/login").status_code == 404
        assert "Log out" not in api.get("/").text


def test_a_reader_checks_a_request_on_the_page_new_and_a_page_without_its_token_does_not(
    service: Keyed, browser: httpx.Client
) -> None:
    log_in(browser, service.keys["read"])
    page = browser.get("/new").text
    (token,) = {each["content"] for each in Page(page).all("meta") if each.get("name") == "csrf-token"}
    assert token is not None
    (field, _) = [each["value"] for each in Page(page).all("input") if each.get("name") == "csrf"]
    fields = {"kind": "run", "before": json.dumps({"experiment": EXPERIMENT}), "number /experiment/model/depth": "3"}
    for address in ("/new", "/new/start"):
        assert browser.post(address, data=fields).status_code == 403
    checked = browser.post("/new", data={**fields, "csrf": field})
    assert (checked.status_code, "1 run" in checked.text) == (200, True)
    assert browser.post("/new/start", data={**fields, "csrf": field}).status_code == 403
    assert browser.post("/v1/runs", json={"experiment": EXPERIMENT}, headers={"X-CSRF-Token": token}).status_code == 403


def test_a_session_starts_a_run_from_a_form_without_a_script(service: Keyed, browser: httpx.Client) -> None:
    log_in(browser, service.keys["run"])
    fields = {"kind": "run", "before": json.dumps({"experiment": EXPERIMENT})}
    assert browser.post("/new/start", data=fields).status_code == 403
    (_, token) = [each["value"] for each in Page(browser.get("/new").text).all("input") if each.get("name") == "csrf"]
    started = browser.post("/new/start", data={**fields, "csrf": token})
    assert started.status_code == 303
    assert browser.get(started.headers["Location"]).status_code == 200
