"""What a look at the first batches tells of a training, and that it leaves no trace."""

import pytest
import torch
from torch import nn

from gradclinic.measurements.preflight import Preflight
from gradclinic_torch import Recording

INPUTS = torch.randn(512, 8, generator=torch.Generator().manual_seed(1))
CLASSES = (INPUTS[:, 0] > 0).long() + (INPUTS[:, 1] > 0).long()
NUMBERS = INPUTS[:, :1] * 2 + 1


def net(outputs: int, *last: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, outputs), *last)


def looked_at(
    model: nn.Module,
    criterion: nn.Module,
    targets: torch.Tensor,
    *,
    inputs: torch.Tensor = INPUTS,
    parameters=None,
    factor: float = 1.0,
    clear: bool = True,
    parts: int = 1,
) -> Preflight:
    """What the first batches of a loop of 10 steps showed."""
    optimizer = torch.optim.SGD(parameters or model.parameters(), lr=0.01, weight_decay=0.1, momentum=0.5)
    with Recording(model, optimizer, criterion) as recording:
        for step in range(10):
            if clear:
                optimizer.zero_grad()
            for part in range(parts):
                rows = torch.arange(32) + 32 * ((step * parts + part) % 16)
                loss = factor * criterion(model(inputs[rows]), targets[rows])
                loss.backward()
                recording.after_backward(loss)
            optimizer.step()
    found = recording.record.preflight
    assert found is not None
    return found


def test_it_measures_inputs_column_by_column():
    scaled = INPUTS * torch.tensor([1, 1, 1, 1, 1, 1, 1, 1e4]) + 3
    scaled[0, 0] = float("nan")
    found = looked_at(net(3), nn.CrossEntropyLoss(), CLASSES, inputs=scaled).inputs
    assert (found.rows, found.columns, found.nonfinite_rows) == (256, 8, 1)
    assert found.largest_std == pytest.approx(float(scaled[1:256, 7].std(unbiased=False)), rel=1e-6)
    assert found.typical_std == pytest.approx(float(scaled[1:256].std(dim=0, unbiased=False).median()), rel=1e-6)


def test_it_tells_class_numbers_from_one_hot_rows_from_independent_labels_from_numbers():
    forms = {}
    one_hot = nn.functional.one_hot(CLASSES, 3).float()
    many = (INPUTS[:, :3] > 0).float()
    for name, targets, criterion in (
        ("indices", CLASSES, nn.CrossEntropyLoss()),
        ("one_hot", one_hot, nn.CrossEntropyLoss()),
        ("multi_hot", many, nn.BCEWithLogitsLoss()),
        ("numbers", INPUTS[:, :3], nn.MSELoss()),
    ):
        forms[name] = looked_at(net(3), criterion, targets).targets.form
    assert all(name == found for name, found in forms.items())


def test_it_knows_the_last_activation_called_as_a_module_or_as_a_function():
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = net(3)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return torch.softmax(self.body(inputs), dim=1)

    for model in (net(3, nn.Softmax(dim=1)), Functional()):
        found = looked_at(model, nn.CrossEntropyLoss(), CLASSES).outputs
        assert (found.activation, found.form, found.columns) == ("softmax", "probabilities", 3)
    assert looked_at(net(3), nn.CrossEntropyLoss(), CLASSES).outputs.activation is None


def test_it_measures_how_much_of_the_targets_is_out_of_reach():
    found = looked_at(net(1, nn.ReLU()), nn.MSELoss(), NUMBERS).outputs
    seen = NUMBERS[:256].double()
    assert found.unreachable == pytest.approx(float((seen < 0).double().mean()))
    below = seen.clamp(max=0)
    assert found.unreachable_error == pytest.approx(float(below.square().mean() / seen.var(unbiased=False)))


