"""Backends where none was configured: the servers on this machine, else the simulator's model.

Law of this file: loopback alone is looked at, nothing is generated, and what was chosen is said.
"""

from collections.abc import Awaitable, Callable, Sequence

from tokenweir.config.schema import Backend, Config
from tokenweir.doctor.ports import Found, look_around

Look = Callable[[], Awaitable[Sequence[Found]]]


async def find_backends(look: Look = look_around) -> tuple[Config, str]:
    """A configuration with the local servers as its `backends`, in the order of their ports, and the words
    that say which; where there are none, with the simulator's model. A second server of one kind has its
    port in its name."""
    backends: dict[str, Backend] = {}
    said: list[str] = []
    for found in await look():
        provider = found.server.provider
        name = provider if provider not in backends else f"{provider}-{found.address.root.rpartition(':')[2]}"
        backends[name] = Backend(provider=provider, base_url=found.address.base_url(provider))
        said.append(f"{name} ({found.server} at {found.address.root})")
    if backends:
        return Config(backends=backends), f"found {', '.join(said)}"
    simulator = {"simulator": Backend(provider="simulator")}
    return Config(
        backends=simulator
    ), "found no server of models on this machine: serving the simulator's model"
