"""Asking a silent backend how far it is, beside the read that waits; in virtual time on both event loops."""

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest

from tests.reader import hear
from tests.transcripts import DONE, HELLO, PING, STOP, text
from tests.virtual import virtual
from tokenweir import Deadlines, Delta, Event, Failure, Phase, Pipeline, fallback, first_token_wins
from tokenweir.pipeline.request import Request
from tokenweir.testing import ScriptedSource, Step

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


class AskedSource(ScriptedSource):
    """A scripted backend that can be asked: `told` says what it tells at a time since the first request,
    or raises, after `seconds`. `asked` are the times of the questions, `open_questions` those under way."""

    def __init__(
        self,
        *script: Step,
        told: Callable[[float], Phase | None],
        seconds: float = 0.0,
        deadlines: Deadlines | None = None,
    ) -> None:
        super().__init__(script, deadlines=deadlines)
        self.asked: list[float] = []
        self.open_questions = 0
        self._told = told
        self._seconds = seconds
        self._began: float | None = None

    def open(self, request: Request) -> Any:
        if self._began is None:
            self._began = anyio.current_time()
        return super().open(request)

    async def progress(self, request: Request) -> Phase | None:  # noqa: ARG002 - as Source
        now = anyio.current_time() - (self._began or 0.0)
        self.asked.append(round(now, 3))
        self.open_questions += 1
        try:
            await anyio.sleep(self._seconds)
            return self._told(now)
        finally:
            self.open_questions -= 1


def cold(now: float) -> Phase:
    """Four seconds of loading, and then the prompt."""
    return Phase("loading", min(1.0, now / 4)) if now < 4 else Phase("prefill")


def broken(now: float) -> Phase:
    """A question that cannot be answered."""
    raise RuntimeError(now)


async def test_what_the_backend_tells_is_the_phase() -> None:
    """P16: asked once a second, and told at each tick; the first token ends it."""
    source = AskedSource(6.2, HELLO, told=cold)
    heard = await hear(Pipeline(source).stream("hi"))

    assert source.asked == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert [(phase.name, phase.progress, phase.elapsed) for phase in heard.phases] == [
        ("loading", 0.125, 1.0),
        ("loading", 0.375, 2.0),
        ("loading", 0.625, 3.0),
        ("loading", 0.875, 4.0),
        ("prefill", None, 5.0),
        ("prefill", None, 6.0),
    ]
    assert (heard.text, heard.end.outcome, source.open_questions) == ("Hello", "complete", 0)


async def test_who_answers_soon_is_not_asked() -> None:
    """P16: a backend that has the model in memory is spared the question."""
    source = AskedSource(0.4, text("a"), 30.0, HELLO, told=cold)
    heard = await hear(Pipeline(source).stream("hi"))

    assert (source.asked, heard.text, heard.phases) == ([], "aHello", [])


async def test_none_is_asked_once() -> None:
    """P16: a backend that cannot tell is not asked again; its silence is told as ever."""
    source = AskedSource(90.5, HELLO, told=lambda _now: None)
    heard = await hear(Pipeline(source).stream("hi"))

    assert source.asked == [0.5]
    assert [(phase.name, phase.elapsed) for phase in heard.phases] == [("loading", s) for s in range(1, 91)]


@pytest.mark.parametrize(("seconds", "told"), [(0.0, broken), (0.3, broken), (1.5, cold), (1e6, cold)])
async def test_a_question_without_an_answer_costs_nothing(
    seconds: float, told: Callable[[float], Phase]
) -> None:
    """P16: it fails, or takes too long: the phases come as ever, and it is asked ever more seldom."""
    source = AskedSource(90.5, HELLO, told=told, seconds=seconds)
    heard = await hear(Pipeline(source).stream("hi"))

    assert [(phase.name, phase.elapsed) for phase in heard.phases] == [("loading", s) for s in range(1, 91)]
    assert heard.text == "Hello"
    assert source.asked == [0.5, 2.0, 5.0, 11.0, 23.0, 47.0]
    assert source.open_questions == 0


async def test_a_slow_answer_counts() -> None:
    """P16: one that takes longer than what is left of a tick is asked again, with a whole one before it."""
    source = AskedSource(6.5, HELLO, told=cold, seconds=0.8)
    heard = await hear(Pipeline(source).stream("hi"))

    assert source.asked[:4] == [0.5, 2.0, 3.0, 4.0]
    assert [phase.progress for phase in heard.phases[:4]] == [None, None, 0.5, 0.75]


@pytest.mark.parametrize("seconds", [0.0, 0.45, 1e6])
async def test_bytes_win_at_once(seconds: float) -> None:
    """P16: what comes while a question is under way is delivered at its own moment."""
    source = AskedSource(0.6, HELLO, told=cold, seconds=seconds)
    heard = await hear(Pipeline(source).stream("hi"))

    assert heard.end.stats.first_token == pytest.approx(0.6)
    assert heard.end.stats.duration == pytest.approx(0.6)
    assert (heard.text, source.open_questions) == ("Hello", 0)


class SlowToLeave(ScriptedSource):
    """A question of a third party's, that takes its time to go when its answer is not wanted any more."""

    async def progress(self, request: Request) -> Phase | None:  # noqa: ARG002 - as Source
        try:
            await anyio.sleep(60)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(3)
        return None


