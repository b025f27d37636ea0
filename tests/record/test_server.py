"""A recording served on a socket: the bytes, headers and status that were recorded, to any client."""

from collections.abc import Sequence

import aiohttp
import anyio
import openai
import pytest

from tests.reader import hear
from tests.transcripts import DONE, HELLO, STOP, text
from tokenweir import Pipeline, connect
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.recording import Exchange, Opening, Piece, Recording
from tokenweir.pipeline.sources.playback import Playback, played
from tokenweir.record.server import Answered, ReplayServer

pytestmark = pytest.mark.anyio

SSE = {"Content-Type": "text/event-stream", "X-Request-ID": "r1", "Transfer-Encoding": "chunked"}
PIECES = (Piece(0.01, text("Hel")), Piece(0.02, text("lo")), Piece(0.03, STOP + DONE))
ANSWER = Exchange(
    path="/v1/chat/completions", status=200, headers=SSE, head_at=0.01, pieces=PIECES, ended_at=0.03
)
CUT = Exchange(
    status=200,
    headers=SSE,
    pieces=PIECES[:1],
    ended="broken",
    ended_at=0.01,
    failure=Failure("truncated", "gone"),
)


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


async def post(url: str, path: str = "/v1/chat/completions") -> tuple[int, dict[str, str], bytes]:
    """What a client gets."""
    async with aiohttp.ClientSession() as web, web.post(url + path, data=b"{}") as answer:
        return answer.status, dict(answer.headers), await answer.read()


async def test_as_it_was_recorded() -> None:
    """DESIGN 5: status, headers and bytes, at any path; what happened is told."""
    told: list[Answered] = []
    async with ReplayServer([ANSWER], on_answer=told.append) as server:
        status, headers, body = await post(server.url)
        assert (await post(server.url, "/any/where"))[2] == HELLO

    assert (status, body) == (200, HELLO)
    assert {name: headers[name] for name in SSE} == SSE
    assert told == [
        Answered("/v1/chat/completions", 200, len(HELLO), stayed=True),
        Answered("/any/where", 200, len(HELLO), stayed=True),
    ]


async def test_openai_python_reads_it() -> None:
    """PROTOCOLS 10: the official client, over the socket."""
    async with (
        ReplayServer([ANSWER]) as server,
        openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
    ):
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        said = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]

    assert "".join(said) == "Hello"


async def test_our_own_client_reads_it() -> None:
    """DESIGN 5: what was recorded from a server is a server again."""
    async with ReplayServer([ANSWER]) as server, connect("openai-compatible", server.url) as source:
        heard = await hear(Pipeline(source).stream("hi"))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")


async def test_the_length_where_it_is_true() -> None:
    """A recorded length is sent with the bytes that have it, and not where a fault changed them."""
    headers = {"Content-Type": "text/event-stream", "Content-Length": str(len(HELLO))}
    whole = Exchange(status=200, headers=headers, pieces=PIECES, ended="body", ended_at=0.03)
    recording = Recording(Opening(provider="p", protocol="openai-chat"), (whole,))
    changed = played(recording, Playback(drop_done=True))
    async with ReplayServer([whole]) as server:
        assert (await post(server.url))[1]["Content-Length"] == str(len(HELLO))
    async with ReplayServer(changed) as server:
        _, given, body = await post(server.url)

    assert "Content-Length" not in given
    assert body == HELLO.removesuffix(DONE)


async def test_one_answer_after_the_other() -> None:
    """P6: a client that asks again gets what was recorded next; after the last, the first one."""
    busy = Exchange(status=429, headers={"Retry-After": "0"}, pieces=(Piece(0.0, b"later"),), ended="body")
    async with ReplayServer([busy, ANSWER]) as server:
        answers = [await post(server.url) for _ in range(3)]

    assert [(status, body) for status, _, body in answers] == [(429, b"later"), (200, HELLO), (429, b"later")]
    assert answers[0][1]["Retry-After"] == "0"


@pytest.mark.parametrize("exchange", [CUT, Exchange(ended="broken", failure=Failure("connect", "refused"))])
async def test_a_broken_connection(exchange: Exchange) -> None:
    """P2: in the middle of the body, or before any answer."""
    async with ReplayServer([exchange]) as server:
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError)):
            await post(server.url)


async def test_a_stall_ends_with_the_server() -> None:
    """P18: silence for ever does not keep the server from ending."""
    told: list[Answered] = []
    stalled = Exchange(status=200, headers=SSE, pieces=PIECES[:1], ended="stall")
    async with (
        aiohttp.ClientSession() as web,
        ReplayServer([stalled], on_answer=told.append) as server,
        web.post(f"{server.url}/v1", data=b"") as answer,
    ):
        assert await answer.content.readany() == PIECES[0].data
        with anyio.fail_after(5):
            await server.__aexit__(None, None, None)

    assert told == [Answered("/v1", 200, len(PIECES[0].data), stayed=False)]


async def test_the_split_points_are_writes() -> None:
    """DESIGN 5: pieces that come at their own time are read one by one."""
    async with (
        ReplayServer([ANSWER]) as server,
        aiohttp.ClientSession() as web,
        web.post(server.url + "/", data=b"") as answer,
    ):
        seen = [data async for data, _ in answer.content.iter_chunks() if data]

    assert seen == [piece.data for piece in PIECES]


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 405)])
async def test_only_posts_are_answered(method: str, status: int) -> None:
    """What no protocol asks with uses up no answer."""
    async with ReplayServer([ANSWER, CUT]) as server, aiohttp.ClientSession() as web:
        async with web.request(method, f"{server.url}/v1/models") as answer:
            assert answer.status == status

        assert (await post(server.url))[2] == HELLO


async def test_an_address_that_is_taken() -> None:
    """OSError, and nothing is left open."""
    async with ReplayServer([ANSWER]) as server:
        with pytest.raises(OSError, match="in use"):
            async with ReplayServer([ANSWER], port=int(server.url.rpartition(":")[2])):
                pytest.fail("it must not begin")


def test_nothing_to_serve() -> None:
    """C01: told where it is made."""
    nothing: Sequence[Exchange] = ()
    with pytest.raises(MisuseError, match="nothing to replay"):
        ReplayServer(nothing)
