import stat
from pathlib import Path

import pytest

from gradclinic.kernel.gpu import uuids_in, visible_gpus

TWO = """\
GPU 0: NVIDIA H200 (UUID: GPU-aaaa)
GPU 1: NVIDIA H200 (UUID: GPU-bbbb)
"""
DIVIDED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa)
  MIG 1g.5gb      Device  0: (UUID: MIG-1111)
  MIG 1g.5gb      Device  1: (UUID: MIG-2222)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb)
"""


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of device files, on a machine whose only programs are those that a test adds."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "dev").mkdir()
    return tmp_path / "dev"


def nvidia_smi(devices: Path, script: str) -> None:
    program = devices.parent / "bin" / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_a_divided_gpu_counts_as_its_slices() -> None:
    assert uuids_in(TWO) == ["GPU-aaaa", "GPU-bbbb"]
    assert uuids_in(DIVIDED) == ["MIG-1111", "MIG-2222", "GPU-bbbb"]
    assert uuids_in("No devices found.\n") == []


def test_the_gpus_are_those_that_nvidia_smi_lists(devices: Path) -> None:
    (devices / "nvidia7").touch()
    nvidia_smi(devices, f"/bin/cat <<'END'\n{TWO}END")
    assert visible_gpus(devices) == ["GPU-aaaa", "GPU-bbbb"]


@pytest.mark.parametrize("script", [None, "echo 'driver/library version mismatch'; exit 18"])
def test_without_its_answer_device_files_are_counted_from_zero_whatever_their_numbers(
    devices: Path, script: str | None
) -> None:
    if script is not None:
        nvidia_smi(devices, script)
    assert visible_gpus(devices) == []
    for name in ("nvidia3", "nvidia5", "nvidiactl", "nvidia-uvm"):
        (devices / name).touch()
    assert visible_gpus(devices) == ["0", "1"]
    (devices / "dxg").touch()
    assert visible_gpus(devices) == ["0"]


@pytest.mark.parametrize(
    ("chosen", "gpus"),
    [("0", ["0"]), ("1, 2", ["1", "2"]), ("GPU-aaaa", ["GPU-aaaa"]), ("", []), ("-1", []), ("0,-1,2", ["0"])],
)
def test_what_the_environment_chooses_counts_as_cuda_reads_it(
    chosen: str, gpus: list[str], devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (devices / "nvidia0").touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert visible_gpus(devices) == gpus
