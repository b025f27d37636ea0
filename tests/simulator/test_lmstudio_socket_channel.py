"""How a channel of LM Studio's websocket ends, on a real socket."""

import pytest

from tests.reader import hear
from tests.simulator.test_lmstudio_socket import backend
from tokenweir import Pipeline, connect

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp's server runs on asyncio."""
    return "asyncio"


@pytest.mark.parametrize("fault", ["cut", "reset"])
async def test_it_breaks(fault: str) -> None:
    """The client gets what was sent before, and the server has noted what it did."""
    async with backend(fault=fault, fault_after=6) as server:
        async with connect("lmstudio-native", server.url, model="m") as source:
            heard = await hear(Pipeline(source).stream("Hi"))
        await server.until_idle()
        exchange = server.log[-1]

    assert heard.end.outcome == "truncated"
    assert heard.text == "A weir"
    assert (exchange.outcome, exchange.status, exchange.model) == ("cut", 101, "m")
    assert exchange.bytes_written > 0


async def test_it_stalls_until_it_is_closed() -> None:
    """Closing the simulator does not wait for it."""
    async with backend(fault="stall", fault_after=6) as server:
        async with connect("lmstudio-native", server.url, model="m") as source:
            stream = Pipeline(source).stream("Hi", check=False)
            async with stream:
                text = ""
                async for event in stream:
                    text += getattr(event, "text", "")
                    if text.endswith(" weir"):
                        await server.aclose()
            assert stream.end is not None
            assert stream.end.outcome == "truncated"
        assert [exchange.outcome for exchange in server.log] == ["stopped"]
