"""Digests of requests, to distinguish a repeated request from another one with the same key."""

import hashlib
import json
from typing import Any, Literal

from ..kernel.json import JsonObject
from ..store import Idempotency


def idempotency_of(
    key: str | None,
    *,
    kind: Literal["run", "study", "prescription", "check", "recording", "recorded_study"],
    body: JsonObject,
) -> Idempotency | None:
    """A client's key with the digest of its request; None without a key."""
    if key is None:
        return None
    return Idempotency(key, digest({"kind": kind, "body": body}))


def digest(value: Any) -> str:
    """SHA-256 of a JSON value in its canonical form."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
