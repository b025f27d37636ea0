"""Whether a request is let in: over sockets, as bytes."""

from collections.abc import AsyncIterator

import pytest

from tests.gateway.raw import asked, connected, parsed, request, rest_of, sent
from tests.gateway.small import ROUTES, Small, small
from tokenweir.gateway import runner
from tokenweir.gateway.endpoint import Endpoint
from tokenweir.gateway.gateway import Phase
from tokenweir.gateway.host import host_of

pytestmark = pytest.mark.anyio

KEYS = {"laptop": b"sk-laptop", "phone": b"sk-phone"}
PAGE = "https://chat.example.org"
JSON = "Content-Type: application/json"
KEY = "Authorization: Bearer sk-laptop"


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not read of a refused body is not waited for."""
    monkeypatch.setattr(runner, "LINGER", 0.01)


@pytest.fixture
async def server() -> AsyncIterator[Small]:
    """One that anybody may ask."""
    async with small() as one:
        yield one


@pytest.fixture
async def locked() -> AsyncIterator[Small]:
    """One with keys, for one page."""
    async with small(KEYS, server={"allowed_origins": [PAGE]}) as one:
        yield one


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1.", 200),
        ("LOCALHOST:80", 200),
        ("[::1]:80", 200),
        ("evil.test", 421),
        ("0.0.0.0", 421),  # noqa: S104 - a name that is sent
        ("2130706433", 421),
        ("localhost.evil.test", 421),
        ("evil.test@localhost", 421),
        ("", 421),
        ("evil\udcff<b>", 421),
        ("a" * 255 + "b", 421),
        ("localhost\r\nHost: localhost", 400),
        ("localhost, evil.test", 421),
        (None, 400),
    ],
)
@pytest.mark.parametrize("line", ["GET /public", "POST /echo", "GET /nothing", "DELETE /echo"])
async def test_only_for_its_own_names(server: Small, host: str | None, status: int, line: str) -> None:
    """S01, S04, R04: on every route and where there is none, the open ones too, and told what would help."""
    told = await asked(server, request(line, [JSON], b"{}", host=host))

    if status == 200:
        assert told.status == {"GET /nothing": 404, "DELETE /echo": 405}.get(line, 200)
    else:
        assert told.status == status
    if status == 421:
        assert host is not None
        name = host_of(host)
        assert "server.allowed_hosts" in told.error["message"]
        assert (f"the name {name!r}" in told.error["message"]) is (name is not None)


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "file://", "chrome-extension://x", "http://localhost:1"]
)
@pytest.mark.parametrize(
    "line", ["GET /public", "POST /echo", "GET /nothing", "OPTIONS /echo", "HEAD /public"]
)
async def test_no_foreign_page_gets_in(server: Small, origin: str, line: str) -> None:
    """S02, S03, P26: whatever the method, an upgrade to a websocket too; and no header lets it read that."""
    headers = [JSON, f"Origin: {origin}", "Access-Control-Request-Method: POST"]
    upgrade = [
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ]
    for more in ([], upgrade if line.startswith("GET") else []):
        told = await asked(server, request(line, [*headers, *more], b"{}"))

        assert told.status == 403
        assert not any(name.startswith("access-control") for name in told.headers)


async def test_its_own_page_gets_in(server: Small) -> None:
    """Without any header of CORS: it needs none."""
    told = await asked(
        server, request("POST /echo", [JSON, "Origin: http://localhost:3000"], b"{}", host="localhost:3000")
    )

    assert told.status == 200
    assert not any(name.startswith("access-control") for name in told.headers)


async def test_a_page_of_the_list_gets_in(locked: Small) -> None:
    """And may read the answers, refusals too; caches keep them apart."""
    for headers, status in (([KEY], 200), ([], 401)):
        told = await asked(locked, request("POST /echo", [JSON, f"Origin: {PAGE}", *headers], b"{}"))
        assert (told.status, told.headers["access-control-allow-origin"]) == (status, PAGE)
        assert "Origin" in told.headers["vary"]
        assert "X-Request-Id" in told.headers["access-control-expose-headers"]

    assert "Origin" in (await asked(locked, request("GET /public", [], b""))).headers["vary"]


async def test_a_preflight_needs_no_key(locked: Small) -> None:
    """D16: a browser sends none with it. It is answered where there is something, and for no other page."""
    asks = [
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: authorization,content-type",
    ]
    told = await asked(locked, request("OPTIONS /echo", [*asks, f"Origin: {PAGE}"], b""))

    assert (told.status, told.body) == (204, b"")
    assert told.headers["access-control-allow-origin"] == PAGE
    assert "Authorization" in told.headers["access-control-allow-headers"]
    assert (
        await asked(locked, request("OPTIONS /echo", [*asks, "Origin: https://evil.test"], b""))
    ).status == 403
    assert (await asked(locked, request("OPTIONS /nothing", [*asks, f"Origin: {PAGE}"], b""))).status == 401
    assert (await asked(locked, request("OPTIONS /echo", [KEY], b""))).status == 405


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ([], False),
        (["Authorization: Bearer wrong"], False),
        (["Authorization: Bearer \udcff\udcfe"], False),
        (["Authorization: Basic sk-laptop"], False),
        (["x-api-key: sk-laptop"], False),
        (["Cookie: key=sk-laptop"], False),
        (["Proxy-Authorization: Bearer sk-laptop"], False),
        ([KEY, KEY], False),
        ([KEY], True),
        (["authorization: bearer sk-phone"], True),
    ],
)
async def test_every_route_but_the_open_ones_needs_a_key(
    locked: Small, route: Endpoint, headers: list[str], *, known: bool
) -> None:
    """R11, S15, P27: the table of routes against the ways to have a key, or not."""
    told = await asked(locked, request(f"{route.method} {route.path}", [JSON, *headers], b"{}"))

    if known or route.open:
        assert told.status == (500 if route.path == "/metrics" else 200)
    else:
        assert (told.status, told.headers["www-authenticate"]) == (401, "Bearer")
        assert told.error["code"] == "invalid_api_key"


async def test_whose_key_it_was(locked: Small, server: Small) -> None:
    """Its name goes on; where no keys are configured there is none."""
    assert b'"client": "laptop"' in (await asked(locked, request("GET /private", [KEY], b""))).body
    assert b'"client": null' in (await asked(server, request("GET /private", [KEY], b""))).body


@pytest.mark.parametrize(
    "target",
    [
        "//private",
        "/private/",
        "/./private",
        "/x/../private",
        "/%2e/private",
        "/%2e%2e/private",
        "/private%2f",
        "/PRIVATE",
        "/private;x",
    ],
)
async def test_a_trick_in_the_path_leads_nowhere(locked: Small, target: str) -> None:
    """R12: without a key it is 401 as everything is, and with one there is nothing."""
    assert (await asked(locked, request(f"GET {target}", [], b""))).status == 401
    assert (await asked(locked, request(f"GET {target}", [KEY], b""))).status == 404


@pytest.mark.parametrize(
    "target", ["/public/../private", "/%70rivate", "/private?/public", "/private#/public"]
)
async def test_what_counts_is_the_route_that_matched(locked: Small, target: str) -> None:
    """R12: an open path within the address opens nothing."""
    assert (await asked(locked, request(f"GET {target}", [], b""))).status in (400, 401)


@pytest.mark.parametrize("target", ["http://localhost/private", "http://evil.test/public"])
async def test_it_is_no_proxy(locked: Small, target: str) -> None:
    """R12, P25: an address in place of a path is asked of nobody."""
    assert (await asked(locked, request(f"GET {target}", [KEY], b""))).status == 404


async def test_a_key_in_the_address_is_refused(locked: Small) -> None:
    """R11: even where the right one is in the header too, and it is not repeated."""
    told = await asked(locked, request("GET /private?api_key=sk-laptop", [KEY], b""))

    assert told.status == 400
    assert b"sk-laptop" not in told.body


async def test_nothing_is_read_of_those_who_may_not_be_here(locked: Small) -> None:
    """P27, R16: neither a body nor the promise of one: nobody is asked to send it."""
    head = request("POST /echo", [JSON, "Expect: 100-continue"], b"x" * 1000).partition(b"\r\n\r\n")[0]
    async with await connected(locked) as stream:
        await stream.send(head + b"\r\n\r\n")
        answer = await rest_of(stream)

    assert parsed(answer).status == 401
    assert b"100 Continue" not in answer


@pytest.mark.parametrize(
    ("line", "status", "allowed"),
    [
        ("GET /nothing", 404, None),
        ("GET /", 404, None),
        ("GET /echo", 405, "POST"),
        ("DELETE /private", 405, "GET"),
        ("TRACE /private", 405, "GET"),
        ("PATCH /private", 405, "GET"),
        ("OPTIONS /private", 405, "GET"),
    ],
)
async def test_no_such_route_or_method(server: Small, line: str, status: int, allowed: str | None) -> None:
    """R13: in OpenAI's form, with what is allowed."""
    told = await asked(server, request(line, [], b""))

    assert (told.status, told.headers.get("allow")) == (status, allowed)
    assert told.error["type"] == "invalid_request_error"


