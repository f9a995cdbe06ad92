from pathlib import Path

import pytest

from gradclinic.checkpoints import Checkpoints
from gradclinic.kernel.errors import CheckpointUnusable
from gradclinic.store import CheckpointPointer, Lease


def lease(attempt: int = 1) -> Lease:
    return Lease("run_1", attempt, "vm/1/2", None)  # type: ignore[arg-type]  # the folder does not look at the run


def test_a_state_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "not" / "there")
    pointer = checkpoints.save(lease(), step=7, state=b"state")
    assert (pointer.step, pointer.bytes) == (7, 5)
    assert checkpoints.load(pointer) == b"state"


def test_attempts_never_write_the_same_file(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    first = checkpoints.save(lease(1), step=7, state=b"first")
    checkpoints.save(lease(2), step=7, state=b"second")
    assert checkpoints.load(first) == b"first"


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"stat")])
def test_a_state_that_is_gone_or_damaged_is_not_resumed_from(tmp_path: Path, damage) -> None:
    checkpoints = Checkpoints(tmp_path)
    pointer = checkpoints.save(lease(), step=7, state=b"state")
    damage(tmp_path / pointer.name)
    with pytest.raises(CheckpointUnusable, match="step 7"):
        checkpoints.load(pointer)


def test_only_the_state_that_counts_is_kept_and_none_after_the_end(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for step in (3, 5):
        pointer = checkpoints.save(lease(), step=step, state=b"state")
    checkpoints.keep_only(pointer)
    assert [path.name for path in (tmp_path / "run_1").iterdir()] == ["1-5.pt"]
    assert checkpoints.run_ids() == ["run_1"]
    checkpoints.drop("run_1")
    assert checkpoints.run_ids() == []
    checkpoints.drop("run_1")


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "none")
    assert checkpoints.run_ids() == []
    with pytest.raises(CheckpointUnusable):
        checkpoints.load(CheckpointPointer("run_1/1-1.pt", 1, "", 0))


def test_a_full_disk_keeps_no_half_of_a_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gradclinic.checkpoints.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        Checkpoints(tmp_path).save(lease(), step=7, state=b"state")
    assert list((tmp_path / "run_1").iterdir()) == []
