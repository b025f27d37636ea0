"""jsonl: every event as a line of JSON, with its time, in a file.

Law of this file: what a line says, and that nobody waits for a disk on the event loop. The file
itself is rotating_file.py.
"""

import os
import secrets
from collections import deque
from collections.abc import Sequence
from threading import Lock

import anyio
from anyio import to_thread

from tokenweir.pipeline.clock import Clock, running_clock, wall_time
from tokenweir.pipeline.errors import MisuseError, SinkError
from tokenweir.pipeline.events import Event, Failure
from tokenweir.sinks.json_events import event_json
from tokenweir.sinks.rotating_file import RotatingFile

ROTATE_BYTES = 64 * 1024 * 1024
KEEP = 5
CLOSING = 1.0
"""Seconds that a disk has for what is left when the sink is closed."""


def jsonl(
    path: str | os.PathLike[str], *, rotate_bytes: int | None = ROTATE_BYTES, keep: int = KEEP
) -> "JSONL":
    r"""Append each event to the file at `path`, which is created where there is none (mode 0600).

        {"time":1763650000.123456,"stream":"5f0c2a91","type":"delta","text":"Hi",...}

    `time` is when the event's batch came, in Unix seconds; within one stream it never runs backwards.
    `stream` tells apart the streams that share a file. A file that would grow beyond `rotate_bytes`
    becomes `path.1` first, and up to `keep` of those are kept; a batch stays in one file, so that a
    larger one makes a larger file. None: no rotation. One sink serves one stream; those of one process
    may share a path at once.

    A thread writes, and `send` waits for it. It raises OSError where the disk refuses (full, gone,
    forbidden), and the file then ends with the last batch that it took whole. Cancelled while it
    waits, it loses nothing: what was not written goes with the next batch, or with `aclose`, which gives
    the disk CLOSING seconds and then raises SinkError of kind `timeout`.

    Raises MisuseError for limits that are none; `send` raises it for what is no regular file and once
    the sink is closed, and StageError at a `Snapshot`.
    """
    if rotate_bytes is not None and rotate_bytes < 1:
        raise MisuseError(f"jsonl(rotate_bytes={rotate_bytes!r}): a number of bytes, or None")
    if keep < 1:
        raise MisuseError(f"jsonl(keep={keep!r}): how many old files to keep, at least 1")
    return JSONL(RotatingFile(path, rotate_bytes, keep))


class JSONL:
    """The sink that `jsonl` makes."""

    def __init__(self, file: RotatingFile) -> None:
        self._file = file
        self._stream = secrets.token_hex(4)
        self._clock: Clock | None = None
        self._offset = 0.0
        self._waiting: deque[bytes] = deque()
        self._writing = Lock()
        self._fault: Exception | None = None
        self._closed = False

    async def send(self, batch: Sequence[Event]) -> None:
        """Write one batch. Raises as told at `jsonl`."""
        if self._closed:
            raise MisuseError("this jsonl() is closed: make one for each stream")
        head = b'{"time":%.6f,"stream":"%b",' % (self._now(), self._stream.encode())
        self._waiting.append(b"".join(head + event_json(event, "jsonl")[1:] + b"\n" for event in batch))
        await to_thread.run_sync(self._write, abandon_on_cancel=True)

    async def aclose(self) -> None:
        """Write what is left, and close the file."""
        if self._closed:
            return
        self._closed = True
        with anyio.move_on_after(CLOSING, shield=True):
            await to_thread.run_sync(self._close, abandon_on_cancel=True)
            return
        raise SinkError(Failure("timeout", f"the disk did not take the rest within {CLOSING:g} s", "write"))

    def _now(self) -> float:
        """The wall clock is read once, since it may jump."""
        if self._clock is None:
            self._clock = running_clock()
            self._offset = wall_time() - self._clock()
        return self._clock() + self._offset

    def _write(self) -> None:
        """In a thread: write what waits. One at a time, since a cancelled `send` leaves its own behind."""
        with self._writing:
            if self._fault is not None:
                raise self._fault
            lines = b"".join(self._waiting.popleft() for _ in range(len(self._waiting)))
            try:
                if lines:
                    self._file.write(lines)
            except Exception as fault:
                self._fault = fault
                raise

    def _close(self) -> None:
        try:
            if self._fault is None:
                self._write()
        finally:
            self._file.close()