@pytest.mark.parametrize(("factor", "parts", "expected"), [(1.0, 1, 1.0), (0.1, 1, 0.1), (0.25, 4, 1.0), (1.0, 4, 4.0)])
def test_the_factor_between_the_loss_and_the_criterion_s_is_measured(factor, parts, expected):
    """Of accumulated parts it is that of their sum to their mean."""
    found = looked_at(net(3), nn.CrossEntropyLoss(), CLASSES, factor=factor, parts=parts).loss
    assert found.factor == pytest.approx(expected, rel=1e-4)


def test_a_penalty_beside_the_loss_is_no_factor():
    class Penalized(nn.CrossEntropyLoss):
        pass

    model, criterion = net(3), Penalized()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recording(model, optimizer, criterion) as recording:
        for step in range(10):
            optimizer.zero_grad()
            rows = torch.arange(32) + 32 * step
            loss = criterion(model(INPUTS[rows]), CLASSES[rows]) + sum(
                each.square().sum() for each in model.parameters()
            )
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    assert recording.record.preflight.loss.factor is None


def test_gradients_that_are_not_cleared_are_seen_and_accumulated_ones_are_not_taken_for_it():
    assert looked_at(net(3), nn.CrossEntropyLoss(), CLASSES, clear=False).wiring.uncleared
    assert not looked_at(net(3), nn.CrossEntropyLoss(), CLASSES, parts=4).wiring.uncleared
    assert not looked_at(net(3), nn.CrossEntropyLoss(), CLASSES).wiring.uncleared


def test_parameters_that_no_optimizer_holds_are_named():
    model = net(3)
    found = looked_at(model, nn.CrossEntropyLoss(), CLASSES, parameters=list(model[2].parameters())).wiring
    assert set(found.untrained) == {"0.weight", "0.bias"}
    assert found.untrained_fraction == pytest.approx((8 * 16 + 16) / (8 * 16 + 16 + 16 * 3 + 3))
    assert found.unregistered == 0


def test_layers_in_a_plain_list_are_held_by_no_module():
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = [nn.Linear(8, 8)]
            self.head = nn.Linear(8, 3)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.head(torch.relu(self.hidden[0](inputs)))

    wiring = looked_at(Listed(), nn.CrossEntropyLoss(), CLASSES).wiring
    assert wiring.unregistered == 2
    assert all(name.startswith("a parameter of shape [") for name in wiring.untrained)


def test_what_a_second_optimizer_trains_is_trained():
    model, criterion = net(3), nn.CrossEntropyLoss()
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.SGD(model[2].parameters(), lr=0.1)
    with Recording(model, first, criterion) as recording:
        for step in range(10):
            model.zero_grad()
            rows = torch.arange(32) + 32 * step
            loss = criterion(model(INPUTS[rows]), CLASSES[rows])
            loss.backward()
            recording.after_backward(loss)
            first.step()
            second.step()
    assert recording.record.preflight.wiring.untrained == ()


def test_a_gradient_of_exactly_zero_is_told_with_where_it_stops():
    found = looked_at(net(1, nn.Softmax(dim=1)), nn.BCELoss(), (INPUTS[:, :1] > 0).float()).wiring
    assert found.zero_gradient
    assert found.stops_at == "2.weight"


def test_the_batch_norm_with_the_fewest_values_is_told():
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    found = looked_at(model, nn.CrossEntropyLoss(), CLASSES)
    assert (found.norm.layer, found.norm.values, found.batch_size) == ("1", 32, 32)


def test_the_least_momentum_of_batch_norms_that_begin_is_told():
    model = nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 16), nn.BatchNorm1d(16, momentum=0.01), nn.Linear(16, 3)
    )
    first = looked_at(model, nn.CrossEntropyLoss(), CLASSES).norm
    assert (first.least_momentum, first.layers) == (0.01, sum(isinstance(each, nn.BatchNorm1d) for each in model))
    assert looked_at(model, nn.CrossEntropyLoss(), CLASSES).norm.least_momentum is None  # they have seen batches


