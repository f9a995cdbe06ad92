from gradclinic.remedies.clip_gradients import ClipGradients

from .experiments import applied, changes, mlp, refusal


def test_each_way_of_clipping_has_its_default():
    expected = {
        "norm": {"kind": "norm", "max_norm": 1.0},
        "value": {"kind": "value", "max_value": 0.1},
        "adaptive": {"kind": "adaptive", "factor": 0.01},
    }
    for by, clipping in expected.items():
        assert applied(ClipGradients(by=by), mlp()).clipping.to_json() == clipping


def test_it_changes_the_clipping_and_nothing_else():
    assert changes(ClipGradients(threshold=2.0), mlp()) == ["/clipping"]
    assert applied(ClipGradients(threshold=2.0), mlp()).clipping.max_norm == 2.0


def test_the_same_clipping_is_refused():
    clipped = mlp(experiment_changes={"clipping": {"kind": "norm", "max_norm": 1.0}})
    assert "already" in refusal(ClipGradients(), clipped)
    assert applied(ClipGradients(threshold=0.5), clipped).clipping.max_norm == 0.5
