"""A file of lines that makes room for a fresh one, on a real file system."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from tests.sinks.disks import full_disk
from tokenweir.pipeline.errors import MisuseError
from tokenweir.sinks.rotating_file import RotatingFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to stand."""
    return tmp_path / "answers.jsonl"


def write(path: Path, *lines: bytes, limit: int | None = None, keep: int = 2) -> None:
    """Each line in a write of its own."""
    file = RotatingFile(path, limit, keep)
    for line in lines:
        file.write(line)
    file.close()
    file.close()


def test_it_creates_and_appends(path: Path) -> None:
    """P24: a new file is its owner's alone; one that is there is appended to, and keeps its mode."""
    write(path, b"a\n")
    mode = stat.S_IMODE(path.stat().st_mode)
    path.chmod(0o640)
    write(path, b"b\n", b"c\n")

    assert path.read_bytes() == b"a\nb\nc\n"
    assert (mode, stat.S_IMODE(path.stat().st_mode)) == (0o600, 0o640)


def test_rotation(path: Path) -> None:
    """A file that would grow beyond its limit is put aside, whole lines all; the oldest one goes."""
    write(path, *(b"%d234\n" % number for number in range(9)), limit=12)
    kept = {found.name: found.read_bytes() for found in path.parent.iterdir()}

    assert kept == {
        "answers.jsonl": b"8234\n",
        "answers.jsonl.1": b"6234\n7234\n",
        "answers.jsonl.2": b"4234\n5234\n",
    }


def test_what_is_larger_than_the_limit(path: Path) -> None:
    """A write that no file could hold gets one of its own, and no empty file before it."""
    write(path, b"x" * 99 + b"\n", b"y" * 99 + b"\n", limit=10)

    assert sorted(found.name for found in path.parent.iterdir()) == ["answers.jsonl", "answers.jsonl.1"]
    assert path.read_bytes() == b"y" * 99 + b"\n"


def test_the_limit_itself_fits(path: Path) -> None:
    """The limit is the size that a file may have."""
    write(path, b"1234\n", b"6789\n", limit=10)

    assert path.read_bytes() == b"1234\n6789\n"


def test_a_file_that_was_put_aside_by_another(path: Path) -> None:
    """Whoever rotates, or removes, the file: lines go to the one that stands at the path now."""
    first, second = RotatingFile(path, 8, 2), RotatingFile(path, 8, 2)
    first.write(b"a234\n")
    second.write(b"b234\n")
    first.write(b"c\n")
    path.unlink()
    second.write(b"d\n")
    first.close()
    second.close()

    assert (path.read_bytes(), path.with_name("answers.jsonl.1").read_bytes()) == (b"d\n", b"a234\n")


def test_many_writers_of_one_path(path: Path) -> None:
    """Writers of one process lose nothing to each other's rotations, and no line is cut."""
    start = threading.Barrier(8)

    def work(number: int) -> None:
        file = RotatingFile(path, 500, 100)
        start.wait()
        for line in range(50):
            file.write(b"%d-%02d\n" % (number, line) * 3)
        file.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = b"".join(found.read_bytes() for found in path.parent.iterdir()).splitlines()

    assert sorted(lines) == sorted(
        b"%d-%02d" % (n, line) for n in range(8) for line in range(50) for _ in "abc"
    )
    assert max(found.stat().st_size for found in path.parent.iterdir()) <= 500


@pytest.mark.parametrize("room", [7, 10, 14])
def test_a_full_disk(path: Path, room: int) -> None:
    """X03: the disk's refusal is raised, and the file ends with what it took whole; with room, it goes on."""
    file = RotatingFile(path, None, 2)
    file.write(b"12345\n")
    with full_disk(room), pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        file.write(b"x" * 9 + b"\n")
    after = path.read_bytes()
    file.write(b"more\n")
    file.close()

    assert (after, path.read_bytes()) == (b"12345\n", b"12345\nmore\n")


def test_what_a_crash_cut_stays_a_line_of_its_own(path: Path) -> None:
    """A file that ends in the middle of a line costs that line, and not the next one too."""
    path.write_bytes(b'{"whole":1}\n{"cut')
    write(path, b'{"next":1}\n')

    assert path.read_bytes() == b'{"whole":1}\n{"cut\n{"next":1}\n'


def test_what_is_no_file(path: Path) -> None:
    """X03: a pipe, a device or a folder is refused at once, and never waited for."""
    os.mkfifo(path)
    with pytest.raises(MisuseError, match="no regular file"):
        write(path, b"a\n")
    with pytest.raises(MisuseError, match="no regular file"):
        write(Path("/dev/full"), b"a\n")
    with pytest.raises(IsADirectoryError):
        write(path.parent, b"a\n")
    with pytest.raises(FileNotFoundError):
        write(path.parent / "missing" / "x", b"a\n")
