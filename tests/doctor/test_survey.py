"""What is told of a place before anything is asked of its models."""

import pytest

from tests import servers
from tests.servers import Script, Visit
from tokenweir.doctor.address import Address, read_address
from tokenweir.doctor.hearing import Bounds
from tokenweir.doctor.survey import Place, survey
from tokenweir.pipeline.sources.profile import Finding
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio
BOUNDS = Bounds(short=1.0)


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


async def surveyed(script: Script, *, local: bool = True) -> tuple[Place, dict[str, Finding]]:
    """A place where a script is played, and what was told of it."""
    told: list[Finding] = []
    async with servers.serve(script) as server:
        place = await survey(Address(server.url, local=local), None, BOUNDS, told.append, may_ask=local)
    return place, {finding.name: finding for finding in told}


def routes(**answers: bytes) -> Script:
    """A server with JSON at some paths (`v1_models`), and 404 elsewhere."""
    known = {b"/" + name.replace("_", "/").encode(): body for name, body in answers.items()}

    async def play(visit: Visit) -> None:
        while True:
            body = known.get((await visit.asked()).split(b" ")[1])
            status = "404 Not Found" if body is None else "200 OK"
            body = body or b"{}"
            visit.send(servers.head(status, f"Content-Length: {len(body)}", kind="application/json") + body)

    return play


async def test_a_simulated_lm_studio_is_one() -> None:
    """The simulator looks like what it plays."""
    told: list[Finding] = []
    async with Simulator(Quirks(provider="lmstudio", models=("a", "b"))) as server:
        place = await survey(read_address(server.url), None, BOUNDS, told.append)

    assert place.server is not None
    assert place.server.provider == "lmstudio"
    assert {"openai-chat", "lmstudio-v1"} <= set(place.faces)
    assert [model.id for model in place.models] == ["a", "b"]
    assert [finding.name for finding in told] == ["server", "faces", "models"]


async def test_a_key_is_wanted() -> None:
    """401 everywhere tells what is missing."""
    place, told = await surveyed(servers.reply("401 Unauthorized", b'{"error": "no key"}'))

    assert place.server is None
    assert "--api-key-env" in told["server"].does


async def test_something_else_is_there() -> None:
    """A web site is no backend."""
    place, told = await surveyed(servers.reply("200 OK", b"<html></html>", kind="text/html"))

    assert place.server is None
    assert told["server"].verdict == "bad"


async def test_models_that_are_not_told() -> None:
    """No list, an empty one, and one that is too long to show."""
    many = b'{"data": [%s]}' % b", ".join(b'{"id": "m%d"}' % number for number in range(20))
    _, missing = await surveyed(routes(running=b'{"running": []}'))
    _, empty = await surveyed(routes(running=b'{"running": []}', v1_models=b'{"data": []}'))
    _, long = await surveyed(routes(running=b'{"running": []}', v1_models=many))

    assert (missing["models"].verdict, empty["models"].verdict) == ("odd", "odd")
    assert empty["models"].said == "none"
    assert long["models"].said.endswith("m7 and 12 more")


async def test_a_known_host_is_not_looked_over() -> None:
    """What it is stands in its name; asking for its models is free."""
    told: list[Finding] = []
    asked: list[bytes] = []

    async def note(visit: Visit) -> None:
        while True:
            asked.append((await visit.asked()).partition(b"\r\n")[0])
            body = b'{"data": [{"id": "gpt"}]}'
            visit.send(servers.head("200 OK", f"Content-Length: {len(body)}", kind="application/json") + body)

    async with servers.serve(note) as server:
        address = Address(server.url, local=False, provider="openai")
        place = await survey(address, None, BOUNDS, told.append, may_ask=False)

    assert asked == [b"GET /v1/models HTTP/1.1"]
    assert (place.faces, [model.id for model in place.models]) == (
        ("openai-chat", "openai-responses"),
        ["gpt"],
    )
