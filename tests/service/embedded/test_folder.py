import os
from pathlib import Path

import pytest

from gradclinic.embedded import folder as module
from gradclinic.embedded.folder import DataFolder
from gradclinic.kernel.errors import SetupFailed


def refusal(path: Path) -> str:
    with pytest.raises(SetupFailed) as failed:
        DataFolder(path)
    text = str(failed.value)
    assert "\n" not in text
    assert "--data-dir" in text
    return text


def test_a_folder_is_made_where_there_is_none(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    folder.close()


def test_a_folder_serves_one_service_at_a_time(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert f"(process {os.getpid()})" in refusal(tmp_path)
    folder.close()
    DataFolder(tmp_path).close()


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_file_in_its_place_is_said_in_one_line(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_text("")
    assert "is a file, not a folder" in refusal(tmp_path / "file" / inside)


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.os, "open", refused)
    assert "cannot be written to" in refusal(tmp_path)


def test_a_place_that_can_hold_no_folder_is_said_in_one_line() -> None:
    assert "/proc/none" in refusal(Path("/proc/none"))


def test_a_full_disk_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEEDED_BYTES", 2**60)
    assert "is full" in refusal(tmp_path)


def test_a_new_folder_is_closed_to_other_users_and_an_existing_one_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o750)
    for folder, mode in ((tmp_path / "above" / "new", 0o700), (shared, 0o750)):
        DataFolder(folder).close()
        assert folder.stat().st_mode & 0o777 == mode
