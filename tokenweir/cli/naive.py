"""The client that most people write first: it prints each chunk's text as it comes.

Law of this file: one real request over a real socket, and no more sense than such a client has. It is
what the demo is measured against, and nobody's to use.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

import anyio
import msgspec
from anyio.streams.buffered import BufferedByteReceiveStream

_LINE_LIMIT = 1 << 20


async def naive_client(base_url: str, prompt: str, show: Callable[[str], None]) -> None:
    """Give each chunk's `content` to `show`, as the backend at `base_url` (`http://host:port/v1`)
    sends it. Raises what breaks, at a backend that does not end with `[DONE]` for one."""
    where = urlsplit(base_url)
    async with await anyio.connect_tcp(where.hostname or "", where.port or 80) as wire:
        await wire.send(_request(where.path, prompt))
        reader = BufferedByteReceiveStream(wire)
        line = b""
        while line != b"data: [DONE]":
            line = await reader.receive_until(b"\n", _LINE_LIMIT)
            if line.startswith(b"data: {"):
                for choice in msgspec.json.decode(line.removeprefix(b"data: "))["choices"]:
                    show(choice["delta"].get("content") or "")


def _request(path: str, prompt: str) -> bytes:
    """HTTP/1.0: the body comes as it is, without the sizes of its chunks between."""
    body = msgspec.json.encode({"stream": True, "messages": [{"role": "user", "content": prompt}]})
    return f"POST {path}/chat/completions HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
