import asyncio
import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from gradclinic.api import event
from gradclinic.api.http import body_limit, connection
from gradclinic.api.http.crowd import Crowd
from gradclinic.kernel.errors import NotFound, ServiceUnavailable

HEAD = b"POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"


def until_closed(api: httpx.Client, *parts: bytes, pause_s: float = 0.0) -> tuple[bytes, float]:
    """What the service answers to these bytes until it closes the connection, and after how many seconds it does."""
    with socket.create_connection((api.base_url.host, api.base_url.port or 80), timeout=20) as client:
        start, answer = time.monotonic(), b""
        for part in parts:
            client.sendall(part)
            time.sleep(pause_s)
        while received := client.recv(65_536):
            answer += received
        return answer, time.monotonic() - start


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-a: "])
def test_a_request_whose_head_does_not_arrive_is_given_up(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.5)
    answer, waited_s = until_closed(api, sent)
    assert answer == b""
    assert 0.4 < waited_s < 5


def test_a_head_that_arrives_byte_by_byte_has_no_more_time(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.5)
    with pytest.raises(OSError, match=r"(?i)pipe|reset"):
        until_closed(api, b"GET /livez HTTP/1.1\r\n", *[b"X-a: b\r\n"] * 30, pause_s=0.1)


def test_the_second_request_of_a_connection_has_as_much_time(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 1.0)
    whole = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer, waited_s = until_closed(api, whole, b"GET /liv", pause_s=0.3)
    assert answer.startswith(b"HTTP/1.1 200")
    assert 1.0 < waited_s < 6


def test_answers_are_sent_at_once_on_a_socket_that_was_given_as_a_descriptor() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
        with accepted, socket.fromfd(accepted.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as given:  # as uvicorn does
            assert given.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0
            connection.send_at_once(asyncio.Transport({"socket": given}))
            assert given.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_the_service_may_have_as_many_connections_as_the_system_allows(api: httpx.Client) -> None:
    """The service of the tests runs in this process."""
    assert api.get("/livez").is_success
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert resource.RLIM_INFINITY in (soft, hard) or soft >= min(hard, connection.CONNECTIONS)


def test_a_local_socket_is_left_as_it_is() -> None:
    here, there = socket.socketpair()
    with here, there:
        connection.send_at_once(asyncio.Transport({"socket": here}))
        connection.send_at_once(asyncio.Transport())  # one without a socket, as of a test client
        here.sendall(b"as before")
        assert there.recv(100) == b"as before"


def test_a_body_that_does_not_arrive_is_given_up(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "BODY_PAUSE_S", 0.3)
    answer, waited_s = until_closed(api, HEAD, b"{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request_timeout" in answer
    assert waited_s < 5


def test_a_body_that_trickles_is_given_up(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "BODY_S", 0.5)
    answer, _ = until_closed(api, HEAD, *[b" "] * 3, pause_s=0.1)
    assert answer.startswith(b"HTTP/1.1 408")


def test_many_clients_that_wait_poll_no_more_often_together_than_a_few() -> None:
    crowd = Crowd(poll_s=0.25, polls_per_s=100, most=2000)
    with crowd.joined():
        assert crowd.pause_s == 0.25
    crowd.count = 1000
    assert crowd.pause_s == 10.0
    assert crowd.count / crowd.pause_s == 100


def test_no_more_clients_follow_events_than_allowed(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event, "_readers", Crowd(poll_s=0.25, polls_per_s=100, most=0))
    for form in ("text/event-stream", "application/json"):
        answer = api.get("/v1/runs/run_x/events", headers={"Accept": form})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_who_waits_for_the_first_events_has_a_place_already(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else any number of clients that come back at once would wait for the few threads of polls."""
    began, ended = threading.Event(), threading.Event()

    def slow_news(*_: object) -> None:
        began.set()
        ended.wait()
        raise NotFound("there is none")

    monkeypatch.setattr(event, "_readers", Crowd(poll_s=0.25, polls_per_s=100, most=1))
    monkeypatch.setattr(event, "run_news", slow_news)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(api.get, "/v1/runs/run_x/events")
        began.wait()
        assert api.get("/v1/runs/run_y/events").status_code == 503
        ended.set()
        assert first.result().status_code == 404
    assert api.get("/v1/runs/run_y/events").status_code == 404


def test_a_client_that_goes_leaves_its_place() -> None:
    crowd = Crowd(poll_s=0.25, polls_per_s=100, most=1)
    left = threading.Event()
    with crowd.joined():
        with pytest.raises(ServiceUnavailable, match="1 clients already follow events"):
            crowd.check()
        left.set()
    crowd.check()
    assert left.is_set()
