"""A small regular file, read without ever waiting.

Law of this file: what is no plain file (a directory, a pipe, a device) is refused before it is read, and
what is too large is not read to its end. Reasons are words for people, and never hold what was read.
"""

import os
import stat

from msgspec import Struct

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class UnreadableError(Exception):
    """Why a file cannot be read, in words that follow its name."""


class PlainFile(Struct, frozen=True):
    """What a file holds, and whether every user of the machine may read it."""

    data: bytes
    open_to_all: bool

    def __repr__(self) -> str:
        return f"PlainFile({len(self.data)} bytes)"


def read_plain_file(path: str | os.PathLike[str], limit: int) -> PlainFile:
    """The file at `path`, of at most `limit` bytes. A link is followed. Raises UnreadableError."""
    try:
        handle = os.open(path, _FLAGS)
    except (OSError, ValueError) as gone:
        raise UnreadableError(_reason(gone)) from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "a pipe or a device"
            raise UnreadableError(f"it is {kind}, where a file is needed")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as broken:
        raise UnreadableError(_reason(broken)) from None
    finally:
        os.close(handle)
    if len(data) > limit:
        raise UnreadableError(f"it has more than {limit} bytes")
    return PlainFile(data, bool(mode & stat.S_IROTH))


def _reason(fault: OSError | ValueError) -> str:
    if isinstance(fault, FileNotFoundError):
        return "there is no such file"
    if isinstance(fault, PermissionError):
        return "it may not be read by this user"
    if isinstance(fault, OSError):
        return f"it cannot be read: {fault.strerror or type(fault).__name__}"
    return "that is no name of a file"
