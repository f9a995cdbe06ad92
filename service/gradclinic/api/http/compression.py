"""Compresses answers with gzip for clients that accept it, except event streams and what is compressed already.

BREACH (Gluck, Harris and Prado 2013) finds a secret that stands in compressed answers beside text of the attacker's
choice, from many answers with the same secret. The only secret in an answer is the CSRF token of a page, and each page
has another one (`access.csrf_of`).
"""

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp

MINIMUM_BYTES = 1024
"""Smaller answers fit into a packet or two as they are."""
LEVEL = 4
"""Of zlib. 5 % larger than the highest one at a fourth of its time, for lists of runs and for statistics."""
COMPRESSED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet")


class Compression(GZipMiddleware):
    """The middleware with these settings."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, MINIMUM_BYTES, LEVEL, exclude_content_types=COMPRESSED)
