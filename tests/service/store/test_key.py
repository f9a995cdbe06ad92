from datetime import timedelta

import pytest
from sqlalchemy import text, update

from gradclinic.kernel.access import split
from gradclinic.kernel.errors import Conflict, NotFound, ServiceUnavailable
from gradclinic.store import IssuedKey, Key, Store
from gradclinic.store import tables as t
from gradclinic.store.database import Database

DAY_S = 86400.0


def authenticated(store: Store, issued: IssuedKey) -> Key | None:
    parts = split(issued.text)
    assert parts is not None
    return store.keys.authenticate(*parts)


def age(store: Store, seconds: float) -> None:
    """Make all keys older by some seconds, as if time had passed."""
    keys = t.api_keys.c
    with store._database.write() as connection:
        connection.execute(
            update(t.api_keys).values(
                created_at=keys.created_at - seconds,
                expires_at=keys.expires_at - seconds,
                last_used_at=keys.last_used_at - seconds,
            )
        )


def test_a_key_is_known_by_its_id_and_its_own_secret_only(store: Store) -> None:
    first, second = (store.keys.create(name, scope="run") for name in ("first", "second"))
    found = authenticated(store, first)
    assert found is not None
    assert (found.id, found.name, found.scope) == (first.key.id, "first", "run")
    _, others_secret = second.text.split(".")
    assert store.keys.authenticate(first.key.id, others_secret) is None
    assert store.keys.authenticate(first.key.id, "") is None
    assert store.keys.authenticate("key_unknown", others_secret) is None


def test_no_secret_is_stored_or_shown(store: Store, database_url: str) -> None:
    issued = store.keys.create("ci", scope="read")
    _, secret = issued.text.split(".")
    database = Database(database_url)
    with database.within(None).read() as connection:
        stored = str(connection.execute(text("SELECT * FROM api_keys")).all())
    database.close()
    assert issued.key.id in stored
    assert secret not in stored + repr(issued) + repr(issued.key)


def test_a_key_is_valid_until_it_expires(store: Store) -> None:
    issued = store.keys.create("a day", scope="read", lasts_s=DAY_S)
    assert issued.key.expires_at is not None
    assert issued.key.expires_at - issued.key.created_at == timedelta(days=1)
    age(store, DAY_S - 60)
    assert authenticated(store, issued) is not None
    age(store, 61)
    assert authenticated(store, issued) is None


def test_a_revoked_key_is_refused_at_once_and_revoking_it_again_changes_nothing(store: Store) -> None:
    issued = store.keys.create("lost", scope="admin")
    revoked = store.keys.revoke(issued.key.id)
    assert revoked.revoked_at is not None
    assert authenticated(store, issued) is None
    assert store.keys.revoke(issued.key.id) == revoked
    with pytest.raises(NotFound):
        store.keys.revoke("key_unknown")


def test_a_rotated_key_goes_on_for_a_while_beside_its_successor(store: Store) -> None:
    old = store.keys.create("ci", scope="manage", lasts_s=30 * DAY_S)
    new = store.keys.rotate(old.key.id, old_lasts_s=DAY_S)
    assert (new.key.name, new.key.scope) == ("ci", "manage")
    assert new.key.expires_at is not None
    assert new.key.expires_at - new.key.created_at == timedelta(days=30)
    assert authenticated(store, old) is not None
    age(store, DAY_S + 1)
    assert authenticated(store, old) is None
    assert authenticated(store, new) is not None


def test_rotating_never_makes_a_key_last_longer_and_does_not_revive_one(store: Store) -> None:
    old = store.keys.create("ci", scope="read", lasts_s=60.0)
    store.keys.rotate(old.key.id, old_lasts_s=DAY_S)
    (kept, _) = store.keys.all()
    assert kept.expires_at == old.key.expires_at
    store.keys.revoke(old.key.id)
    with pytest.raises(Conflict, match="create a new one"):
        store.keys.rotate(old.key.id, old_lasts_s=DAY_S)
    assert len(store.keys.all()) == 2


def test_the_last_use_is_written_at_most_once_a_minute(store: Store) -> None:
    issued = store.keys.create("busy", scope="read")
    assert issued.key.last_used_at is None
    store.keys.note_use(issued.key.id)
    (first,) = store.keys.all()
    assert first.last_used_at is not None
    store.keys.note_use(issued.key.id)
    assert store.keys.all() == [first]
    age(store, 61)
    store.keys.note_use(issued.key.id)
    (later,) = store.keys.all()
    assert later.last_used_at is not None
    assert later.last_used_at > first.last_used_at - timedelta(seconds=61)
    assert later.last_used_at - later.created_at >= timedelta(seconds=61)


def test_a_use_that_cannot_be_written_is_no_reason_to_refuse(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = store.keys.create("busy", scope="read")

    def refuse(_self: Database) -> None:
        raise ServiceUnavailable("the database is locked")

    monkeypatch.setattr(Database, "write", refuse)
    store.keys.note_use(issued.key.id)
    assert authenticated(store, issued) is not None
