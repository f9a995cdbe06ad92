"""A real server on a free port of this machine, and the worker's own code to train what it accepted."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import httpx
import uvicorn

from gradclinic.api.http.connection import ImpatientProtocol
from gradclinic.settings import Settings
from gradclinic.store.lease import Leases
from gradclinic.web import create_app
from gradclinic_workers.process.tasks import Trainer

NOBODY = "redis://127.0.0.1:1/0"
"""A queue that nobody listens at: what is stored waits, and the tests train it themselves."""


@contextmanager
def serving(settings: Settings, *, port: int = 0) -> Iterator[httpx.Client]:
    """The API over real HTTP, at a free port if no other is asked for."""
    config = uvicorn.Config(create_app(settings), http=ImpatientProtocol, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            client.get("/livez").raise_for_status()  # waits in the socket's backlog until the server is there
            yield client
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()


def train(settings: Settings, *run_ids: str, max_lanes: int = 1) -> None:
    """Train runs here and now, as a worker would; these and, without `max_lanes`, no others, whosever turn it is."""
    trainer = Trainer(settings.model_copy(update={"max_lanes": max_lanes}), owner="test:1:1")
    try:
        with patch.object(Leases, "next_run", lambda _leases, hinted, **_: hinted):
            for run_id in run_ids:
                if trainer.store.runs.get(run_id).status == "queued":
                    trainer.train(run_id)
    finally:
        trainer.close()
