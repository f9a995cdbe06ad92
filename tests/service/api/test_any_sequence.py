"""Sequences of requests that nobody thought of: each goes on with what an earlier answer named, as programs do."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from gradclinic.settings import Settings

from ..plain_role import database_of_plain_role
from .described import DOCUMENT
from .keyed import Keyed, keyed
from .serving import NOBODY
from .test_any_keyed_request import DESCRIBED as DESCRIBED_WITH_KEYS
from .test_any_request import CHECKS

EXAMPLES = settings(
    max_examples=10,
    stateful_step_count=12,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def play(described: Any, api: httpx.Client, headers: dict[str, str]) -> dict[str, set[int]]:
    """Play sequences against an API; returns the statuses of each operation."""
    answered: dict[str, set[int]] = {}

    class Sequence(described.exclude(path_regex="/events$").as_state_machine()):  # type: ignore[misc]  # streams go on
        def before_call(self, case: schemathesis.Case) -> None:
            kept = {name: value for name, value in (case.headers or {}).items() if name.lower() != "prefer"}
            case.headers = {**kept, **headers}  # nobody waits for a run that no worker takes
            case.cookies = {}

        def get_call_kwargs(self, _case: schemathesis.Case) -> dict[str, Any]:
            return {"base_url": str(api.base_url), "timeout": 30}

        def validate_response(self, response: requests.Response, case: schemathesis.Case, **_: Any) -> None:
            answered.setdefault(case.operation.label, set()).add(response.status_code)
            case.validate_response(response, checks=CHECKS)

    run_state_machine_as_test(Sequence, settings=EXAMPLES)
    return answered


@pytest.mark.slow
def test_sequences_without_keys_are_answered_as_described(small: httpx.Client) -> None:
    answered = play(schemathesis.openapi.from_dict(copy.deepcopy(DOCUMENT)), small, {})
    assert len(answered) > 10
    assert any(status in (200, 201, 202) for statuses in answered.values() for status in statuses)


@pytest.fixture(scope="module")
def service(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    folder: Path = tmp_path_factory.mktemp("sequences")
    with database_of_plain_role(postgres) as url:
        given = Settings(data_dir=folder, database_url=url, broker_url=NOBODY, max_runs_per_study=20, quota_runs=100)
        with keyed(given) as made:
            yield made


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["read", "admin"])
def test_sequences_with_a_key_on_postgresql_are_answered_as_described(scope: Any, service: Keyed) -> None:
    answered = play(DESCRIBED_WITH_KEYS, service.api, service.header(scope))
    assert len(answered) > 10
    created = [label for label, statuses in answered.items() if statuses & {201, 202, 204}]
    assert bool(created) is (scope == "admin"), created
