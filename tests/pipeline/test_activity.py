"""Who is answering: noticed, and not kept alive."""

import pytest

from tests.reader import hear
from tests.virtual import virtual
from tokenweir.pipeline.activity import Activity, Answering
from tokenweir.pipeline.run import Pipeline
from tokenweir.pipeline.sources.choice import fallback
from tokenweir.testing import ScriptedSource

pytestmark = pytest.mark.anyio

H = b'data: {"choices":[{"delta":{"content":"H"}}]}\n\n'
REST = b'data: {"choices":[{"delta":{"content":"i"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
HI = (H, 9.0, REST)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops."""
    return virtual(request.param)


class Watching:
    """Writes down who began."""

    def __init__(self) -> None:
        self.models: list[str | None] = []

    def stream_began(self, stream: Answering) -> None:
        """One more."""
        self.models.append(stream.asked_model)


def asked(source: ScriptedSource) -> list[str | None]:
    """The models that answer now."""
    return [stream.asked_model for stream in source.activity.streams(source)]


async def test_a_stream_is_there_from_its_request_to_its_end() -> None:
    """Not before its first step, and not after its last event, though it is still held."""
    source = ScriptedSource(HI, model="m")
    watching = Watching()
    source.activity.watch(watching)
    stream = Pipeline(source).stream("Hi")

    assert asked(source) == []
    async with stream:
        await anext(stream)
        assert (asked(source), watching.models) == (["m"], ["m"])
        while stream.end is None:
            await anext(stream)
        assert asked(source) == []


async def test_a_stream_that_is_dropped_is_gone() -> None:
    """It cannot keep a model busy for ever."""
    source = ScriptedSource(HI, model="m")
    stream = Pipeline(source).stream("Hi")
    await anext(stream)
    assert asked(source) == ["m"]

    with pytest.warns(ResourceWarning, match="unclosed"):
        del stream

    assert asked(source) == []


async def test_a_stream_that_went_on_to_another_source_is_there() -> None:
    """The first is free again."""
    first, second = ScriptedSource([b"nothing"], model="a"), ScriptedSource(HI, model="b")
    async with Pipeline(fallback(first, second)).stream("Hi") as stream:
        while not asked(second):
            await anext(stream)

        assert (asked(first), asked(second)) == ([], ["b"])


async def test_nobody_watches_any_more() -> None:
    """Who has left is not told."""
    source, watching = ScriptedSource(HI), Watching()
    source.activity.watch(watching)
    source.activity.forget(watching)

    await hear(Pipeline(source).stream("Hi"))

    assert watching.models == []
    assert Activity().streams(source) == []
