"""Small regular files, and nothing else."""

import os
from pathlib import Path

import pytest

from tokenweir.config.plain_file import UnreadableError, read_plain_file


def test_a_file(tmp_path: Path) -> None:
    """As large as allowed; through a link too, as secrets are mounted."""
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "file").chmod(0o600)
    (tmp_path / "link").symlink_to("file")

    assert read_plain_file(tmp_path / "link", 5).data == b"12345"
    with pytest.raises(UnreadableError, match="more than 4 bytes"):
        read_plain_file(tmp_path / "file", 4)


def test_what_it_holds_is_not_shown(tmp_path: Path) -> None:
    """P24: it may be a key."""
    (tmp_path / "file").write_bytes(b"sk-canary")

    assert "canary" not in repr(read_plain_file(tmp_path / "file", 100))


@pytest.mark.parametrize(("mode", "to_all"), [(0o600, False), (0o640, False), (0o604, True), (0o644, True)])
def test_who_may_read_it(mode: int, *, to_all: bool, tmp_path: Path) -> None:
    """C09: a group may be meant; everybody is not."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "file").chmod(mode)

    assert read_plain_file(tmp_path / "file", 1).open_to_all is to_all


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone", "there is no such file"),
        ("a\0b", "that is no name of a file"),
        ("folder", "it is a directory, where a file is needed"),
        ("pipe", "it is a pipe or a device, where a file is needed"),
        ("loop", "it cannot be read: Too many levels of symbolic links"),
        ("file/inner", "it cannot be read: Not a directory"),
    ],
)
def test_what_is_none(name: str, said: str, tmp_path: Path) -> None:
    """C01: told in words, at once."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(UnreadableError) as caught:
        read_plain_file(f"{tmp_path}/{name}", 10)
    assert str(caught.value) == said


def test_what_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C01: an administrator may read everything, so the answer is made up; a disk that fails too."""

    def refuse(*_: object) -> int:
        raise PermissionError

    (tmp_path / "file").touch()
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(UnreadableError, match="it may not be read by this user"):
            read_plain_file(tmp_path / "file", 10)
    with pytest.raises(UnreadableError, match="it cannot be read: "):
        read_plain_file("/proc/self/mem", 10)
