"""A file of lines that grows to a size and then makes room for a fresh one.

Law of this file: blocking calls, made from threads and never on an event loop. What is written at
once is in the file whole or not at all. Several writers of this process may share a path: one lock a
path orders them, and each finds out where another has put the file aside. Two processes may not.
"""

import os
import stat
from contextlib import suppress
from io import FileIO
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

from tokenweir.pipeline.errors import MisuseError

_MODE = 0o600
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class _Turn:
    """Who may write to one path now."""

    def __init__(self) -> None:
        self.lock = Lock()


_TURNS: WeakValueDictionary[Path, _Turn] = WeakValueDictionary()
_FINDING = Lock()


class RotatingFile:
    """Appends to `path`, which it creates (mode 0600).

    Where the file would grow beyond `limit` bytes, it becomes `path.1`, what was `path.1` becomes
    `path.2`, and so on up to `keep`; the oldest is removed. None: it grows for ever.
    """

    def __init__(self, path: str | os.PathLike[str], limit: int | None, keep: int) -> None:
        self._path = Path(path).absolute()
        self._limit = limit
        self._keep = keep
        self._file: FileIO | None = None
        with _FINDING:
            self._turn = _TURNS.setdefault(self._path, _Turn())

    def write(self, lines: bytes) -> None:
        """Append whole lines. Raises OSError, and MisuseError where the path is no regular file."""
        with self._turn.lock:
            file = self._open()
            size = os.fstat(file.fileno()).st_size
            if self._limit is not None and size > 0 and size + len(lines) > self._limit:
                self._rotate()
                file, size = self._open(), 0
            _append(file, lines, size)

    def close(self) -> None:
        """Let the file go; a later write would open it again."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _open(self) -> FileIO:
        """The file that stands at the path now."""
        if self._file is not None and not _is_at(self._path, self._file):
            self.close()
        if self._file is None:
            file = FileIO(self._path, "ab+", opener=lambda path, _: os.open(path, _FLAGS, _MODE))
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                file.close()
                raise MisuseError(f"jsonl({str(self._path)!r}): this is no regular file")
            self._file = file
        return self._file

    def _rotate(self) -> None:
        self.close()
        for number in range(self._keep - 1, 0, -1):
            with suppress(FileNotFoundError):
                self._aside(number).replace(self._aside(number + 1))
        self._path.replace(self._aside(1))

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _is_at(path: Path, file: FileIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _append(file: FileIO, lines: bytes, size: int) -> None:
    """All of it, or what was there before: a full disk takes a part and then refuses."""
    left = memoryview(lines if _ends_a_line(file, size) else b"\n" + lines)
    written = 0
    try:
        while left:
            count = file.write(left) or 0
            written, left = written + count, left[count:]
    except OSError:
        with suppress(OSError):
            if os.fstat(file.fileno()).st_size == size + written:
                file.truncate(size)
        raise


def _ends_a_line(file: FileIO, size: int) -> bool:
    """Whether what a crash left behind is whole."""
    if size == 0:
        return True
    file.seek(size - 1)
    return file.read(1) == b"\n"
