"""The backend of the gateway's measurements, the pass-through beside it, and the gateway itself.

Law of this file: each is a process of its own, and is gone when its block ends. The backend is raw asyncio:
sending costs the measured process nothing.
"""

import asyncio
import multiprocessing
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
from aiohttp import web

from benchmarks.crowd import STAMP

_FRAME = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    b'[{"index":0,"delta":{%b%b"},"logprobs":null,"finish_reason":null}]}\n\n'
)
_LAST = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    b'[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_MODELS = b'{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"b"}]}'
_WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_BATCH = 50
"""Events that a burst sends with one write: about what one network read brings."""


@contextmanager
def backend() -> Generator[str]:
    """Sends what it is asked for; its address."""
    with _process(_backend) as (port, _):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def pass_through(there: str) -> Generator[tuple[str, int]]:
    """An aiohttp server that hands every read on as it comes; its address and process."""
    with _process(_pass_through, there) as (port, process):
        yield f"http://127.0.0.1:{port}", process


@contextmanager
def gateway(there: str) -> Generator[tuple[str, int]]:
    """`tokenweir serve` in front of the backend, as it is without options."""
    with tempfile.TemporaryDirectory() as folder, _free_port() as port:
        config = Path(folder) / "gateway.yaml"
        config.write_text(f"inference:\n  provider: openai-compatible\n  base_url: {there}\n", "utf-8")
        command = [sys.executable, "-m", "tokenweir", "serve", "--config", str(config), "--port", str(port)]
        ran = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603 - our own command
        try:
            line = ran.stdout.readline().decode() if ran.stdout else ""
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found is None:
                raise RuntimeError(f"the gateway did not start: {line!r}")
            yield found[0], ran.pid
        finally:
            ran.terminate()
            ran.communicate(timeout=30)


@contextmanager
def _free_port() -> Generator[int]:
    """A port that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    yield port


@contextmanager
def _process(serve: Callable[..., Coroutine[None, None, None]], *given: str) -> Generator[tuple[int, int]]:
    """A server in a process of its own: its port, and its process."""
    spawn = multiprocessing.get_context("spawn")
    mine, its = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_run, args=(serve, its, *given), daemon=True)
    process.start()
    its.close()
    try:
        yield int(mine.recv()), process.pid or 0
    finally:
        process.terminate()
        process.join()


def _run(serve: Callable[..., Coroutine[None, None, None]], told: Connection, *given: str) -> None:
    asyncio.run(serve(told, *given))


async def _pass_through(told: Connection, there: str) -> None:
    """What comes is written as it comes."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        timeout=timeout, connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
    ) as session:

        async def relay(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            headers = {"Content-Type": "application/json"}
            async with session.post(there + request.path, data=body, headers=headers) as answer:
                response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
                await response.prepare(request)
                async for data in answer.content.iter_any():
                    await response.write(data)
                await response.write_eof()
                return response

        app = web.Application()
        app.router.add_post("/v1/chat/completions", relay)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        told.send(runner.addresses[0][1])
        await asyncio.Event().wait()


async def _backend(told: Connection) -> None:
    """Answers `{"content": "EVENTS RATE"}` with so many events, and GET with one model."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=2048)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                writer.write(_WHOLE % (len(_MODELS), _MODELS))
                continue
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1]) if length else 0)
            asked = re.search(rb'"content":\s*"(\d+) ([\d.]+)"', body)
            events, rate = (int(asked[1]), float(asked[2])) if asked else (1, 0.0)
            writer.write(_HEAD)
            await (_paced(writer, events, rate) if rate else _burst(writer, events))
            writer.write(_chunk(_LAST) + b"0\r\n\r\n")
            await writer.drain()
    writer.close()


async def _burst(writer: asyncio.StreamWriter, events: int) -> None:
    batch = b"".join(_chunk(_FRAME % (b'"content":"', b" word%d" % at)) for at in range(_BATCH))
    for _ in range(events // _BATCH):
        writer.write(batch)
        await writer.drain()


async def _paced(writer: asyncio.StreamWriter, events: int, rate: float) -> None:
    due = time.perf_counter()
    for _ in range(events):
        writer.write(_chunk(_FRAME % (STAMP, b"%.7f" % time.perf_counter())))
        due += 1 / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))  # noqa: TID251 - a backend's own pace


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
