"""One answer, heard to its end or to a bound."""

from collections.abc import AsyncIterator

import pytest

from tests import servers
from tests.servers import Script, Visit
from tokenweir.doctor.answer import Answer
from tokenweir.doctor.hearing import Bounds, Heard, hear
from tokenweir.pipeline.sources.openai_compatible import OpenAICompatible

pytestmark = pytest.mark.anyio

TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
BOUNDS = Bounds(first=0.1, silence=0.1, total=0.3, linger=0.05, size=5000)


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


def dripping(data: bytes, *, before: bytes = b"") -> Script:
    """A script: the same again and again, as long as somebody reads it."""

    async def play(visit: Visit) -> None:
        await visit.asked()
        visit.send(servers.head("200 OK", "Connection: close") + before)
        while not visit.left.is_set():
            visit.send(data)
            await servers.settle()

    return play


def held(data: bytes) -> Script:
    """A script: so much, and then silence."""

    async def play(visit: Visit) -> None:
        await visit.asked()
        visit.send(servers.head("200 OK", "Connection: close") + data)
        await visit.left.wait()

    return play


async def heard(script: Script, *, leave: bool = False) -> AsyncIterator[Heard]:
    """What is heard of a script."""
    async with servers.serve(script) as server, OpenAICompatible(server.url) as source:
        asked = source.question(server.url + "/v1/chat/completions", {})
        yield await hear(source, asked, BOUNDS, Answer("openai-chat"), leave=leave)


ENDS: list[tuple[str, Script, str]] = [
    ("whole", servers.answer(TEXT, DONE), "whole"),
    ("cut", servers.answer(TEXT, ending="fin"), "broken"),
    ("reset", servers.answer(TEXT, ending="rst"), "broken"),
    ("silent", servers.silent, "late"),
    ("stalls", held(TEXT), "late"),
    ("comments for ever", dripping(b": still there\n\n" * 100), "large"),
    ("text for ever", dripping(TEXT * 20), "large"),
    ("open after the end", held(TEXT + DONE), "open"),
    ("babbles after the end", dripping(b": \n\n", before=TEXT + DONE), "open"),
]


@pytest.mark.parametrize(("name", "script", "ended"), ENDS, ids=[name for name, *_ in ENDS])
async def test_every_answer_ends(name: str, script: Script, ended: str) -> None:
    """By itself, or at a bound."""
    async for found in heard(script):
        assert found.ended == ended, name
        assert found.seconds < 2
        assert len(found.body) <= BOUNDS.size + 1


async def test_who_leaves_leaves_at_the_first_content() -> None:
    """The rest is not waited for."""
    async for found in heard(held(TEXT), leave=True):
        assert found.ended == "left"


class Broken(Answer):
    """An ear with a bug of its own."""

    def feed(self, at: float, data: bytes) -> None:
        raise ZeroDivisionError(at, data)


async def test_a_bug_of_our_own_is_not_the_backends() -> None:
    """It is raised, and the connection is closed all the same."""
    async with servers.serve(held(TEXT)) as server, OpenAICompatible(server.url) as source:
        asked = source.question(server.url + "/v1/chat/completions", {})
        with pytest.raises(ZeroDivisionError):
            await hear(source, asked, BOUNDS, Broken("openai-chat"))
        await server.visits[0].left.wait()

    assert server.visits[0].left.is_set()


async def test_a_refusal_is_a_failure() -> None:
    """With the status, and what the body said."""
    said = b'{"error": {"message": "The model `m` does not exist.", "code": "model_not_found"}}'
    async for found in heard(servers.reply("404 Not Found", said)):
        assert found.failure is not None
        assert (found.status, found.failure.kind) == (404, "model_not_found")
