"""A real browser, driven over the WebDriver protocol: Debian's chromium and its chromedriver.

Law of this file: what a person does with a page (open it, press a button, read), and nothing of any
page. Where there is no chromium, the test that asks for one is skipped.
"""

import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from aiohttp import ClientSession
from anyio.streams.text import TextReceiveStream

QUIET = (
    "--headless",
    "--no-sandbox",  # tests may run as root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=800,600",
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name of a reference to an element (WebDriver, 11)


class Browser:
    """One window."""

    def __init__(self, client: ClientSession, base_url: str) -> None:
        self._client = client
        self._base_url = base_url

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One command. Raises AssertionError with the browser's own words where it is refused."""
        json = (body or {}) if method == "POST" else None
        async with self._client.request(method, f"{self._base_url}{path}", json=json) as response:
            told = await response.json()
        assert response.ok, told
        return told["value"]

    async def open(self, url: str) -> None:
        """Show a page."""
        await self.ask("POST", "/url", {"url": url})

    async def click(self, selector: str) -> None:
        """Press what a CSS selector names."""
        found = await self.ask("POST", "/element", {"using": "css selector", "value": selector})
        await self.ask("POST", f"/element/{found[_ELEMENT]}/click")

    async def run(self, script: str) -> Any:
        """The value of JavaScript that ends in `return`."""
        return await self.ask("POST", "/execute/sync", {"script": script, "args": []})

    async def text(self, selector: str) -> str:
        """The text of what a CSS selector names."""
        value: str = await self.run(f"return document.querySelector({selector!r}).textContent")
        return value


@asynccontextmanager
async def browser() -> AsyncGenerator[Browser]:
    """A fresh browser without a past. Skips the test where there is none."""
    driver = shutil.which("chromedriver")
    chromium = shutil.which("chromium")
    if driver is None or chromium is None:
        pytest.skip("no chromium and chromedriver here (Debian: apt-get install chromium-driver)")
    process = await anyio.open_process([driver, "--port=0"], stderr=subprocess.DEVNULL)
    async with process, ClientSession() as client:
        try:
            base_url = f"http://127.0.0.1:{await _port(process.stdout)}"
            options = {"binary": chromium, "args": list(QUIET)}
            wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
            session = await Browser(client, base_url).ask("POST", "/session", wanted)
            window = Browser(client, f"{base_url}/session/{session['sessionId']}")
            yield window
            await window.ask("DELETE", "")
        finally:
            process.terminate()


async def _port(output: anyio.abc.ByteReceiveStream | None) -> int:
    """The port that chromedriver has chosen: it says so in its first lines."""
    assert output is not None
    said = ""
    async for piece in TextReceiveStream(output):
        said += piece
        if "successfully on port " in said and said.endswith("\n"):
            return int(said.split("successfully on port ")[1].split(".")[0])
    raise AssertionError(f"chromedriver did not start: {said}")
