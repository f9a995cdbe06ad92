import subprocess
import sys

import pytest
import torch

from gradclinic_workers.process import gpu_proof
from gradclinic_workers.process.gpu_proof import fault_of_gpu

RUN = subprocess.run


def ends(monkeypatch: pytest.MonkeyPatch, *, status: int, said: str = "", complained: str = "") -> None:
    """Instead of the real trial, one that ends so."""
    script = f"import sys; print({said!r}); print({complained!r}, file=sys.stderr); sys.exit({status})"
    monkeypatch.setattr(
        gpu_proof.subprocess, "run", lambda _, **options: RUN([sys.executable, "-c", script], **options)
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is available here")
def test_without_cuda_the_reason_is_torchs() -> None:
    fault = fault_of_gpu()
    assert fault is not None
    assert fault.startswith("cuda cannot be used: ")


@pytest.mark.gpu
def test_a_gpu_that_computes_has_no_fault() -> None:
    assert fault_of_gpu() is None


def test_the_last_words_are_the_reason_and_a_silent_death_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    ends(monkeypatch, status=0, complained="a warning")
    assert fault_of_gpu() is None
    ends(monkeypatch, status=1, said="cuda cannot be used: too old")
    assert fault_of_gpu() == "cuda cannot be used: too old"
    ends(monkeypatch, status=1, complained="Traceback\nImportError: libcudart")
    assert fault_of_gpu() == "ImportError: libcudart"
    ends(monkeypatch, status=3)
    assert fault_of_gpu() == "the GPU ended the process that tried it (status 3)"


def test_a_driver_that_hangs_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_: object, *, timeout: float, **__: object) -> None:
        raise subprocess.TimeoutExpired("python", timeout)

    monkeypatch.setattr(gpu_proof.subprocess, "run", hang)
    assert fault_of_gpu() == "the GPU has not computed one small product within 180 s"
