"""replay: the bytes of a recorded answer, from a file.

Law of this file: a source without a network. The bytes come as they were, in pieces of a chosen
size; what they mean is for the same stages to say.
"""

from collections.abc import Callable, Coroutine, Mapping
from math import inf
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import anyio.lowlevel

from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.base import Source
from tokenweir.stages.cumulative_detect import Mode

CHUNK = 65_536


class Replay(Source):
    """Wire bytes from `path`, `chunk` bytes at a time (64 KiB by default).

    `mode` is `auto`, since a recording does not say who made it. Raises MisuseError for a path that
    is no file, and for a chunk below 1.
    """

    provider: ClassVar[str] = "replay"
    default_mode: ClassVar[Mode] = "auto"
    remote: ClassVar[bool] = False

    def __init__(
        self,
        path: str | Path,
        *,
        chunk: int = CHUNK,
        model: str | None = None,
        mode: Mode | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        super().__init__(model=model, mode=mode, deadlines=deadlines)
        self._path = Path(path)
        self._chunk = chunk
        if chunk < 1:
            msg = f"replay: chunk={chunk}; bytes at a time, at least 1"
            raise MisuseError(msg)
        if not self._path.is_file():
            msg = f"replay: {path} is not a file"
            raise MisuseError(msg)

    def open(self, request: Request) -> Connection:
        return _Recording(self._path, self._chunk)


class _Recording:
    """A file as a connection."""

    def __init__(self, path: Path, chunk: int) -> None:
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.connected = True
        self.deadline = inf
        self.armed = -inf
        self.read: Callable[[], Coroutine[Any, Any, bytes | None]] = self._read
        self._path = path
        self._chunk = chunk
        self._file: BinaryIO | None = None

    async def _read(self) -> bytes | None:
        await anyio.lowlevel.checkpoint()
        if self._file is None:
            self._file = self._path.open("rb")
        return self._file.read(self._chunk)

    def arm(self) -> None:
        """Never late."""

    def rescue(self) -> bytes:
        return b""

    def failure(self, fault: Exception) -> Failure | None:
        return (
            Failure("upstream", f"the recording cannot be read: {fault}")
            if isinstance(fault, OSError)
            else None
        )

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
