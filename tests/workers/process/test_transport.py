import json
from typing import Any

import pytest
from kombu.message import Message

from gradclinic_workers.process.transport import MALFORMED, _keep_only_run_id


def message(body: Any) -> Message:
    made = Message(body=json.dumps(body).encode(), content_type="application/json", content_encoding="utf-8")
    made.accept = {"application/json"}
    return made


@pytest.mark.parametrize(
    "embedded",
    [
        {},
        {"callbacks": [{"task": "another.task", "args": ["x"]}], "errbacks": None, "chain": None, "chord": None},
        {"chain": [{"task": "gradclinic.train", "args": ["run_2"]}]},
        {"chord": {"task": "another.task"}},
        "nonsense",
    ],
)
def test_a_worker_acts_on_nothing_in_a_message_but_the_id_of_its_run(embedded: Any) -> None:
    received = message([["run_1"], {"more": 1}, embedded])
    _keep_only_run_id(received)
    assert json.loads(received.body) == received.payload == [["run_1"], {}, {}]


@pytest.mark.parametrize(
    "body", [[], [["run_1"]], [["run_1", "run_2"], {}, {}], [[7], {}, {}], ["run_1", {}, {}], {"args": ["run_1"]}, 5]
)
def test_a_message_without_the_id_of_a_run_is_dropped(body: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        _keep_only_run_id(message(body))


@pytest.mark.parametrize(
    ("body", "content_type"), [(b"no JSON {", "application/json"), (b"[]", "application/x-python-serialize")]
)
def test_a_message_that_cannot_be_decoded_is_dropped(body: bytes, content_type: str) -> None:
    received = Message(body=body, content_type=content_type, content_encoding="utf-8", accept={"application/json"})
    with pytest.raises(MALFORMED):
        _keep_only_run_id(received)
