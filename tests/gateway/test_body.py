"""What counts as a body, and how much of one is read."""

import gzip
import json
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Iterable
from typing import Any, cast
from unittest.mock import Mock

import anyio
import pytest
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tests.gateway.raw import CHAT_BODY, Told, asked, connected, parsed, rest_of
from tests.gateway.raw import request as written
from tests.gateway.small import Small, small
from tokenweir.config.schema import Config
from tokenweir.gateway import runner
from tokenweir.gateway.body import MAX_CONTAINERS, decode, read_json
from tokenweir.gateway.gateway import SETUP
from tokenweir.gateway.refused import Refused

pytestmark = pytest.mark.anyio

LIMIT = 4096
CHUNKED = ("Content-Type: application/json", "Transfer-Encoding: chunked")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Small]:
    """One with small limits, that does not linger."""
    monkeypatch.setattr(runner, "LINGER", 0.01)
    limits = {"max_body_bytes": LIMIT, "body_timeout_secs": 0.2, "max_depth": 8}
    async with small(limits=limits) as one:
        yield one


def request(headers: Iterable[str] = CHUNKED[:1], body: bytes = CHAT_BODY) -> bytes:
    """A request whose body is read."""
    return written("POST /echo", headers, body)


def why(data: bytes, depth: int = 64) -> str:
    """Why these bytes are refused."""
    with pytest.raises(Refused) as refused:
        decode(data, depth)
    assert refused.value.status == 400
    return str(refused.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"hello", "not JSON"),
        (b'{"a":1', "not JSON"),
        (b'{"a":1} {"b":2}', "not JSON"),
        (b"a=1&b=2", "not JSON"),
        (b"[1]", "JSON object"),
        (b'"text"', "JSON object"),
        (b"null", "JSON object"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ('{"a":1}'.encode("utf-16"), "byte order mark"),
        ('{"a":1}'.encode("utf-16-le"), "not JSON"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":-Infinity}', "not JSON"),
        (b'{"a":1e999}', "out of range"),
        (b'{"a":' + b"9" * 5000 + b"}", "out of range"),
    ],
)
def test_what_is_no_json_object(data: bytes, said: str) -> None:
    """R01, V11: told in a sentence."""
    assert said in why(data)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (r'{"a":"\ud83d"}', 6),
        (r'{"a":"\ud83d and more, so that it is not the end"}', 6),
        (r'{"a":"\ude00"}', 6),
        (r'{"a":"\uD83D\uD83D\uDE00"}', 6),
        (r'{"a":"\\\ud83d"}', 8),
        (r'{"\udfff":1}', 2),
    ],
)
def test_half_a_character(text: str, at: int) -> None:
    """R19: refused, with the place."""
    assert f"at byte {at} is half of a character" in why(text.encode())


def test_whole_characters_of_every_kind() -> None:
    """A pair is one character, and an escaped backslash before a `u` begins none."""
    assert decode(rb'{"a":"\ud83d\ude00", "b":"\\ud83d", "c":"\u0000"}', 1) == {
        "a": "\U0001f600",
        "b": "\\ud83d",
        "c": "\0",
    }


def test_numbers_and_keys_are_as_they_come() -> None:
    """A whole number may be large; of two equal keys the last one counts."""
    assert decode(b'{"n":1,"n":123456789012345678901234567890}', 1) == {"n": 123456789012345678901234567890}


def nested(depth: int) -> bytes:
    """An object of so many levels."""
    return b'{"a":' + b"[" * (depth - 1) + (b"]" * (depth - 1) or b"1") + b"}"


@pytest.mark.parametrize("depth", [1, 2, 8, 64])
def test_depth_has_a_bound(depth: int) -> None:
    """R06, P29: at the limit, and one more; brackets in texts are none."""
    assert decode(nested(depth), depth) is not None
    assert "limits.max_depth" in why(nested(depth + 1), depth)
    assert decode(b'{"a":"' + b"[" * 100 + b'"}', 1) == {"a": "[" * 100}


