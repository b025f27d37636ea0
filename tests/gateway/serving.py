"""A gateway on a real socket for a test, in front of whatever the test names.

Law of this file: starting and asking; it asserts nothing. The gateway runs in the test's own event loop.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from tests.gateway.configured import loaded
from tokenweir.gateway.server import Server

CHAT = "/v1/chat/completions"
HI: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}


@asynccontextmanager
async def gateway(
    config: Mapping[str, Any], keys: Mapping[str, bytes] | None = None
) -> AsyncGenerator[Server]:
    """A gateway that serves until the block ends; `server.url` is where."""
    async with Server(loaded(config, keys), port=0) as server:
        yield server


class Answered(msgspec.Struct, frozen=True):
    """What a client got: the status, the headers, and the body's text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body."""
        return msgspec.json.decode(self.text)

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The JSON of each `data:` line but `[DONE]`."""
        lines = [line[6:] for line in self.text.split("\n") if line.startswith("data: ")]
        return [msgspec.json.decode(line) for line in lines if line != "[DONE]"]

    @property
    def content(self) -> str:
        """The text of all chunks of choice 0."""
        choices = [choice for chunk in self.chunks for choice in chunk.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in choices if choice["index"] == 0)


async def post(url: str, body: object, headers: Mapping[str, str] | None = None) -> Answered:
    """Send JSON, and read the answer to its end."""
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        return Answered(answer.status, dict(answer.headers), await answer.text())


async def get(url: str, headers: Mapping[str, str] | None = None) -> Answered:
    """Ask, and read the answer to its end."""
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return Answered(answer.status, dict(answer.headers), await answer.text())
