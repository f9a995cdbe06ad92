import socket
from pathlib import Path
from typing import Literal

import pytest

from gradclinic import embedded as supervisor
from gradclinic.embedded import Embedded, environment_of, listen, valkey
from gradclinic.kernel.errors import SetupFailed
from gradclinic.settings import Settings
from gradclinic.store import Store

from ...processes import processes_of
from ..store.records import claimed


def refusal(settings: Settings) -> str:
    """Why a service does not start; nothing of it is left."""
    with pytest.raises(SetupFailed) as failed:
        Embedded(settings, workers=1).start()
    text = str(failed.value)
    assert "\n" not in text
    assert processes_of(settings.data_dir) == []
    return text


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = refusal(Settings(data_dir=tmp_path, port=port))
    assert f"port {port}" in text
    assert "--port" in text


def test_an_address_of_another_machine_is_said_in_one_line(tmp_path: Path) -> None:
    assert "192.0.2.1" in refusal(Settings(data_dir=tmp_path, host="192.0.2.1", port=0))


def test_a_broken_database_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "gradclinic.db").write_bytes(b"no database" * 1000)
    assert "file is not a database" in refusal(Settings(data_dir=tmp_path, port=0))


def test_a_missing_worker_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "find_spec", lambda name: None if name == "torch" else True)
    text = refusal(Settings(data_dir=tmp_path, port=0))
    assert "torch is not installed" in text
    assert "pip install" in text


def test_a_queue_that_does_not_start_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "server_path", lambda: Path("/bin/false"))
    assert "queue did not start" in refusal(Settings(data_dir=tmp_path, port=0))


def test_a_folder_is_free_again_after_a_start_that_failed(tmp_path: Path) -> None:
    (tmp_path / "gradclinic.db").write_bytes(b"no database" * 1000)
    for _ in range(2):
        assert "file is not a database" in refusal(Settings(data_dir=tmp_path, port=0))


def test_runs_that_others_train_on_a_database_outside_its_folder_are_left_to_them(
    sqlite_url: str, tmp_path: Path
) -> None:
    store = Store(sqlite_url)
    claim = claimed(store)
    with Embedded(Settings(data_dir=tmp_path / "own", database_url=sqlite_url), workers=0, api=False):
        assert store.runs.get(claim.run_id).status == "running"
    store.close()


def test_every_setting_reaches_a_process_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path, port=1234, lease_ttl_s=7.5, max_steps=99, log_format="json")
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_an_address_that_others_can_reach_needs_keys(tmp_path: Path, host: str) -> None:
    assert "GRADCLINIC_ACCESS=required" in refusal(Settings(data_dir=tmp_path, host=host, port=0))


@pytest.mark.parametrize(
    ("host", "access"), [("127.0.0.1", "off"), ("localhost", "off"), ("127.9.9.9", "off"), ("0.0.0.0", "required")]
)
def test_this_machine_alone_needs_no_keys(host: str, access: Literal["off", "required"]) -> None:
    with listen(Settings(host=host, port=0, access=access)) as listening:
        assert listening.getsockname()[0] == {"localhost": "127.0.0.1"}.get(host, host)


def test_the_program_that_starts_a_service_has_a_key_of_its_own_until_it_stops(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "own", database_url=sqlite_url, access="required")
    with Embedded(settings, workers=0, api=False) as service:
        text = service.own_key()
        assert text is not None
        assert service.own_key() == text
        store = Store(sqlite_url)
        (key,) = store.keys.all()
        assert (key.scope, key.revoked_at) == ("admin", None)
    (key,) = store.keys.all()
    assert key.revoked_at is not None
    store.close()


def test_a_url_can_be_called_from_this_machine(tmp_path: Path) -> None:
    urls = [Embedded(Settings(data_dir=tmp_path, host=host, port=1)).url for host in ("0.0.0.0", "::1", "::")]
    assert urls[:2] == ["http://127.0.0.1:1", "http://[::1]:1"]
    assert urls[2] == "http://127.0.0.1:1"


def test_as_many_workers_are_stopped_as_were_started_whatever_gpus_are_seen_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = iter([["GPU-aaaa", "GPU-bbbb"], []])
    monkeypatch.setattr(supervisor, "visible_gpus", lambda: next(seen))
    monkeypatch.setattr(supervisor, "_cores", lambda: 2)
    service = Embedded(Settings(data_dir=tmp_path))
    assert (service._count, service._count) == (4, 4)


def test_workers_that_share_gpus_are_spread_over_all_of_them_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "visible_gpus", lambda: ["GPU-aaaa", "GPU-bbbb"])
    monkeypatch.setattr(supervisor, "_cores", lambda: 1)
    service = Embedded(Settings(data_dir=tmp_path, workers_per_gpu=2))
    assert service._gpu_of_worker == ["GPU-aaaa", "GPU-bbbb", "GPU-aaaa", "GPU-bbbb"]
    assert service._count == 5
