from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.origin import NonFiniteOrigin
from gradclinic.measurements.record import Series

from ..records import changed, failed, healthy_record, truncated
from ..seen import CLASSIFIER, REGRESSION, but


def broken(where: str, *, grown: bool = False, **more):
    """A training that learned for 40 steps and broke at the next, after its loss had grown or not."""
    origin = NonFiniteOrigin(step=40, where=where, **more)
    ended = failed(steps_done=40, nonfinite_step=40, final_train_loss=float("nan"), nonfinite_origin=origin)
    record = changed(truncated(healthy_record(), 41), outcome=ended)
    if grown:
        record = changed(record, {"train_loss": lambda steps: 2.3 * np.where(steps < 20, 1.0, 2.0 ** (steps - 18.0))})
    return replace(record, outcome=ended)


@pytest.mark.parametrize(
    ("where", "blamed", "said"),
    [
        ("inputs", "data", "The inputs hold NaN or infinity (rows 3, 7 of the batch)"),
        ("targets", "labels", "The targets hold NaN"),
        ("loss", "loss", "the log of 0"),
        ("loss_backward", "loss", "its gradient is not (rows 3, 7 of the batch)"),
        ("forward", "architecture", "makes NaN or infinity of finite numbers"),
        ("backward", "architecture", "although that of the outputs is"),
    ],
)
def test_the_place_is_named_and_not_the_steps(where, blamed, said) -> None:
    finding = diagnose(broken(where, rows=(3, 7))).findings[0]
    assert (finding.condition, finding.harm, finding.first_step) == ("non_finite_origin", True, 40)
    assert finding.blames[0] == blamed
    assert said in finding.summary
    assert "no step was too large" in finding.summary


@pytest.mark.parametrize(
    ("made", "blamed", "said"),
    [
        ("nan", ("labels", "data", "loss"), "log has no value for some targets (row 3 of the batch), whatever the"),
        (
            "infinity",
            ("loss", "labels", "data"),
            "log makes an infinity of some targets (row 3 of the batch), whatever",
        ),
    ],
)
@pytest.mark.parametrize("grown", [False, True])
def test_what_the_loss_makes_of_targets_alone_is_no_matter_of_steps(made, blamed, said, grown) -> None:
    finding = diagnose(broken("loss", operation="log", of_targets=made, rows=(3,), grown=grown)).findings[0]
    assert (finding.condition, finding.blames) == ("non_finite_origin", blamed)
    assert said in finding.summary


def test_outputs_that_the_loss_is_not_defined_for_are_a_matter_of_what_ends_the_network() -> None:
    finding = diagnose(broken("loss", operation="pow", of_outputs_undefined=True, rows=(3,))).findings[0]
    assert finding.blames == ("output_activation", "loss")
    assert "pow is not defined for some outputs (row 3 of the batch)" in finding.summary
    divided = diagnose(broken("loss", operation="div", of_outputs_undefined=True)).findings[0]
    assert divided.blames[0] == "loss"


def test_a_deviation_of_one_sample_is_a_matter_of_the_batch() -> None:
    record = broken("loss", operation="std", of_targets="nan")
    finding = diagnose(replace(record, preflight=CLASSIFIER.model_copy(update={"batch_size": 1}))).findings[0]
    assert finding.blames[0] == "batch_size"
    assert "std has no value for a batch of one sample" in finding.summary
    several = diagnose(replace(record, preflight=CLASSIFIER)).findings[0]
    assert several.blames[0] == "labels"


@pytest.mark.parametrize(("eps", "condition"), [(0.0, "non_finite_origin"), (1e-8, "divergence"), (None, "divergence")])
def test_an_optimizer_that_divides_by_an_eps_of_0_is_to_blame_for_weights_that_break(eps, condition) -> None:
    record = replace(broken("weights", module="0"), preflight=but(CLASSIFIER, "optimizer", eps=eps))
    finding = diagnose(record).findings[0]
    assert finding.condition == condition
    assert (finding.blames == ("optimizer",)) == (eps == 0.0)
    if eps == 0.0:
        assert "the optimizer's eps is 0" in finding.summary
        assert diagnose(replace(record, preflight=CLASSIFIER)).primary == "divergence"


@pytest.mark.parametrize(
    ("where", "rows", "blames"),
    [
        ("forward", (3, 7), ("architecture", "data", "precision")),
        ("loss", (3, 7), ("loss", "data", "output_activation")),
        ("inputs", (3, 7), ("data",)),
        ("forward", tuple(range(64)), ("architecture", "precision")),
        ("forward", (), ("architecture", "precision")),
    ],
)
def test_what_breaks_for_some_rows_only_may_lie_in_their_data(where, rows, blames) -> None:
    record = replace(broken(where, rows=rows), preflight=CLASSIFIER)
    assert diagnose(record).findings[0].blames == blames


