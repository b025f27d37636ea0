"""Once a second, all connections at once."""

from typing import Any

import anyio
import pytest

from tests.gateway.configured import backend, loaded
from tests.virtual import virtual
from tokenweir.gateway.attendant import LOOK, attend
from tokenweir.gateway.gateway import Gateway
from tokenweir.pipeline.clock import running_clock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Virtual time."""
    return virtual("asyncio")


async def test_every_connection_is_looked_at_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """P16; one that is over is not, though it ends during a look. How late a look comes is measured."""
    gateway = Gateway(loaded(backend("openai-compatible", "http://127.0.0.1:9")))
    looks, once = list[float](), list[float]()

    def only_once(now: float) -> None:
        once.append(now)
        gateway.beats.discard(only_once)

    gateway.beats |= {looks.append, only_once}
    late = list[float]()
    monkeypatch.setattr(gateway.metrics, "ticked", late.append)
    began = running_clock()()

    with anyio.move_on_after(3.5 * LOOK):
        await attend(gateway)

    assert looks == pytest.approx([began + LOOK, began + 2 * LOOK, began + 3 * LOOK])
    assert once == looks[:1]
    assert late == pytest.approx([0.0, 0.0, 0.0])


async def test_what_breaks_in_one_look_stops_no_other() -> None:
    """P14: the connection that it was of is not looked at any more, and all others are."""
    gateway = Gateway(loaded(backend("openai-compatible", "http://127.0.0.1:9")))
    looks = list[float]()

    def odd(_now: float) -> None:
        raise KeyError

    gateway.beats |= {odd, looks.append}
    with anyio.move_on_after(2.5 * LOOK):
        await attend(gateway)

    assert len(looks) == 2
    assert gateway.beats == {looks.append}