def test_the_optimizer_s_settings_are_kept():
    found = looked_at(net(3), nn.CrossEntropyLoss(), CLASSES).optimizer
    assert (found.name, found.learning_rate, found.weight_decay, found.momentum) == ("SGD", 0.01, 0.1, 0.5)
    assert found.eps is None  # nothing is added to a root


def test_a_loop_without_a_criterion_is_looked_at_as_far_as_it_shows():
    model = net(3)
    optimizer = torch.optim.Adam(model.parameters())
    with Recording(model, optimizer) as recording:
        for step in range(10):
            optimizer.zero_grad()
            rows = torch.arange(32) + 32 * step
            loss = nn.functional.cross_entropy(model(INPUTS[rows]), CLASSES[rows])
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    found = recording.record.preflight
    assert found.inputs.columns == 8
    assert (found.targets, found.loss) == (None, None)
    assert found.wiring.untrained == ()


def test_an_error_of_the_look_ends_neither_the_training_nor_the_recording(monkeypatch):
    monkeypatch.setattr("gradclinic_torch.preflight.first_batches.FirstLook.after_loss", lambda *_: 1 / 0)
    model, criterion = net(3), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with Recording(model, optimizer, criterion) as recording:
        for _ in range(10):
            optimizer.zero_grad()
            loss = criterion(model(INPUTS[:32]), CLASSES[:32])
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    assert recording.record.preflight is None
    assert len(recording.record.get("train_loss")) == 10


def test_it_names_parameters_that_no_gradient_reaches_but_not_those_that_are_frozen():
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.frozen, self.cut, self.head = nn.Linear(8, 8), nn.Linear(8, 16), nn.Linear(16, 3)
            self.frozen.requires_grad_(False)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.head(self.cut(self.frozen(inputs)).relu().detach())

    found = looked_at(Cut(), nn.CrossEntropyLoss(), CLASSES).wiring
    assert found.without_gradient == ("cut.weight", "cut.bias")


def test_a_loss_that_is_cut_off_from_every_parameter_is_told():
    class Rewrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = net(3)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return torch.tensor(self.body(inputs).tolist(), requires_grad=True)

    assert looked_at(Rewrapped(), nn.CrossEntropyLoss(), CLASSES).wiring.unreached
    assert not looked_at(net(3), nn.CrossEntropyLoss(), CLASSES).wiring.unreached


def test_it_sees_the_largest_dropout_that_is_in_use():
    dropped = nn.Sequential(nn.Dropout(0.2), nn.Linear(8, 16), nn.Dropout(0.9), nn.Linear(16, 3))
    assert looked_at(dropped, nn.CrossEntropyLoss(), CLASSES).dropout == 0.9
    assert looked_at(dropped.eval(), nn.CrossEntropyLoss(), CLASSES).dropout is None
    assert looked_at(net(3), nn.CrossEntropyLoss(), CLASSES).dropout is None


@pytest.mark.parametrize(
    ("values", "alike"), [((0.5, 0.5), True), ((0.0, 0.0), True), ((0.0, None), False), ((None, None), False)]
)
def test_weights_that_begin_with_one_value_are_told(values, alike):
    model = net(3)
    for layer, value in zip((model[0], model[2]), values, strict=True):
        if value is not None:
            nn.init.constant_(layer.weight, value)
    assert looked_at(model, nn.CrossEntropyLoss(), CLASSES).wiring.alike is alike


def test_a_model_is_linear_where_nothing_bends_a_signal_but_perhaps_a_last_activation():
    links = torch.eye(16)

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = nn.Linear(8, 16), nn.Linear(16, 3)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.other((self.one(inputs) @ links).relu() @ links)

    def linear(model: nn.Module, criterion: nn.Module, targets: torch.Tensor) -> bool | None:
        return looked_at(model, criterion, targets).linear

    answers = (INPUTS[:, :1] > 0).float()
    flat = (nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 1))
    assert linear(nn.Sequential(*flat), nn.MSELoss(), NUMBERS) is True
    assert linear(nn.Sequential(*flat, nn.Sigmoid()), nn.BCELoss(), answers) is True
    assert linear(net(3), nn.CrossEntropyLoss(), CLASSES) is False
    assert linear(Graph(), nn.CrossEntropyLoss(), CLASSES) is False


