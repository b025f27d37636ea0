"""The HTTP server before there is a request: bounds, and what breaks its grammar."""

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import anyio
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.gateway.configured import backend, loaded
from tests.gateway.logged import kept_log
from tests.gateway.raw import asked, connected, parsed, request, rest_of, sent
from tests.gateway.small import Small, small
from tokenweir.gateway import runner
from tokenweir.gateway.connection import MAX_HEADERS, MAX_LINE_BYTES, Connection
from tokenweir.gateway.gateway import GATEWAY, Gateway
from tokenweir.gateway.runner import runner_for

pytestmark = pytest.mark.anyio

JSON = "Content-Type: application/json"


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Small]:
    """One that does not wait for long."""
    monkeypatch.setattr(runner, "LINGER", 0.01)
    monkeypatch.setattr(runner, "KEEP_ALIVE", 0.2)
    async with small() as one:
        yield one


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /pub", b"GET /public HTTP/1.1\r\nHost: loc", b"GET /public HTTP/1.1\r\nHost: localhost\r\n"],
)
async def test_headers_that_do_not_come(server: Small, begun: bytes) -> None:
    """R04: the connection is closed, without an answer to what was no question."""
    async with await connected(server) as stream:
        if begun:
            await stream.send(begun)

        assert await rest_of(stream) == b""


async def test_headers_that_trickle(server: Small) -> None:
    """R04: bytes that go on coming do not move the end."""
    async with await connected(server) as stream, anyio.create_task_group() as group:

        async def trickle() -> None:
            await stream.send(b"GET /public HTTP/1.1\r\nX: ")
            while True:
                await anyio.sleep(0.02)
                await stream.send(b"x")

        async def until_closed() -> None:
            with anyio.fail_after(5):
                assert await rest_of(stream) == b""
            group.cancel_scope.cancel()

        group.start_soon(until_closed)
        with pytest.raises(anyio.BrokenResourceError):
            await trickle()
        await anyio.sleep_forever()


def test_nobody_has_an_hour() -> None:
    """R04: aiohttp's own patience, for headers and for what is kept, is 3630 s."""
    assert 5 < runner.KEEP_ALIVE < 10
    assert runner.LINGER < 10


async def test_so_many_headers_and_no_more(server: Small) -> None:
    """R04, P29: at the limit, and one more. Three of them are the request's own."""
    several = [f"X-{number}: 1" for number in range(MAX_HEADERS - 3)]

    assert (await asked(server, request("GET /public", several, b""))).status == 200
    told = await asked(server, request("GET /public", [*several, "X: 1"], b""))
    assert told.status == 431
    assert "64 headers" in told.error["message"]


@pytest.mark.parametrize("where", ["line", "value", "name"])
async def test_lines_have_a_length(server: Small, where: str) -> None:
    """R04, P29: and the answer repeats nothing of them."""
    long = "a" * (MAX_LINE_BYTES + 1)
    line = f"GET /{long}" if where == "line" else "GET /public"
    headers = {"line": [], "value": [f"X: {long}"], "name": [f"{long}: 1"]}[where]
    told = await asked(server, request(line, headers, b""))

    assert told.status == 431
    assert b"aaa" not in told.body


async def test_a_line_at_the_limit_is_read(server: Small) -> None:
    """R04: 8190 bytes of a value."""
    assert (await asked(server, request("GET /public", ["X: " + "a" * 8180], b""))).status == 200


