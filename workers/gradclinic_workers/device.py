"""Which device a run trains on, and the fingerprint of everything that its numbers depend on."""

import platform
from importlib import metadata
from typing import Any

import numpy as np
import torch

from gradclinic.errors import TrainingFailed


def choose(requested: str) -> str:
    """The device for a run that asks for `auto`, `cpu` or `cuda`; raises TrainingFailed where that is not there."""
    available = torch.cuda.is_available()
    if requested == "cuda" and not available:
        raise TrainingFailed(
            'this worker has no CUDA device; set training.device to "auto" or "cpu", or add a GPU worker'
        )
    return "cuda" if available and requested != "cpu" else "cpu"


def make_deterministic() -> None:
    """One thread a process, and only kernels that give the same bits each time; called once, before any operation."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)  # noqa: FBT003  # torch's own signature
    torch.backends.cudnn.benchmark = False


def fingerprint(device: str, *, text_digest: str | None = None) -> dict[str, Any]:
    """What a run's numbers depend on beside its experiment: versions, device, threads, the text of its data."""
    facts: dict[str, Any] = {
        "gradclinic": metadata.version("gradclinic"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
        "system": platform.system(),
        "device": device,
        "device_name": "CPU",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }
    if text_digest is not None:
        facts["data_sha256"] = text_digest
    if device.startswith("cuda"):
        facts["device_name"] = torch.cuda.get_device_name(device)
        facts["cuda"] = torch.version.cuda
    return facts
