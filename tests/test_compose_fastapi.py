"""A stream behind FastAPI, on a real uvicorn: a browser that leaves frees the backend."""

import runpy
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import anyio
import pytest
import uvicorn

from tokenweir.simulator.source import SimulatorSource

pytestmark = pytest.mark.anyio

EXAMPLE = Path(__file__).parents[1] / "examples" / "fastapi_service.py"


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp and uvicorn run on asyncio alone."""
    return "asyncio"


@asynccontextmanager
async def serving(source: SimulatorSource) -> AsyncGenerator[str]:
    """The address of the example's service over a source."""
    app = runpy.run_path(str(EXAMPLE))["service"](source)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listening])
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/answer?q=hi"
        finally:
            server.should_exit = True


@pytest.mark.parametrize(
    ("until", "load_seconds"), [(b'"loading"', 60.0), (b"event: delta", 0.0)], ids=["loading", "flowing"]
)
async def test_a_browser_that_leaves(until: bytes, load_seconds: float) -> None:
    """P10, P11, D01: the backend sees the client leave, in its silence too, and is not asked to go on."""
    source = SimulatorSource(rate=20.0, load_seconds=load_seconds)
    async with serving(source) as url:
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            seen = b""
            while until not in seen:
                seen += await response.content.readany()
        with anyio.fail_after(5):
            while not source.exchanges:  # noqa: ASYNC110 - nobody is told
                await anyio.sleep(0.005)
        outcome = source.exchanges[-1].outcome

    assert outcome == "client_left"


async def test_browsers_that_leave_and_browsers_that_stay() -> None:
    """P10: of ten at once, those that stay get their whole answer, whatever the others do."""
    source = SimulatorSource(rate=400.0)

    async def visit(url: str, number: int, ends: dict[int, bool]) -> None:
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            if number % 2:
                await response.content.readany()
            else:
                ends[number] = '"outcome":"complete"' in await response.text()

    ends: dict[int, bool] = {}
    async with serving(source) as url, anyio.create_task_group() as visits:
        for number in range(10):
            visits.start_soon(visit, url, number, ends)

    assert ends == dict.fromkeys(range(0, 10, 2), True)