BAD = {
    "length and chunks": request(
        "POST /echo", [JSON, "Content-Length: 2", "Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n"
    ),
    "two lengths": request("POST /echo", [JSON, "Content-Length: 2", "Content-Length: 3"], b"{} "),
    "a length that is none": request("POST /echo", [JSON, "Content-Length: +2"], b"{}"),
    "an endless length": request("POST /echo", [JSON, "Content-Length: 99999999999999999999999"], b"{}"),
    "another coding": request("POST /echo", [JSON, "Transfer-Encoding: chunked, identity"], b"0\r\n\r\n"),
    "a bad chunk": request("POST /echo", [JSON, "Transfer-Encoding: chunked"], b"zz\r\n{}\r\n0\r\n\r\n"),
    "two hosts": request("GET /public", ["Host: localhost"], b""),
    "no host": request("GET /public", [], b"", host=None),
    "a space before the colon": request("GET /public", ["X : 1"], b""),
    "a folded header": request("GET /public", ["X: 1", " 2"], b""),
    "a control character": request("GET /public", ["X: hunter2\0"], b""),
    "a control character in the line": request("GET /public?hunter2\0", [], b""),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hunter2\r\n\r\n",
    "another method": request("BREW /hunter2", [], b""),
    "no path": request("GET *", [], b""),
    "another protocol": b"SSH-2.0-hunter2\r\n\r\n",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
async def test_what_is_no_request(
    server: Small, data: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """R04, R05, P24: 400 in OpenAI's form, closed, and nothing that stands behind is a request. It is
    repeated neither to the client nor in the log, where it is one line."""
    behind = request("GET /public", [], b"")
    log = kept_log()
    answer = await sent(server, data + behind)
    told = parsed(answer)

    assert (told.status, told.error["type"]) == (400, "invalid_request_error")
    assert answer.count(b"HTTP/1.") == 1
    assert b"hunter2" not in answer
    assert log.getvalue().count("\n") == log.getvalue().count('"event": "refused"') == 1
    assert "hunter2" not in log.getvalue() + caplog.text + "".join(capfd.readouterr())


async def test_requests_one_behind_the_other(server: Small) -> None:
    """R05: each is answered for itself, in their order; a body is never taken for a request."""
    inner = request("GET /nothing", [], b"")
    first = request("POST /echo", [JSON], b'{"a":"' + inner.replace(b"\r\n", b"\\n") + b'"}')
    answers = await sent(
        server, first.replace(b"Connection: close\r\n", b"") + request("GET /public", [], b"")
    )

    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert b"HTTP/1.1 404" not in answers
    assert answers.index(b'"here": "echo"') < answers.index(b'"here": "public"')


async def test_an_idle_connection_is_kept_for_a_while(server: Small) -> None:
    """The next request may come on it; then it is closed."""
    kept = request("GET /public", [], b"").replace(b"Connection: close\r\n", b"")
    async with await connected(server) as stream:
        for _ in range(2):
            await stream.send(kept)
            assert (await stream.receive()).startswith(b"HTTP/1.1 200 ")

        assert await rest_of(stream) == b""


async def test_a_client_that_leaves_ends_its_handler() -> None:
    """P11: in silence too."""
    begun, left = anyio.Event(), anyio.Event()

    async def silent(_request: web.Request) -> web.Response:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            left.set()
        return web.Response()

    app = web.Application()
    app[GATEWAY] = Gateway(loaded(backend("openai", "http://127.0.0.1:9")))
    app.router.add_get("/", silent)
    serving = runner_for(app)
    await serving.setup()
    await web.TCPSite(serving, "127.0.0.1", 0).start()
    try:
        async with await anyio.connect_tcp("127.0.0.1", serving.addresses[0][1]) as stream:
            await stream.send(request("GET /", [], b""))
            await begun.wait()
        with anyio.fail_after(1):
            await left.wait()
        assert left.is_set()
    finally:
        await serving.cleanup()


@pytest.mark.parametrize("kind", ["header", "body"])
async def test_slow_clients_do_not_hold_up_others(server: Small, kind: str) -> None:
    """S13: two hundred that have begun and go on with nothing, and one in a hurry."""
    half = request("POST /echo", [JSON], b"{}")[: -1 if kind == "body" else -30]
    async with anyio.create_task_group() as group:

        async def slow() -> None:
            async with await connected(server) as stream:
                await stream.send(half)
                await anyio.sleep_forever()

        for _ in range(200):
            group.start_soon(slow)
        await anyio.sleep(0.1)
        with anyio.fail_after(1):
            assert (await asked(server, request("GET /public", [], b""))).status == 200
        group.cancel_scope.cancel()


def test_a_bug_outside_of_every_handler_says_nothing() -> None:
    """S10: its kind is in the log, and its text nowhere."""
    log = kept_log()
    connection: Any = None
    bug = RuntimeError("hunter2")
    asked_for = make_mocked_request("GET", "/", writer=Mock(output_size=0))
    response = Connection.handle_error(connection, asked_for, 500, bug, "hunter2")
    Connection.log_exception(connection, "Unhandled exception", exc_info=bug)

    assert isinstance(response, web.Response)
    assert (response.status, response.keep_alive) == (500, False)
    assert isinstance(response.body, bytes)
    assert b"hunter2" not in response.body
    assert "hunter2" not in log.getvalue()
    assert log.getvalue().count("RuntimeError") == 2


def test_an_answer_that_has_begun_is_not_followed_by_another() -> None:
    """The connection is all that can still be ended."""
    connection: Any = None
    half_answered = make_mocked_request("GET", "/", writer=Mock(output_size=1))

    with pytest.raises(ConnectionError, match="no room"):
        Connection.handle_error(connection, half_answered, 500, RuntimeError(), None)
