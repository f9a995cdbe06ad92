"""The API's description of itself. It takes seconds to make, so it is made once for all tests that read it."""

from typing import Any

from gradclinic.settings import Settings
from gradclinic.web import create_app

from .serving import NOBODY

DOCUMENT: dict[str, Any] = create_app(
    Settings(database_url="postgresql://127.0.0.1:1/none", broker_url=NOBODY)
).openapi()
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
"""By method and path."""
