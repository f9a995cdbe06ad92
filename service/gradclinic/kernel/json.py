"""JSON that is kept verbatim: an experiment as it was posted, an environment's fingerprint."""

from collections.abc import Mapping
from typing import Any

JsonObject = Mapping[str, Any]
"""A JSON object whose keys nobody here depends on; whatever has a meaning has a type instead."""
