"""Text gets out without blocking the event loop: real pipes, full, slow and closed."""

import io
import os
import select
import termios
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint

from tests.emulator import Terminal, pseudo_terminal, resize
from tokenweir.sinks import text_writer
from tokenweir.sinks.text_writer import PIECE, TextWriter

pytestmark = pytest.mark.anyio

MANY = 64 * 1024
Pipe = tuple[int, TextIO]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A real pipe: the end that reads, and a text stream that writes."""
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w", encoding="utf-8", newline="")
    yield reader, stream
    with suppress(OSError):
        os.close(reader)
    with suppress(BrokenPipeError):
        stream.close()


def fill(stream: TextIO) -> int:
    """Fill a pipe to the last byte; say how many went in."""
    fd, size = stream.fileno(), 0
    os.set_blocking(fd, False)
    with suppress(BlockingIOError):
        while True:
            size += os.write(fd, b"." * 512)
    os.set_blocking(fd, True)
    return size


def drain(reader: int, size: int) -> bytes:
    """Read exactly `size` bytes, waiting for them."""
    data = b""
    while len(data) < size:
        data += os.read(reader, size - len(data))
    return data


async def test_a_full_pipe_does_not_block_the_loop(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """D06: while the reader sleeps, others run; when it reads, however late, everything arrives."""
    monkeypatch.setattr(text_writer, "_WAIT_MS", 0)
    reader, stream = pipe
    writer, full, log = TextWriter(stream), fill(stream), list[str]()

    async def write() -> None:
        await writer.write(["late"])
        log.append("written")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            for _ in range(100):
                await checkpoint()
            log.append("others ran")
            drain(reader, full)

    assert log == ["others ran", "written"]
    assert os.read(reader, 100) == b"late"


async def test_cancelled_while_the_pipe_is_full(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """P10, D06: a blocked writer can be cancelled at once, and nothing is written behind its back."""
    monkeypatch.setattr(text_writer, "_WAIT_MS", 60_000)
    reader, stream = pipe
    writer, full = TextWriter(stream), fill(stream)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.write, ["never"])
            for _ in range(20):
                await checkpoint()
            tasks.cancel_scope.cancel()
    drain(reader, full)
    await writer.write(["next"])

    assert os.read(reader, 100) == b"next"


async def test_more_than_a_pipe_holds(pipe: Pipe) -> None:
    """P1, D06: a text of many times the pipe's room, and of four-byte characters, arrives whole."""
    reader, stream = pipe
    pieces = [f"{at}🙂" * 9 for at in range(MANY // 16)]
    whole = "".join(pieces).encode()
    got: list[bytes] = []

    async def read() -> None:
        got.append(await to_thread.run_sync(drain, reader, len(whole)))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await TextWriter(stream).write(pieces)

    assert got == [whole]


async def test_the_reader_leaves(pipe: Pipe) -> None:
    """D05: told once, then quiet."""
    reader, stream = pipe
    writer = TextWriter(stream)
    os.close(reader)

    with pytest.raises(BrokenPipeError):
        await writer.write(["a"])
    await writer.write(["b"])
    with pytest.raises(BrokenPipeError):  # only what was written before it was known
        stream.flush()


async def test_the_reader_leaves_while_the_pipe_is_full(pipe: Pipe) -> None:
    """D05, D06: a blocked writer hears that nobody will read."""
    reader, stream = pipe
    writer = TextWriter(stream)
    fill(stream)

    with anyio.fail_after(5), pytest.RaisesGroup(BrokenPipeError):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.write, ["late"])
            await checkpoint()
            os.close(reader)


async def test_a_stream_that_its_owner_closed() -> None:
    """D12: the fault comes out once, as it is."""
    stream = io.StringIO()
    writer = TextWriter(stream)
    stream.close()

    with pytest.raises(ValueError, match="closed file"):
        await writer.write(["a"])
    await writer.write(["b"])


class Stubborn(io.StringIO):
    """A stream over a descriptor that somebody made non-blocking: it takes text late."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd, self.refusals = fd, 3

    def fileno(self) -> int:
        return self._fd

    def flush(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise BlockingIOError


async def test_a_non_blocking_descriptor(pipe: Pipe) -> None:
    """D06: what a non-blocking stream holds is flushed later; nothing is written twice."""
    stream = Stubborn(pipe[1].fileno())
    await TextWriter(stream).write(["once"])

    assert (stream.getvalue(), stream.refusals) == ("once", 0)


async def test_without_poll_a_thread_writes(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """D06: on Windows, nothing can ask a descriptor, so the loop does not wait for the write itself."""
    reader, stream = pipe
    full = fill(stream)
    monkeypatch.delattr(select, "poll")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(TextWriter(stream).write, ["late"])
            for _ in range(20):
                await checkpoint()
            drain(reader, full)

    assert os.read(reader, 100) == b"late"


async def test_a_stopped_terminal() -> None:
    """D06: a terminal whose user pressed Ctrl-S blocks nobody; Ctrl-Q lets the text through."""
    log: list[bytes] = []
    with pseudo_terminal() as (screen, program), anyio.fail_after(5):
        writer = TextWriter(os.fdopen(program, "w", encoding="utf-8", closefd=False))
        termios.tcflow(program, termios.TCOOFF)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(writer.write, ["late"])
            for _ in range(20):
                await checkpoint()
            log.append(b"others ran")
            termios.tcflow(program, termios.TCOON)
        log.append(os.read(screen, 10))

    assert log == [b"others ran", b"late"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "iso2022_jp", "utf-8", "utf-16"])
async def test_any_encoding(encoding: str) -> None:
    """D07: what an encoding cannot say becomes an escape; what it can say stays."""
    bytes_out = io.BytesIO()
    stream = io.TextIOWrapper(bytes_out, encoding=encoding)
    writer = TextWriter(stream)
    await writer.write([writer.shown("é 漢 🙂 \ud83d")])
    text = bytes_out.getvalue().decode(encoding)

    assert text == {
        "ascii": r"\xe9 \u6f22 \U0001f642 \ud83d",
        "cp1252": r"é \u6f22 \U0001f642 \ud83d",
        "iso2022_jp": r"\xe9 漢 \U0001f642 \ud83d",
    }.get(encoding, "é 漢 🙂 \\ud83d")


def test_size() -> None:
    """A terminal's size is read anew each time; none where there is no terminal or it does not tell."""
    with pseudo_terminal(40, 10) as (_, program):
        writer = TextWriter(Terminal(program))
        before = writer.size()
        resize(program, 50, 12)
        after = writer.size()
        resize(program, 0, 0)

        assert (before, after, writer.size()) == ((40, 10), (50, 12), None)
    assert TextWriter(io.StringIO()).size() is None


def test_a_piece_fits_a_pipe() -> None:
    """D06: the longest piece with its styling, four bytes per character, is a write that a ready
    pipe takes at once."""
    assert 4 * (PIECE + len("\x1b[2m\x1b[22m")) <= select.PIPE_BUF
