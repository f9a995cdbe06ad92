from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gradclinic.diagnosis.rules import RULES, STOPPING_CONDITIONS

from .described import DOCUMENT, OPERATIONS


def body_of(operation: dict[str, Any]) -> dict[str, Any] | None:
    if "application/json" not in operation.get("requestBody", {}).get("content", {}):
        return None
    (content,) = operation["requestBody"]["content"].values()
    return dict(DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rsplit("/", 1)[-1]])


def unbounded(schema: Any, place: str, inside: tuple[str, ...] = ()) -> Iterator[str]:
    """Places of the whole numbers in a schema that have no upper bound."""
    if isinstance(schema, list):
        for part in schema:
            yield from unbounded(part, place, inside)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "integer" and not {"maximum", "exclusiveMaximum", "const", "enum"} & schema.keys():
        yield place
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    if name and name not in inside:
        yield from unbounded(DOCUMENT["components"]["schemas"][name], name, (*inside, name))
    for key in ("anyOf", "oneOf", "allOf", "items", "additionalProperties", "prefixItems"):
        yield from unbounded(schema.get(key), place, inside)
    for field, part in schema.get("properties", {}).items():
        yield from unbounded(part, f"{place}.{field}", inside)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_whole_number_of_a_request_has_an_upper_bound(name: str) -> None:
    """Databases and arrays have one, too: a larger number would be an error of theirs."""
    operation = OPERATIONS[name]
    parts = [(each["schema"], each["name"]) for each in operation.get("parameters", [])]
    parts += [(each["schema"], "body") for each in operation.get("requestBody", {}).get("content", {}).values()]
    assert not [place for schema, place in parts for place in unbounded(schema, place)]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_described(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    for parameter in operation.get("parameters", []):
        assert parameter.get("description") or parameter["in"] == "path", parameter["name"]


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if body_of(operation)])
def test_every_body_has_an_example_and_says_what_its_fields_are(name: str) -> None:
    schema = body_of(OPERATIONS[name])
    assert schema is not None
    assert schema["examples"]
    assert schema["additionalProperties"] is False
    for field, described in schema["properties"].items():
        assert described.get("description") or "$ref" in described, field


@pytest.mark.parametrize("path", ["/v1/experiments:resolve", "/v1/runs", "/v1/studies"])
def test_the_examples_are_accepted(api: httpx.Client, path: str) -> None:
    schema = body_of(OPERATIONS[f"POST {path}"])
    assert schema is not None
    for example in schema["examples"]:
        assert api.post(path, json=example).status_code in {200, 202}


@pytest.mark.parametrize("name", [name for name in OPERATIONS if " /v1/" in name and "figures" not in name])
def test_problems_are_described_as_problem_documents(name: str) -> None:
    for status, answer in OPERATIONS[name]["responses"].items():
        if status >= "400":
            assert "application/problem+json" in answer["content"], status


def test_what_changes_something_may_refuse_a_page_of_another_site_and_nothing_else_may() -> None:
    refusing = {name for name, operation in OPERATIONS.items() if "403" in operation["responses"]}
    assert refusing == {name for name in OPERATIONS if not name.startswith("GET ")}


def test_the_conditions_that_a_request_can_name_are_the_rules() -> None:
    stop_when = DOCUMENT["components"]["schemas"]["StopWhen"]["properties"]["conditions"]
    assert stop_when["items"]["enum"] == list(STOPPING_CONDITIONS)
    (condition,) = [each for each in OPERATIONS["GET /v1/runs"]["parameters"] if each["name"] == "condition"]
    assert condition["schema"]["anyOf"][0]["enum"] == list(RULES)
