"""One answer on a websocket: what becomes of it in the gateway's own books."""

from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.gateway.configured import backend, loaded
from tokenweir.gateway.gateway import GATEWAY, Gateway
from tokenweir.gateway.refused import Refused
from tokenweir.gateway.socket_answer import SHUTTING_DOWN, SocketAnswer
from tokenweir.pipeline.errors import ReceiverLeftError
from tokenweir.pipeline.events import Delta, End, Event
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio

HI = {"messages": [{"role": "user", "content": "Hi"}]}


class Kept:
    """A sink that keeps its events, and leaves at the first text where it is told to."""

    def __init__(self, *, leaves: bool = False) -> None:
        self.events: list[Event] = []
        self.begun = anyio.Event()
        self._leaves = leaves

    async def send(self, batch: Sequence[Event]) -> None:
        self.events += batch
        if any(isinstance(event, Delta) for event in batch):
            self.begun.set()
            if self._leaves:
                raise ReceiverLeftError("it has left")

    async def aclose(self) -> None:
        """Nothing to close."""


def answer_of(gateway: Gateway, **options: Any) -> SocketAnswer:
    """An answer that has not begun."""
    app = web.Application()
    app[GATEWAY] = gateway
    return SocketAnswer(make_mocked_request("GET", "/v1/stream", app=app), {**HI, **options})


async def test_an_answer_is_noted_and_its_place_is_free_again() -> None:
    """P18: whatever became of it: complete, stopped, left."""
    async with Simulator(Quirks(rate=100)) as server:
        gateway = Gateway(loaded(backend("openai-compatible", server.url + "/v1", max_concurrent=1)))
        slots = gateway.setup.backends["inference"].slots

        stopped, kept = answer_of(gateway), Kept()
        async with anyio.create_task_group() as group:
            group.start_soon(stopped.run, kept)
            await kept.begun.wait()
            assert (len(gateway.live), slots.taken) == (1, 1)
            stopped.stop(SHUTTING_DOWN)
        assert kept.events[-1] == End("error", SHUTTING_DOWN)

        with pytest.raises(ReceiverLeftError):
            await answer_of(gateway).run(Kept(leaves=True))
        assert (len(gateway.live), slots.taken) == (0, 0)
        assert [answer.outcome for answer in gateway.live.recent] == ["cancelled", "error"]
        with anyio.fail_after(1):
            await gateway.setup.aclose()
            await server.until_idle()


async def test_each_request_uses_the_configuration_in_force() -> None:
    """A socket may outlive it."""
    gateway = Gateway(loaded({"inference": {"provider": "simulator", "options": {"text": "Old."}}}))
    old, kept = gateway.setup, Kept()
    answer = answer_of(gateway)
    gateway.setup = Gateway(loaded({"inference": {"provider": "simulator"}})).setup
    await answer.run(kept)
    await old.aclose()
    await gateway.setup.aclose()

    assert "".join(event.text for event in kept.events if isinstance(event, Delta)) == "Old."


async def test_what_a_backend_cannot_do_is_refused() -> None:
    """Before anything was sent."""
    gateway = Gateway(loaded(backend("anthropic", "http://127.0.0.1:9/v1", default_model="m")))
    answer = answer_of(gateway, logit_bias={"1": 1})
    with pytest.raises(Refused) as refused:
        await answer.run(Kept())
    await gateway.setup.aclose()

    assert refused.value.status == 400
    assert gateway.live.recent[0].outcome == "refused"
