"""The same as `test_any_request` with keys, a rate limit and quotas, on PostgreSQL with row-level security."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from gradclinic.settings import Settings
from gradclinic.web import create_app

from ..plain_role import database_of_plain_role
from .keyed import Keyed, keyed
from .serving import NOBODY
from .test_any_request import CHECKS, REFUSING

DESCRIBED = schemathesis.openapi.from_dict(
    create_app(Settings(database_url="postgresql://127.0.0.1:1/none", broker_url=NOBODY, access="required")).openapi()
)
OPERATIONS = {
    f"{operation.method.upper()} {operation.path}": operation
    for operation in (result.ok() for result in DESCRIBED.get_all_operations())
}
KEYS = ("none", "of another project", "of a small scope", "that may")
EXAMPLES = 8


@pytest.fixture(scope="module")
def service(postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    """Of its requests, many are refused: it accepts few unfinished runs, and few data sets."""
    folder: Path = tmp_path_factory.mktemp("keyed")
    with (
        database_of_plain_role(postgres) as url,
        keyed(
            Settings(
                data_dir=folder, database_url=url, broker_url=NOBODY, max_runs_per_study=20, rate_limit="100/second",
                quota_runs=30, quota_flops=10**12, quota_datasets=3, quota_dataset_bytes=10**6,
            )
        ) as made,
    ):  # fmt: skip
        yield made


@pytest.fixture(scope="module")
def headers(service: Keyed) -> dict[str, dict[str, str]]:
    others = (service.header_of("vision", scope="admin"), service.header("read"), service.header("admin"))
    return dict(zip(KEYS, ({}, *others), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("name", REFUSING)
def test_every_operation_answers_any_key_as_it_is_described(
    name: str, mode: GenerationMode, service: Keyed, headers: dict[str, dict[str, str]]
) -> None:
    asked: dict[str, set[int]] = {key: set() for key in KEYS}

    @given(case=OPERATIONS[name].as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def ask(case: schemathesis.Case) -> None:
        for key, header in headers.items():
            case.headers = {**{k: v for k, v in (case.headers or {}).items() if k.lower() != "authorization"}, **header}
            case.cookies = {}
            answer = case.call_and_validate(base_url=str(service.api.base_url), checks=CHECKS, timeout=30)
            asked[key].add(answer.status_code)

    ask()
    assert asked["that may"]
    assert asked["none"] <= {400, 401, 403, 405, 406, 408, 413, 415, 421, 422, 429}
