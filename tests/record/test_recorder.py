"""A recording taken from real sockets, and played again: the same bytes, pieces, times and events."""

import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import pytest
from msgspec.structs import replace

from tests.reader import hear
from tests.servers import Ending, Framing, Visit, answer, head, http_chunk, raw, reply, serve
from tests.transcripts import DONE, HELLO, STOP, TRANSCRIPTS, text
from tokenweir import Deadlines, Event, Phase, Pipeline, connect
from tokenweir.pipeline.connection import HTTPRequest
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.recording import Exchange, Recording, read_recording
from tokenweir.pipeline.retry import Retry
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.record import record
from tokenweir.testing import ScriptedConnection, ScriptedSource

pytestmark = pytest.mark.anyio

KEY = "sk-canary-0123456789"
PIECES = (text("Hel"), text("lo")[:20], text("lo")[20:], STOP + DONE)


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


def asking(url: str, **options: Any) -> HTTPSource:
    """A source that asks there."""
    made = connect("openai-compatible", url, **options)
    assert isinstance(made, HTTPSource)
    return made


def said(events: list[Event]) -> list[Event]:
    """What does not depend on how long it took."""
    return [event for event in events if not isinstance(event, Phase)]


def read(path: Path) -> Recording:
    """The recording in a file."""
    return read_recording(path.read_bytes(), path.name)


def body_of(exchange: Exchange) -> bytes:
    """All its bytes."""
    return b"".join(piece.data for piece in exchange.pieces)


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
async def test_bytes_and_split_points(framing: Framing, tmp_path: Path) -> None:
    """DESIGN 5: each network read is a piece, as it came; status, path and model are told."""
    path = tmp_path / "a.rec"
    async with serve(answer(*PIECES, framing=framing)) as server, asking(server.url, model="m") as source:
        with record(source, path) as taken:
            assert await Pipeline(source).text("hi") == "Hello"
            assert taken.hidden == 0

    recording = read(path)
    [exchange] = recording.exchanges
    assert (recording.opening.provider, recording.opening.model) == ("openai-compatible", "m")
    assert (recording.opening.protocol, recording.opening.mode) == ("openai-chat", "auto")
    assert (exchange.path, exchange.status, exchange.body) == ("/v1/chat/completions", 200, None)
    assert tuple(piece.data for piece in exchange.pieces) == PIECES
    assert [piece.at for piece in exchange.pieces] == sorted(piece.at for piece in exchange.pieces)
    assert 0 < exchange.head_at <= exchange.pieces[0].at


@pytest.mark.parametrize("name", TRANSCRIPTS)
async def test_the_same_events_again(name: str, tmp_path: Path) -> None:
    """DESIGN 5: a replay gives the events that were given when it was recorded, split within characters."""
    path = tmp_path / "a.rec"
    body = TRANSCRIPTS[name].body
    parts = [body[at : at + 11] for at in range(0, len(body), 11)]
    async with serve(answer(*parts)) as server, asking(server.url, mode="delta") as source:
        with record(source, path):
            live = await hear(Pipeline(source).stream("hi"))

    again = await hear(Pipeline(connect("replay", path=path, speed=0)).stream("hi"))

    assert said(again.events) == said(live.events)
    assert (again.end.outcome, again.end.failure) == (live.end.outcome, live.end.failure)
    assert again.end.stats.wire_bytes == live.end.stats.wire_bytes


@pytest.mark.parametrize("ending", ["fin", "rst"])
async def test_a_cut_is_recorded(ending: Ending, tmp_path: Path) -> None:
    """P2: what was rescued before a fault is in the recording, and so is the fault."""
    path = tmp_path / "a.rec"
    async with serve(answer(*PIECES[:2], ending=ending)) as server, asking(server.url) as source:
        with record(source, path):
            live = await hear(Pipeline(source).stream("hi"))

    [exchange] = read(path).exchanges
    again = await hear(Pipeline(connect("replay", path=path, speed=0)).stream("hi"))
    assert body_of(exchange) == b"".join(PIECES[:2])
    assert (exchange.ended, exchange.failure) == ("broken", live.end.failure)
    assert (said(again.events), again.end.failure) == (said(live.events), live.end.failure)
    assert again.end.outcome == live.end.outcome == "truncated"


async def test_a_refusal_and_its_body(tmp_path: Path) -> None:
    """P6: an error's status, headers and body give the same failure again."""
    path = tmp_path / "a.rec"
    refused = b'{"error":{"message":"no such model","code":"model_not_found"}}'
    async with (
        serve(reply("404 Not Found", refused, "Retry-After: 3")) as server,
        asking(server.url) as source,
    ):
        with record(source, path):
            live = await hear(Pipeline(source).stream("hi"))

    [exchange] = read(path).exchanges
    again = await hear(Pipeline(connect("replay", path=path, speed=0)).stream("hi"))
    assert (exchange.status, body_of(exchange), exchange.ended) == (404, refused, "body")
    assert live.kind == "model_not_found"
    assert again.end.failure == live.end.failure


