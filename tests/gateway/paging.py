"""What a person does with the gateway's page in a browser, and what is looked at.

Law of this file: keys, sizes, colours, waiting; it asserts nothing about any page.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio

from tests.browser import Browser, browser

TAB, ENTER, ESCAPE, CONTROL = "\ue004", "\ue007", "\ue00c", "\ue009"  # as WebDriver, 17.4.2, has them


class Page:
    """A page in a browser."""

    def __init__(self, window: Browser) -> None:
        self.window = window
        self.run = window.run
        self.click = window.click

    async def see(self, selector: str) -> str:
        """The text that is shown there: nothing for what is hidden."""
        text: str = await self.run(
            f"const found = document.querySelector({selector!r});"
            "return found?.checkVisibility() ? found.innerText : ''"
        )
        return text.strip()

    async def until_seen(self, selector: str, words: str, seconds: float = 10) -> None:
        """Wait until this is shown there."""
        seen = ""

        async def is_seen() -> bool:
            nonlocal seen
            seen = await self.see(selector)
            return words in seen

        try:
            await until(is_seen, seconds)
        except TimeoutError:
            raise AssertionError(f"{selector} shows {seen!r}, and never {words!r}") from None

    async def press(self, *keys: str) -> None:
        """Press keys: together, where there are several."""
        down = [{"type": "keyDown", "value": key} for key in keys]
        up = [{"type": "keyUp", "value": key} for key in reversed(keys)]
        actions = [{"type": "key", "id": "keys", "actions": [*down, *up]}]
        await self.window.ask("POST", "/actions", {"actions": actions})

    async def type(self, text: str) -> None:
        """Write where the focus is."""
        strokes = [{"type": kind, "value": sign} for sign in text for kind in ("keyDown", "keyUp")]
        actions = [{"type": "key", "id": "keys", "actions": strokes}]
        await self.window.ask("POST", "/actions", {"actions": actions})

    async def ask(self, prompt: str = "Who are you?") -> None:
        """Send a prompt as a person with a mouse does."""
        await self.click("#prompt")
        await self.type(prompt)
        await self.click("#send")

    async def focused(self) -> str:
        """What has the focus: its id, else its name for those who do not see, else its words."""
        name: str = await self.run(
            "const at = document.activeElement;"
            "return at.id || at.getAttribute('aria-label') || at.textContent || at.tagName"
        )
        return name

    async def look_like(self, width: int, height: int = 900, colours: str = "light") -> None:
        """A screen of this size (CSS pixels), for somebody who likes these colours."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        liked = {"features": [{"name": "prefers-color-scheme", "value": colours}]}
        await self._tell("Emulation.setDeviceMetricsOverride", size)
        await self._tell("Emulation.setEmulatedMedia", liked)

    async def complaints(self) -> Sequence[str]:
        """What stands in the browser's console: warnings and errors since the last look."""
        log = await self.window.ask("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in log]

    async def _tell(self, command: str, values: dict[str, Any]) -> Any:
        return await self.window.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": values})


@asynccontextmanager
async def shown(url: str) -> AsyncGenerator[Page]:
    """The page at this address. Skips the test where there is no browser."""
    async with browser() as window:
        await window.open(url)
        yield Page(window)


async def until(true: Callable[[], Awaitable[object]], seconds: float = 10) -> None:
    """Wait for what a page will show; nobody is told of it."""
    with anyio.fail_after(seconds):
        while not await true():  # noqa: ASYNC110 - as told above
            await anyio.sleep(0.02)
