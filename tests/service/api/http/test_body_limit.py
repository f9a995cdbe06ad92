import anyio
import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from gradclinic.api.http import body_limit
from gradclinic.api.http.body_limit import BodyLimit
from gradclinic.kernel.errors import ServiceUnavailable

PART = 60


def test_bodies_that_are_in_memory_at_once_have_a_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of a request are free again when it has been answered or refused."""
    monkeypatch.setattr(body_limit, "HELD_BYTES", 2 * PART)

    async def play() -> None:
        answered = anyio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await Request(scope, receive).body()
            await answered.wait()

        limit = BodyLimit(app, most_bytes=PART, exceptions={"/v1/datasets": PART})
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(sent, limit, "/v1/runs")
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(ServiceUnavailable, match="use the memory"):
                await sent(limit, "/v1/studies")
            group.start_soon(sent, limit, "/v1/datasets")  # has a limit of its own
            await anyio.wait_all_tasks_blocked()
            answered.set()
        await sent(limit, "/v1/studies")
        assert not any(limit.held.values())

    anyio.run(play)


async def sent(limit: BodyLimit, path: str) -> None:
    """Send a body of one part."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b" " * PART}

    async def send(_message: Message) -> None:
        pass

    await limit({"type": "http", "path": path, "method": "POST", "headers": []}, receive, send)


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ([(b"content-length", b"60")], True),
        ([(b"transfer-encoding", b"chunked")], True),
        ([(b"content-length", b"60"), (b"transfer-encoding", b"chunked")], False),
    ],
)
def test_a_body_of_two_lengths_is_refused_unread_and_its_connection_closed(
    headers: list[tuple[bytes, bytes]], *, passes: bool
) -> None:
    """A proxy may take the other length, and what is left of the body for a request of somebody else."""
    read: list[int] = []
    answers: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        read.append(len(await Request(scope, receive).body()))

    async def receive() -> Message:
        return {"type": "http.request", "body": b" " * PART}

    async def send(message: Message) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/runs", "query_string": b"", "headers": headers}
    anyio.run(BodyLimit(app, most_bytes=PART, exceptions={}), scope, receive, send)
    assert read == ([PART] if passes else [])
    if not passes:
        assert answers[0]["status"] == 400
        assert (b"connection", b"close") in answers[0]["headers"]
        assert b"ambiguous_body" in answers[1]["body"]
