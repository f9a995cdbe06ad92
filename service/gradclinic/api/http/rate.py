"""Limits how many requests a key may send in a time; without keys, an address.

The counts are in the queue's Valkey or Redis, so that all processes of the API share them. While that is unreachable,
each process counts for itself.
"""

import math
from dataclasses import dataclass
from time import monotonic, time

import structlog
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool
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


def _shared(broker: str, pool: ConnectionPool) -> SlidingWindowCounterRateLimiter:
    storage = RedisStorage(
        f"async+{broker}",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="gradclinic:rate",
        connection_pool=pool,  # type: ignore[arg-type]  # passed on to redis
    )
    return SlidingWindowCounterRateLimiter(storage)
