import threading
from collections import Counter

import anyio
import httpx
import pytest
from anyio.to_thread import current_default_thread_limiter
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gradclinic.api.http import busy

THREADS, WAITING, REQUESTS = 2, 3, 9


async def statuses() -> list[int]:
    """What is answered to requests that all need a thread, while none is free, and to one for the liveness."""
    free, found = threading.Event(), list[int]()

    async def needs_a_thread(_request: Request) -> Response:
        await run_in_threadpool(free.wait)
        return Response()

    async def needs_none(_request: Request) -> Response:
        return Response()

    app = Starlette(routes=[Route("/v1/runs", needs_a_thread), Route("/livez", needs_none)])
    app.add_middleware(busy.Busy)
    current_default_thread_limiter().total_tokens = THREADS
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:

        async def get() -> None:
            answer = await client.get("/v1/runs")
            found.append(answer.status_code)
            assert answer.is_success or answer.headers["retry-after"] == "5"

        async with anyio.create_task_group() as group:
            for _ in range(REQUESTS):
                group.start_soon(get)
                await anyio.wait_all_tasks_blocked()
            assert (await client.get("/livez")).is_success
            free.set()
    return found


def test_of_requests_that_find_all_threads_in_use_only_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy, "MOST_WAITING", WAITING)
    assert Counter(anyio.run(statuses)) == {200: THREADS + WAITING, 503: REQUESTS - THREADS - WAITING}
