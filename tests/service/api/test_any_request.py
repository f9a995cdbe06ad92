"""Requests that nobody thought of: whatever is sent, the answer is one that the description of the API foresees."""

import copy
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks

from .described import DOCUMENT
from .examples import EXPERIMENT

QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A valid request in which one value is something else."""
    body = {"experiment": copy.deepcopy(EXPERIMENT), "remedies": [{"kind": "lower_learning_rate", "factor": 0.1}]}
    holder: Any = body
    while True:
        key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else list(range(len(holder)))))
        if isinstance(holder[key], dict | list) and holder[key] and draw(st.booleans()):
            holder = holder[key]
            continue
        holder[key] = draw(anything)
        return body


@given(body=mutated() | anything)
@settings(max_examples=50, deadline=None, suppress_health_check=QUIET)
def test_resolving_anything_is_200_or_a_refusal_with_a_place(api: httpx.Client, body: object) -> None:
    answer = api.post("/v1/experiments:resolve", json=body)
    assert answer.status_code in {200, 422}, answer.text
    if answer.status_code == 422:
        for found in answer.json()["errors"]:
            assert found["pointer"] == "" or found["pointer"].startswith("/")
            assert found["detail"]


DESCRIBED = schemathesis.openapi.from_dict(copy.deepcopy(DOCUMENT))
OPERATIONS = {
    f"{operation.method.upper()} {operation.path}": operation
    for operation in (result.ok() for result in DESCRIBED.get_all_operations())
    if not operation.path.startswith("/v1/figures")
}
REFUSING = [name for name in OPERATIONS if name not in {"GET /v1/catalogue", "GET /livez", "GET /readyz"}]
"""Operations that take something, so that something can be wrong with it."""
EXAMPLES = pytest.mark.parametrize("examples", [2, pytest.param(40, marks=pytest.mark.slow)])
"""How many requests of each operation are drawn."""
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@EXAMPLES
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_answers_as_it_is_described(name: str, examples: int, small: httpx.Client) -> None:
    asked = []

    @given(case=OPERATIONS[name].as_strategy(generation_mode=GenerationMode.POSITIVE))
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def ask(case: schemathesis.Case) -> None:
        asked.append(case.call_and_validate(base_url=str(small.base_url), checks=CHECKS, timeout=30).status_code)

    ask()
    assert asked


@EXAMPLES
@pytest.mark.parametrize("name", REFUSING)
def test_every_operation_refuses_as_it_is_described(name: str, examples: int, small: httpx.Client) -> None:
    asked = []

    @given(case=OPERATIONS[name].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def ask(case: schemathesis.Case) -> None:
        asked.append(case.call_and_validate(base_url=str(small.base_url), checks=CHECKS, timeout=30).status_code)

    ask()
    assert asked
