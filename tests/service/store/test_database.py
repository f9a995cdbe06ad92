"""What a database may do to a transaction without being away, on real servers."""

import time
from collections.abc import Iterator

import pytest

from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.store.database import Database


@pytest.fixture
def postgres_database(postgres) -> Iterator[Database]:
    name = postgres.migrated()
    database = Database(postgres.url(name), pool_size=1)
    yield database
    database.close()
    postgres.empty(name)


def write(database: Database, *statements: str, pause_s: float = 0.0) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
            time.sleep(pause_s)


CHANGE = "UPDATE runs SET step = step"


def test_a_server_that_became_a_replica_is_away_and_the_next_connection_finds_the_one_that_writes(postgres_database):
    write(postgres_database, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    with pytest.raises(ServiceUnavailable):
        write(postgres_database, CHANGE)
    write(postgres_database, CHANGE)


def test_a_transaction_that_a_frozen_process_held_for_too_long_is_no_fault_of_the_run(postgres_database):
    write(postgres_database, "SET idle_in_transaction_session_timeout = '20ms'")
    with pytest.raises(ServiceUnavailable):
        write(postgres_database, CHANGE, CHANGE, pause_s=0.2)
    write(postgres_database, CHANGE)
