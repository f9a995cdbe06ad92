"""Spans as a collector gets them; in processes of their own, since OpenTelemetry is set up once in a process."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ..examples import EXPERIMENT
from ..serving import NOBODY

REQUESTS = """
import json, sys
from starlette.testclient import TestClient
from gradclinic.web import create_app

with TestClient(create_app(), base_url="http://localhost") as api:
    store = api.app.state.service.store
    made = api.post("/v1/runs", json={"experiment": json.loads(sys.argv[1])}, headers={"X-Request-ID": "made-by-me"})
    api.get(made.headers["Location"])
    api.get("/v1/runs/run_of_nobody")
    api.get("/livez")
loaded = [name for name in sys.modules if name.startswith("opentelemetry.exporter")]
traceparent = store.runs.get(made.json()["id"]).traceparent
print(json.dumps({"run": made.json()["id"], "loaded": loaded, "traceparent": traceparent}))
"""


class Collector(ThreadingHTTPServer):
    """Takes what is exported over OTLP, and keeps it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: dict[str, list[bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> list[tuple[str, dict[str, Any]]]:
        """Name and attributes of each request's span."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        found = []
        for body in self.got.get("/v1/traces", []):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for span in (span for scope in resource.scope_spans for span in scope.spans):
                    values = {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes}
                    if "http.request.method" in values:
                        found.append((span.name, {**values, "trace": span.trace_id.hex()}))
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        self.server.got.setdefault(self.path, []).append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def requested(folder: Path, database_url: str, **variables: str) -> dict[str, Any]:
    """What a process that answered some requests says of itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment |= {
        "GRADCLINIC_DATA_DIR": str(folder),
        "GRADCLINIC_DATABASE_URL": database_url,
        "GRADCLINIC_BROKER_URL": NOBODY,
    }
    finished = subprocess.run(
        [sys.executable, "-c", REQUESTS, json.dumps(EXPERIMENT)],
        env=environment | variables, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(finished.stdout.splitlines()[-1]))


def test_requests_make_spans_that_name_request_and_run(tmp_path: Path, sqlite_url: str, collector: Collector) -> None:
    said = requested(tmp_path, sqlite_url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    (created, read, unknown) = collector.spans()
    assert [created[0], read[0], unknown[0]] == ["POST /v1/runs", "GET /v1/runs/{run_id}", "GET /v1/runs/{run_id}"]
    assert created[1]["gradclinic.request_id"] == "made-by-me"
    assert created[1]["gradclinic.run_id"] == read[1]["gradclinic.run_id"] == said["run"]
    assert created[1]["http.response.status_code"] == 202
    assert read[1]["gradclinic.request_id"] not in {"", "made-by-me"}
    assert unknown[1]["http.response.status_code"] == 404
    assert said["traceparent"].split("-")[1] == created[1]["trace"]
    assert "/v1/metrics" in collector.got
    assert "/v1/logs" not in collector.got


def test_without_an_endpoint_nothing_that_exports_is_loaded(tmp_path: Path, sqlite_url: str) -> None:
    said = requested(tmp_path, sqlite_url)
    assert (said["loaded"], said["traceparent"]) == ([], None)


@pytest.mark.slow
def test_a_collector_that_is_away_costs_no_answer(tmp_path: Path, sqlite_url: str) -> None:
    said = requested(
        tmp_path, sqlite_url, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTEL_EXPORTER_OTLP_TIMEOUT="1"
    )
    assert said["run"].startswith("run_")
