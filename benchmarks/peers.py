"""Who is measured: each reads one stream and gives what it had at the end.

Law of this file: the same request, and code as a careful user of each library writes it. A session,
client or pipeline is made once and used for every stream; everything that reads text gives all of it,
repaired where the workload resends everything, so that nobody is measured for doing less.
"""

import json
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
from openai import AsyncOpenAI

from tokenweir import Deadlines, Delta, Pipeline, connect
from tokenweir.pipeline.transport import READ_SIZE
from tokenweir.stages import token_count

Ask = Callable[[], Coroutine[Any, Any, str | int]]
"""One stream from its request to its end: the text, or for the floor the number of bytes."""

Peer = Callable[[str, bool], AbstractAsyncContextManager[Ask]]
"""Makes `Ask` for a base address and whether the chunks are cumulative."""

MODEL = "benchmark-8b-instruct"
PROMPT = "Tell me something."
_BODY: Mapping[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": PROMPT}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
_PATIENT = Deadlines(first_token=600.0)
_DEFAULT_SIZE = 262_144
"""aiohttp's own `read_bufsize`: with less than that, `async for line` refuses shorter lines."""


@asynccontextmanager
async def _session(read_size: int) -> AsyncGenerator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30.0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=read_size) as session:
        yield session


@asynccontextmanager
async def floor(url: str, cumulative: bool) -> AsyncGenerator[Ask]:  # noqa: ARG001, FBT001 - as every Peer
    """aiohttp alone: the body as it comes, in reads as large as tokenweir's, nothing done with it."""
    async with _session(READ_SIZE) as session:

        async def ask() -> int:
            size = 0
            async with session.post(f"{url}/chat/completions", json=_BODY) as response:
                read = response.content.readany
                while data := await read():
                    size += len(data)
            return size

        yield ask


@asynccontextmanager
async def by_hand(url: str, cumulative: bool) -> AsyncGenerator[Ask]:  # noqa: FBT001 - as every Peer
    """What people write themselves: aiohttp's lines and json."""
    async with _session(_DEFAULT_SIZE) as session:

        async def ask() -> str:
            parts, whole = list[str](), ""
            async with session.post(f"{url}/chat/completions", json=_BODY) as response:
                response.raise_for_status()
                async for line in response.content:
                    if not line.startswith(b"data: "):
                        continue
                    data = line[6:].strip()
                    if data == b"[DONE]":
                        break
                    for choice in json.loads(data)["choices"]:
                        text = choice["delta"].get("content")
                        if text:
                            parts.append(text[len(whole) :] if cumulative else text)
                            whole = text if cumulative else ""
            return "".join(parts)

        yield ask


@asynccontextmanager
async def openai(url: str, cumulative: bool) -> AsyncGenerator[Ask]:  # noqa: FBT001 - as every Peer
    """The vendor's own client."""
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=600.0) as client:

        async def ask() -> str:
            parts, whole = list[str](), ""
            stream = await client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": PROMPT}],
                stream=True,
                stream_options={"include_usage": True},
            )
            async for chunk in stream:
                for choice in chunk.choices:
                    text = choice.delta.content
                    if text:
                        parts.append(text[len(whole) :] if cumulative else text)
                        whole = text if cumulative else ""
            return "".join(parts)

        yield ask


@asynccontextmanager
async def tokenweir(url: str, cumulative: bool) -> AsyncGenerator[Ask]:  # noqa: ARG001, FBT001 - as every Peer
    """The default chain for a server of which nothing is known: decode, detect, extract, count."""
    async with connect("openai-compatible", url, model=MODEL, deadlines=_PATIENT) as source:
        yield _asking(Pipeline(source, token_count()))


@asynccontextmanager
async def declared(url: str, cumulative: bool) -> AsyncGenerator[Ask]:  # noqa: FBT001 - as every Peer
    """The same where it is known what the server sends, and nothing is left to detect."""
    mode = "cumulative" if cumulative else "delta"
    async with connect("openai-compatible", url, model=MODEL, mode=mode, deadlines=_PATIENT) as source:
        yield _asking(Pipeline(source, token_count()))


def _asking(pipeline: Pipeline) -> Ask:
    async def ask() -> str:
        parts = list[str]()
        async with pipeline.stream(PROMPT) as stream:
            async for event in stream:
                if type(event) is Delta:
                    parts.append(event.text)
        return "".join(parts)

    return ask


FLOOR, TOKENWEIR, OPENAI = "aiohttp, unparsed (the floor)", "tokenweir, auto", "openai-python"
PEERS: Mapping[str, Peer] = {
    FLOOR: floor,
    TOKENWEIR: tokenweir,
    "tokenweir, mode declared": declared,
    "aiohttp + json by hand": by_hand,
    OPENAI: openai,
}
