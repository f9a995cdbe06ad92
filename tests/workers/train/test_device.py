import pytest
import torch

import gradclinic_workers.train.device as device_module
from gradclinic.experiments.datasets.char_lm import CharLM
from gradclinic.experiments.datasets.digits import Digits
from gradclinic.kernel.errors import SetupFailed, TrainingFailed
from gradclinic_workers.train.device import (
    clear,
    drawn_batch,
    fingerprint,
    limit_memory,
    make_deterministic,
    of_queue,
    out_of_memory,
    prove,
    ran_out_of_memory,
)


def test_a_run_trains_on_the_device_of_its_queue_and_on_no_other_that_is_free(gpu):
    assert of_queue("gpu") == "cuda"
    assert of_queue("cpu") == "cpu"


def test_a_gpu_that_is_not_there_fails_the_run_with_what_to_do(monkeypatch):
    monkeypatch.setattr(device_module.torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingFailed, match="no CUDA device"):
        of_queue("gpu")


def test_a_device_is_proved_by_a_product(monkeypatch):
    prove("cpu")
    monkeypatch.setattr(torch.Tensor, "sum", lambda _self: torch.tensor(float("nan")))
    with pytest.raises(SetupFailed, match="computes a sum of nan instead of"):
        prove("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is available here")
def test_a_device_that_cannot_compute_is_refused_with_the_first_line_of_torchs_reason():
    with pytest.raises(SetupFailed, match=r"^cuda cannot be used: .+$") as refused:
        prove("cuda")
    assert "\n" not in str(refused.value)


def test_the_fingerprint_names_the_versions_that_numbers_depend_on():
    facts = fingerprint("cpu")
    assert facts["torch"] == torch.__version__
    assert facts["device"] == "cpu"
    assert facts["gradclinic"]


def test_the_fingerprint_names_the_text_that_characters_are_cut_from():
    digest = CharLM().text_digest()
    assert fingerprint("cpu", text_digest=digest)["data_sha256"] == digest
    assert "data_sha256" not in fingerprint("cpu", text_digest=Digits().text_digest())


@pytest.fixture
def gpu(monkeypatch):
    """A stand-in for a GPU, as far as this module asks for one; what was asked of it."""
    asked = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA H100")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (3 * 10**9, 80 * 10**9))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda share, device: asked.append(share))
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda _device: next(filter(None, asked), 1.0))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: asked.append("empty_cache"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: asked.append(f"reset {device}"))
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    return asked


def test_the_fingerprint_of_a_gpu_names_its_model_and_libraries(gpu):
    facts = fingerprint("cuda")
    wanted = {"device": "cuda", "device_name": "NVIDIA H100", "cuda": "13.0", "cudnn": 91002}
    assert wanted.items() <= facts.items()
    assert not {"cuda", "cudnn"} & set(fingerprint("cpu"))


def test_a_run_begins_with_what_the_last_one_left_on_the_gpu_given_back(gpu):
    clear("cpu")
    assert gpu == []
    clear("cuda")
    assert gpu == ["empty_cache", "reset cuda"]


@pytest.mark.parametrize(
    ("most", "sharing", "share"),
    [(0, 1, None), (0, 4, 0.25), (40 * 10**9, 1, 0.5), (40 * 10**9, 4, 0.25), (8 * 10**9, 4, 0.1), (10**12, 1, None)],
)
def test_workers_that_share_a_gpu_have_equal_parts_of_its_memory_and_no_more_than_a_run_may_have(
    gpu, most, sharing, share
):
    limit_memory("cuda", most=most, sharing=sharing)
    assert gpu == ([] if share is None else [share])
    limit_memory("cpu", most=1, sharing=2)
    assert len(gpu) == (share is not None)


def test_a_full_part_of_a_gpu_is_named_as_such(gpu):
    limit_memory("cuda", most=0, sharing=4)
    assert "this worker's part of the GPU (20.0 GB of 80.0 GB) ran out of memory" in str(
        out_of_memory("cuda", estimated_bytes=1)
    )


def test_a_batch_is_drawn_by_its_generator_alone():
    drawn = drawn_batch(9, 50, generator=torch.Generator().manual_seed(3), device=torch.device("cpu"))
    assert torch.equal(drawn, torch.randint(9, (50,), generator=torch.Generator().manual_seed(3)))


def test_numbers_are_the_same_each_time_and_float32_is_float32(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    before, warned = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        assert fingerprint("cpu")["deterministic"] is False
        make_deterministic()
        assert fingerprint("cpu")["deterministic"] is True
        assert device_module.os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
        assert not torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction
        assert not torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction
        assert torch.get_num_threads() == 1
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)


def test_torch_says_in_many_ways_that_memory_ran_out():
    with pytest.raises(RuntimeError) as on_the_cpu:
        torch.empty(10**15)
    others = [
        RuntimeError(said)
        for said in (
            "CUDA error: out of memory",
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        )
    ]
    for error in (on_the_cpu.value, torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), *others):
        assert ran_out_of_memory(error)
    assert not ran_out_of_memory(RuntimeError("CUDA error: device-side assert triggered"))


def test_the_failure_names_what_there_was_beside_what_was_expected(gpu):
    text = str(out_of_memory("cuda", estimated_bytes=90 * 10**9))
    assert "the GPU (80.0 GB, of which 3.0 GB are free) ran out of memory" in text
    assert "about 90.0 GB" in text
    assert "the worker ran out of memory" in str(out_of_memory("cpu", estimated_bytes=1))
