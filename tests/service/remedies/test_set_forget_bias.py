from gradclinic.remedies.set_forget_bias import SetForgetBias

from .experiments import READOUT, applied, changes, experiment, refusal, rnn


def test_an_lstm_starts_with_the_bias():
    assert changes(SetForgetBias(), rnn(cell="lstm")) == ["/model/forget_bias"]
    assert applied(SetForgetBias(bias=2.0), rnn(cell="lstm")).model.forget_bias == 2.0


def test_every_lstm_of_a_list_gets_it():
    declared = [{"kind": "recurrent", "cell": "lstm", "width": 8}, {"kind": "last_step"}, READOUT]
    after = applied(SetForgetBias(), experiment({"kind": "layers", "layers": declared}, data={"kind": "digit_rows"}))
    assert after.model.layers[0].forget_bias == 1.0


def test_other_cells_and_a_bias_that_is_there_are_refused():
    assert "no LSTM" in refusal(SetForgetBias(), rnn())
    assert "already 1" in refusal(SetForgetBias(), rnn(cell="lstm", forget_bias=1.0))
