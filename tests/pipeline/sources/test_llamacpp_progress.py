"""What llama-server's router tells of a load."""

import anyio
import pytest

from tests.scripted import Attempt, ScriptedTransport
from tests.virtual import virtual
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.sources.llamacpp import LlamaCpp
from tokenweir.pipeline.sources.llamacpp_progress import LoadProgress

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops, in virtual time."""
    return virtual(request.param)


def event(model: str, progress: str, status: str = "loading") -> bytes:
    """One event of `/models/sse`."""
    data = f'{{"status":"{status}","progress":{progress}}}'
    return f'data: {{"model":"{model}","event":"model_status","data":{data}}}\n\n'.encode()


def there(*script: bytes | float | Failure, status: int = 200) -> tuple[LlamaCpp, ScriptedTransport]:
    """A router that tells this."""
    transport = ScriptedTransport(Attempt(status, *script))
    return LlamaCpp("http://llama.test", transport=transport), transport


async def test_the_stages_of_a_load_are_one() -> None:
    """PROTOCOLS 5.1: `value` is that of the current stage; it never falls, and others' are not ours."""
    two = '{"stages":["text_model","mmproj"],"current":"%s","value":%s}'
    source, transport = there(
        event("b", two % ("text_model", "0.5")) + event("a", two % ("mmproj", "0.9")),
        1.0,
        event("b", two % ("mmproj", "0.5")),
        1.0,
        event("b", two % ("text_model", "0.1")) + event("b", '{"value":"odd"}') + b"data: not json\n\n",
        60.0,
    )
    seen: list[float | None] = []

    with LoadProgress(source, "b") as progress:
        await progress.listen()
        for _ in range(3):
            await progress.wait(0.9)
            seen.append(progress.value)

    assert seen == [0.25, 0.75, 0.75]
    assert transport.connections[0].closed == 1


async def test_a_new_state_ends_the_wait() -> None:
    """Then the list is to be asked."""
    source, _ = there(0.25, event("b", "null", "loaded"), 60.0)

    with LoadProgress(source, "b") as progress:
        await progress.listen()
        began = anyio.current_time()
        await progress.wait(1.0)

    assert anyio.current_time() - began == 0.25


@pytest.mark.parametrize("script", [[], [Failure("connect", "gone")], [0.1, Failure("truncated", "cut")]])
@pytest.mark.parametrize("status", [200, 404])
async def test_whoever_tells_nothing_is_waited_for_in_silence(
    script: list[float | Failure], status: int
) -> None:
    """No such address, or a stream that ends or breaks: the wait lasts as long as was asked."""
    source, transport = there(*script, status=status)

    with LoadProgress(source, "b") as progress:
        await progress.listen()
        began = anyio.current_time()
        await progress.wait(1.0)

        assert progress.value is None

    assert anyio.current_time() - began == 1.0
    assert transport.connections[0].closed == 1
