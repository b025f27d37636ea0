"""Requests as bytes, for what no HTTP client would send.

Law of this file: sending, and reading what comes back; it asserts nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import anyio
import msgspec
from anyio.abc import SocketStream

CHAT_BODY = b'{"messages":[{"role":"user","content":"Hi"}]}'
PATIENCE = 15.0
"""Seconds after which a test gives up."""


class Serving(Protocol):
    """Whoever listens."""

    @property
    def url(self) -> str:
        """Where."""
        ...


class Told(msgspec.Struct, frozen=True):
    """An answer: its status, its headers by small names, and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """What is refused, in OpenAI's form."""
        found: dict[str, Any] = msgspec.json.decode(self.body)["error"]
        return found


def port_of(server: Serving) -> int:
    """Where it listens."""
    return int(server.url.rpartition(":")[2])


async def connected(server: Serving) -> SocketStream:
    """A connection to it."""
    return await anyio.connect_tcp("127.0.0.1", port_of(server))


async def rest_of(stream: SocketStream) -> bytes:
    """All that comes until the server closes."""
    got = b""
    with anyio.fail_after(PATIENCE):
        try:
            while True:
                got += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return got


async def sent(server: Serving, data: bytes) -> bytes:
    """What comes back for these bytes, until the server closes."""
    async with await connected(server) as stream:
        await stream.send(data)
        return await rest_of(stream)


def parsed(answer: bytes) -> Told:
    """The one answer in these bytes."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Told(int(first.split(" ")[1]), headers, body)


def request(
    line: str = "POST /v1/chat/completions",
    headers: Iterable[str] = ("Content-Type: application/json",),
    body: bytes = CHAT_BODY,
    *,
    host: str | None = "localhost",
) -> bytes:
    """A request that asks for the connection to be closed behind it; its length is told unless a header says
    how else the body ends."""
    lines = [f"{line} HTTP/1.1", *([] if host is None else [f"Host: {host}"]), "Connection: close", *headers]
    if not any(one.lower().startswith(("content-length", "transfer-encoding")) for one in lines):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


async def asked(server: Serving, data: bytes) -> Told:
    """The answer to these bytes, after which the server closes."""
    return parsed(await sent(server, data))