async def test_each_attempt_is_recorded(tmp_path: Path) -> None:
    """P6: a replay makes the same attempts, and no more."""
    path = tmp_path / "a.rec"
    body = b'{"error":{"message":"later"}}'
    busy = raw(head("429 Too Many Requests", "Retry-After: 0", f"Content-Length: {len(body)}") + body)
    async with serve(busy, answer(HELLO)) as server, asking(server.url) as source:
        with record(source, path):
            live = await hear(Pipeline(source).stream("hi"))

    pipeline = Pipeline(connect("replay", path=path, speed=0))
    assert [exchange.status for exchange in read(path).exchanges] == [429, 200]
    for _ in range(2):
        again = await hear(pipeline.stream("hi"))
        assert (again.text, again.end.stats.attempts) == (live.text, live.end.stats.attempts) == ("Hello", 2)


async def test_nobody_answers(tmp_path: Path) -> None:
    """A connection that was refused is a recording too: there is nothing but its fault."""
    path = tmp_path / "a.rec"
    async with asking("http://127.0.0.1:1") as source:
        source.retry = Retry(attempts=1)
        with record(source, path):
            live = await hear(Pipeline(source).stream("hi"))

    [exchange] = read(path).exchanges
    again = await hear(Pipeline(connect("replay", path=path, speed=0)).stream("hi"))
    assert (exchange.status, exchange.pieces) == (None, ())
    assert again.end.failure == live.end.failure
    assert again.kind == "connect"


async def test_the_key_is_nowhere(tmp_path: Path) -> None:
    """P24: a server that says the key in headers and body, across reads, and a request that holds it;
    what hides it keeps every offset, and the answer itself is as it came."""
    path = tmp_path / "a.rec"
    body = text(f"Your key is {KEY}, ") + text(f"Bearer {KEY}!") + STOP + DONE
    at = body.index(KEY.encode()) + 7
    parts = (body[:at], body[at : at + 3], body[at + 3 :])

    async def echo(visit: Visit) -> None:
        await visit.asked()
        fields = ("Transfer-Encoding: chunked", f"X-Request-Id: {KEY}", "Set-Cookie: session=canary-cookie")
        visit.send(head("200 OK", *fields, f"Authorization: Bearer {KEY}", "X-Api-Key: canary-other"))
        await visit.send_apart(map(http_chunk, parts))

    async with (
        serve(echo) as server,
        asking(server.url, api_key=KEY, headers={"X-Tenant": "canary-tenant"}) as source,
    ):
        with record(source, path, request_body=True):
            told = await Pipeline(source).text(f"My key: {KEY}, canary-tenant")

    written = path.read_bytes()
    [exchange] = read(path).exchanges
    assert told == f"Your key is {KEY}, Bearer {KEY}!"
    assert b"canary" not in written
    assert [len(piece.data) for piece in exchange.pieces] == [len(part) for part in parts]
    hidden = body.replace(b"Bearer " + KEY.encode(), b"*" * (7 + len(KEY)))
    assert body_of(exchange) == hidden.replace(KEY.encode(), b"*" * len(KEY))
    assert exchange.body["messages"][0]["content"] == f"My key: {'*' * len(KEY)}, {'*' * 13}"
    assert {name.lower() for name in exchange.headers} == {
        "content-type",
        "transfer-encoding",
        "x-request-id",
    }


