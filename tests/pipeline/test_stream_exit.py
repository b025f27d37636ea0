"""What an interpreter says at its end of streams and sources that nobody closed: as good as nothing.

Law of this file: programs as users write them, each in an interpreter of its own, with asyncio's debug
mode and every warning shown (`-X dev`). The backend answers from the test's process.
"""

import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import LAST_CHUNK, framed, http_chunk
from tests.transcripts import HELLO, text

ROOT = Path(__file__).parents[2]

PROLOGUE = """
import asyncio, logging, sys
from tokenweir import Delta, Phase, Pipeline, connect

# The debug mode warns of every step that took long: on a busy machine, any may.
logging.getLogger("asyncio").setLevel(logging.ERROR)

async def leave(stream, at):
    async for event in stream:
        if isinstance(event, at):
            return

url = sys.argv[1]
"""

WHOLE = framed("chunked", [])[0] + http_chunk(HELLO) + LAST_CHUNK
HALF = framed("chunked", [])[0] + http_chunk(text("a"))

PROGRAMS: dict[str, tuple[bytes, str, bool]] = {
    "a source that is never closed": (
        WHOLE,
        """
async def main():
    print(await Pipeline(connect("openai-compatible", url)).text("hi"))
asyncio.run(main())
""",
        False,
    ),
    "one source, two event loops": (
        WHOLE,
        """
source = connect("openai-compatible", url)
async def main():
    print(await Pipeline(source).text("hi"))
asyncio.run(main())
asyncio.run(main())
""",
        False,
    ),
    "two event loops at once": (
        WHOLE,
        """
import threading
pipeline = Pipeline(connect("openai-compatible", url))
def work():
    for _ in range(20):
        assert asyncio.run(pipeline.text("hi")) == "Hello"
    print("done")
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
""",
        False,
    ),
    "a stream left in the middle, collected": (
        HALF,
        """
async def main():
    await leave(Pipeline(connect("openai-compatible", url)).stream("hi"), Delta)
asyncio.run(main())
""",
        True,
    ),
    "a stream left in the middle, still held": (
        HALF,
        """
stream = Pipeline(connect("openai-compatible", url)).stream("hi")
asyncio.run(leave(stream, Delta))
""",
        True,
    ),
    "a stream left before its answer, still held": (
        b"",
        """
stream = Pipeline(connect("openai-compatible", url)).stream("hi")
async def main():
    await anext(stream)
    try:
        async with asyncio.timeout(0.05):
            await anext(stream)
    except TimeoutError:
        pass
asyncio.run(main())
""",
        False,
    ),
    "a stream whose loop was interrupted": (
        HALF,
        """
stream = Pipeline(connect("openai-compatible", url)).stream("hi")
async def main():
    await leave(stream, Delta)
    raise KeyboardInterrupt
try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
""",
        True,
    ),
}
"""Name -> what the backend answers, the program, and whether a stream is left that should be told of."""


@contextmanager
def backend(pieces: bytes) -> Generator[str]:
    """A server in a thread: it answers every request with these bytes."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer(peer: socket.socket) -> None:
        with peer:
            while peer.recv(65_536):
                peer.sendall(pieces)

    def accept() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(peer,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(5)


@pytest.mark.parametrize("name", PROGRAMS)
def test_quiet_end(name: str) -> None:
    """P18, D18: no "Unclosed client session", no task destroyed, no socket open: at most our own
    ResourceWarning about a stream that was left without `async with`, and that in `-X dev` alone."""
    answer, program, left = PROGRAMS[name]
    with backend(answer) as url:
        ended = subprocess.run(
            [sys.executable, "-X", "dev", "-c", PROLOGUE + program, url],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            cwd=ROOT,
        )

    said = [line for line in ended.stderr.splitlines() if "ResourceWarning: Enable tracemalloc" not in line]
    assert ended.returncode == 0, ended.stderr
    assert ["unclosed <Stream of openai-compatible: flowing>: use `async with`" in line for line in said] == [
        True
    ] * left, ended.stderr


def test_quiet_without_being_asked() -> None:
    """D18: an interpreter as everybody runs it says nothing at all."""
    with backend(HALF) as url:
        program = PROLOGUE + PROGRAMS["a stream left in the middle, still held"][1]
        ended = subprocess.run(
            [sys.executable, "-c", program, url],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            cwd=ROOT,
        )

    assert (ended.returncode, ended.stderr) == (0, "")
