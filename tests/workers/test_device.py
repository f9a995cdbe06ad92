import pytest
import torch

import gradclinic_workers.device as device_module
from gradclinic.datasets.char_lm import CharLM
from gradclinic.datasets.digits import Digits
from gradclinic.errors import TrainingFailed
from gradclinic_workers.device import choose, fingerprint


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch):
    for available, expected in [(True, "cuda"), (False, "cpu")]:
        monkeypatch.setattr(device_module.torch.cuda, "is_available", lambda available=available: available)
        assert choose("auto") == expected
        assert choose("cpu") == "cpu"


def test_asking_for_a_gpu_that_is_not_there_fails_with_what_to_do(monkeypatch):
    monkeypatch.setattr(device_module.torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingFailed, match="no CUDA device"):
        choose("cuda")


def test_the_fingerprint_names_the_versions_that_numbers_depend_on():
    facts = fingerprint("cpu")
    assert facts["torch"] == torch.__version__
    assert facts["device"] == "cpu"
    assert facts["gradclinic"]


def test_the_fingerprint_names_the_text_that_characters_are_cut_from():
    digest = CharLM().text_digest()
    assert fingerprint("cpu", text_digest=digest)["data_sha256"] == digest
    assert "data_sha256" not in fingerprint("cpu", text_digest=Digits().text_digest())
