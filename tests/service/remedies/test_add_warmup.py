from gradclinic.remedies.add_warmup import AddWarmup

from .experiments import applied, changes, mlp, refusal


def test_a_constant_schedule_becomes_a_warmup():
    assert applied(AddWarmup(warmup_steps=20), mlp()).schedule.to_json() == {
        "kind": "linear_warmup",
        "warmup_steps": 20,
    }


def test_a_cosine_keeps_its_fall():
    before = mlp(experiment_changes={"schedule": {"kind": "cosine", "final_factor": 0.1}})
    assert changes(AddWarmup(), before) == ["/schedule/warmup_steps"]


def test_a_schedule_with_no_place_for_it_or_that_has_it_is_refused():
    for kind in ("step", "one_cycle"):
        assert kind in refusal(AddWarmup(), mlp(experiment_changes={"schedule": {"kind": kind}}))
    assert "already" in refusal(AddWarmup(), mlp(experiment_changes={"schedule": {"kind": "linear_warmup"}}))
