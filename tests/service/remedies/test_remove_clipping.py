from gradclinic.remedies.remove_clipping import RemoveClipping

from .experiments import applied, changes, mlp, refusal


def test_it_removes_the_clipping_and_nothing_else():
    clipped = mlp(experiment_changes={"clipping": {"kind": "value", "max_value": 0.1}})
    assert changes(RemoveClipping(), clipped) == ["/clipping"]
    assert applied(RemoveClipping(), clipped).clipping is None


def test_without_clipping_it_refuses():
    assert "not clipped" in refusal(RemoveClipping(), mlp())