def test_a_loss_that_is_differentiated_with_a_minus_is_maximized():
    assert looked_at(net(3), nn.CrossEntropyLoss(), CLASSES, factor=-0.5).loss.maximized is True
    assert looked_at(net(3), nn.CrossEntropyLoss(), CLASSES, factor=0.5).loss.maximized is False


def test_the_weight_of_the_rarest_class_is_measured_against_that_of_the_most_common():
    """Of the first 256 rows, in eight batches."""
    rare = (INPUTS[:, :1] > 1.2).float()
    ones = float(rare[:256].mean())
    found = looked_at(net(1), nn.BCEWithLogitsLoss(pos_weight=torch.tensor(0.1)), rare).loss
    assert (found.rare_weight, found.rare_fraction) == pytest.approx((0.1, ones / (1 - ones)))
    common = looked_at(net(1), nn.BCEWithLogitsLoss(pos_weight=torch.tensor(0.1)), 1 - rare).loss
    assert (common.rare_weight, common.rare_fraction) == pytest.approx((10.0, ones / (1 - ones)))
    counts = torch.bincount(CLASSES[:256])
    weights = torch.tensor([1.0, 2.0, 4.0])
    by_class = looked_at(net(3), nn.CrossEntropyLoss(weight=weights), CLASSES).loss
    assert by_class.rare_weight == pytest.approx(float(weights[counts.argmin()] / weights[counts.argmax()]))
    assert looked_at(net(3), nn.CrossEntropyLoss(), CLASSES).loss.rare_weight is None


@pytest.mark.parametrize("enabled", [True, False])
def test_layers_that_run_under_no_grad_are_told_from_those_that_the_loss_does_not_use(enabled):
    class Parts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.unused, self.head = nn.Linear(8, 16), nn.Linear(8, 2), nn.Linear(16, 3)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            self.unused(values)
            with torch.set_grad_enabled(enabled):
                code = self.encoder(values)
            return self.head(code)

    found = looked_at(Parts(), nn.CrossEntropyLoss(), CLASSES).wiring
    assert found.cut_off == (() if enabled else ("encoder.weight", "encoder.bias"))
    assert set(found.without_gradient) == {*found.cut_off, "unused.weight", "unused.bias"}


def test_a_part_beside_what_the_loss_uses_is_told_from_one_that_is_cut_off_before_it():
    class Beside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.pooler, self.head = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 3)
            self.cuts = False

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            code = self.body(values)
            pooled = self.pooler(code).tanh()
            return self.head(pooled.detach() if self.cuts else code)

    beside, cut = Beside(), Beside()
    cut.cuts = True
    names = ("pooler.weight", "pooler.bias")
    found = looked_at(beside, nn.CrossEntropyLoss(), CLASSES).wiring
    assert found.aside == found.without_gradient == names
    found = looked_at(cut, nn.CrossEntropyLoss(), CLASSES).wiring
    assert {"body.weight", *names} < set(found.without_gradient)
    assert set(found.aside) < set(found.without_gradient) - {"body.weight"}


