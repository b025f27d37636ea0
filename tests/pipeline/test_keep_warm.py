"""Models that stay loaded, and never at a stream's cost (PROMISES P23)."""

import math

import anyio
import pytest

from tests.virtual import virtual
from tokenweir.pipeline.errors import CannotError, MisuseError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.keep_warm import keep_warm
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.run import Pipeline
from tokenweir.pipeline.sources.connect import connect
from tokenweir.testing import ScriptedConnection, ScriptedSource, Step

pytestmark = pytest.mark.anyio

ANSWER = b'{"choices":[{"message":{"content":"H"},"finish_reason":"length"}],"model":"m"}'
H = b'data: {"choices":[{"delta":{"content":"H"}}]}\n\n'
HI = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops, in virtual time."""
    return virtual(request.param)


class Backend(ScriptedSource):
    """Writes down when it is asked for which model, in seconds from its making."""

    def __init__(self, *scripts: list[Step], model: str | None = "m") -> None:
        super().__init__(*scripts, model=model)
        self.asked: list[tuple[float, str | None]] = []
        self.requests: list[Request] = []
        self._began = anyio.current_time()

    def open(self, request: Request) -> ScriptedConnection:
        self.asked.append((round(anyio.current_time() - self._began, 3), request.model))
        self.requests.append(request)
        return super().open(request)

    @property
    def times(self) -> list[float]:
        """When it was asked."""
        return [time for time, _ in self.asked]


async def test_before_the_first_request_and_then_once_an_interval() -> None:
    """One token of a whole answer; entering waits for nothing, and leaving ends it."""
    backend = Backend([2.0, ANSWER])
    async with keep_warm(backend):
        assert backend.asked == []
        await anyio.sleep(650)
    await anyio.sleep(1000)

    assert backend.asked == [(0.0, "m"), (302.0, "m"), (604.0, "m")]
    [request, *_] = backend.requests
    assert (request.stream, request.options) == (False, {"max_tokens": 1})


async def test_a_request_of_ours_starts_the_interval_anew() -> None:
    """A model that was just asked for needs nothing."""
    backend = Backend([ANSWER])
    async with keep_warm(backend, every=100):
        for _ in range(4):
            await anyio.sleep(60)
            await Pipeline(backend).text("Hi", stream=False)
        await anyio.sleep(101)

    assert backend.times == [0.0, 60.0, 120.0, 180.0, 240.0, 340.0]


async def test_never_while_the_model_answers() -> None:
    """Nor before the interval after that."""
    backend = Backend([ANSWER], [250.0, HI], [ANSWER])
    async with keep_warm(backend, every=100):
        await anyio.sleep(50)
        assert await Pipeline(backend).text("Hi") == "Hi"
        assert backend.times == [0.0, 50.0]
        await anyio.sleep(101)

    assert backend.times == [0.0, 50.0, 350.0]


async def test_a_stream_that_begins_goes_first() -> None:
    """What is under way is cut off at once, and its connection closed; the stream's own request warms."""
    backend = Backend([60.0, ANSWER], [H, 5.0, HI])
    async with keep_warm(backend, every=100):
        await anyio.sleep(10)
        stream = Pipeline(backend).stream("Hi")
        async with stream:
            await anext(stream)
            await anyio.lowlevel.checkpoint()

            assert [each.closed for each in backend.connections] == [1, 0]
        await anyio.sleep(99)

    assert backend.times == [0.0, 10.0]


async def test_another_models_stream_goes_first_too() -> None:
    """A load might put it out of memory: this one waits until it is quiet."""
    backend = Backend([60.0, ANSWER], [25.0, HI], [ANSWER])
    async with keep_warm(backend, every=100):
        await anyio.sleep(10)
        assert await Pipeline(backend).text("Hi", model="other") == "Hi"
        assert backend.asked == [(0.0, "m"), (10.0, "other")]
        await anyio.sleep(6)

    assert backend.asked[2:] == [(40.0, "m")]


