import json
from dataclasses import asdict

from benchmarks.prescription import Prescribed, kept

from gradclinic.prescription import Budget

DONE = Prescribed("a case", "divergence", "cured", "add_batch_norm", "add_batch_norm", 1, 5, 48, 3.5)


def test_an_interrupted_benchmark_goes_on_with_what_was_done_within_the_same_budget(tmp_path):
    record = tmp_path / "record"
    lines = [{"budget": Budget(runs=runs).to_json(), **asdict(DONE)} for runs in (48, 20)]
    record.write_text("".join(json.dumps(line) + "\n" for line in lines[:1]))
    assert kept(record, Budget(runs=48)) == {"a case": DONE}
    record.write_text("".join(json.dumps(line) + "\n" for line in lines[1:]))
    assert kept(record, Budget(runs=48)) == {}


def test_a_benchmark_without_a_record_begins_at_the_first_case(tmp_path):
    assert kept(None, Budget(runs=48)) == {}
    assert kept(tmp_path / "not there", Budget(runs=48)) == {}
