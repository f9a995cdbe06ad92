from gradclinic.kernel.codec import decode, encode
from gradclinic.measurements.record import Layout, RunRecord, SiteInfo, WeightInfo

LAYOUT = Layout(
    steps=10,
    batch_size=4,
    sites=(SiteInfo("0", "pre_activation", True, 4), SiteInfo("1", "block", False, 4), SiteInfo("2", "block", True, 4)),
    weights=(WeightInfo("0", (4, 2)),),
    clipping={"kind": "norm", "max_norm": 1.0},
)


def test_a_statistics_columns_are_named_by_what_it_is_measured_for():
    assert LAYOUT.columns("site_grad_rms") == ("0", "1", "2")
    assert LAYOUT.columns("weight_norm_l2") == ("0",)
    assert LAYOUT.columns("train_loss") == ("run",)


def test_sites_inside_a_block_are_left_out_of_the_profile():
    assert LAYOUT.profile_columns == (0, 2)


def test_a_record_made_of_a_layout_has_that_layout():
    assert RunRecord.of(LAYOUT, {}).layout == LAYOUT


def test_where_no_steps_were_planned_they_are_those_done_so_far():
    unplanned = Layout(0, 4, (), ())
    assert RunRecord.of(unplanned, {}, steps_done=7).steps == 7
    assert RunRecord.of(unplanned, {}).steps == 1
    assert RunRecord.of(LAYOUT, {}, steps_done=7).steps == 10


def test_a_layout_is_stored_and_read_as_it_was():
    assert decode(Layout, encode(LAYOUT)) == LAYOUT