KEYS = st.text('[{"\\', max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('[]{}"\\u a\n', max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=20,
)


def depth_of(value: object) -> int:
    """Objects and lists inside each other."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, cast("dict[str, object]", value).values()), default=0)
    return 1 + max(map(depth_of, cast("list[object]", value)), default=0) if isinstance(value, list) else 0


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=3))
def test_brackets_in_texts_are_no_depth(value: dict[str, Any]) -> None:
    """R06: the depth is that of the value, whatever stands in its texts and keys."""
    data, depth = json.dumps(value).encode(), depth_of(value)

    assert decode(data, depth) == value
    assert "limits.max_depth" in why(data, depth - 1)


def test_lists_without_number_have_a_bound() -> None:
    """P29: before they cost anything."""
    some = b'{"a":[' + b"{}," * (MAX_CONTAINERS - 3) + b"{}]}"
    assert decode(some, 3)
    assert f"more than {MAX_CONTAINERS}" in why(some.replace(b"]", b",[]]"), 3)


@pytest.mark.parametrize("data", [nested(10_000), b'{"a":' * 100_000, b"[" * 1_000_000])
def test_no_depth_is_too_much_for_the_stack(data: bytes) -> None:
    """R06: refused as any other."""
    assert "limits.max_depth" in why(data) or "not JSON" in why(data)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Content-Type: application/json", 200),
        ("Content-Type: APPLICATION/JSON; charset=UTF-8", 200),
        ("Content-Type: text/plain", 415),
        ("Content-Type: application/x-www-form-urlencoded", 415),
        ("Content-Type: multipart/form-data; boundary=x", 415),
        ("Content-Type: application/vnd.api+json", 415),
        ("Content-Type: application/json; charset=utf-16", 415),
        ("Content-Type: application/json, text/plain", 415),
        ("Content-Type:", 415),
        ("X-Nothing: 1", 415),
    ],
)
async def test_only_json_is_taken(server: Small, header: str, status: int) -> None:
    """R01, S02: what a web page may send without asking is not read."""
    told = await asked(server, request(headers=[header]))

    assert told.status == status
    assert status == 200 or "Content-Type: application/json" in told.error["message"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x-gzip", "identity, gzip"])
async def test_a_packed_body_is_not_unpacked(server: Small, encoding: str) -> None:
    """R02, S14: a bomb stays one."""
    body = gzip.compress(b" " * 1_000_000)
    headers = ["Content-Type: application/json", f"Content-Encoding: {encoding}"]

    assert (await asked(server, request(headers=headers, body=body))).status == 415


async def told_after(server: Small, head: bytes) -> Told:
    """What is told before anything of the body is sent."""
    async with await connected(server) as stream:
        await stream.send(head)
        return parsed(await rest_of(stream))


def padded(size: int) -> bytes:
    """A body of exactly so many bytes."""
    return CHAT_BODY + b" " * (size - len(CHAT_BODY))


async def test_a_length_beyond_the_limit_is_refused_unread(server: Small) -> None:
    """R02: at the limit it is read, and one byte more is 413 before any of it came."""
    assert (await asked(server, request(body=padded(LIMIT)))).status == 200

    told = await told_after(server, request(body=padded(LIMIT + 1)).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert (told.status, told.headers["connection"]) == (413, "close")
    assert "limits.max_body_bytes" in told.error["message"]


def chunked(*pieces: bytes) -> bytes:
    """A body in chunks, without its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


async def test_a_body_without_a_length_is_counted(server: Small) -> None:
    """R02: in chunks too, and refused before its end."""
    whole = request(headers=CHUNKED, body=chunked(padded(LIMIT)) + b"0\r\n\r\n")
    assert (await asked(server, whole)).status == 200

    told = await told_after(server, request(headers=CHUNKED, body=chunked(padded(LIMIT), b" ")))
    assert (told.status, told.headers["connection"]) == (413, "close")


@pytest.mark.parametrize("body", [b"", chunked(b'{"mess'), b"5\r\nab"])
async def test_a_body_that_never_ends(server: Small, body: bytes) -> None:
    """R03: 408, and the connection is closed."""
    told = await told_after(server, request(headers=CHUNKED, body=body))

    assert (told.status, told.headers["connection"]) == (408, "close")
    assert "limits.body_timeout_secs" in told.error["message"]


async def test_a_body_that_trickles(server: Small) -> None:
    """R03: bytes that go on coming do not move the end."""
    async with await connected(server) as stream, anyio.create_task_group() as group:

        async def trickle() -> None:
            while True:
                await stream.send(chunked(b" "))
                await anyio.sleep(0.02)

        await stream.send(request(headers=CHUNKED, body=b""))
        group.start_soon(trickle)
        assert (await stream.receive()).startswith(b"HTTP/1.1 408 ")
        group.cancel_scope.cancel()


@pytest.mark.parametrize("pieces", [1, 2])
async def test_broken_chunks(server: Small, pieces: int) -> None:
    """R05: refused and closed (aiohttp tells a handler nothing of what breaks later: its time is up); what
    stands behind is no request."""
    whole = request(CHUNKED, chunked(b"{}") + b"zz\r\n") + written("GET /public", (), b"")
    cut = len(whole) if pieces == 1 else whole.index(b"zz")
    async with await connected(server) as stream:
        await stream.send(whole[:cut])
        if whole[cut:]:
            await anyio.sleep(0.02)
            await stream.send(whole[cut:])
        answers = await rest_of(stream)

    assert parsed(answers).status == (400 if pieces == 1 else 408)
    assert answers.count(b"HTTP/1.") == 1


@pytest.mark.parametrize(
    ("expected", "status"), [("100-continue", 200), ("100-Continue", 200), ("miracles", 417)]
)
async def test_the_body_is_asked_for_where_it_is_expected(server: Small, expected: str, status: int) -> None:
    """R16: whoever waits to be asked is asked; what else is expected is refused."""
    data = request(headers=["Content-Type: application/json", f"Expect: {expected}"], body=CHAT_BODY)
    head, end, body = data.partition(b"\r\n\r\n")
    async with await connected(server) as stream:
        await stream.send(head + end)
        first = await stream.receive()
        if status == 200:
            assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
            await stream.send(body)
            first = b""
        told = parsed(first + await rest_of(stream))

    assert told.status == status


@pytest.mark.parametrize("body", [b"[]", b"", b"\xff"])
async def test_a_refused_body_is_told_in_openai_s_form(server: Small, body: bytes) -> None:
    """R01: all four fields."""
    told = await asked(server, request(body=body))
    error: dict[str, Any] = told.error

    assert (told.status, error["type"], set(error)) == (
        400,
        "invalid_request_error",
        {"message", "type", "param", "code"},
    )


async def test_a_body_that_breaks_while_it_is_read() -> None:
    """R05: where aiohttp does tell, it is 400."""
    content = StreamReader(Mock(), 1024, loop=get_running_loop())
    content.set_exception(web.RequestPayloadError("hunter2"))
    head = CIMultiDict({"Content-Type": "application/json"})
    broken = make_mocked_request("POST", "/", head, payload=content)
    setup: Any = Mock(config=Config())
    broken[SETUP] = setup

    with pytest.raises(Refused, match="chunks are broken") as refused:
        await read_json(broken)
    assert (refused.value.status, refused.value.headers) == (400, {"Connection": "close"})
