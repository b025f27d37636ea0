"""The server that all readers are measured against: on loopback, in a process of its own.

Law of this file: bodies are made before anybody asks, and sending them costs the measured process
nothing. Raw asyncio, no HTTP library: a request's path names its workload, and the answer is that
workload's body in chunked encoding, one HTTP chunk per event, as real servers send it.

Paced workloads begin together: each stream gets its first text at once, and nothing more before
`GET /NAME/go` has been asked for and all streams are there. From then on a timer sends one event at a
time, each to the next stream, so that one network read is one event.
"""

import asyncio
import gc
import multiprocessing
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection

from benchmarks.bodies import Workload, frames

_SLICE = 262_144
_OPENING = 2
"""Events that a paced stream begins with: the role, and the first text."""
_PAUSE = 0.1
"""Seconds in which the last of a crowd can take in its opening, before the others go on."""
_LATE = 0.010
"""Seconds that a late sender catches up; what is later than that is not made good in a burst."""
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
_END = b"0\r\n\r\n"


class _Body:
    """One workload, ready to send."""

    def __init__(self, work: Workload) -> None:
        self.work = work
        self.chunks = [b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames(work)]
        self.whole = memoryview(b"".join([*self.chunks, _END]))
        # A crowd brings its own connections each time; one stream after another keeps its connection.
        self.head = _HEAD + (b"Connection: close\r\n\r\n" if work.streams > 1 else b"\r\n")
        self.crowd: list[_Answers] = []
        self.starter: _Answers | None = None

    def pace(self) -> None:
        """Begin soon after everybody is there."""
        if self.starter is not None and len(self.crowd) == self.work.streams:
            asyncio.get_running_loop().call_later(_PAUSE, self._start)

    def _start(self) -> None:
        starter, crowd = self.starter, self.crowd
        self.starter, self.crowd = None, []
        if starter is not None and self.work.rate is not None:
            starter.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", last=True)
            _Pace(crowd, self.chunks[_OPENING:], 1.0 / (self.work.rate * len(crowd)))


class _Pace:
    """Sends to one stream after another, at even distances."""

    def __init__(self, crowd: list["_Answers"], chunks: list[bytes], distance: float) -> None:
        self._sends = ((answers, chunk) for chunk in [*chunks, _END] for answers in crowd)
        self._distance = distance
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + distance
        self._loop.call_at(self._due, self._turn)

    def _turn(self) -> None:
        now = self._loop.time()
        self._due = max(self._due, now - _LATE)
        while self._due <= now:
            self._due += self._distance
            answers, chunk = next(self._sends, (None, b""))
            if answers is None:
                return
            answers.send(chunk, last=chunk is _END)
        self._loop.call_at(self._due, self._turn)


class _Answers(asyncio.Protocol):
    """One connection: requests in, bodies out."""

    def __init__(self, bodies: Mapping[str, _Body]) -> None:
        self._bodies = bodies
        self._transport: asyncio.Transport | None = None
        self._asked = b""
        self._left = memoryview(b"")
        self._close = False
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # asyncio sets TCP_NODELAY on it
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked += data
        head, found, rest = self._asked.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
        )
        if not found or len(rest) < length:
            return
        self._asked = rest[length:]
        _, name, what = head.split(b" ", 2)[1].decode().split("/", 2)
        self._answer(self._bodies[name], go=what == "go")

    def _answer(self, body: _Body, *, go: bool) -> None:
        self._close = go or body.work.streams > 1
        if go:
            body.starter = self
            body.pace()
        elif body.work.rate is None:
            self.send(body.head)
            self._left = body.whole
            self._go_on()
        else:
            self.send(body.head + b"".join(body.chunks[:_OPENING]))
            body.crowd.append(self)
            body.pace()

    def send(self, data: bytes, *, last: bool = False) -> None:
        """Send now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
            if last and self._close:
                self._transport.close()

    def _go_on(self) -> None:
        while self._left and not self._full and self._transport is not None:
            part, self._left = self._left[:_SLICE], self._left[_SLICE:]
            self._transport.write(part)
        if not self._left and self._close and self._transport is not None:
            self._transport.close()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._go_on()


async def _serve(port: Connection, works: Mapping[str, Workload]) -> None:
    bodies = {name: _Body(work) for name, work in works.items()}
    gc.freeze()  # nothing here is garbage, and nobody should wait while that is found out
    server = await asyncio.get_running_loop().create_server(
        lambda: _Answers(bodies), "127.0.0.1", 0, backlog=2048
    )
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _main(port: Connection, works: Mapping[str, Workload]) -> None:
    asyncio.run(_serve(port, works))


@contextmanager
def serving(works: Mapping[str, Workload]) -> Generator[str]:
    """The server's address, as long as the context lasts; its process ends with it."""
    spawn = multiprocessing.get_context("spawn")
    mine, its = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_main, args=(its, dict(works)), daemon=True)
    process.start()
    its.close()
    try:
        yield f"http://127.0.0.1:{mine.recv()}"
    finally:
        process.terminate()
        process.join()
