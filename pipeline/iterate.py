"""SyncStream: one answer for code that has no event loop, on any thread.

Law of this file: the bridge between a thread and a stream, and nothing of streams themselves. The
stream lives on one background event loop of the process, so that connections are pooled between
answers as they are in an async program. Each step asks for one batch and waits for it: nothing is read
ahead, and what belongs to the stream is touched on its loop alone.
"""

import asyncio
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, wait
from types import TracebackType
from typing import Self

import anyio

from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import End, Event
from tokenweir.pipeline.stream import Stream

PATIENCE = 2.0
"""Seconds that closing waits for the background loop, which needs a millisecond unless a stage of
somebody's own blocks it."""


class SyncStream:
    """The events of one answer: a plain iterator, best used as `with`.

    Events, `End` and exceptions are those of Stream. `cancel()` and `close()` may come from any thread
    while another one waits for an event: that one's loop then just ends, with `end.outcome`
    "cancelled". Left early, collected, or still open when the program ends, the backend is closed at
    once and nothing is said.

    Raises MisuseError on a thread that runs an event loop, since waiting would stop that loop, and
    where two threads read at once.
    """

    def __init__(self, stream: Stream) -> None:
        _refuse_event_loop()
        self._background = _background()
        self._far = _Far(stream)
        self._ready: list[Event] = []  # reversed: the next event is the last
        weakref.finalize(self, _collect, self._far, self._background)

    @property
    def end(self) -> End | None:
        """The answer's `End` once there is one, however it ended."""
        return self._far.stream.end

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self._far.over:
            self.close()  # whoever cancelled did not wait, and a loop that is over finds `end`
            raise StopIteration
        if not self._ready:
            self._ready = self._pull()[::-1]
        if not self._ready:
            raise StopIteration
        return self._ready.pop()

    def _pull(self) -> list[Event]:
        """The next batch; an empty one at the end."""
        _refuse_event_loop()
        if not self._background.thread.is_alive():
            raise MisuseError("this iterator was begun before a fork: call pipeline.iterate(...) again here")
        pulling: Future[list[Event]] | None = None
        try:
            pulling = asyncio.run_coroutine_threadsafe(self._far.pull(), self._background.loop)
            return pulling.result()
        except CancelledError:  # the program ends
            return []
        except BaseException:
            if pulling is None or not pulling.done():  # this thread was interrupted
                self.cancel()
            raise

    def cancel(self) -> None:
        """Leave, from any thread, without waiting: what a stop button calls."""
        _leave(self._far, self._background)

    def close(self) -> None:
        """Leave, and return when the backend is closed and `end` stands; from any thread."""
        left = _leave(self._far, self._background)
        if left is not None and threading.current_thread() is not self._background.thread:
            wait([left], PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SyncStream over {self._far.stream!r}>"


class _Far:
    """The far side of the bridge: its coroutines run on the background loop."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.begun = False
        self.over = False
        self._batches = stream.batches()
        self._reading: anyio.CancelScope | None = None

    async def pull(self) -> list[Event]:
        self.begun = True
        with anyio.CancelScope() as self._reading:
            try:
                return await anext(self._batches)
            except StopAsyncIteration:
                pass
        return []

    async def leave(self) -> None:
        """Closed first: a stream that is cancelled while it reads would be closed too, only later."""
        await self.stream.aclose()
        if self._reading is not None:
            self._reading.cancel()


class _Background:
    """An event loop that runs in a thread of its own until the program ends."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        stopping = asyncio.Event()
        self.thread = threading.Thread(target=_run, args=(self.loop, stopping), name="tokenweir", daemon=True)
        self.thread.start()
        # Finalizers run at exit, the youngest first: every stream leaves before its loop stops.
        weakref.finalize(self, _stop, self.loop, stopping, self.thread)


def _run(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_until(stopping))


async def _until(stopping: asyncio.Event) -> None:
    await stopping.wait()


def _stop(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event, thread: threading.Thread) -> None:
    if thread.is_alive():
        loop.call_soon_threadsafe(stopping.set)
        thread.join(PATIENCE)


def _leave(far: _Far, background: _Background) -> "Future[None] | None":
    """None where the background has gone: at exit, and in a forked process."""
    far.over = True
    if not background.thread.is_alive():
        return None
    return asyncio.run_coroutine_threadsafe(far.leave(), background.loop)


def _collect(far: _Far, background: _Background) -> None:
    """Nobody holds the stream any more, or the program ends. Collection happens on any thread, the
    background's too, so it never waits."""
    if far.begun and far.stream.end is None:
        _leave(far, background)
    far.over = True


_shared: _Background | None = None
_making = threading.Lock()


def _background() -> _Background:
    """The process's one background loop, made at its first use (after a fork, made again)."""
    global _shared  # noqa: PLW0603 - one for the process: threads come and go, its connections stay pooled
    with _making:
        if _shared is None or not _shared.thread.is_alive():
            _shared = _Background()
        return _shared


def _refuse_event_loop() -> None:
    try:
        running_clock()()
    except RuntimeError:
        return
    raise MisuseError(
        "iterate() waits on its thread, and this one runs an event loop: use `async with "
        "pipeline.stream(...)` here, or iterate in a worker thread"
    )
