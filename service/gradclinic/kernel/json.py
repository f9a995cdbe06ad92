"""JSON that is stored verbatim, such as a posted experiment or an environment fingerprint."""

from collections.abc import Mapping
from typing import Any

JsonObject = Mapping[str, Any]
"""A JSON object whose keys the code does not depend on; everything else has a type."""
