r"""Fakes that ship, for tests of ours and of those who embed tokenweir.

Law of this file: a backend as a script, on any event loop (asyncio and trio) and on any clock, so
that a test needs no socket and no real time.

>>> source = ScriptedSource([b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'])
>>> source.provider
'scripted'
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from math import inf
from typing import Any, ClassVar

import anyio

from tokenweir.pipeline.connection import DeadlinePassed
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.base import Source
from tokenweir.stages.cumulative_detect import Mode

Step = bytes | float | Failure
"""Bytes that arrive in one read, seconds of silence, or a fault of the connection."""


class ScriptedSource(Source):
    """A source whose answer is a list: bytes, seconds of silence, faults; then the end of the body.

    `rescue` is what had arrived when a fault came. Several scripts are the answers to one attempt
    after another, the last one for all that follow. `connections` are those that were opened.
    """

    provider: ClassVar[str] = "scripted"
    remote: ClassVar[bool] = False

    def __init__(
        self,
        *scripts: Sequence[Step],
        rescue: bytes = b"",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        model: str | None = None,
        mode: Mode | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        super().__init__(model=model, mode=mode, deadlines=deadlines)
        if not scripts:
            msg = "ScriptedSource needs a script: ScriptedSource([b'data: ...\\n\\n', 2.0, Failure(...)])"
            raise MisuseError(msg)
        self._scripts = scripts
        self._rescue = rescue
        self._status = status
        self._headers = dict(headers or {})
        self.connections: list[ScriptedConnection] = []

    def open(self, request: Request) -> "ScriptedConnection":
        at = min(len(self.connections), len(self._scripts) - 1)
        connection = ScriptedConnection(self._scripts[at], self._rescue, self._status, self._headers)
        self.connections.append(connection)
        return connection


class _Fault(Exception):  # noqa: N818 - it carries a Failure through a read
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class ScriptedConnection:
    """One scripted answer; `closed` counts the calls of close, `left` is what was not read."""

    def __init__(
        self, script: Sequence[Step], rescue: bytes, status: int, headers: Mapping[str, str]
    ) -> None:
        self.status: int | None = None
        self.headers = headers
        self.connected = True
        self.deadline = inf
        self.armed = -inf
        self.closed = 0
        self.read: Callable[[], Coroutine[Any, Any, bytes | None]] = self._read
        self.left = list(script)
        self._rescue = rescue
        self._status = status
        self._until: float | None = None
        self._over = anyio.Event()

    async def _read(self) -> bytes | None:
        await anyio.lowlevel.checkpoint()
        if self.status is None:
            self.status = self._status
            return None
        while self.left and isinstance(self.left[0], int | float):
            await self._wait(self.left[0])
            self.left.pop(0)
        step = self.left.pop(0) if self.left else b""
        if isinstance(step, Failure):
            raise _Fault(step)
        return step if isinstance(step, bytes) else b""

    async def _wait(self, seconds: float) -> None:
        """A cancelled wait goes on where it was: the silence ends when it would have."""
        now = anyio.current_time()
        self._until = now + seconds if self._until is None else self._until
        late = self._until > self.deadline
        with anyio.move_on_after(max(0.0, min(self._until, self.deadline) - now)):
            await self._over.wait()
            raise ConnectionAbortedError
        if late:
            raise DeadlinePassed
        self._until = None

    def arm(self) -> None:
        """The deadline is looked at while waiting."""

    def rescue(self) -> bytes:
        rest, self._rescue = self._rescue, b""
        return rest

    def failure(self, fault: Exception) -> Failure | None:
        return fault.failure if isinstance(fault, _Fault) else None

    def close(self) -> None:
        self.closed += 1
        self._over.set()
