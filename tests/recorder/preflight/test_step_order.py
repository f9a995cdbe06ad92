"""What a recurrent network or an attention sees of a sequence, by models whose answer is known."""

import pytest
import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import OrderFacts
from gradclinic_torch import Recording
from gradclinic_torch.preflight.step_order import StepOrder

WORDS = torch.randint(9, (16, 7), generator=torch.Generator().manual_seed(0))
NEXT = torch.cat([WORDS[:, 1:], WORDS[:, :1]], 1)


class Reader(nn.Module):
    """Attention over words, with or without positions and a causal mask, read at every step or at the last."""

    def __init__(self, *, placed: bool = True, causal: bool = False, pooled: bool = False, first: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(9, 8)
        self.places = nn.Parameter(torch.randn(7, 8), requires_grad=placed)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=first)
        self.head = nn.Linear(8, 9)
        self.placed, self.causal, self.pooled = placed, causal, pooled

    def forward(self, rows: Tensor) -> Tensor:
        words = self.words(rows) + (self.places if self.placed else 0)
        mask = nn.Transformer.generate_square_subsequent_mask(7) if self.causal else None
        states = self.layer(words, src_mask=mask)
        return self.head(states[:, -1] if self.pooled else states)


def order(model: nn.Module, inputs: Tensor = WORDS, targets: Tensor = WORDS) -> OrderFacts | None:
    seen = StepOrder(model)
    seen.before_forward((inputs,), {})
    seen.after_loss(targets)
    return seen.facts()


@pytest.mark.parametrize("pooled", [True, False])
def test_a_network_without_positions_is_blind_to_the_order_of_steps(pooled):
    assert order(Reader(placed=False, pooled=pooled)).blind is True
    assert order(Reader(placed=True, pooled=pooled)).blind is False


def test_outputs_that_come_after_the_steps_axis_are_taken_back_to_their_places():
    class Turned(Reader):
        def forward(self, rows: Tensor) -> Tensor:
            return super().forward(rows).transpose(1, 2)

    assert order(Turned(placed=False)).blind is True


def test_a_causal_mask_tells_the_order_and_hides_later_steps():
    found = order(Reader(placed=False, causal=True))
    assert (found.blind, found.sees_later) == (False, False)
    assert order(Reader()).sees_later is True
    assert order(Reader(pooled=True)).sees_later is None


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("forgets", [True, False])
def test_a_causal_mask_that_is_missing_in_training_only_is_seen_behind_the_noise_of_dropout(dropout, forgets):
    class Forgetful(Reader):
        def forward(self, rows: Tensor) -> Tensor:
            self.causal = not (forgets and self.training)
            return nn.functional.dropout(super().forward(rows), dropout, self.training)

    model = Forgetful()
    found = order(model, targets=NEXT)
    assert (found.sees_later, found.in_training_only) == (forgets, forgets)
    assert model.training
    assert order(Reader(), targets=NEXT).in_training_only is False


@pytest.mark.parametrize(("targets", "is_next"), [(NEXT, True), (NEXT.reshape(-1), True), (WORDS.flip(1), False)])
def test_targets_that_are_the_next_step_are_told_from_others(targets, is_next):
    assert order(Reader(), targets=targets).predicts_next is is_next


class Speaker(nn.Module):
    """A recurrent network with an output at every step."""

    def __init__(self, *, both_ways: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.cell = nn.Embedding(9, 8), nn.GRU(8, 8, batch_first=True, bidirectional=both_ways)
        self.head = nn.Linear(16 if both_ways else 8, 9)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.cell(self.words(rows))[0])


@pytest.mark.parametrize(
    ("model", "targets", "repeats"),
    [
        (Reader(causal=True), WORDS, True),
        (Speaker(), WORDS, True),
        (Speaker(), NEXT, False),
        (Reader(), WORDS, False),  # all steps are seen, as where some are hidden and to be filled in
        (Speaker(both_ways=True), WORDS, False),
    ],
)
def test_targets_that_are_each_step_s_own_input_are_told_where_no_later_step_is_seen(model, targets, repeats):
    assert order(model, targets=targets).repeats_input is repeats


def test_attention_over_the_batch_shows_nothing_about_steps():
    assert order(Reader(first=False)) is None
    assert order(Reader(first=False, pooled=True)) is None


def test_networks_without_attention_and_inputs_without_steps_are_not_looked_at():
    assert order(nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(28, 2))) is None
    assert order(Reader(), inputs=torch.randn(16, 7)) is None


def test_a_network_whose_outputs_depend_on_nothing_shows_nothing():
    model = Reader(placed=False)
    nn.init.zeros_(model.head.weight)
    assert order(model) is None


