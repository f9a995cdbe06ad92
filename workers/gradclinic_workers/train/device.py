"""The device of a run, its memory, and the fingerprint of the environment that a run's numbers depend on."""

import os
import platform
from functools import cache
from importlib import metadata

import numpy as np
import torch
from torch import Tensor

from gradclinic.kernel.amounts import bytes_in_words
from gradclinic.kernel.errors import OutOfMemory, SetupFailed, TrainingFailed
from gradclinic_torch.measure.one_pass import kernels_on


def of_queue(queue: str) -> str:
    """The device on which runs of a queue train; raises TrainingFailed if this process does not have it.

    A run of the queue `cpu` trains on the CPU even where a GPU is free, since the runs that it is compared with do.
    """
    if queue != "gpu":
        return "cpu"
    if not torch.cuda.is_available():
        raise TrainingFailed(
            'this worker has no CUDA device; set training.device to "auto" or "cpu", or add a GPU worker'
        )
    return "cuda"


def prove(device: str) -> None:
    """Compute something on a device; raises SetupFailed with torch's own reason if that does not work.

    That a GPU is listed proves little: torch may be built without CUDA or for a newer driver, or the GPU may have
    failed.
    """
    try:
        there = torch.ones(64, 64, device=device)
        sums = (there @ there).sum().item()
    except Exception as error:  # whatever it is, the device cannot train
        reason = str(error).strip().partition("\n")[0]
        raise SetupFailed(f"{device} cannot be used: {reason or type(error).__name__}") from error
    if sums != 64.0**3:
        raise SetupFailed(f"{device} cannot be used: it computes a sum of {sums:g} instead of {64.0**3:g}")


def make_deterministic() -> None:
    """Use one thread per process, and only kernels that are bit-for-bit reproducible in the requested precision.

    An operation without such a kernel raises an error. With warnings instead, the backward pass of attention would use
    one that is not. Called once, before any operation.
    Source: the notes on reproducibility and on TF32 in PyTorch's documentation; the choice of attention's kernel in
    aten/src/ATen/native/transformers/cuda/attention_backward.cu.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # otherwise cuBLAS may sum in varying order
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False  # TF32 is on by default: float32 with 10 bits of mantissa
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False  # on by default: sums of split products
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)  # noqa: FBT003  # torch's own signature
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # nothing reads it
    torch.backends.cudnn.benchmark = False


def limit_memory(device: str, *, most: int, sharing: int) -> None:
    """Allow this process its part of a GPU that `sharing` workers use, and at most `most` bytes (0: no limit)."""
    if not device.startswith("cuda"):
        return
    _, total = torch.cuda.mem_get_info(device)
    share = min(1.0 / sharing, most / total if most else 1.0)
    if share < 1.0:
        torch.cuda.set_per_process_memory_fraction(share, device)


def drawn_batch(samples: int, size: int, *, generator: torch.Generator, device: torch.device) -> Tensor:
    """[size] indices of a batch, drawn with replacement on the host, and sent without waiting for the device."""
    on_gpu = device.type == "cuda"  # only from pinned memory does a copy go on by itself
    chosen = torch.randint(samples, (size,), generator=generator, pin_memory=on_gpu)
    return chosen.to(device, non_blocking=True)


def clear(device: str) -> None:
    """Release GPU memory left by an earlier run, and reset the peak memory counter."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


_MEMORY_RAN_OUT = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUSOLVER_STATUS_ALLOC_FAILED",
)
"""What torch, CUDA and its libraries say in errors of other kinds."""


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error means out of memory; torch has no error class for CPU memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _MEMORY_RAN_OUT)


def out_of_memory(device: str, *, estimated_bytes: int) -> OutOfMemory:
    """The error shown to the user: available memory, estimated memory, and what to do."""
    there = "the worker"
    if device.startswith("cuda"):
        free, total = torch.cuda.mem_get_info(device)
        there = f"the GPU ({bytes_in_words(total)}, of which {bytes_in_words(free)} are free)"
        share = torch.cuda.get_per_process_memory_fraction(device)
        if share < 1.0:
            there = f"this worker's part of the GPU ({bytes_in_words(int(share * total))} of {bytes_in_words(total)})"
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
        "kernels": kernels_on(torch.device(device).type),
        "machine": platform.machine(),
        "system": platform.system(),
        "device": device,
        "device_name": "CPU",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled()
        and not torch.is_deterministic_algorithms_warn_only_enabled(),
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
