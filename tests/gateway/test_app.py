"""The table of routes, and who gets through to each."""

import aiohttp
import pytest

from tests.gateway.configured import backend
from tests.gateway.serving import gateway
from tokenweir.gateway.app import ROUTES
from tokenweir.gateway.endpoint import Endpoint

pytestmark = pytest.mark.anyio

NOBODY = backend("openai-compatible", "http://127.0.0.1:9")
KEYS = {"alice": b"sk-alice-0123456789"}
OPEN = {"/", "/page/{name}", "/openapi.json", "/health", "/health/live", "/health/ready"}
"""What tells nothing of anybody, and says whether the gateway is there (P22)."""


def test_what_is_open_is_a_short_list() -> None:
    """P27, S15: everything else needs a key where there are keys."""
    assert {endpoint.path for endpoint in ROUTES if endpoint.open} == OPEN


def test_no_route_hides_another() -> None:
    """The more special of two comes first, as aiohttp tries them in their order."""
    seen: list[Endpoint] = []
    for endpoint in ROUTES:
        hidden = [e for e in seen if e.method == endpoint.method and e.path == endpoint.path]
        assert not hidden, endpoint.path
        seen.append(endpoint)
    paths = [endpoint.path for endpoint in ROUTES]
    assert paths.index("/v1/models/{id:.+}/status") < paths.index("/v1/models/{id:.+}")


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer sk-alice-012345678"}], ids=["none", "wrong"]
)
async def test_every_other_route_wants_a_key(headers: dict[str, str]) -> None:
    """P27: the matrix is made of the router itself."""
    async with gateway(NOBODY, KEYS) as server, aiohttp.ClientSession(headers=headers) as session:
        for endpoint in ROUTES:
            path = endpoint.path.replace("{id:.+}", "a/b").replace("{name}", "page.js")
            async with session.request(endpoint.method, server.url + path, allow_redirects=False) as answer:
                assert (answer.status == 401) is (not endpoint.open), (endpoint.path, answer.status)
                if answer.status == 401:
                    assert (await answer.json())["error"]["type"] == "authentication_error"
                    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_every_response_has_an_id() -> None:
    """Refusals too: by it, the log tells more."""
    async with gateway(NOBODY) as server, aiohttp.ClientSession() as session:
        for path in ("/health", "/nowhere"):
            async with session.get(server.url + path) as answer:
                assert len(answer.headers["X-Request-Id"]) == 32