TRICKY = "canary/0123+4567=89"
WAYS = (
    HTTPRequest("POST", "http://box/v1", {"Authorization": f"Bearer {TRICKY}"}, b""),
    HTTPRequest("POST", "http://box/v1", {"x-api-key": TRICKY}, b""),
    HTTPRequest("POST", "http://box/v1", {"X-Goog-Api-Key": TRICKY}, b""),
    HTTPRequest("POST", f"http://box/v1?alt=sse&key={quote(TRICKY, safe='')}", {}, b""),
    HTTPRequest("POST", f"http://box/v1?{quote(TRICKY, safe='')}", {}, b""),
    HTTPRequest("POST", f"http://user:{quote(TRICKY, safe='')}@box/v1", {}, b""),
    HTTPRequest("POST", f"http://box/v1/{quote(TRICKY, safe='')}/chat", {"x-api-key": TRICKY}, b""),
)


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("form", [TRICKY, quote(TRICKY, safe=""), TRICKY.replace("+", r"\u002B")])
async def test_a_key_wherever_it_was_sent(asked: HTTPRequest, form: str, tmp_path: Path) -> None:
    """P24, S06: in whichever header, query, path, user or body it went, it is in no recording: nor where
    the backend says it again."""
    path = tmp_path / "a.rec"
    echo = ScriptedConnection([f"no {form}!".encode()], b"", 200, {"X-Request-Id": form})
    request = replace(asked, body=json.dumps({"prompt": f"It is {form}."}).encode())
    source = asking("http://127.0.0.1:1")
    with record(source, path, request_body=True):
        assert source.tap is not None
        connection = source.tap(request, echo, [])
        assert [await connection.read() for _ in range(2)] == [None, f"no {form}!".encode()]
        connection.close()

    [exchange] = read(path).exchanges
    hidden = "*" * len(form)
    assert b"0123" not in path.read_bytes()
    assert (body_of(exchange).decode(), exchange.headers["X-Request-Id"]) == (f"no {hidden}!", hidden)
    assert set(exchange.body["prompt"]) == set("It is .*")


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "lmstudio-native"])
async def test_no_header_of_a_request_is_kept(provider: str, tmp_path: Path) -> None:
    """P24: each provider sends its key in its own way."""
    key = "sk-lm-canary12:canary34canary56cana"
    path = tmp_path / "a.rec"
    source = connect(
        provider, "http://127.0.0.1:1", model="m", api_key=key, headers={"X-Team": "canary-team"}
    )
    assert isinstance(source, HTTPSource)
    source.retry = Retry(attempts=1)
    async with source:
        with record(source, path, request_body=True):
            await hear(Pipeline(source).stream(f"It is {key}"))

    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert b"canary" not in path.read_bytes()
    assert set(lines[1]) == {"n", "at", "request", "body"}


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized"])
async def test_the_key_in_a_compressed_body(status: str, tmp_path: Path) -> None:
    """P24: compressed though nobody asked for it: asterisks, and whoever records is told."""
    path = tmp_path / "a.rec"
    body = gzip.compress(text(f"Your key is {KEY}") + DONE)
    async with (
        serve(reply(status, body, "Content-Encoding: gzip")) as server,
        asking(server.url, api_key=KEY) as source,
    ):
        with record(source, path) as taken:
            live = await hear(Pipeline(source).stream("hi"))

    [exchange] = read(path).exchanges
    again = await hear(Pipeline(connect("replay", path=path, speed=0)).stream("hi"))
    assert taken.hidden == 1
    assert set(body_of(exchange)) <= {ord("*")}
    assert b'"hidden":"compressed"' in path.read_bytes()
    assert (again.kind, again.end.outcome) == (live.kind, live.end.outcome)


async def test_where_a_redirect_leads(tmp_path: Path) -> None:
    """P24: of a Location, the origin alone: its query may be a signature."""
    path = tmp_path / "a.rec"
    away = reply("307 Temporary Redirect", b"", "Location: https://user:canary@else.where/x?sig=canary")
    async with serve(away) as server, asking(server.url) as source:
        with record(source, path):
            live = await hear(Pipeline(source).stream("hi"))

    again = await hear(Pipeline(connect("replay", path=path, speed=0)).stream("hi"))
    assert read(path).exchanges[0].headers["Location"] == "https://else.where"
    assert b"canary" not in path.read_bytes()
    assert again.end.failure == live.end.failure


async def test_the_request_only_when_asked(tmp_path: Path) -> None:
    """P24: a prompt is private."""
    for asked in (False, True):
        path = tmp_path / "a.rec"
        async with serve(answer(HELLO)) as server, asking(server.url) as source:
            with record(source, path, request_body=asked):
                await Pipeline(source).text("a private question")

        assert (b"a private question" in path.read_bytes()) is asked


async def test_a_body_that_masking_breaks(tmp_path: Path) -> None:
    """P24: asterisks in the place of a number are no JSON: the body is kept as text then."""
    path = tmp_path / "a.rec"
    async with serve(answer(HELLO)) as server, asking(server.url, headers={"X-Pin": "987654"}) as source:
        with record(source, path, request_body=True):
            await Pipeline(source).text("hi", seed=987654)

    assert '"seed":******' in read(path).exchanges[0].body


async def test_written_as_it_comes(tmp_path: Path) -> None:
    """P15: nothing is kept until the end: each read is in the file before the reader goes on."""
    path = tmp_path / "a.rec"
    async with serve(answer(*PIECES)) as server, asking(server.url) as source:
        with record(source, path):
            async with Pipeline(source).stream("hi") as stream:
                sizes = [path.stat().st_size async for _ in stream.batches()]

    assert len(set(sizes)) >= len(PIECES)


