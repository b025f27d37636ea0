"""What sources over HTTP share: addresses, credentials, and what a refusal means."""

import traceback
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog

from tests.reader import Heard, hear
from tests.scripted import Attempt, scripted
from tests.servers import Visit, head, raw, reply, serve
from tests.transcripts import HELLO, frame, text
from tokenweir import Pipeline, connect
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.retry import Retry
from tokenweir.pipeline.sources.credentials import read_base_url
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.pipeline.sources.openai_compatible import OpenAICompatible

pytestmark = pytest.mark.anyio

KEY = "canary-5cf1-\"\\'/-9e"
HEADER = "canary-7d20-header"
TOKEN = "canary-1b3d-token"
SECRETS: dict[str, Any] = {"api_key": KEY, "headers": {"X-Api-Key": HEADER, "X-Other": f"Token {TOKEN}"}}


def shown(value: str) -> list[str]:
    """The credentials, or their beginnings, that can be found in a text."""
    return [part for secret in (KEY, HEADER, TOKEN) for part in (secret, secret[:6]) if part in value]


ECHOES: dict[str, tuple[int, bytes]] = {
    "a text": (401, f"bad key {KEY} and {HEADER}, {TOKEN}".encode()),
    "JSON": (
        401,
        msgspec.json.encode({"error": {"message": f"bad key {KEY}", "code": KEY, "detail": HEADER}}),
    ),
    "escaped JSON": (
        403,
        b'{"error":{"message":"bad ' + "".join(f"\\u{ord(c):04x}" for c in KEY).encode() + b'"}}',
    ),
    "a web page": (500, f"<html>{'x' * 185}{KEY} {HEADER}".encode()),
    "cut in the middle": (400, ("x" * 1995 + KEY).encode()),
    "cut in a page": (400, ("<" + "x" * 192 + HEADER).encode()),
    "cut at the limit": (400, b'{"error":"' + b"x" * 65_516 + TOKEN.encode()),
    "a list": (429, msgspec.json.encode([{"error": {"message": [KEY, TOKEN]}}])),
    "a frame": (200, frame(error={"message": f"bad key {KEY} {TOKEN}", "code": KEY})),
    "a long frame": (200, frame(error={"message": "x" * 1995 + HEADER})),
    "no stream": (200, f"Hello {HEADER} {KEY}".encode()),
    "a bad payload": (200, f"data: {{{HEADER} {TOKEN}\n\n".encode()),
    "after text": (200, text("fine ") + frame(error=f"bad key {HEADER}")),
}
"""What a backend may quote of a request."""


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What an application that uses structlog gets to see."""
    with structlog.testing.capture_logs() as lines:
        structlog.configure()
        yield lines
    structlog.reset_defaults()


@pytest.mark.parametrize("name", ECHOES)
async def test_no_credential_in_any_output(name: str, logged: list[Any]) -> None:
    """P24, S06, S10: whatever the backend quotes, our credentials and their beginnings stand in no event,
    message, repr, traceback or log line."""
    status, body = ECHOES[name]
    source, transport = scripted(Attempt(status, body, headers={"Retry-After": "0"}), **SECRETS)
    source.retry = Retry(attempts=2)
    heard = await hear(Pipeline(source).stream("hi"))

    assert heard.end.outcome == "error"
    assert heard.error is not None
    outputs = [
        msgspec.json.encode(heard.events).decode(),
        msgspec.json.encode(heard.end).decode(),
        msgspec.json.encode(heard.end.failure.native if heard.end.failure else None).decode(),
        "".join(traceback.format_exception(heard.error)),
        repr([heard.events, heard.end, heard.error, source, transport.requests, Pipeline(source)]),
        repr(logged),
    ]
    assert len(logged) == 1
    assert [part for output in outputs for part in shown(output)] == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_no_credential_in_a_failure_of_the_connection() -> None:
    """P24, S06, PITFALLS 0.5: aiohttp's own errors show headers; none of them gets out."""

    async def cut(visit: Visit) -> None:
        await visit.asked()
        visit.send(head("200 OK", "Content-Length: 1000") + text("a"))
        visit.rst()

    for script in (
        raw(b""),
        raw(b"SSH-2.0\r\n"),
        raw(head("200 OK", "X: \0")),
        cut,
        reply("200 OK", KEY.encode()),
    ):
        async with serve(script) as server, connect("mlx", server.url, **SECRETS) as source:
            source.retry = Retry(attempts=1)
            heard = await hear(Pipeline(source).stream("hi"))
            assert b"canary" in server.visits[0].received
        assert heard.error is not None
        told = "".join(traceback.format_exception(heard.error)) + repr(heard)
        assert shown(told) == []


