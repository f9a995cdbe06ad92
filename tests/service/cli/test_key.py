"""Keys, made on the service's own database."""

import json
import re
from pathlib import Path

import pytest

from gradclinic.settings import Settings
from gradclinic.store import Store

from ..api.keyed import keyed
from ..store.records import queued
from ..store.test_dataset import upload
from .command import gradclinic, refused


@pytest.fixture
def here(settings: Settings) -> tuple[str, str]:
    return ("--database-url", settings.database_url)


def test_a_key_is_printed_once_alone_on_standard_output(here: tuple[str, str]) -> None:
    asked = ("--scope", "manage", "--project", "vision", "--days", "30")
    made = gradclinic("keys", "create", "ci", *asked, *here)
    assert re.fullmatch(r"key_\w+\.[\w-]{43}\n", made.stdout)
    identifier, secret = made.stdout.strip().split(".")
    assert "project vision, scope manage, expires 2" in made.stderr
    assert secret not in made.stderr
    listed = gradclinic("keys", "list", *here).stdout
    assert re.search(rf"{identifier} +ci +vision +manage +never +expires ", listed)
    assert secret not in listed
    (document,) = json.loads(gradclinic("keys", "list", "--json", *here).stdout)
    assert (document["id"], document["project"]) == (identifier, "vision")
    assert secret not in str(document)


def test_a_key_is_revoked_and_rotated(here: tuple[str, str]) -> None:
    first = json.loads(gradclinic("keys", "create", "ci", "--json", *here).stdout)
    assert (first["scope"], first["project"], first["expires_at"]) == ("run", "default", None)
    rotated = gradclinic("keys", "rotate", first["id"], "--keep-hours", "1", *here)
    assert f"{first['id']} expires within 1 hours" in rotated.stderr
    second = rotated.stdout.split(".")[0]
    assert f"{second} (ci) is revoked" in gradclinic("keys", "revoke", second, *here).stdout
    listed = gradclinic("keys", "list", *here).stdout
    assert re.search(rf"{first['id']}.* expires ", listed)
    assert re.search(rf"{second}.* revoked ", listed)
    assert "create a new one" in refused(gradclinic("keys", "rotate", second, *here), 2)
    assert "no key key_0" in refused(gradclinic("keys", "revoke", "key_0", *here), 2)
    assert "a project has 1 to 64 letters" in gradclinic("keys", "create", "ci", "--project", "a b", *here).stderr


def test_what_each_project_has_is_listed(here: tuple[str, str], settings: Settings) -> None:
    gradclinic("keys", "create", "ci", "--project", "vision", *here)
    store = Store(settings.database_url)
    queued(store.within("vision"), flops=2e9)
    upload(store.within("vision"))
    store.close()
    listed = gradclinic("keys", "usage", *here).stdout
    assert re.search(r"vision +1 +2\.0e\+09 +1 +6 bytes", listed)
    assert re.search(r"default +0 +0\.0e\+00 +0 +0 bytes", listed)
    _, vision = json.loads(gradclinic("keys", "usage", "--json", *here).stdout)
    assert (vision.pop("project"), vision.pop("flops")) == ("vision", 2e9)
    assert vision == {"runs": 1, "datasets": 1, "dataset_bytes": 6, "statistics_bytes": 0}


def test_an_empty_list_says_how_to_begin(here: tuple[str, str]) -> None:
    assert "gradclinic keys create NAME" in gradclinic("keys", "list", *here).stdout


def test_a_name_that_would_break_a_list_is_refused(here: tuple[str, str]) -> None:
    for name in ("", "a\nb", "x" * 201):
        assert gradclinic("keys", "create", name, *here).returncode == 2


def test_a_database_without_the_schema_is_said_so(tmp_path: Path) -> None:
    assert "gradclinic db upgrade" in refused(gradclinic("keys", "list", "--data-dir", str(tmp_path)), 4)


def test_commands_take_their_key_from_the_environment(settings: Settings) -> None:
    with keyed(settings) as service:
        url = str(service.api.base_url)
        assert "GRADCLINIC_API_KEY" in refused(gradclinic("datasets", "list", "--url", url), 2)
        key = service.keys["read"]
        assert gradclinic("datasets", "list", "--url", url, GRADCLINIC_API_KEY=key).returncode == 0
        line = refused(gradclinic("schedule", "delete", "x", "--url", url, GRADCLINIC_API_KEY=key), 2)
        assert "the scope manage" in line
        line = refused(gradclinic("datasets", "list", "--url", url, GRADCLINIC_API_KEY="key_1.abc xyz"), 2)
        assert "malformed" in line
        assert "xyz" not in line


def test_no_address_but_this_machines_is_served_without_keys(tmp_path: Path) -> None:
    for more in ((), ("--api-only",)):
        gradclinic("db", "upgrade", "--data-dir", str(tmp_path))
        done = gradclinic("serve", "--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path), *more)
        assert "GRADCLINIC_ACCESS=required" in refused(done, 4)


def test_the_audit_says_what_an_operator_did(here: tuple[str, str], settings: Settings) -> None:
    made = json.loads(gradclinic("keys", "create", "ci", "--json", *here).stdout)
    gradclinic("keys", "revoke", made["id"], *here)
    store = Store(settings.database_url)
    entries = store.audit.page().items
    store.close()
    assert [(each.action, each.created, each.key_id) for each in entries] == [
        (f"keys revoke {made['id']}", None, None),
        ("keys create ci", made["id"], None),
    ]