async def test_head_has_no_body(server: Small) -> None:
    """D16: and is no way around anything."""
    told = await asked(server, request("HEAD /private", [], b""))

    assert (told.status, told.body) == (405, b"")


async def test_an_old_client_is_answered(server: Small) -> None:
    """D16: HTTP/1.0, whose answer ends with its connection; it must say a Host too."""
    old = request("GET /public", [], b"").replace(b"HTTP/1.1", b"HTTP/1.0")

    assert (await asked(server, old)).status == 200
    assert (await asked(server, old.replace(b"Host: localhost\r\n", b""))).status == 400


@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
async def test_an_upgrade_that_is_none_of_ours(server: Small, upgrade: str) -> None:
    """R16: it is not followed, as HTTP allows; the request is answered as it stands."""
    headers = [f"Upgrade: {upgrade}", "HTTP2-Settings: AAMAAABkAAQAAP__"]
    data = request("GET /private", headers, b"").replace(b"Connection: close", b"Connection: close, Upgrade")

    assert (await asked(server, data)).status == 200


async def test_what_every_answer_says(server: Small) -> None:
    """An id, and what keeps a browser from guessing; refusals too, and bugs without their insides (S10)."""
    for line, status in (("GET /private", 200), ("GET /nothing", 404), ("GET /metrics", 500)):
        told = await asked(server, request(line, [], b""))
        assert told.status == status
        assert len(told.headers["x-request-id"]) == 32
        assert (told.headers["x-content-type-options"], told.headers["server"]) == ("nosniff", "tokenweir")
        assert told.headers["referrer-policy"] == "no-referrer"
        assert b"hunter2" not in told.body


async def test_while_draining_nothing_new_begins(locked: Small) -> None:
    """P19: 503, and the connection ends; what tells how it goes stays, and a key is needed as ever."""
    locked.gateway.phase = Phase.DRAINING
    kept = request("GET /private", [KEY], b"").replace(b"Connection: close\r\n", b"")
    told = parsed(await sent(locked, kept))

    assert (told.status, told.headers["connection"]) == (503, "close")
    assert told.error["code"] == "shutting_down"
    assert int(told.headers["retry-after"]) >= 1
    assert (await asked(locked, request("GET /public", [], b""))).status == 200
    assert (await asked(locked, request("GET /metrics", [KEY], b""))).status == 500
    assert (await asked(locked, request("GET /private", [], b""))).status == 401