async def test_ordinary_messages_stay_as_they_are() -> None:
    """P24: short values are no secrets, and words of a message that look like the beginning of one stay."""
    source, _ = scripted(
        Attempt(400, b"the token limit is x"),
        api_key="tokenizer-key",
        headers={"X-Env": "prod", "X-N": "limit"},
    )
    heard = await hear(Pipeline(source).stream("hi"))

    assert heard.message == "HTTP 400: the token limit is x"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:1234", "http://localhost:1234/v1"),
        ("http://localhost:1234/", "http://localhost:1234/v1"),
        ("https://example.test/api/v3/", "https://example.test/api/v3"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
        ("http://bücher.example", "http://bücher.example/v1"),
    ],
)
def test_addresses(url: str, address: str) -> None:
    """C06: what the path may leave out."""
    assert read_base_url(url, "mlx") == address


@pytest.mark.parametrize(
    "url",
    [
        "localhost:1234",
        "ftp://host",
        "file:///etc/passwd",
        "http://",
        "http://:80",
        "http://host:0",
        "http://host:70000",
        "http://host:port",
        "http://[::1",
        "",
        "http://user:canary-5cf1@host",
        "ftp://user:canary-5cf1@host/?key=canary-5cf1",
        "user:canary-5cf1@host",
        "http://user:canary-5cf1@host:99999/",
        "http://host?key=canary-5cf1",
        "http://host/#canary-5cf1",
    ],
)
def test_wrong_addresses(url: str) -> None:
    """C06, P24: refused where they are given, without repeating a credential that may stand in them."""
    with pytest.raises(MisuseError, match="base_url") as told:
        OpenAICompatible(url)
    assert "canary" not in str(told.value)


@pytest.mark.parametrize("key", [" k", "k\n", "k\r\nX: y", "clé", "k\0", "a\tb"])
def test_wrong_keys(key: str) -> None:
    """C08: refused where they are given, and not repeated."""
    with pytest.raises(MisuseError, match="api_key has white space") as told:
        connect("mlx", api_key=key)
    assert key not in str(told.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X Y", "v"),
        ("", "v"),
        ("X\r\nY", "v"),
        ("X", "v\r\nY: z"),
        ("X", " v"),
        ("X", "v\0"),
        ("X", "\ud83d"),
    ],
)
def test_wrong_headers(name: str, value: str) -> None:
    """P25, S09: nothing can be smuggled into a request's head."""
    with pytest.raises(MisuseError, match="characters that no header can hold"):
        connect("mlx", headers={name: value})


def test_two_credentials() -> None:
    """R11: which one would count is not for us to guess."""
    with pytest.raises(MisuseError, match="a credential comes once"):
        connect("mlx", api_key="k", headers={"authorization": "Basic eA=="})


async def test_headers_of_ones_own() -> None:
    """DESIGN 5: they win over ours, in any spelling, and none comes twice."""
    source, transport = scripted(
        Attempt(200, HELLO), headers={"user-agent": "mine/1", "Authorization": "Basic eA=="}
    )
    await Pipeline(source).text("hi")

    assert dict(transport.requests[0].headers) == {
        "Content-Type": "application/json",
        "Accept": "text/event-stream, application/json",
        "Accept-Encoding": "identity",
        "user-agent": "mine/1",
        "Authorization": "Basic eA==",
    }


