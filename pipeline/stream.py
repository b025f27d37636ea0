"""Stream: one answer, pulled event by event.

Law of this file: the order of things in the life of one stream, and nothing of any backend. It owns
no task and no scope across a read (measured: a producer task with a channel costs twice the CPU), so
leaving it early poisons nothing. One network read at a time; no await stands between a read and
keeping what it brought, so a cancelled consumer loses nothing that was delivered.

    connecting ─> waiting ─> flowing ─> over
        │  retry    │          │
        └───────────┴──────────┴─ fault, deadline, cancel: rescue, finish the cores, one End
"""

import warnings
from collections.abc import AsyncIterator
from math import inf
from types import TracebackType
from typing import Any, Self

from tokenweir.pipeline.errors import MisuseError, error_for
from tokenweir.pipeline.events import Event, Failure, FailureKind
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.waiting import Waiting


class Stream(Waiting):
    """The events of one answer: an async iterator, best used as `async with`.

    `End` is always the last event. After an `End` whose outcome is not `complete`, the next step
    raises the StreamError that belongs to it (unless `check=False`), so that nobody takes a broken
    answer for a whole one. `end` is the stream's `End` once there is one, however it ended.

    Raises MisuseError where it is read twice, or by two tasks at once.
    """

    def __aiter__(self) -> AsyncIterator[Event]:
        self._once()
        return self

    async def __anext__(self) -> Event:
        if self._ready:
            return self._ready.pop()
        await self._fill()
        return self._ready.pop()

    def batches(self, every: float | None = None) -> AsyncIterator[list[Event]]:
        """The same events, in lists: those of one network read together.

        `every` gives an empty list after so many seconds without any event, to whoever has to fill the
        silence; it costs a scope per read.
        """
        self._once()
        return _Batches(self, every)

    def _once(self) -> None:
        if self._iterated:
            msg = "this stream is being read already: call pipeline.stream(...) for another one, or fan out"
            raise MisuseError(msg)
        self._iterated = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def asked_model(self) -> str | None:
        """The model that is asked now; None where that is left to the backend."""
        return self._request.model

    @property
    def source(self) -> Source:
        """Who is asked now, or was last: with several backends, the one that answers."""
        return self._source

    def asks(self, source: object) -> bool:
        """Whether a request of this stream is with that source, and not over."""
        return self._source is source and self._connection is not None

    def _open(self, now: float) -> None:
        self._source.activity.began(self)
        super()._open(now)

    async def aclose(self) -> None:
        """Leave: the upstream is closed at once. Nothing more is delivered; `end` is recorded."""
        if self.end is None:
            self._begin()
            self._shut("cancelled", Failure("cancelled", "the consumer left before the end"))
        self._ready.clear()
        self._raised = True

    def __del__(self) -> None:
        if self._opened and self.end is None and self._connection is not None:
            if self._loop is None:
                self._connection.close()
            elif not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._connection.close)
            warnings.warn(f"unclosed {self!r}: use `async with`", ResourceWarning, stacklevel=2, source=self)

    def __repr__(self) -> str:
        state = self.end.outcome if self.end else ("flowing" if self._content else self._phases.name)
        return f"<Stream of {self._source.provider}: {state}>"

    async def _fill(self, every: float | None = None) -> None:
        """Read until there is an event, or for `every` seconds without one. Raises StopAsyncIteration, or
        the failure after its End."""
        if self._reading:
            msg = "another task is reading this stream: give each reader its own stream, or fan out"
            raise MisuseError(msg)
        self._reading = True
        self._begin()
        self._wake = inf if every is None else self._clock() + every
        try:
            while not self._ready:
                if self.end is not None:
                    self._stop()
                await self._pull()
                if self._wake < inf and self._clock() >= self._wake:
                    return
        except Exception as bug:
            if self.end is None:
                self._break(bug)
            raise
        except BaseException:
            if self.end is None:
                self._shut("cancelled", Failure("cancelled", "the consumer was cancelled or interrupted"))
                self._ready.clear()
            raise
        finally:
            self._reading = False

    def _break(self, bug: Exception) -> None:
        """A source raised it: the caller is told that and nothing else, and the end is recorded."""
        kind: FailureKind = "bad_request" if isinstance(bug, MisuseError) else "upstream"
        told = Failure(kind, f"{self._source.provider}: {type(bug).__name__}: {bug}")
        self._shut("error", self._source.scrub(told))
        self._ready.clear()
        self._raised = True

    def _stop(self) -> None:
        end = self.end
        if (
            self._check
            and end is not None
            and end.outcome not in ("complete", "cancelled")
            and not self._raised
        ):
            self._raised = True
            bug = self._core.error
            raise error_for(end) from (self._cause if bug is None else bug.__cause__)
        raise StopAsyncIteration


class _Batches:
    """The batches of one stream."""

    def __init__(self, stream: Stream, every: float | None) -> None:
        self._stream = stream
        self._every = every

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        return self

    async def __anext__(self) -> list[Event]:
        stream: Any = self._stream
        if not stream._ready:  # noqa: SLF001 - the second face of the same object
            await stream._fill(self._every)  # noqa: SLF001 - as above
        batch: list[Event] = stream._ready[::-1]  # noqa: SLF001 - as above
        stream._ready.clear()  # noqa: SLF001 - as above
        return batch
