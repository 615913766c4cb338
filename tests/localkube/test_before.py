import json
from pathlib import Path

import pytest

from localkube import before, network


@pytest.fixture(autouse=True)
def no_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "KERNEL_MODULES", ())


def test_the_note_holds_kernel_settings_and_the_folders_that_were_not_there(tmp_path: Path) -> None:
    note = tmp_path / "state" / "before.json"
    before.remember(note, [str(tmp_path), str(tmp_path / "absent")])
    noted = before.read(note)
    assert noted is not None
    assert noted.absent == [str(tmp_path / "absent")]
    assert noted.sysctls["net/ipv4/ip_forward"] in ("0", "1")


def test_the_first_note_is_the_true_one(tmp_path: Path) -> None:
    note = tmp_path / "before.json"
    note.write_text(json.dumps({"sysctls": {"net/ipv4/ip_forward": "as it was"}, "absent": [], "boot_id": "1"}))
    before.remember(note)
    assert before.read(note) == before.Before({"net/ipv4/ip_forward": "as it was"}, [], "1")


def test_no_note_is_no_answer(tmp_path: Path) -> None:
    assert before.read(tmp_path / "before.json") is None