async def test_what_has_come_is_not_waited_for() -> None:
    """P16: the question held the loop up beyond the next look: the text is there, and no phase follows it;
    nor does a deadline that it met fire."""
    source = SlowToLeave([0.9, text("a"), STOP + DONE], deadlines=Deadlines(first_token=2.0))
    heard = await hear(Pipeline(source).stream("hi"))

    kinds = [type(event) for event in heard.events]
    assert heard.end.outcome == "complete"
    assert Phase not in kinds[kinds.index(Delta) :]


async def test_the_answer_itself_knows_better() -> None:
    """P16: once the stream tells a phase, nobody is asked any more."""
    source = AskedSource(1.7, b": prefill 0.25\n\n", 2.5, HELLO, told=cold)
    heard = await hear(Pipeline(source).stream("hi"))

    assert source.asked == [0.5, 1.5]
    assert [(phase.name, phase.progress) for phase in heard.phases] == [
        ("loading", 0.125),
        ("prefill", 0.25),
        ("prefill", 0.25),
        ("prefill", 0.25),
    ]


async def test_deadlines_go_on() -> None:
    """P15: questions buy no time, and their answers say what was being waited for."""
    source = AskedSource(1e6, told=lambda _now: Phase("loading", 0.5), deadlines=Deadlines(first_token=20.0))
    heard = await hear(Pipeline(source).stream("hi"))

    assert heard.end.stats.duration == pytest.approx(20.0)
    assert heard.kind == "timeout"
    assert heard.message == (
        "waited 20 s for the model to load (it was at 50 %). A model that was loaded beforehand answers at "
        "once. Allow more with Deadlines(first_token=...)"
    )
    assert [connection.closed for connection in source.connections] == [1]
    assert source.open_questions == 0


@pytest.mark.parametrize("seconds", [0.0, 1e6])
async def test_leaving_leaves_no_question(seconds: float) -> None:
    """P10: a consumer that is cancelled while a question is under way leaves nothing behind."""
    source = AskedSource(1e6, told=cold, seconds=seconds)
    stream = Pipeline(source).stream("hi")
    with anyio.move_on_after(2.6):
        _ = [event async for event in stream]

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"
    assert source.open_questions == 0
    assert [connection.closed for connection in source.connections] == [1]


async def test_closed_by_another_task_while_asking() -> None:
    """P10, D09: the reader is let go, and its question with it."""
    source = AskedSource(1e6, told=cold, seconds=1e6)
    stream = Pipeline(source).stream("hi")
    with anyio.fail_after(1):
        async with anyio.create_task_group() as consumers:

            async def consume() -> None:
                _ = [event async for event in stream]

            consumers.start_soon(consume)
            await anyio.sleep(0.7)
            assert source.open_questions == 1
            await stream.aclose()

    assert source.open_questions == 0


@pytest.mark.parametrize("script", [(0.7, Failure("upstream", "gone")), (0.7, PING, b"")])
async def test_a_fault_meanwhile(script: Sequence[Step]) -> None:
    """P1: a read that fails beside a question fails as ever, and not as a group of exceptions."""
    source = AskedSource(*script, told=cold, seconds=1e6)
    heard = await hear(Pipeline(source).stream("hi"))

    assert heard.end.outcome in ("error", "truncated")
    assert source.open_questions == 0


async def test_a_bug_meanwhile() -> None:
    """P8: what a source raises while its answer is read is raised as it is."""

    class Buggy(AskedSource):
        def other_model(self, asked: str | None, events: Sequence[Event]) -> Failure | None:  # noqa: ARG002 - as Source
            raise ZeroDivisionError

    source = Buggy(0.7, HELLO, told=cold, seconds=1e6)
    with pytest.raises(ZeroDivisionError):
        _ = [event async for event in Pipeline(source).stream("hi")]

    assert source.open_questions == 0


async def test_an_answer_that_is_no_phase() -> None:
    """P16: a source of a third party that answers nonsense is not asked again."""
    nonsense: Any = "loading"
    source = AskedSource(5.5, HELLO, told=lambda _now: nonsense)
    heard = await hear(Pipeline(source).stream("hi"))

    assert (source.asked, heard.text) == ([0.5], "Hello")


async def test_each_backend_is_asked_anew() -> None:
    """P16: the next one of a fallback has questions of its own."""
    first = AskedSource(3.2, Failure("upstream", "gone"), told=lambda _now: Phase("loading", 0.9))
    second = AskedSource(2.2, HELLO, told=cold)
    heard = await hear(Pipeline(fallback(first, second)).stream("hi"))

    assert (first.asked, second.asked) == ([0.5, 1.5, 2.5], [0.5, 1.5])
    assert heard.phases[-1].progress == 0.375


async def test_in_a_race_everybody_may_be_asked() -> None:
    """P6, P16: being cut off by another's news loses no byte and leaves no question."""
    slow = AskedSource(9.0, HELLO, told=cold, seconds=0.2)
    quick = AskedSource(3.7, text("a"), 0.1, HELLO, told=cold, seconds=0.2)
    heard = await hear(Pipeline(first_token_wins(slow, quick)).stream("hi"))

    assert (heard.text, heard.end.outcome) == ("aHello", "complete")
    assert [connection.closed for connection in slow.connections] == [1]
    assert (slow.open_questions, quick.open_questions) == (0, 0)