def test_weights_that_zeros_come_into_are_told_from_those_before_a_last_layer_of_zeros():
    class Zeroed(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values * 0

    cut = nn.Sequential(Zeroed(), *net(3))
    assert looked_at(cut, nn.CrossEntropyLoss(), CLASSES).wiring.unmoved == ("1.weight",)
    starting = net(3)
    nn.init.zeros_(starting[-1].weight)
    found = looked_at(starting, nn.CrossEntropyLoss(), CLASSES).wiring
    assert (found.stops_at, found.unmoved) == ("0.weight", ())


@pytest.mark.parametrize("alike", [True, False])
def test_batches_in_which_all_samples_are_equal_are_told(alike):
    inputs = INPUTS[:1].repeat(512, 1) if alike else INPUTS
    assert looked_at(net(3), nn.CrossEntropyLoss(), CLASSES, inputs=inputs).inputs.alike is alike


class Residual(nn.Module):
    """The derivative of a network by its input, minus the network."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        inputs = inputs.clone().requires_grad_()
        values = self.body(inputs)
        return torch.autograd.grad(values.sum(), inputs, create_graph=True)[0][:, :1] - values


@pytest.mark.parametrize(("model", "residual"), [(Residual, True), (lambda: net(1), False)])
def test_a_residual_that_is_compared_with_0_is_told_from_labels_that_were_lost(model, residual):
    assert looked_at(model(), nn.MSELoss(), torch.zeros(512, 1)).loss.residual is residual


def test_it_counts_columns_of_codes_beside_other_columns():
    codes = torch.arange(512) % 9
    for column, expected in ((codes.float(), 1), (codes.float() + 3, 0), ((codes % 5).float(), 0), (codes * 50.0, 0)):
        inputs = torch.cat([column[:, None], INPUTS[:, 1:]], 1)
        assert looked_at(net(3), nn.CrossEntropyLoss(), CLASSES, inputs=inputs).inputs.codes == expected
    whole = (codes[:, None].float() + torch.arange(8)) % 9
    assert looked_at(net(3), nn.CrossEntropyLoss(), CLASSES, inputs=whole).inputs.codes == 0


def test_it_tests_whether_targets_depend_on_inputs_and_follows_outputs_that_died():
    found = looked_at(net(3), nn.CrossEntropyLoss(), CLASSES)
    assert found.pairing.samples == 320
    assert found.pairing.p_value < 1e-6
    others = looked_at(net(3), nn.CrossEntropyLoss(), CLASSES.roll(3))
    assert others.pairing.p_value > 0.02
    assert found.outputs.dead == 0


def test_a_loss_that_divides_by_its_targets_is_measured():
    class Percent(nn.Module):
        def forward(self, outputs, targets):
            return ((outputs - targets) / targets).abs().mean()

    assert looked_at(net(1), Percent(), NUMBERS).loss.small_targets > 20
    assert looked_at(net(1), nn.MSELoss(), NUMBERS).loss.small_targets is None


def test_of_several_labels_the_weight_of_ones_is_that_of_the_typical_one_that_is_rarer():
    labels = (INPUTS[:, :3] > torch.tensor([0.7, 1.3, -2.0])).float()
    odds = labels[:320].mean(0) / (1 - labels[:320].mean(0))
    for weight, expected in ((torch.tensor([0.1, 0.3, 9.0]), 0.1), (torch.tensor(0.2), 0.2)):
        found = looked_at(net(3), nn.BCEWithLogitsLoss(pos_weight=weight), labels).loss
        assert found.rare_weight == pytest.approx(expected)
        assert 0 < found.rare_fraction < float(odds[0]) + 0.05
    assert looked_at(net(3), nn.BCEWithLogitsLoss(), labels).loss.rare_weight is None
    common = looked_at(net(3), nn.BCEWithLogitsLoss(pos_weight=torch.full((3,), 0.1)), 1 - labels[:, :1].expand(-1, 3))
    assert common.loss.rare_weight is None


def test_it_counts_the_samples_of_a_step_whose_gradients_are_accumulated():
    whole, parts = (looked_at(net(3), nn.CrossEntropyLoss(), CLASSES, parts=parts) for parts in (1, 4))
    assert (whole.batch_size, whole.step_samples) == (32, 32)
    assert (parts.batch_size, parts.step_samples) == (32, 128)
