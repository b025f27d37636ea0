"""Local servers, found on the ports that they usually have.

Law of this file: loopback alone, GETs alone, no key at all, and a second each: whoever answers there was
not named by anybody.
"""

from collections.abc import Iterable, Sequence

import anyio
from msgspec import Struct

from tokenweir.doctor.address import Address
from tokenweir.doctor.hearing import Bounds
from tokenweir.doctor.signs import Server, Sign, recognise
from tokenweir.doctor.survey import read_signs, signs_of
from tokenweir.pipeline.connection import Transport
from tokenweir.pipeline.json_value import as_list, as_object

PORTS = (1234, 11434, 8080, 8000, 5000, 1337, 4891, 5001, 9931)
"""LM Studio, Ollama, llama-server and its kin, vLLM and its kin, and what else runs models."""

APP_PORTS = (41343, 52993, 16141, 39414, 22931)
"""Where LM Studio's application greets, its server running or not (PROTOCOLS 3.5)."""

_BOUNDS = Bounds(short=1.0, size=1024 * 1024)


class Found(Struct, frozen=True):
    """A server at a local address."""

    address: Address
    server: Server


async def look_around(
    ports: Iterable[int] = PORTS, app_ports: Iterable[int] = APP_PORTS, transport: Transport | None = None
) -> Sequence[Found]:
    """The servers that are there, in the order of the ports; of LM Studio's application only where no
    server of it answers."""
    seen: dict[int, Found] = {}
    usual, hidden = tuple(ports), tuple(app_ports)

    async def look(port: int) -> None:
        address = Address(f"http://127.0.0.1:{port}", local=True)
        signs = read_signs(await signs_of(address, None, _BOUNDS, transport))
        server = recognise(signs) or _unnamed(signs)
        if server is not None:
            seen[port] = Found(address, server)

    async with anyio.create_task_group() as group:
        for port in (*usual, *hidden):
            group.start_soon(look, port)
    listed = [seen[port] for port in usual if port in seen]
    greeting = [seen[port] for port in hidden if port in seen and seen[port].server.provider == "lmstudio"]
    if any(found.server.provider == "lmstudio" for found in listed):
        return listed
    return listed + greeting[:1]


def _unnamed(signs: dict[str, Sign]) -> Server | None:
    """A server with a list of models in OpenAI's form; what else answers there is no model's server."""
    models = signs.get("/v1/models")
    listed = as_list(as_object(models.value).get("data")) if models is not None else []
    return Server("an OpenAI-compatible server", "openai-compatible") if listed else None
