"""Servers on this machine, found by looking."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from tests import servers
from tests.servers import Visit
from tokenweir.doctor.ports import Found, look_around
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


def port(url: str) -> int:
    """The port in a URL."""
    return urlsplit(url).port or 0


def providers(found: Sequence[Found]) -> list[str]:
    """Whom they are asked as."""
    return [one.server.provider for one in found]


async def test_what_is_there_is_found() -> None:
    """In the order of the ports; who is no server of models is left out, and so is nobody."""
    page = servers.reply("200 OK", b"<html>my own web site</html>", kind="text/html")
    async with (
        Simulator(Quirks(provider="lmstudio")) as studio,
        Simulator(Quirks(provider="ollama")) as ollama,
        servers.serve(page) as site,
    ):
        found = await look_around([1, port(site.url), port(ollama.url), port(studio.url)], [])

    assert providers(found) == ["ollama", "lmstudio"]
    assert [one.address.root for one in found] == [ollama.url, studio.url]


async def test_lm_studio_without_its_server() -> None:
    """Its application greets on a port of its own; where its server answers too, that is the one."""
    async with (
        Simulator(Quirks(provider="lmstudio")) as app,
        Simulator(Quirks(provider="lmstudio")) as server,
    ):
        alone = await look_around([1], [port(app.url)])
        both = await look_around([port(server.url)], [port(app.url)])

    assert [one.address.root for one in alone] == [app.url]
    assert [one.address.root for one in both] == [server.url]


async def test_nothing_secret_is_sent_and_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """GETs without any credential."""
    for variable in ("OPENAI_API_KEY", "LM_API_TOKEN"):
        monkeypatch.setenv(variable, "of-the-environment")
    asked: list[bytes] = []

    async def note(visit: Visit) -> None:
        while True:
            asked.append(await visit.asked())
            visit.send(servers.head("404 Not Found", "Content-Length: 0"))

    async with servers.serve(note) as server:
        found = await look_around([port(server.url)], [])

    assert found == []
    assert asked
    assert all(one.startswith(b"GET ") and b"uthorization" not in one for one in asked)
    assert b"of-the-environment" not in b"".join(asked)


async def test_a_server_that_says_no_name() -> None:
    """A list of models in OpenAI's form is enough."""

    async def models(visit: Visit) -> None:
        while True:
            body = b'{"data": [{"id": "m"}]}' if b" /v1/models " in await visit.asked() else b"{}"
            visit.send(servers.head("200 OK", f"Content-Length: {len(body)}", kind="application/json") + body)

    async with servers.serve(models) as server:
        found = await look_around([port(server.url)], [])

    assert providers(found) == ["openai-compatible"]
