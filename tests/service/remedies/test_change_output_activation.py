from dataclasses import replace

from gradclinic.experiments.activations.sigmoid import Sigmoid
from gradclinic.experiments.output_activations.log_softmax import LogSoftmax
from gradclinic.remedies.change_output_activation import ChangeOutputActivation

from ..diagnosis.records import healthy_record
from ..diagnosis.seen import CLASSIFIER, but
from .experiments import READOUT, activation, applied, changes, kinds, layers, linear, mlp, refusal


def test_by_default_it_drops_what_follows_the_last_layer():
    doubled = mlp(experiment_changes={"output_activation": "softmax"})
    assert changes(ChangeOutputActivation(), doubled) == ["/output_activation"]
    assert applied(ChangeOutputActivation(), doubled).output_activation is None


def test_it_drops_the_last_layers_of_a_list_too_and_no_hidden_activation():
    doubled = layers(linear(), activation("tanh"), READOUT, activation("sigmoid"))
    assert kinds(applied(ChangeOutputActivation(), doubled)) == ["linear", "activation", "linear"]


def test_it_gives_a_loss_the_outputs_that_it_takes():
    plain = mlp(experiment_changes={"loss": {"kind": "nll"}})
    assert applied(ChangeOutputActivation(output_activation=LogSoftmax()), plain).output_activation == LogSoftmax()


def test_what_the_loss_does_not_take_is_refused():
    probable = mlp(
        experiment_changes={
            "loss": {"kind": "binary_cross_entropy", "on": "probabilities"},
            "output_activation": "sigmoid",
        }
    )
    assert "numbers between 0 and 1, but gets plain numbers" in refusal(ChangeOutputActivation(), probable)
    assert "expects logits" in refusal(ChangeOutputActivation(output_activation=Sigmoid()), mlp())


def test_what_is_there_already_is_refused():
    assert "no output activation" in refusal(ChangeOutputActivation(), mlp())


def test_a_recorded_training_without_one_has_it_in_place():
    seen = but(CLASSIFIER, "outputs", activation="softmax")
    assert not ChangeOutputActivation().in_place(replace(healthy_record(), preflight=seen))
    plain = but(CLASSIFIER, "outputs", activation=None)
    assert ChangeOutputActivation().in_place(replace(healthy_record(), preflight=plain))
