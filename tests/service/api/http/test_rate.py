import asyncio
import time
from pathlib import Path

import httpx
import pytest
import redis
from limits import parse

from gradclinic import Clinic
from gradclinic.api.http.rate import Rates
from gradclinic.kernel.errors import RateExceeded
from gradclinic.settings import Settings
from gradclinic.web import create_app

from ....servers import Valkey
from ..keyed import keyed
from ..serving import NOBODY, serving


def limited(sqlite_url: str, folder: Path, rate: str, **changes: str) -> Settings:
    given = {"data_dir": folder, "database_url": sqlite_url, "broker_url": NOBODY, "rate_limit": rate}
    return Settings(**(given | changes))


def statuses(api: httpx.Client, requests: int, path: str = "/v1/runs", **headers: str) -> list[int]:
    return [api.get(path, headers=headers).status_code for _ in range(requests)]


def test_by_default_requests_are_not_limited(api: httpx.Client) -> None:
    assert not [name for name in api.get("/v1/runs").headers if name.startswith("ratelimit")]
    assert set(statuses(api, 30)) == {200}


def test_requests_beyond_the_limit_are_refused_and_told_when_to_try_again(sqlite_url: str, tmp_path: Path) -> None:
    with serving(limited(sqlite_url, tmp_path, "3/hour")) as api:
        within = [api.get("/v1/runs").headers for _ in range(3)]
        assert [int(headers["RateLimit-Remaining"]) for headers in within] == [2, 1, 0]
        assert all("Retry-After" not in headers for headers in within)
        refused = api.get("/v1/runs")
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert (refused.headers["RateLimit-Limit"], refused.headers["RateLimit-Remaining"]) == ("3", "0")
        assert 0 < int(refused.headers["Retry-After"]) == int(refused.headers["RateLimit-Reset"]) <= 3600
        assert refused.json()["code"] == "rate_exceeded"
        assert "3 per 1 hour" in refused.json()["detail"]
        assert statuses(api, 5, "/livez") == statuses(api, 5, "/static/app.css") == [200] * 5


def test_each_key_has_its_own_limit_and_so_have_requests_without_a_valid_one(sqlite_url: str, tmp_path: Path) -> None:
    with keyed(limited(sqlite_url, tmp_path, "3/hour")) as service:
        wrong = {"Authorization": f"{service.header('read')['Authorization']}x"}
        assert statuses(service.api, 5, **wrong) == [401] * 3 + [429] * 2
        assert statuses(service.api, 5, **service.header("read")) == [200] * 3 + [429] * 2
        assert statuses(service.api, 5, **service.header("run")) == [200] * 3 + [429] * 2
        assert statuses(service.api, 2, "/readyz") == [200] * 2


def test_processes_share_the_counts_and_count_alone_while_the_queue_is_away(valkey: Valkey) -> None:
    async def allowed(*rates: Rates) -> list[bool]:
        return [(await each.take("key_1")).allowed for each in rates]

    limit = parse("3/hour")
    first, second, alone = (Rates(limit, broker=broker) for broker in (valkey.url, valkey.url, NOBODY))

    async def play() -> None:
        assert await allowed(first, second, first, second, first) == [True, True, True, False, False]
        assert await allowed(*[alone] * 4) == [True, True, True, False]
        for each in (first, second, alone):
            await each.close()

    valkey.flush()
    asyncio.run(play())


def test_a_request_costs_one_round_trip_and_says_what_is_left(valkey: Valkey) -> None:
    rates = Rates(parse("3/hour"), broker=valkey.url)

    def commands() -> int:
        with redis.Redis.from_url(valkey.url) as client:
            return sum(counted["calls"] for name, counted in client.info("commandstats").items() if "eval" in name)

    async def play() -> list[tuple[int, bool]]:
        first = await rates.take("key_1")  # it loads the script
        assert 3500 < first.reset_s <= 3600
        before = commands()
        standings = [await rates.take("key_1") for _ in range(3)]
        assert commands() - before == 3
        assert all(3500 < each.reset_s <= 3600 for each in standings)
        await rates.close()
        return [(each.remaining, each.allowed) for each in standings]

    valkey.flush()
    assert asyncio.run(play()) == [(1, True), (0, True), (0, False)]


def test_the_client_waits_for_as_long_as_it_is_told(sqlite_url: str, tmp_path: Path) -> None:
    with serving(limited(sqlite_url, tmp_path, "2/second")) as api, Clinic(str(api.base_url)) as clinic:
        started = time.monotonic()
        for _ in range(5):
            assert list(clinic.runs()) == []
        assert time.monotonic() - started > 0.9
    with serving(limited(sqlite_url, tmp_path, "1/day")) as api, Clinic(str(api.base_url)) as clinic:
        assert list(clinic.runs()) == []
        with pytest.raises(RateExceeded, match="1 per 1 day"):
            list(clinic.runs())


def test_every_operation_but_health_checks_says_that_it_may_be_refused_for_its_rate(
    sqlite_url: str, tmp_path: Path
) -> None:
    document = create_app(limited(sqlite_url, tmp_path, "")).openapi()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("429" in operation["responses"]) is (path not in ("/livez", "/readyz")), path


@pytest.mark.parametrize("rate", ["many", "0/minute", "5", "5/fortnight"])
def test_a_limit_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="rate_limit"):
        Settings(rate_limit=rate)