def test_a_layer_is_named_where_it_is_one() -> None:
    finding = diagnose(broken("forward", module="4")).findings[0]
    assert finding.layers == ("4",)


@pytest.mark.parametrize("where", ["inputs", "targets", "loss", "loss_backward", "forward", "backward"])
def test_a_training_that_broke_at_one_place_did_not_diverge(where) -> None:
    assert "divergence" not in {finding.condition for finding in diagnose(broken(where)).findings}
    grown = {finding.condition for finding in diagnose(broken("inputs", grown=True)).findings}
    assert {"non_finite_origin", "divergence"} <= grown


def test_a_first_step_that_broke_at_one_place_has_no_profile_over_depth() -> None:
    record = broken("forward", operation="sqrt", module="4")
    origin = record.outcome.nonfinite_origin.model_copy(update={"step": 0})
    steep = Series(np.zeros(1, np.int32), np.full((1, len(record.sites)), np.inf, np.float32))
    ended = replace(record.outcome, nonfinite_origin=origin, nonfinite_step=0, steps_done=0)
    first = replace(record, series={**record.series, "site_grad_rms": steep}, outcome=ended)
    assert "exploding_gradients" not in {finding.condition for finding in diagnose(first).findings}
    unknown = replace(first, outcome=replace(ended, nonfinite_origin=None))
    assert "exploding_gradients" in {finding.condition for finding in diagnose(unknown).findings}


def test_where_the_loss_ran_up_before_the_steps_are_to_blame() -> None:
    assert diagnose(broken("forward", grown=True)).primary == "divergence"
    assert diagnose(broken("weights")).primary == "divergence"


def test_data_that_are_not_finite_are_named_whatever_the_loss_did_before() -> None:
    assert diagnose(broken("inputs", grown=True)).primary == "non_finite_origin"


def test_a_training_whose_origin_is_not_known_is_judged_as_before() -> None:
    record = broken("loss")
    assert diagnose(replace(record, outcome=replace(record.outcome, nonfinite_origin=None))).primary == "divergence"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "hold NaN or infinity:"),
        ((3,), "(row 3 of the batch)"),
        ((3, 5, 7), "(rows 3, 5, 7 of the batch)"),
        ((3, 5, 7, 9), "(4 rows of the batch)"),
    ],
)
def test_up_to_three_rows_are_named_and_more_are_counted(rows, said) -> None:
    finding = diagnose(broken("inputs", rows=rows)).findings[0]
    assert said in finding.summary
    assert [(each.name, each.value) for each in finding.evidence] == [
        ("nonfinite_step", 40.0),
        ("broken_rows", float(len(rows))),
    ]
    assert finding.last_step == 40


def test_a_layer_that_is_not_named_is_left_out() -> None:
    assert "The forward pass makes NaN" in diagnose(broken("forward")).findings[0].summary
    assert "The forward pass of 4 makes NaN" in diagnose(broken("forward", module="4")).findings[0].summary


@pytest.mark.parametrize(
    ("where", "operation", "said"),
    [
        (
            "forward",
            "log",
            "In the forward pass of 4, log makes NaN or infinity of finite numbers (row 3 of the batch):",
        ),
        ("forward", "sqrt", "keep its input at 0 or above"),
        (
            "backward",
            "sqrt",
            "In the backward pass of 4, the gradient of sqrt is not finite (row 3 of the batch): add a",
        ),
        ("loss", "div", "In the loss, div makes NaN or infinity of finite numbers (row 3 of the batch): add a small"),
        ("loss_backward", "pow", "the gradient of its pow is not (row 3 of the batch): add a small constant under"),
        ("forward", "MyFunction", "MyFunction makes NaN or infinity of finite numbers (row 3 of the batch). It first"),
    ],
)
def test_the_operation_is_named_with_what_to_change(where, operation, said) -> None:
    module = "4" if where in ("forward", "backward") else None
    finding = diagnose(broken(where, operation=operation, module=module, rows=(3,))).findings[0]
    assert said in finding.summary


def test_a_difference_that_overflows_is_no_fault_of_the_loss() -> None:
    record = replace(broken("loss"), preflight=REGRESSION)
    assert "non_finite_origin" not in {finding.condition for finding in diagnose(record).findings}
    assert diagnose(replace(record, preflight=CLASSIFIER)).primary == "non_finite_origin"


