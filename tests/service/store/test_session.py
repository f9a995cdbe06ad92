from sqlalchemy import func, select, update

from gradclinic.kernel.access import Grant
from gradclinic.store import Store
from gradclinic.store import tables as t


def end_all(store: Store) -> None:
    with store._database.write() as connection:
        connection.execute(update(t.sessions).values(expires_at=0.0))


def test_a_session_is_that_of_its_key_until_it_is_ended(store: Store) -> None:
    key = store.keys.create("ana", scope="run").key
    secret = store.sessions.start(key.id, lasts_s=60.0)
    session = store.sessions.find(secret)
    assert session is not None
    assert session.key == key
    assert store.sessions.find(secret + "x") is None
    store.sessions.end(secret)
    store.sessions.end(secret)
    assert store.sessions.find(secret) is None


def test_a_session_ends_with_its_key(store: Store) -> None:
    key = store.keys.create("ana", scope="run").key
    secret = store.sessions.start(key.id, lasts_s=60.0)
    store.keys.revoke(key.id)
    assert store.sessions.find(secret) is None


def test_sessions_that_have_ended_are_removed_when_another_one_starts(store: Store) -> None:
    key = store.keys.create("ana", scope="run").key
    secret = store.sessions.start(key.id, lasts_s=60.0)
    end_all(store)
    assert store.sessions.find(secret) is None
    store.sessions.start(key.id, lasts_s=60.0)
    with store._database.read() as connection:
        assert connection.execute(select(func.count()).select_from(t.sessions)).scalar_one() == 1


def test_a_session_goes_on_in_another_project_of_its_grants_and_in_no_other(store: Store) -> None:
    grants = [Grant("vision", "run"), Grant("speech", "read")]
    person = store.keys.enter("subject", name="ana@example.org", grant=grants[0])
    assert person is not None
    secret = store.sessions.start(person.id, lasts_s=60.0, grants=grants)
    seen = []
    for project in ("vision", "speech", "secret"):
        store.sessions.choose(secret, project)
        session = store.sessions.find(secret)
        assert session is not None
        assert list(session.grants) == grants
        seen.append((session.key.project, session.key.scope))
    assert seen == [("vision", "run"), ("speech", "read"), ("vision", "run")]


def test_a_session_of_an_admin_goes_on_in_any_project(store: Store) -> None:
    secret = store.sessions.start(store.keys.create("ops", scope="admin").key.id, lasts_s=60.0)
    store.sessions.choose(secret, "vision")
    session = store.sessions.find(secret)
    assert session is not None
    assert (session.key.project, session.key.scope) == ("vision", "admin")
