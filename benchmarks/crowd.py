"""Clients that ask all at once, and when each event reaches them.

Law of this file: raw sockets, so that the clients cost as little as they can, and nothing is parsed but the
stamps: the backend writes the time at which it sent an event into the event.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

STAMP = b'"content":"@'
_END = b"\r\n0\r\n\r\n"
_READ = 1 << 18
_KEPT = 4096


class Shape(NamedTuple):
    """`streams` at once, with so many events each; with a `rate` (events a second) each is sent alone."""

    streams: int
    events: int
    rate: float | None = None


class Told(NamedTuple):
    """How many answers were whole, how late each event came (seconds), and what `midway` said."""

    whole: int
    late: list[float]
    midway: int


async def ask(url: str, shape: Shape, midway: Callable[[], int] | None = None) -> Told:
    """Ask, read everything, and tell. `midway` is called when all streams are open."""
    late: list[float] = []
    said = 0
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_client(url, shape, number, late)) for number in range(shape.streams)]
        if midway is not None and shape.rate is not None:
            await asyncio.sleep(shape.events / shape.rate * 0.6)  # noqa: TID251 - what is measured takes time
            said = midway()
    return Told(sum(task.result() for task in asked), late, said)


async def _client(url: str, shape: Shape, number: int, late: list[float]) -> bool:
    """One answer; whether it was whole. Streams that are paced begin at even distances."""
    host, _, port = url.removeprefix("http://").partition(":")
    if shape.rate is not None:
        await asyncio.sleep(number / shape.streams / shape.rate)  # noqa: TID251 - as above
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(_request(shape))
    end, whole, broken = b"", False, False
    while not end.endswith(_END):
        data = await reader.read(_READ)
        if not data:
            break
        if shape.rate is not None:
            now = time.perf_counter()
            late.extend(now - stamp for stamp in _stamps(data))
        joined = end + data
        whole, broken = whole or b"[DONE]" in joined, broken or b'"error"' in joined
        end = joined[-_KEPT:]
    writer.close()
    return whole and not broken


def _request(shape: Shape) -> bytes:
    """What the backend is to send stands in the prompt."""
    messages = [{"role": "user", "content": f"{shape.events} {shape.rate or 0:g}"}]
    body = json.dumps({"model": "m", "stream": True, "messages": messages}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def _stamps(data: bytes) -> Iterator[float]:
    """The times in this read; one that was cut in two is not counted."""
    for part in data.split(STAMP)[1:]:
        stamp, quote, _ = part.partition(b'"')
        if quote:
            yield float(stamp)
