"""`tokenweir simulate` without its command line."""

import anyio
import pytest
from structlog.testing import capture_logs

from tests.simulator.raw import STREAM, post
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.serve import serve
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


async def test_it_serves_until_cancelled_and_logs_each_request() -> None:
    """One line when it listens and one for each request; event names never vary, text is a value (S07)."""
    with capture_logs() as lines:
        async with anyio.create_task_group() as tasks:
            url = await tasks.start(serve, Quirks(fault="cut", provider="lmstudio"))
            answer = await post(url, {**STREAM, "model": "\n[error] forged"})
            await post(url, b"{}")
            tasks.cancel_scope.cancel()
            first, second, third = ({**line, "seconds": None} for line in lines)

            assert first == {
                "event": "simulator.listening",
                "log_level": "info",
                "url": url,
                "provider": "lmstudio",
                "fault": "cut",
                "seconds": None,
            }
            assert second == {
                "event": "simulator.request",
                "log_level": "info",
                "model": "simulated-model",
                "status": 200,
                "outcome": "cut",
                "bytes": len(answer.body),
                "seconds": None,
            }
            assert (third["event"], third["status"]) == ("simulator.request", 400)


async def test_it_stops_listening_when_cancelled() -> None:
    """Nobody answers afterwards."""
    urls: list[str] = []
    async with anyio.create_task_group() as tasks:
        urls.append(await tasks.start(serve, Quirks()))
        tasks.cancel_scope.cancel()

    with pytest.raises(OSError, match="connect"):
        await post(urls[0], STREAM)


async def test_a_port_that_is_taken_is_told() -> None:
    """C11: the command line gets the OSError as it is."""
    async with Simulator() as server:
        with pytest.raises(OSError, match="address already in use"):
            await serve(Quirks(), port=int(server.url.rpartition(":")[2]))
