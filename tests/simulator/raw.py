"""An HTTP client that hides nothing: what came over the socket, write by write, and how it ended.

Law of this file: for tests alone. It reads one answer and never asks twice; a test that wants to leave
early uses `talk` and leaves.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import anyio
import msgspec
from anyio.abc import SocketStream
from msgspec import Struct

PROMPT = [{"role": "user", "content": "Who are you?"}]
STREAM = {"messages": PROMPT, "stream": True}
CHAT = "/v1/chat/completions"

End = Literal["whole", "fin", "rst"]


class Raw(Struct):
    """One answer as it was on the wire; `writes` are the HTTP chunks of its body."""

    status: int
    headers: dict[str, str]
    writes: list[bytes]
    end: End

    @property
    def body(self) -> bytes:
        """The body's bytes."""
        return b"".join(self.writes)

    @property
    def frames(self) -> list[bytes]:
        """The body cut after each empty line."""
        return [frame for frame in self.body.split(b"\n\n") if frame]


@asynccontextmanager
async def talk(url: str, body: dict[str, Any] | bytes, version: str = "1.1") -> AsyncGenerator[SocketStream]:
    """A connection on which the request has just been sent."""
    where = urlsplit(url)
    payload = body if isinstance(body, bytes) else msgspec.json.encode(body)
    lines = (
        f"POST {CHAT} HTTP/{version}",
        f"Host: {where.netloc}",
        "Connection: close",
        f"Content-Length: {len(payload)}",
    )
    head = "\r\n".join((*lines, "", ""))
    async with await anyio.connect_tcp(where.hostname or "", where.port or 0) as connection:
        await connection.send(head.encode() + payload)
        yield connection


async def post(url: str, body: dict[str, Any] | bytes, version: str = "1.1") -> Raw:
    """The whole answer, to the end of the connection."""
    pieces: list[bytes] = []
    end: End = "fin"
    async with talk(url, body, version) as connection:
        try:
            async for piece in connection:
                pieces.append(piece)  # noqa: PERF401 - a comprehension would lose all of them on a reset
        except anyio.BrokenResourceError:
            end = "rst"
    return _read(b"".join(pieces), end)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in the server, 5 s at most."""
    with anyio.fail_after(5):
        while not condition():  # noqa: ASYNC110 - the server tells nobody of what is asked here
            await anyio.sleep(0.001)


def _read(data: bytes, end: End) -> Raw:
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    writes: list[bytes] = []
    if headers.get("transfer-encoding") == "chunked":
        whole = _read_chunks(rest, writes)
    else:
        writes, whole = [rest], headers.get("content-length") == str(len(rest))
    return Raw(int(first.split()[1]), headers, writes, "whole" if whole else end)


def _read_chunks(rest: bytes, writes: list[bytes]) -> bool:
    at = 0
    while at < len(rest):
        end = rest.index(b"\r\n", at)
        length = int(rest[at:end], 16)
        if length == 0:
            return True
        at = end + 2 + length
        writes.append(rest[end + 2 : at])
        at += 2
    return False
