"""Text to a text stream that somebody else created, without ever blocking the event loop.

Law of this file: the one place of the sinks that writes to a file descriptor, always through the
stream itself (a notebook's stdout has a descriptor, but its text goes elsewhere).

A descriptor is asked with `poll` whether it takes more; then at most PIPE_BUF bytes are written,
which a pipe that said yes takes at once. That costs 0.5 µs per write; handing the write to a thread
costs 190. Only where the answer is no does a thread come in, and it waits and never writes: so that
cancellation leaves neither a stuck thread nor half a text behind. (O_NONBLOCK would be simpler, but
it is a flag of the open file, which our caller's shell shares with us.)
"""

import os
import select
from collections.abc import Iterator, Sequence
from typing import TextIO

from anyio import to_thread

_UNIT = getattr(select, "PIPE_BUF", 512) // 4  # code points: four bytes at most in UTF-8
PIECE = _UNIT - 16
"""Code points that one piece may hold, before the few characters that style it."""

_WAIT_MS = 100  # how long an abandoned thread may outlive its caller


class TextWriter:
    """Writes to `stream` and flushes.

    A stream without a descriptor is written to directly: it is memory. Where there is no `poll`
    (Windows), a thread writes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._fd = _descriptor(stream)
        self._encoding: str | None = getattr(stream, "encoding", None)
        self._over = False
        self._polls = self._fd is not None and hasattr(select, "poll")
        self.tty = stream.isatty()

    def shown(self, text: str) -> str:
        """The text with what the stream's encoding cannot say as backslash escapes."""
        if self._encoding is None or text.isascii():
            return text
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            return text.encode(self._encoding, "backslashreplace").decode(self._encoding)
        return text

    def size(self) -> tuple[int, int] | None:
        """Columns and lines of the terminal, where it tells."""
        try:
            columns, lines = os.get_terminal_size(-1 if self._fd is None else self._fd)
        except OSError:
            return None
        return (columns, lines) if columns and lines else None

    async def write(self, pieces: Sequence[str]) -> None:
        """Write pieces of at most `PIECE` code points, none of them cut apart.

        Raises what the stream raises (BrokenPipeError where its reader left); once, then all further
        text is dropped.
        """
        for text in _bundles(pieces):
            if self._over:
                return
            try:
                await self._put(text)
            except (OSError, ValueError):
                self._over = True
                raise

    async def _put(self, text: str) -> None:
        if self._fd is None:
            self._put_now(text)
        elif not self._polls:
            await to_thread.run_sync(self._put_now, text, abandon_on_cancel=True)
        else:
            if not _takes_more(self._fd, 0):
                await self._wait(self._fd)
            try:
                self._put_now(text)
            except BlockingIOError:  # somebody else made the descriptor non-blocking
                await self._flush_rest(self._fd)

    def _put_now(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    async def _flush_rest(self, fd: int) -> None:
        while True:
            await self._wait(fd)
            try:
                self._stream.flush()
            except BlockingIOError:
                continue
            return

    async def _wait(self, fd: int) -> None:
        while not await to_thread.run_sync(_takes_more, fd, _WAIT_MS, abandon_on_cancel=True):
            pass


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, AttributeError):
        return None


def _takes_more(fd: int, wait_ms: int) -> bool:
    """Whether a write would not wait: there is room, or an error to be told."""
    # A poll object of its own for each question: one object refuses two threads.
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(wait_ms))


def _bundles(pieces: Sequence[str]) -> Iterator[str]:
    """Pieces joined as far as one write may go."""
    waiting, size = list[str](), 0
    for piece in pieces:
        if waiting and size + len(piece) > _UNIT:
            yield "".join(waiting)
            waiting, size = [], 0
        waiting.append(piece)
        size += len(piece)
    yield "".join(waiting)
