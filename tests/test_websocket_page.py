"""examples/websocket_page.py in a real browser."""

import runpy
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from tests.browser import Browser, browser
from tokenweir.simulator.source import SimulatorSource
from tokenweir.simulator.text import ABOUT

EXAMPLE = Path(__file__).parent.parent / "examples" / "websocket_page.py"

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """What touches aiohttp runs on asyncio."""
    return "asyncio"


@asynccontextmanager
async def serving(source: SimulatorSource) -> AsyncGenerator[str]:
    """The example's service over a source; its address."""
    async with TestServer(runpy.run_path(str(EXAMPLE))["service"](source)) as server:
        yield str(server.make_url("/"))


@asynccontextmanager
async def shown(source: SimulatorSource) -> AsyncGenerator[Browser]:
    """The example's page in a browser."""
    async with browser() as window, serving(source) as address:
        await window.open(address)
        yield window


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what a page or a backend will show; nobody is told of it."""
    with anyio.fail_after(20):
        while not await true():  # noqa: ASYNC110 - as told above
            await anyio.sleep(0.02)


async def test_the_page_shows_the_answer_once() -> None:
    """P1: a backend that resends everything, at the end once more; the page shows each character once."""
    async with shown(SimulatorSource(cumulative=True, final_repeat=True)) as window:
        await window.click("#send")

        async def is_over() -> bool:
            return await window.text("#state") == "complete"

        await until(is_over)
        text = await window.text("#answer")

    assert text == ABOUT.text


async def test_the_stop_button_frees_the_backend() -> None:
    """P10, D01: tokens are on the page before the end; the button ends the answer at the backend."""
    source = SimulatorSource(rate=20.0)
    async with shown(source) as window:
        await window.click("#send")

        async def has_begun() -> bool:
            return len(await window.text("#answer")) > 0

        async def is_left() -> bool:
            return bool(source.exchanges)

        await until(has_begun)
        await window.click("#stop")
        await until(is_left)
        text, state = await window.text("#answer"), await window.text("#state")
        outcome = source.exchanges[-1].outcome

    assert (outcome, state) == ("client_left", "stopped")
    assert ABOUT.text.startswith(text)
    assert text != ABOUT.text


async def test_an_answer_is_text_and_no_markup() -> None:
    """What a model says is shown, and never run."""
    said = "<img src=x onerror=\"document.title='owned'\"> & <b>bold</b>"
    async with shown(SimulatorSource(text=said)) as window:
        await window.click("#send")

        async def is_over() -> bool:
            return await window.text("#state") == "complete"

        await until(is_over)
        text, title = await window.text("#answer"), await window.run("return document.title")

    assert (text, title) == (said, "tokenweir")


async def test_another_page_may_not_ask() -> None:
    """P26: a websocket is open to every page, so the service looks at who asks."""
    async with serving(SimulatorSource()) as address, ClientSession() as client:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Origin": "http://evil.example"}
        async with client.get(f"{address}answers", headers=headers) as response:
            status = response.status

    assert status == 403
