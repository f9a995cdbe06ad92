"""Runs that declare the same data share their tensors, and nothing is kept after the last of them."""

import gc

import torch

from gradclinic.experiments.experiment import Experiment
from gradclinic_workers.train import training_data as module
from gradclinic_workers.train.training_data import training_data

from .. import specs

CPU = torch.device("cpu")


def test_runs_that_differ_in_their_seed_share_their_data_and_its_facts() -> None:
    first, second = (training_data(specs.mlp(seed=seed), CPU) for seed in range(2))
    assert first is second
    assert first.input_facts is second.input_facts


def test_other_data_or_another_loss_is_not_shared() -> None:
    declared = specs.mlp().to_json()
    changes = [{}, {"loss": {"kind": "mse"}}, {"data": {"kind": "moons", "seed": 5}}]
    found = [training_data(Experiment.model_validate(declared | change), CPU) for change in changes]
    assert len({id(each) for each in found}) == 3


def test_data_that_no_run_has_is_forgotten() -> None:
    held = training_data(specs.mlp(), CPU)
    known = len(module._SHARED)
    del held
    gc.collect()
    assert len(module._SHARED) < known
