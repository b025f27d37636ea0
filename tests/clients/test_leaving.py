"""Whoever stops listening stops the backend too, in each client's own way of leaving."""

import anyio

from tests.clients.asking import Asking
from tests.clients.gateway_process import GatewayProcess
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import ABOUT

SOON = 2.0
"""Seconds; the whole answer would take five."""


async def until_logged(simulator: Simulator, count: int) -> None:
    """Wait until so many exchanges have ended."""
    with anyio.fail_after(SOON):
        while len(simulator.log) < count:  # noqa: ASYNC110 - it runs in another thread
            await anyio.sleep(0.01)


def test_a_client_that_leaves_frees_the_backend(client: Asking, gateway: GatewayProcess) -> None:
    """P10: after three pieces of a hundred the backend is told, by its closed connection."""
    simulator = gateway.simulators["slow"]
    before = len(simulator.log)
    said = client.ask(gateway, "slow-model", way="leave")
    anyio.run(until_logged, simulator, before + 1)

    assert said.error is None
    assert ABOUT.text.startswith(said.text)
    assert simulator.log[-1].outcome == "client_left"
    assert 0 < simulator.log[-1].bytes_written < 10_000
