"""Commands that run parts of the service."""

import http.client
import socket
import time
from pathlib import Path

import pytest

from .command import begun, gradclinic, refused


def test_a_port_in_use_is_said_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(gradclinic("serve", "--port", port, "--data-dir", str(tmp_path)), 4)
        assert f"port {port} on 127.0.0.1 is in use" in line
        gradclinic("db", "upgrade", "--data-dir", str(tmp_path))
        line = refused(gradclinic("serve", "--api-only", "--port", port, "--data-dir", str(tmp_path)), 4)
        assert f"port {port} on 127.0.0.1 is in use" in line


def test_a_broken_data_folder_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for command in ("serve", "demo"):
        done = gradclinic(command, "--data-dir", str(tmp_path / "file"))
        assert done.returncode == 4
        assert "is a file, not a folder" in done.stderr.strip().splitlines()[-1]


def test_a_broken_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "gradclinic.db").write_bytes(b"no database at all, just text" * 100)
    done = gradclinic("serve", "--port", "0", "--data-dir", str(tmp_path))
    assert done.returncode == 4
    assert "gradclinic.db" in done.stderr.strip().splitlines()[-1]


def test_a_schema_that_is_too_old_is_said_so(tmp_path: Path) -> None:
    line = refused(gradclinic("serve", "--api-only", "--port", "0", "--data-dir", str(tmp_path)), 4)
    assert "gradclinic db upgrade" in line
    assert gradclinic("db", "upgrade", "--data-dir", str(tmp_path)).returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRADCLINIC_PORT", "many"),
        ("GRADCLINIC_DATABASE_URL", "mysql://host/name"),
        ("GRADCLINIC_DATABASE_URL", "nonsense"),
        ("GRADCLINIC_BROKER_URL", "amqp://host"),
        ("GRADCLINIC_BROKER_PASSWORD_FILE", "/no/such/file"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    for command in ("serve", "worker", "reconciler"):
        assert name in refused(gradclinic(command, **{name: value}), 4)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("GRADCLINIC_PORT", "8_000", "a whole number, for example 10"),
        ("GRADCLINIC_MAX_STEPS", "+5", "a whole number, for example 10"),
        ("GRADCLINIC_QUOTA_RUNS", "\uff15", "a whole number, for example 10"),
        ("GRADCLINIC_LEASE_TTL_S", "inf", "a number, for example 0.5 or 1e-3"),
        ("GRADCLINIC_MAX_RUN_S", "1e999", "finite"),
    ],
)
def test_a_number_in_a_setting_is_only_read_as_json_writes_it(name: str, value: str, allowed: str) -> None:
    line = refused(gradclinic("serve", **{name: value}), 4)
    assert line.startswith(f"gradclinic: {name}: should be")
    assert allowed in line


def test_an_idle_connection_outlives_the_servers_default_of_five_seconds(tmp_path: Path) -> None:
    gradclinic("db", "upgrade", "--data-dir", str(tmp_path))
    with begun("serve", "--api-only", "--port", "0", "--data-dir", str(tmp_path)) as api:
        try:
            assert api.stdout is not None
            host, port = api.stdout.readline().rsplit("//", 1)[1].strip().split(":")
            connection = http.client.HTTPConnection(host, int(port), timeout=30)
            connection.request("GET", "/livez")
            connection.getresponse().read()
            kept = connection.sock
            time.sleep(6.5)
            connection.request("GET", "/livez")
            assert connection.getresponse().status == 200
            assert connection.sock is kept
            connection.close()
        finally:
            api.terminate()
