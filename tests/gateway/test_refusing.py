"""Whatever goes wrong, a client gets OpenAI's form of an error."""

import pytest
from aiohttp import web

from tests.gateway.configured import backend
from tests.gateway.serving import CHAT, HI, gateway, get, post
from tokenweir.gateway import chat
from tokenweir.gateway.gateway import REQUEST_ID, SETUP

pytestmark = pytest.mark.anyio

NOBODY = backend("openai-compatible", "http://127.0.0.1:9")


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/chat", "/v2/models", "//v1/models"])
async def test_no_such_path_is_json(path: str) -> None:
    """R13: 404, and what was asked for."""
    async with gateway(NOBODY | {"server": {"page": False}}) as server:
        got = await get(server.url + path)

    assert got.status == 404
    assert set(got.json["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/models", "/v1/models"),
    ],
)
async def test_a_path_that_is_nearly_right_is_corrected(path: str, meant: str) -> None:
    """A base URL without `/v1` is the commonest mistake."""
    async with gateway(NOBODY) as server:
        got = await post(server.url + path, {})

    assert got.status == 404
    assert got.json["error"]["message"].endswith(f"did you mean {meant}?")


async def test_no_such_method_says_which_there_are() -> None:
    """R13: 405, with `Allow`."""
    async with gateway(NOBODY) as server:
        got = await get(server.url + CHAT)

    assert (got.status, got.headers["Allow"]) == (405, "POST")
    assert "POST" in got.json["error"]["message"]


async def test_a_bug_tells_the_client_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """S10: an id by which the log tells more."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("sk-canary in a variable")

    monkeypatch.setattr(chat, "read_chat", broken)
    async with gateway(NOBODY) as server:
        got = await post(server.url + CHAT, {**HI})

    assert got.status == 500
    assert "canary" not in got.text
    assert "request " in got.json["error"]["message"]


async def test_each_request_has_an_id_and_the_configuration_of_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R14: 128 bits, made here; C12: and the configuration stays the same for it."""
    seen: list[tuple[str, object]] = []

    async def look(request: web.Request, *_: object) -> web.Response:
        seen.append((request[REQUEST_ID], request[SETUP]))
        return web.json_response({})

    monkeypatch.setattr(chat, "answer", look)
    async with gateway(NOBODY) as server:
        for _ in range(2):
            await post(server.url + CHAT, {**HI, "model": "m"}, {"X-Request-Id": "mine"})
        setup = server.gateway.setup

    assert len({name for name, _ in seen}) == 2
    assert all(len(name) == 32 and found is setup for name, found in seen)
    assert setup.unused.is_set()