def test_outputs_that_grow_until_they_overflow_since_the_loss_has_no_floor_are_no_fault_of_one_operation() -> None:
    likelihood = but(CLASSIFIER, "loss", name="NLLLoss", takes="log_probabilities")
    assert diagnose(replace(broken("forward"), preflight=likelihood)).primary == "loss_mismatch"
    logs = but(likelihood, "outputs", form="log_probabilities")
    assert diagnose(replace(broken("forward"), preflight=logs)).primary == "non_finite_origin"


def test_a_signal_that_initial_weights_enlarge_until_it_overflows_is_no_fault_of_one_operation() -> None:
    record = replace(broken("forward"), preflight=CLASSIFIER)
    for level, there in ((40.0, False), (20.0, True)):
        levels = Series(np.zeros(1, np.int32), np.full((1, len(record.sites)), level, np.float32))
        large = replace(record, series={**record.series, "activation_rms": levels})
        assert ("non_finite_origin" in {finding.condition for finding in diagnose(large).findings}) is there


def test_outputs_that_no_exponential_can_take_are_no_fault_of_the_loss() -> None:
    for end, there in (({"high": 88.5}, False), ({"low": -88.5}, False), ({"low": -88.0, "high": 88.0}, True)):
        look = CLASSIFIER.model_copy(update={"outputs": CLASSIFIER.outputs.model_copy(update=end)})
        first = broken("loss")
        origin = first.outcome.nonfinite_origin.model_copy(update={"step": 0})
        record = replace(first, preflight=look, outcome=replace(first.outcome, nonfinite_origin=origin))
        assert ("non_finite_origin" in {finding.condition for finding in diagnose(record).findings}) is there


def test_a_step_that_moved_a_layer_by_more_than_its_size_is_the_reason_and_not_the_loss() -> None:
    for moved, there in ((1.5, False), (1.0, True)):
        record = changed(
            broken("loss"), {"update_to_weight_ratio": lambda steps, moved=moved: np.full(len(steps), moved)}
        )
        record = replace(record, outcome=broken("loss").outcome)
        at = record.get("update_to_weight_ratio").steps
        origin = record.outcome.nonfinite_origin.model_copy(update={"step": int(at[-1]) + 1})
        record = replace(record, outcome=replace(record.outcome, nonfinite_origin=origin))
        assert ("non_finite_origin" in {finding.condition for finding in diagnose(record).findings}) is there


@pytest.mark.parametrize(
    ("step", "rms", "operation", "there"),
    [
        (0, 1e20, "matmul", False),
        (1, 1e20, None, False),
        (0, 1e20, "log", True),
        (0, 2.0, "matmul", True),
        (7, 1e20, "matmul", False),
        (7, 2.0, "matmul", True),
    ],
)
def test_a_product_that_overflows_over_huge_inputs_is_no_fault_of_the_network(step, rms, operation, there):
    record = broken("forward", operation=operation, module="4")
    origin = record.outcome.nonfinite_origin.model_copy(update={"step": step})
    record = replace(record, preflight=but(CLASSIFIER, "inputs", rms=rms))
    record = replace(record, outcome=replace(record.outcome, nonfinite_origin=origin))
    assert ("non_finite_origin" in {finding.condition for finding in diagnose(record).findings}) is there


@pytest.mark.parametrize(("spread", "primary"), [(4000.0, "unscaled_inputs"), (1.1, "non_finite_origin")])
def test_a_product_that_overflows_over_unscaled_inputs_is_blamed_on_them(spread, primary) -> None:
    record = replace(broken("forward", operation="matmul"), preflight=but(REGRESSION, "inputs", largest_std=spread))
    found = {each.condition for each in diagnose(record).findings}
    assert primary in found
    assert ("non_finite_origin" in found) == (primary == "non_finite_origin")


@pytest.mark.parametrize(
    ("step", "size", "there"), [(1, 1.5e4, False), (0, 1.5e4, False), (2, 1.5e4, True), (1, 1e4, True)]
)
def test_targets_beyond_ten_thousand_overflow_at_once_or_after_a_step(step, size, there) -> None:
    assert named_at(step, but(CLASSIFIER, "targets", mean=size)) is there


def test_the_first_step_of_all_may_be_the_one_that_was_too_large() -> None:
    assert named_at(1, CLASSIFIER, moved=1.0)
    assert not named_at(1, CLASSIFIER, moved=1.5)
    assert named_at(0, CLASSIFIER, moved=1.5)


def named_at(step, look, *, moved=0.005):
    """Whether the loss is named in which the first NaN came up at this step."""
    record = replace(changed(broken("loss"), {"update_to_weight_ratio": moved}), preflight=look)
    origin = record.outcome.nonfinite_origin.model_copy(update={"step": step})
    record = replace(record, outcome=replace(record.outcome, nonfinite_origin=origin))
    return "non_finite_origin" in {finding.condition for finding in diagnose(record).findings}
