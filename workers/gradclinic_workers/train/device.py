"""The device of a run, its memory, and the fingerprint of the environment that a run's numbers depend on."""

import os
import platform
from functools import cache
from importlib import metadata

import numpy as np
import torch

from gradclinic.kernel.amounts import bytes_in_words
from gradclinic.kernel.errors import OutOfMemory, TrainingFailed


def choose(requested: str) -> str:
    """The device for `auto`, `cpu` or `cuda`; raises TrainingFailed if it is not available."""
    available = torch.cuda.is_available()
    if requested == "cuda" and not available:
        raise TrainingFailed(
            'this worker has no CUDA device; set training.device to "auto" or "cpu", or add a GPU worker'
        )
    return "cuda" if available and requested != "cpu" else "cpu"


def make_deterministic() -> None:
    """Use one thread per process, and only kernels that are bit-for-bit reproducible in the requested precision.

    Called once, before any operation. Source: the notes on reproducibility and on TF32 in PyTorch's documentation.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # otherwise cuBLAS may sum in varying order
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False  # TF32 is on by default: float32 with 10 bits of mantissa
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)  # noqa: FBT003  # torch's own signature
    torch.backends.cudnn.benchmark = False


def clear(device: str) -> None:
    """Release GPU memory left by an earlier run, and reset the peak memory counter."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error means out of memory; torch has no error class for CPU memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def out_of_memory(device: str, *, estimated_bytes: int) -> OutOfMemory:
    """The error shown to the user: available memory, estimated memory, and what to do."""
    there = "the worker"
    if device.startswith("cuda"):
        there = f"the GPU ({bytes_in_words(torch.cuda.get_device_properties(device).total_memory)})"
    return OutOfMemory(
        f"{there} ran out of memory; the training was estimated to need about {bytes_in_words(estimated_bytes)}, and a "
        "smaller batch or model needs less"
    )


def fingerprint(device: str, *, text_digest: str | None = None) -> dict[str, object]:
    """The environment that a run's numbers depend on: versions, device, threads, the source text of its data."""
    facts: dict[str, object] = {
        "gradclinic": _version(),
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
        facts["cudnn"] = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]  # missing in torch's annotations
    return facts


@cache
def _version() -> str:
    return metadata.version("gradclinic")
