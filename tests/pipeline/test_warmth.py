"""One model that is kept warm: what it looks at before it asks, and random company."""

import random

import anyio
import pytest

from tests.scripted import Attempt, ScriptedTransport
from tests.virtual import virtual
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.keep_warm import keep_warm
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.run import Pipeline
from tokenweir.pipeline.sources.ollama import Ollama
from tokenweir.pipeline.warmth import warmth_of
from tokenweir.testing import ScriptedSource

pytestmark = pytest.mark.anyio

ANSWER = b'{"choices":[{"message":{"content":"H"},"finish_reason":"length"}],"model":"m"}'


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops, in virtual time."""
    return virtual(request.param)


class Telling(ScriptedSource):
    """A backend that tells what is loaded."""

    state = "loaded"

    async def models(self) -> list[Model]:
        await anyio.lowlevel.checkpoint()
        return [Model("m", "loaded" if self.state == "loaded" else "not_loaded")]


@pytest.mark.parametrize(("state", "asked"), [("loaded", 2), ("not_loaded", 1)])
async def test_beside_another_model_only_what_is_loaded(state: str, asked: int) -> None:
    """P23: asking for a loaded model evicts nobody."""
    source = Telling([80.0, ANSWER], [ANSWER], model="m")
    source.state = state
    async with Pipeline(source).stream("Hi", model="other", stream=False) as stream:
        await anext(stream)
        async with keep_warm(source, every=100):
            await anyio.sleep(35)

            assert len(source.connections) == asked


class Odd(Telling):
    """A source of somebody else's, whose answers about its models are bugs."""

    async def models(self) -> list[Model]:
        raise ZeroDivisionError

    def is_same_model(self, asked: str | None, answered: str | None) -> bool:
        if asked != answered:
            raise KeyError(asked, answered)
        return True


async def test_a_bug_of_the_source_harms_neither_the_stream_nor_the_rest() -> None:
    """P23: whatever a third party's source raises, a stream beside it goes on, and the model is asked for
    again; names are then compared as they are."""
    source = Odd([ANSWER], [200.0, ANSWER], [ANSWER], model="m")
    async with keep_warm(source, every=100):
        await anyio.sleep(50)
        async with Pipeline(source).stream("Hi", model="other", stream=False) as stream:
            await anext(stream)
            await anyio.sleep(75)
            assert len(source.connections) == 2
        await anyio.sleep(20)

    assert len(source.connections) == 3


async def test_ollama_is_asked_for_no_token() -> None:
    """PROTOCOLS 4.2: an empty request that says how long the model stays."""
    transport = ScriptedTransport(Attempt(200, b'{"model":"m","done":true,"done_reason":"load"}'))
    source = Ollama("http://ollama.test", model="m", transport=transport)
    async with keep_warm(source, every=100):
        await anyio.sleep(150)

    assert [each.body for each in transport.requests] == [
        b'{"model":"m","messages":[],"stream":false,"keep_alive":200}'
    ] * 2


async def test_what_nobody_keeps_is_forgotten() -> None:
    """It is shared for as long as anybody has it."""
    source = ScriptedSource([ANSWER])
    first = warmth_of(source, "m")

    assert warmth_of(source, "m") is first
    assert warmth_of(source, "other") is not first
    del first
    assert warmth_of(source, "m").due(5.0) < 0


@pytest.mark.parametrize("seed", range(40))
async def test_random_company(seed: int) -> None:
    """P23: whatever streams begin and end, no request of ours is ever under way beside one, and no two of
    ours are closer than the interval, but after a failure or one that was cut off."""
    chance = random.Random(seed)  # noqa: S311 - a reproducible test
    ends: list[bytes | Failure] = [ANSWER, ANSWER, Failure("auth", "no")]
    scripts = ([chance.choice([0.0, 1.0, 40.0]), chance.choice(ends)] for _ in range(99))
    source = ScriptedSource(*scripts, model="m")
    pings: list[float] = []
    opened = source.open

    def watch(request: object) -> object:
        live = source.activity.streams(source)
        if getattr(request, "options", None):
            assert live == []
            pings.append(anyio.current_time())
        return opened(request)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - as it came

    source.open = watch  # type: ignore[assignment,method-assign]  # pyright: ignore[reportAttributeAccessIssue] - for this one
    async with keep_warm(source, every=50), keep_warm(source, every=50):
        for _ in range(12):
            await anyio.sleep(chance.choice([0.0, 5.0, 49.0, 50.0, 51.0, 120.0]))
            async with Pipeline(source).stream("Hi", check=False, stream=False) as stream:
                await anext(stream)
                await anyio.lowlevel.checkpoint()
                assert [each.closed for each in source.connections].count(0) <= 1
                await anyio.sleep(chance.choice([0.0, 30.0, 200.0]))

    assert all(each.closed for each in source.connections)
    assert pings
