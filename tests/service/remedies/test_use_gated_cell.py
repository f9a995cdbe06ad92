from gradclinic.remedies.use_gated_cell import UseGatedCell

from .experiments import READOUT, applied, changes, layers, mlp, refusal, rnn


def test_on_the_preset_it_changes_the_cell():
    assert changes(UseGatedCell(), rnn()) == ["/model/cell"]
    lstm = applied(UseGatedCell(cell="lstm"), rnn()).model
    assert (lstm.cell, lstm.forget_bias) == ("lstm", 1.0)


def test_in_a_list_it_changes_every_plain_cell():
    before = layers(
        {"kind": "recurrent", "width": 8, "layers": 2},
        {"kind": "recurrent", "cell": "gru", "width": 8},
        {"kind": "last_step"},
        READOUT,
        data={"kind": "digit_rows"},
    )
    after = applied(UseGatedCell(cell="lstm"), before)
    assert [layer.cell for layer in after.model.layers[:2]] == ["lstm", "gru"]


def test_without_a_plain_cell_it_refuses():
    assert "no recurrent layer" in refusal(UseGatedCell(), mlp())
    assert "already has a gated cell" in refusal(UseGatedCell(), rnn(cell="lstm"))
