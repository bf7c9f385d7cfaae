"""A file that is replaced whole is never seen half written, whoever writes it at the same time."""

import threading
from pathlib import Path

import pytest

from gateway.state.whole_file import WholeFile


def test_it_is_replaced_and_is_its_owners(tmp_path: Path) -> None:
    file = WholeFile(tmp_path / "noted.json")
    for text in (b"one", b"two"):
        file.write(text)
        assert file.path.read_bytes() == text
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["noted.json"]


def test_what_cannot_be_written_leaves_it_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = WholeFile(tmp_path / "noted.json")
    file.write(b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        file.write(b"after")
    assert file.path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["noted.json"]


def test_threads_that_write_at_once_take_turns(tmp_path: Path) -> None:
    file = WholeFile(tmp_path / "noted.json")
    texts = [bytes([65 + each]) * 300_000 for each in range(4)]
    torn: list[bytes] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen = file.path.read_bytes()
            if seen not in texts:
                torn.append(seen[:9])

    file.write(texts[0])
    watching = threading.Thread(target=watch)
    writing = [threading.Thread(target=file.write, args=(text,)) for text in texts * 5]
    for each in (watching, *writing):
        each.start()
    for each in writing:
        each.join()
    done.set()
    watching.join()
    assert not torn
    assert file.path.read_bytes() in texts