async def test_left_early(tmp_path: Path) -> None:
    """P18: a cancelled answer leaves a whole recording of what was so far, which is no whole answer."""
    path = tmp_path / "a.rec"
    async with serve(answer(PIECES[0], ending="whole")) as server, asking(server.url) as source:
        with record(source, path), anyio.CancelScope() as scope:
            async with Pipeline(source).stream("hi") as stream:
                async for event in stream:
                    if not isinstance(event, Phase):
                        scope.cancel()

    [exchange] = read(path).exchanges
    again = await hear(Pipeline(connect("replay", path=path, speed=0)).stream("hi"))
    assert (body_of(exchange), exchange.ended) == (PIECES[0], "left")
    assert path.read_bytes().endswith(b'"end":"left"}\n')
    assert again.end.outcome == "truncated"


async def test_the_block_ends_before_the_answer(tmp_path: Path) -> None:
    """A recording is over with its block; the answer goes on, and later ones are not recorded."""
    path = tmp_path / "a.rec"
    async with serve(answer(*PIECES)) as server, asking(server.url) as source:
        pipeline = Pipeline(source)
        async with pipeline.stream("hi") as stream:
            batches = stream.batches()
            with record(source, path):
                while all(isinstance(event, Phase) for event in await anext(batches)):
                    pass
            rest = [batch async for batch in batches]
        await pipeline.text("again")

    [exchange] = read(path).exchanges
    assert stream.end is not None
    assert (stream.end.outcome, exchange.ended) == ("complete", "left")
    assert rest
    assert b"".join(PIECES).startswith(body_of(exchange))


async def test_a_timeout(tmp_path: Path) -> None:
    """A reader that gave up has left."""
    path = tmp_path / "a.rec"
    limits = Deadlines(silence=0.05)

    async def stall(visit: Visit) -> None:
        await visit.asked()
        visit.send(head("200 OK", "Transfer-Encoding: chunked"), http_chunk(PIECES[0]))
        await visit.left.wait()

    async with serve(stall) as server, asking(server.url, deadlines=limits) as source:
        with record(source, path):
            heard = await hear(Pipeline(source).stream("hi"))

    assert heard.end.outcome == "timeout"
    assert read(path).exchanges[0].ended == "left"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
async def test_a_full_disk_costs_the_answer_nothing() -> None:
    """P5: the answer is whole; the recording's fault is told at the end of the block."""
    async with serve(answer(HELLO)) as server, asking(server.url) as source:
        told = ""
        with pytest.raises(OSError, match="No space left"), record(source, "/dev/full"):
            told = await Pipeline(source).text("hi")

    assert told == "Hello"


async def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    """Before anything is asked."""
    source = asking("http://127.0.0.1:1")
    with pytest.raises(OSError, match="No such file"), record(source, tmp_path / "no" / "such.rec"):
        pytest.fail("it must not begin")

    assert source.tap is None


async def test_wrong_use(tmp_path: Path) -> None:
    """C01: one recording at a time, and of a source that has a wire."""
    source = asking("http://127.0.0.1:1")
    with (
        record(source, tmp_path / "a.rec"),
        pytest.raises(MisuseError, match="recorded already"),
        record(source, tmp_path / "b.rec"),
    ):
        pytest.fail("it must not begin")
    scripted: Any = ScriptedSource([HELLO])
    with pytest.raises(MisuseError, match="does not ask over HTTP"), record(scripted, tmp_path / "c.rec"):
        pytest.fail("it must not begin")

    assert not (tmp_path / "b.rec").exists()


async def test_the_simulator_can_be_recorded(tmp_path: Path) -> None:
    """DESIGN 5: over its own socket, resends, revisions and all."""
    path = tmp_path / "a.rec"
    async with connect("simulator", cumulative=True, final_repeat=True, rate=1000) as source:
        assert isinstance(source, HTTPSource)
        with record(source, path):
            live = await hear(Pipeline(source).stream("hi"))

    again = await hear(Pipeline(connect("replay", path=path, speed=0)).stream("hi"))
    assert said(again.events) == said(live.events)
    assert again.end.stats.amplification == live.end.stats.amplification


def test_a_header_line_is_plain(tmp_path: Path) -> None:
    """docs/recordings.md: the first line is what it says there."""
    path = tmp_path / "a.rec"
    with record(asking("http://127.0.0.1:1", mode="delta"), path):
        pass

    assert json.loads(path.read_text("utf-8")) == {
        "recording": "tokenweir",
        "version": 1,
        "provider": "openai-compatible",
        "protocol": "openai-chat",
        "model": None,
        "mode": "delta",
        "finish_required": True,
    }