class Recurrent(nn.Module):
    """A recurrence over numbers, read at one of its steps, perhaps cut from the graph after each."""

    def __init__(self, *, at: int = -1, cut: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cell, self.head = nn.GRUCell(2, 8), nn.Linear(8, 3)
        self.at, self.cut = at, cut

    def forward(self, rows: Tensor) -> Tensor:
        states = [rows.new_zeros(len(rows), 8)]
        for step in rows.unbind(1):
            states.append(self.cell(step, states[-1].detach() if self.cut else states[-1]))
        return self.head(states[1:][self.at])


NUMBERS = torch.randn(16, 7, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("model", "sees_only", "cut"),
    [
        (Recurrent(), None, False),
        (Recurrent(at=0), "first", False),
        (Recurrent(cut=True), None, True),
        (Recurrent(at=3), None, False),
    ],
)
def test_a_recurrence_that_is_read_at_the_wrong_step_or_cut_from_the_graph_is_seen(model, sees_only, cut):
    found = order(model, NUMBERS)
    assert (found.sees_only, found.cut, found.blind) == (sees_only, cut, False)


def test_as_many_classes_as_steps_are_no_axis_of_steps_where_each_sample_has_one_target():
    model = Reader(pooled=True)
    model.head = nn.Linear(8, 7)
    assert order(model, targets=WORDS[:, 0]).sees_later is None
    assert order(model, targets=WORDS).sees_later is not None


def test_padding_that_is_alike_in_all_samples_shows_nothing():
    padded = NUMBERS.clone()
    padded[:, 1:-1] = 0.0
    assert order(Recurrent(at=0), padded).sees_only is None


@pytest.mark.parametrize(("at", "only"), [(0, "first"), (-1, "last")])
def test_an_attention_that_lets_each_step_see_itself_is_seen(at, only):
    class Alone(Reader):
        def forward(self, rows: Tensor) -> Tensor:
            states = self.layer(self.words(rows) + self.places, src_mask=~torch.eye(7, dtype=torch.bool))
            return self.head(states[:, at])

    assert order(Alone()).sees_only == only
    assert order(Reader(pooled=True)).sees_only is None


@pytest.mark.parametrize("floats", [False, True])
@pytest.mark.parametrize(("sees", "hidden"), [("words", False), ("padding", True), ("batch", True)])
def test_an_attention_that_sees_padding_or_other_samples_only_is_told_from_one_that_sees_the_words(
    sees, hidden, floats
):
    class First(Reader):
        """Read at its first step, which is the same in all samples, as that of a classifying token is."""

        def forward(self, rows: Tensor) -> Tensor:
            ids = rows[..., 0].round().long() if floats else rows
            words = self.given(rows) if floats else self.words(ids)
            words = words + self.places
            if sees == "batch":
                return self.head(self.layer(words.transpose(0, 1))[0])
            return self.head(self.layer(words, src_key_padding_mask=(ids == 0) == (sees == "words"))[:, 0])

    words = 2 + WORDS % 7
    words[:, 0] = 1
    for row, length in zip(words, [3, 4, 5, 6] * 4, strict=True):
        row[length:] = 0
    model = First()
    model.given = nn.Linear(2, 8)
    inputs = torch.stack([words, words], 2).float() if floats else words
    found = order(model, inputs, torch.arange(16) % 9)
    assert (found is not None and found.content_hidden) is hidden


def test_a_recording_has_it_and_the_training_is_the_same_without():
    weights = []
    for recorded in (True, False):
        model = Reader(placed=False)
        optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()

        def step(model=model, optimizer=optimizer, criterion=criterion) -> Tensor:
            optimizer.zero_grad()
            loss = criterion(model(WORDS).transpose(1, 2), NEXT)
            loss.backward()
            return loss

        if recorded:
            with Recording(model, optimizer, criterion) as recording:
                for _ in range(3):
                    recording.after_backward(step())
                    optimizer.step()
            assert recording.record.preflight.order == OrderFacts(
                steps=7, blind=True, sees_later=True, predicts_next=True
            )
        else:
            for _ in range(3):
                step()
                optimizer.step()
        weights.append([each.detach().clone() for each in model.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*weights, strict=True))


@pytest.mark.parametrize(("words", "padding"), [(3, 4 / 7), (7, 0.0)])
def test_padding_at_the_end_is_measured_with_what_is_left_of_the_samples(words, padding):
    class Read(Speaker):
        def forward(self, rows: Tensor) -> Tensor:
            return super().forward(rows)[:, -1]

    rows = (WORDS % 8 + 1) * (torch.arange(7) < words)
    rows[:, 6] = rows[:, 6] if padding else torch.arange(16) % 8
    found = order(Read(), inputs=rows, targets=torch.zeros(16, dtype=torch.long))
    assert found.padding == pytest.approx(padding)
    assert 0 < found.spread < 1
    assert order(Speaker(), inputs=rows).spread is None
