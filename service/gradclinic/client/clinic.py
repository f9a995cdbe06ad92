"""The client of a service; every call is an HTTP request."""

import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from typing_extensions import Self

from ..kernel.access import KEY_VARIABLE
from ..kernel.json import JsonObject
from ..kernel.project import PROJECT_VARIABLE
from ..schemas.base import Answer
from .baseline import BaselineCalls
from .catalogue import CatalogueCalls
from .check import CheckCalls
from .claim import ClaimCalls
from .comparison import ComparisonCalls
from .connection import Connection
from .dataset import DatasetCalls
from .prescription import PrescriptionCalls
from .run import RunCalls
from .schedule import ScheduleCalls
from .study import StudyCalls
from .webhook import WebhookCalls

DEFAULT_URL = "http://127.0.0.1:8000"
URL_VARIABLE = "GRADCLINIC_URL"


class Clinic(
    CatalogueCalls,
    RunCalls,
    StudyCalls,
    ComparisonCalls,
    PrescriptionCalls,
    BaselineCalls,
    CheckCalls,
    ScheduleCalls,
    WebhookCalls,
    DatasetCalls,
    ClaimCalls,
):
    """A client of a training-diagnostics service.

    api_key: `<id>.<secret>`, for a service that requires one; by default GRADCLINIC_API_KEY. It is sent to `url` only.
    project: for a key with the scope admin, a project other than that of the key; by default GRADCLINIC_PROJECT.
    """

    _connection: ClassVar[type[Connection]] = Connection

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        project: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        self.connection = self._connection(
            url or os.environ.get(URL_VARIABLE) or DEFAULT_URL,
            timeout_s=timeout_s,
            api_key=api_key or os.environ.get(KEY_VARIABLE),
            project=project or os.environ.get(PROJECT_VARIABLE),
        )
        self._end: weakref.finalize[[], Clinic] | None = None

    @classmethod
    def local(cls, data_dir: str | Path | None = None, *, workers: int | None = None) -> Self:
        """Start an embedded server on a free local port, and return its client.

        Data is stored in `data_dir`, or in a temporary folder that is removed at the end. The server stops on `close`,
        at the end of a `with` block or of the program, or when the client is garbage-collected.
        """
        from . import local

        started = local.start(data_dir, workers=workers)
        return cls(started.url, api_key=started.key)._with(started.end)

    def _with(self, end: Callable[[], None]) -> Self:
        self._end = weakref.finalize(self, end)
        return self

    @property
    def url(self) -> str:
        """The URL of the service."""
        return self.connection.url

    def get(self, /, path: str, **parameters: Any) -> JsonObject:
        """Get any resource of the API as JSON, for example `get("/v1/runs", limit=5)`."""
        return self.connection.document(path, **parameters)

    def post(self, path: str, body: JsonObject | None = None) -> JsonObject:
        """Post a JSON body, and return the JSON answer; for operations that have no method here."""
        return self.connection.post(Answer, path, body).document

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, and stop the server if this client started it."""
        self.connection.close()
        if self._end is not None:
            self._end()