async def test_however_many_keep_it_warm() -> None:
    """P23: single flight, over all who ask for the same model of the same source."""
    backend = Backend([30.0, ANSWER])
    async with keep_warm(backend, every=100), keep_warm(backend, "m", every=100):
        await anyio.sleep(10)
        async with keep_warm(backend, every=100):
            await anyio.sleep(130)

    assert backend.times == [0.0, 130.0]


async def test_a_load_that_takes_longer_than_the_interval() -> None:
    """It is not asked for again meanwhile."""
    backend = Backend([250.0, ANSWER])
    async with keep_warm(backend, every=100), keep_warm(backend, every=100):
        await anyio.sleep(349)
        assert backend.times == [0.0]
        await anyio.sleep(2)

    assert backend.times == [0.0, 350.0]


async def test_several_models_are_loaded_one_after_another() -> None:
    """Two loads at once might put each other out of memory."""
    backend = Backend([20.0, ANSWER])
    async with keep_warm(backend, "a", "b", "a", every=100):
        await anyio.sleep(45)

    assert backend.asked == [(0.0, "a"), (20.0, "b")]


async def test_failures_make_it_rarer() -> None:
    """5 s, doubled each time up to eight intervals; a success sets it back."""
    broken: list[Step] = [Failure("auth", "no key")]
    backend = Backend(*[broken] * 9, [ANSWER], broken)
    async with keep_warm(backend, every=100):
        await anyio.sleep(4000)

    gaps = [later - earlier for earlier, later in zip(backend.times, backend.times[1:], strict=False)]
    assert gaps[:11] == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 800.0, 100.0, 5.0]


async def test_a_bug_of_the_source_harms_nobody() -> None:
    """The application goes on, and so does the other model."""

    class Odd(Backend):
        def open(self, request: Request) -> ScriptedConnection:
            connection = super().open(request)
            if request.model == "odd":
                raise RuntimeError("a bug")
            return connection

    backend = Odd([ANSWER])
    async with keep_warm(backend, "odd", "m", every=100):
        await anyio.sleep(4)

    assert backend.asked == [(0.0, "odd"), (0.0, "m")]


@pytest.mark.parametrize("script", [[60.0, ANSWER], [ANSWER], [Failure("connect", "nobody")]])
async def test_leaving_is_quick_and_clean(script: list[Step]) -> None:
    """P23: stopped on exit, whatever is under way; the error of the block is its own."""
    backend = Backend(script)
    with pytest.raises(ValueError, match="mine"):  # noqa: PT012 - the block is what is tested
        async with keep_warm(backend):
            await anyio.sleep(3)
            raise ValueError("mine")

    assert all(each.closed for each in backend.connections)
    before = len(backend.asked)
    await anyio.sleep(10_000)
    assert len(backend.asked) == before


async def test_cancelled_from_outside() -> None:
    """A cancelled application does not hang."""
    backend = Backend([600.0, ANSWER])
    with anyio.move_on_after(5) as scope:
        async with keep_warm(backend):
            await anyio.sleep_forever()

    assert scope.cancelled_caught
    assert backend.connections[0].closed


async def test_wrong_use_is_said_at_once() -> None:
    """Intervals, names, and services that need no warming and would charge for it."""
    for every in (0, -1.0, math.inf, math.nan):
        with pytest.raises(MisuseError, match="seconds above 0"):
            keep_warm(Backend([ANSWER]), every=every)
    with pytest.raises(CannotError, match="hosted service"):
        keep_warm(connect("openai", model="gpt-4o"))
    with pytest.raises(MisuseError, match="name the model"):
        keep_warm(connect("ollama"))

    once = keep_warm(Backend([ANSWER]))
    async with once:
        with pytest.raises(MisuseError, match="entered already"):
            await once.__aenter__()
    async with once:
        pass
