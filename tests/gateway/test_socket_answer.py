"""One answer on a websocket: what becomes of it in the gateway's own books."""

from collections.abc import Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.gateway.configured import backend, loaded
from tokenweir.gateway.gateway import GATEWAY, Gateway
from tokenweir.gateway.reader import Reader
from tokenweir.gateway.refused import SHUTTING_DOWN, Refused
from tokenweir.gateway.socket_answer import SocketAnswer
from tokenweir.pipeline.errors import ReceiverLeftError, SinkError
from tokenweir.pipeline.events import Delta, End, Event, Failure
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio

HI = {"messages": [{"role": "user", "content": "Hi"}]}


class Kept:
    """A sink that keeps its events, and at the first text fails, or is slow, where it is told to."""

    def __init__(self, *, fails: SinkError | None = None, slow: bool = False) -> None:
        self.events: list[Event] = []
        self.begun, self.goes_on = anyio.Event(), anyio.Event()
        self.whole = 0
        self._fails = fails
        if not slow:
            self.goes_on.set()

    async def send(self, batch: Sequence[Event]) -> None:
        self.events += batch
        if any(isinstance(event, Delta) for event in batch):
            self.begun.set()
            await self.goes_on.wait()
            if self._fails is not None:
                raise self._fails
            self.whole += 1

    async def aclose(self) -> None:
        """Nothing to close."""


def answer_of(gateway: Gateway, **options: Any) -> SocketAnswer:
    """An answer that has not begun."""
    app = web.Application()
    app[GATEWAY] = gateway
    request = make_mocked_request("GET", "/v1/stream", app=app)
    return SocketAnswer(request, {**HI, **options}, Reader(request.transport, 30.0))


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
            await answer_of(gateway).run(Kept(fails=ReceiverLeftError("it has left")))
        assert (len(gateway.live), slots.taken) == (0, 0)
        assert [answer.outcome for answer in gateway.live.recent] == ["cancelled", "error"]
        with anyio.fail_after(1):
            await gateway.setup.aclose()
            await server.until_idle()


async def test_who_takes_no_byte_is_told_from_who_left() -> None:
    """P3, P14: by the sink's own watch, and where the connection was cut for it while nothing was sent."""
    gateway = Gateway(loaded({"inference": {"provider": "simulator"}}))
    late = SinkError(Failure("timeout", "no byte for 30 s", "write"))
    cut = answer_of(gateway)
    cut.reader.dead = True
    for answer, fault in (
        (answer_of(gateway), late),
        (cut, ReceiverLeftError("gone")),
        (answer_of(gateway), SinkError(Failure("sink", "odd"))),
    ):
        with pytest.raises(SinkError):
            await answer.run(Kept(fails=fault))
    await gateway.setup.aclose()

    told = [(note.outcome, note.failure and note.failure.kind) for note in gateway.live.recent]
    assert told == [("error", "sink"), ("timeout", "timeout"), ("timeout", "timeout")]


async def test_a_write_is_not_cut_short() -> None:
    """P19: an answer that is stopped during one ends behind it, with its end."""
    async with Simulator(Quirks(rate=100)) as server:
        gateway = Gateway(loaded(backend("openai-compatible", server.url + "/v1")))
        answer, kept = answer_of(gateway), Kept(slow=True)
        async with anyio.create_task_group() as group:
            group.start_soon(answer.run, kept)
            await kept.begun.wait()
            answer.stop(SHUTTING_DOWN)
            await anyio.lowlevel.checkpoint()
            assert (len(gateway.live), kept.whole) == (1, 0)
            kept.goes_on.set()
        await gateway.setup.aclose()

    assert kept.whole == 1
    assert kept.events[-1] == End("error", SHUTTING_DOWN)


async def test_what_was_stopped_and_not_taken_was_stopped() -> None:
    """P3: a shutdown that cuts who does not read is told as one."""
    gateway = Gateway(loaded({"inference": {"provider": "simulator"}}))
    answer, kept = answer_of(gateway), Kept(fails=SinkError(Failure("sink", "halfway")), slow=True)

    async def stop() -> None:
        await kept.begun.wait()
        answer.stop(SHUTTING_DOWN)
        kept.goes_on.set()

    async with anyio.create_task_group() as group:
        group.start_soon(stop)
        with pytest.raises(SinkError):
            await answer.run(kept)
    await gateway.setup.aclose()

    assert (gateway.live.recent[0].outcome, gateway.live.recent[0].failure) == ("error", SHUTTING_DOWN)


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
