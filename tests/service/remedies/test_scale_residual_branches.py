import pytest

from gradclinic.remedies import scale_residual_branches
from gradclinic.remedies.scale_residual_branches import ScaleResidualBranches

from .experiments import READOUT, applied, changes, layers, linear, mlp, refusal, transformer


def test_on_a_preset_it_changes_the_scale():
    before = mlp(skip={"scale": 1.0}, depth=5)
    assert changes(ScaleResidualBranches(scale=0.2), before) == ["/model/skip/scale"]


def test_its_default_levels_all_branches_together():
    assert applied(ScaleResidualBranches(), mlp(skip={}, depth=5)).model.skip.scale == 0.5
    assert applied(ScaleResidualBranches(), transformer(skip={}, depth=2)).model.skip.scale == 0.5


def test_in_a_list_repeats_count_as_often_as_they_run():
    block = {"kind": "residual", "body": [linear(64)]}
    after = applied(ScaleResidualBranches(), layers({"kind": "repeat", "times": 4, "body": [block]}, READOUT))
    assert after.model.layers[0].body[0].scale == 0.5


def test_it_writes_no_list_of_more_layers_than_a_model_may_have(monkeypatch: pytest.MonkeyPatch):
    before = mlp(skip={}, depth=5)
    monkeypatch.setattr(scale_residual_branches, "MAX_LAYERS", before.model.count())
    assert applied(ScaleResidualBranches(), before).model.skip.scale == 0.5
    monkeypatch.setattr(scale_residual_branches, "MAX_LAYERS", before.model.count() - 1)
    assert "more than" in refusal(ScaleResidualBranches(), before)


def test_without_branches_or_with_that_scale_it_refuses():
    assert "no residual" in refusal(ScaleResidualBranches(), mlp())
    assert "already" in refusal(ScaleResidualBranches(scale=0.3), mlp(skip={"scale": 0.3}))
