from gradclinic.remedies.standardize_inputs import StandardizeInputs

from .experiments import applied, changes, mlp, refusal


def test_it_standardizes_what_was_not():
    raw = mlp(experiment_changes={"data": {"kind": "digits", "standardize": False, "scale": 100.0}})
    assert changes(StandardizeInputs(), raw) == ["/data/standardize"]
    inputs = applied(StandardizeInputs(), raw).data.sample("flat").train.inputs
    assert abs(inputs.mean()) < 1e-4


def test_standardized_data_is_refused():
    assert "already" in refusal(StandardizeInputs(), mlp())
