from sqlalchemy import func, select, update

from gradclinic.store import Store
from gradclinic.store import tables as t


def end_all(store: Store) -> None:
    with store._database.write() as connection:
        connection.execute(update(t.sessions).values(expires_at=0.0))


def test_a_session_is_that_of_its_key_until_it_is_ended(store: Store) -> None:
    key = store.keys.create("ana", scope="run").key
    secret = store.sessions.start(key.id, lasts_s=60.0)
    found = store.sessions.key_of(secret)
    assert found is not None
    assert found.id == key.id
    assert store.sessions.key_of(secret + "x") is None
    store.sessions.end(secret)
    store.sessions.end(secret)
    assert store.sessions.key_of(secret) is None


def test_a_session_ends_with_its_key(store: Store) -> None:
    key = store.keys.create("ana", scope="run").key
    secret = store.sessions.start(key.id, lasts_s=60.0)
    store.keys.revoke(key.id)
    assert store.sessions.key_of(secret) is None


def test_sessions_that_have_ended_are_removed_when_another_one_starts(store: Store) -> None:
    key = store.keys.create("ana", scope="run").key
    secret = store.sessions.start(key.id, lasts_s=60.0)
    end_all(store)
    assert store.sessions.key_of(secret) is None
    store.sessions.start(key.id, lasts_s=60.0)
    with store._database.read() as connection:
        assert connection.execute(select(func.count()).select_from(t.sessions)).scalar_one() == 1
