"""Disks that refuse, and disks that hang."""

import resource
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tokenweir.sinks.rotating_file import RotatingFile


@contextmanager
def full_disk(size: int) -> Generator[None]:
    """No file may grow beyond so many bytes: the kernel takes what fits, and then refuses."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class SlowDisk:
    """A disk that takes nothing until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()
        write = RotatingFile.write

        def slow(file: RotatingFile, data: bytes) -> None:
            self.asked.set()
            assert self.go.wait(10)
            write(file, data)

        monkeypatch.setattr(RotatingFile, "write", slow)
