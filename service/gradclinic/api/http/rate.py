"""Limits how many requests a key may send in a time; without keys, an address.

The counts are in the queue's Valkey or Redis, so that all processes of the API share them. While that is unreachable,
each process counts for itself.
"""

import math
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

import structlog
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...kernel.errors import RateExceeded
from .problems import problem

log = structlog.get_logger(__name__)

PAUSE_S = 5.0
"""Seconds for which requests are counted here after the shared counts could not be reached."""
TIMEOUT_S = 0.5
"""Seconds that a request waits for the shared counts."""
UNLIMITED = ("/livez", "/readyz", "/static/")
"""Paths of health checks, which must not fail, and of files that cost nothing."""
_SHARED = ("redis://", "rediss://")


@dataclass(frozen=True)
class Standing:
    """How many requests somebody may still send."""

    limit: int
    remaining: int
    reset_s: int
    """Seconds until more are allowed, at least 1."""
    allowed: bool
    """Whether the present request is within the limit."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response (draft-ietf-httpapi-ratelimit-headers-03)."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        } | ({} if self.allowed else {"Retry-After": str(self.reset_s)})


class Rates:
    """Counts requests in a sliding window."""

    def __init__(self, limit: RateLimitItem, *, broker: str) -> None:
        self.limit = limit
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._pool = _pool(broker)
        self._shared = None if self._pool is None else _shared(broker, self._pool)
        self._paused_until = 0.0

    async def take(self, who: str) -> Standing:
        """Count a request of somebody."""
        if self._shared is not None and monotonic() >= self._paused_until:
            try:
                return await self._take(self._shared, who)
            except (StorageError, OSError) as error:
                self._paused_until = monotonic() + PAUSE_S
                log.warning("rates_not_shared", reason=str(error))
        return await self._take(self._here, who)

    async def close(self) -> None:
        """Close the connections to the shared counts."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _take(self, limiter: SlidingWindowCounterRateLimiter, who: str) -> Standing:
        allowed = await limiter.hit(self.limit, who)
        reset_at, remaining = await limiter.get_window_stats(self.limit, who)
        return Standing(self.limit.amount, max(0, remaining), max(1, math.ceil(reset_at - time())), allowed)


class RateLimit:
    """Refuses requests beyond the limit (429), and says in the headers of all others how many are left.

    It is inside of `Access`, so it knows the key of a request.
    """

    def __init__(self, app: ASGIApp, *, rates: Rates) -> None:
        self.app, self._rates = app, rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"].startswith(UNLIMITED):
            await self.app(scope, receive, send)
            return
        standing = await self._rates.take(scope.get("state", {}).get("key_id") or address_of(scope))
        if not standing.allowed:
            await refusal(scope, self._rates, standing)(scope, receive, send)
            return

        async def send_standing(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(standing.headers)
            await send(message)

        await self.app(scope, receive, send_standing)


def refusal(scope: Scope, rates: Rates, standing: Standing) -> Response:
    """The answer to a request beyond the limit."""
    return problem(
        Request(scope),
        status=429,
        code=RateExceeded.code,
        title=RateExceeded.title,
        detail=f"More than {rates.limit} were sent; try again in {standing.reset_s} s.",
        headers=standing.headers,
    )


def address_of(scope: Scope) -> str:
    """The address that a request comes from; behind a proxy, that of the proxy unless it is trusted."""
    client = scope.get("client")
    return client[0] if client else "unknown"


def _pool(broker: str) -> ConnectionPool | None:
    if not broker.startswith(_SHARED):
        return None
    return ConnectionPool.from_url(
        broker, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )


class _OneTrip(RedisStorage):
    """Counts a request and reads the counts at once, by the scripts of the library within one.

    Its limiter asks for the counts after each request, in the same task, and gets those that came with the answer.
    """

    STORAGE_SCHEME: list[str] = []  # noqa: RUF012  # made here only, by no URL
    _counts: ContextVar[tuple[int, float, int, float]] = ContextVar("counts")

    def __init__(self, uri: str, pool: ConnectionPool, **options: Any) -> None:
        super().__init__(uri, connection_pool=pool, **options)  # type: ignore[arg-type]  # passed on to redis
        self._script = Redis(connection_pool=pool).register_script(_COUNT_AND_READ)

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        windows = (self._previous_window_key(key), self._current_window_key(key))
        keys = [self.bridge.prefixed_key(each) for each in windows]
        acquired, before, before_ms, now, now_ms = await self._script(keys, [limit, expiry, amount])
        left_ms = max(0, now_ms - 1)  # of two windows; a whole number of them would end now
        self._counts.set((int(before or 0), max(0, before_ms) / 1000, int(now or 0), left_ms / 1000))
        return bool(acquired)

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        return self._counts.get()


_COUNT_AND_READ = f"""
local function count(KEYS, ARGV) {RedispyBridge.SCRIPT_ACQUIRE_SLIDING_WINDOW.decode()} end
local function read(KEYS, ARGV) {RedispyBridge.SCRIPT_SLIDING_WINDOW.decode()} end
local acquired = count(KEYS, ARGV) and 1 or 0
local counts = read(KEYS, {{ARGV[2]}})
return {{acquired, counts[1], counts[2], counts[3], counts[4]}}
"""


def _shared(broker: str, pool: ConnectionPool) -> SlidingWindowCounterRateLimiter:
    storage = _OneTrip(
        f"async+{broker}", pool, wrap_exceptions=True, implementation="redispy", key_prefix="gradclinic:rate"
    )
    return SlidingWindowCounterRateLimiter(storage)