async def test_the_request_chooses_nothing() -> None:
    """P25, R09: whatever stands among the options goes into the body, and nowhere else."""
    source, transport = scripted(Attempt(200, HELLO), api_key="right")
    evil = {
        "base_url": "http://evil.test",
        "api_base": "http://evil.test",
        "api_key": "x",
        "extra_headers": {"Host": "e"},
    }
    await Pipeline(source).text([{"role": "user", "content": "hi"}], **evil)
    request = transport.requests[0]

    assert request.url == "http://backend.test/v1/chat/completions"
    assert request.headers["Authorization"] == "Bearer right"
    assert set(evil) <= set(msgspec.json.decode(request.body))


async def test_requests_that_cannot_be_written() -> None:
    """R19: a prompt that is no text, or an option that is no JSON, is the caller's to mend; nothing is
    sent."""
    source, transport = scripted(Attempt(200, HELLO))
    for prompt, options in (("half \ud83d", {}), ("hi", {"temperature": object()})):
        with pytest.raises(MisuseError, match="cannot be written as JSON"):
            await Pipeline(source).text(prompt, **options)

    assert transport.requests == []


async def test_model_of_a_request() -> None:
    """DESIGN 5: a request's own model wins over the source's."""
    source, transport = scripted(Attempt(200, HELLO), model="mine")
    await Pipeline(source).text("hi")
    await Pipeline(source).text("hi", model="other")

    assert [msgspec.json.decode(request.body)["model"] for request in transport.requests] == ["mine", "other"]


async def ask(status: int, body: bytes = b"", **headers: str) -> Heard:
    """What one refusal means."""
    source, _ = scripted(Attempt(status, body, headers={k.replace("_", "-"): v for k, v in headers.items()}))
    source.retry = Retry(attempts=1)
    return await hear(Pipeline(source).stream("hi"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, "protocol"),
        (206, "protocol"),
        (301, "upstream"),
        (304, "protocol"),
        (400, "bad_request"),
        (401, "auth"),
        (402, "auth"),
        (403, "auth"),
        (404, "bad_request"),
        (418, "bad_request"),
        (429, "rate_limited"),
        (500, "upstream"),
        (503, "overloaded"),
        (529, "overloaded"),
        (599, "upstream"),
        (999, "protocol"),
    ],
)
async def test_statuses(status: int, kind: str) -> None:
    """U14, U15, U16, U17, U18, U19: each status has its kind, and stands in the failure."""
    heard = await ask(status, location="/elsewhere") if status == 301 else await ask(status)

    assert heard.end.failure is not None
    assert (heard.kind, heard.end.failure.status, heard.end.outcome) == (kind, status, "error")
    assert str(status) in heard.message


async def test_a_refusal_keeps_what_was_sent() -> None:
    """S10: the backend's own words and code, bounded."""
    heard = await ask(400, b'{"error":{"message":"' + b"w" * 5000 + b'","code":"odd"}}')

    assert heard.end.failure is not None
    assert heard.end.failure.code == "odd"
    assert heard.end.failure.native is not None
    assert len(heard.message) < 2100


async def test_closing() -> None:
    """DESIGN 5: a source is a context manager, and closing it twice is fine."""
    async with connect("mlx") as source:
        assert isinstance(source, HTTPSource)
    await source.aclose()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_refusal_over_a_socket() -> None:
    """U16: the way from the wire to the failure, once."""
    body = b'{"error":{"message":"Incorrect API key provided: canary-7d20-header"}}'
    refuses = reply("401 Unauthorized", body)
    async with serve(refuses) as server, connect("mlx", server.url, headers={"X-Api-Key": HEADER}) as source:
        heard = await hear(Pipeline(source).stream("hi"))

    assert (heard.kind, heard.message) == ("auth", "HTTP 401: Incorrect API key provided: ***")
