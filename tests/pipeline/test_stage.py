"""Stages fuse, and run over anything that can be iterated asynchronously."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeding import CUTS, run, run_items
from tokenweir.pipeline.core import Flow
from tokenweir.pipeline.errors import MisuseError, StageError
from tokenweir.pipeline.events import Delta, Done, Event
from tokenweir.pipeline.stage import Stage
from tokenweir.stages import cumulative_detect, decode_protocol, delta_extract, sse_decode, token_count

pytestmark = pytest.mark.anyio

Numbers = Sequence[int]


class Double:
    """Gives every number twice; a list."""

    def feed(self, items: Numbers) -> list[int]:
        return [number for number in items for _ in range(2)]

    def finish(self) -> list[int]:
        return []


class Late:
    """Gives every number one later; a generator. Breaks at a negative one."""

    def __init__(self) -> None:
        self._held: list[int] = []
        self.finished = 0

    def feed(self, items: Numbers) -> Iterator[int]:
        for number in items:
            if number < 0:
                msg = f"cannot take {number}"
                raise ValueError(msg)
            yield from self._held
            self._held = [number]

    def finish(self) -> Iterator[int]:
        self.finished += 1
        yield from self._held


class Sum:
    """Gives the sum, at the end."""

    def __init__(self) -> None:
        self._sum = 0

    def feed(self, items: Numbers) -> list[int]:
        self._sum += sum(items)
        return []

    def finish(self) -> list[int]:
        return [self._sum]

    def figures(self) -> dict[str, float]:
        return {"sum": self._sum, "cores": 1}


class Timed:
    """Holds every number for a second, or until the end."""

    def __init__(self) -> None:
        self._held: list[int] = []
        self._now = 0.0
        self._since = 0.0

    def feed(self, items: Numbers) -> list[int]:
        self._since = self._since if self._held else self._now
        self._held += items
        return []

    def tick(self, now: float) -> list[int]:
        self._now = now
        return self.finish() if self._held and now >= self._since + 1 else []

    def deadline(self) -> float | None:
        return self._since + 1 if self._held else None

    def finish(self) -> list[int]:
        held, self._held = self._held, []
        return held


class BreaksAtEnd(Late):
    """Breaks when it is finished, after what it held."""

    def finish(self) -> Iterator[int]:
        yield from self._held
        raise RuntimeError("over")


class BreaksInTime(Timed):
    """Breaks when it is told the time."""

    def tick(self, now: float) -> list[int]:
        msg = f"it is {now}"
        raise RuntimeError(msg)


def numbers(*cores: type[Any]) -> Stage[int, int]:
    """The cores fused."""
    stages: list[Stage[int, int]] = [Stage(core) for core in cores]
    fused = stages[0]
    for stage in stages[1:]:
        fused = fused | stage
    return fused


async def source(*items: Any, fault: Exception | None = None) -> AsyncIterator[Any]:
    """An async iterable, which may fail in the end."""
    for item in items:
        yield item
    if fault is not None:
        raise fault


# --- fusing ---------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0)),
    CUTS,
    st.lists(st.sampled_from([Double, Late, Sum, Timed]), min_size=1, max_size=5),
)
def test_fused_is_chained(items: list[int], cuts: list[int], cores: list[type[Any]]) -> None:
    """A fused stage gives what its stages give one after another, in any batches."""
    chained = items
    for core in cores:
        chained = run_items(numbers(core), chained, cuts)

    assert run_items(numbers(*cores), items, cuts) == chained


def test_fusing_makes_new_stages() -> None:
    """A stage is a recipe: fusing and running it change nothing of it."""
    late = Stage(Late, "late")
    both = late | late

    assert (late.name, both.name, repr(both)) == ("late", "late | late", "<Stage late | late>")
    assert len(late.parts) == 1
    assert [run_items(both, [1, 2, 3]) for _ in range(2)] == [[1, 2, 3]] * 2
    assert Stage(Late).name == "Late"


def test_finish_comes_once() -> None:
    """DESIGN 4: `finish` is called once; a second call gives nothing, and nothing is fed after it."""
    core = numbers(Double, Late).core()
    assert core.feed([1]) == [1]
    assert core.finish() == [1]

    assert (core.finish(), core.feed([2]), core.tick(9.0), core.deadline()) == ([], [], [], None)


def test_what_a_core_gives_back_is_not_shared() -> None:
    """A batch stays the caller's own: no core changes it, though some pass it through."""
    batch = [1, 2]
    numbers(Double, Late, Sum).core().feed(batch)

    assert batch == [1, 2]


def test_figures_add_up() -> None:
    """What the cores counted is summed for the stream's Stats; a core without figures has none."""
    core = numbers(Double, Sum, Sum).core()
    core.feed([1, 2])

    assert core.figures() == {"sum": 6, "cores": 2}


# --- what fits ------------------------------------------------------------------------------------

WRONG: list[tuple[Stage[Any, Any], Stage[Any, Any], str]] = [
    (sse_decode(), cumulative_detect(), r"put decode_protocol\(\.\.\.\) between them"),
    (sse_decode(), token_count(), r"put decode_protocol\(\.\.\.\) between them"),
    (cumulative_detect(), token_count(), r"put delta_extract\(\) after cumulative_detect\(\)"),
    (Stage(Late, takes="bytes", gives="bytes"), delta_extract(), r"put sse_decode\(\) and decode_protocol"),
    (
        Stage(Late, takes="bytes", gives="bytes"),
        token_count(),
        r"decode_protocol\(\.\.\.\) and delta_extract\(\)",
    ),
    (token_count(), sse_decode(), "check the order"),
    (decode_protocol("openai-chat"), decode_protocol("openai-chat"), "check the order"),
]


@pytest.mark.parametrize(("before", "after", "right_use"), WRONG)
def test_wrong_order(before: Stage[Any, Any], after: Stage[Any, Any], right_use: str) -> None:
    """DESIGN 4: a wrong order is answered when the pipeline is made, with the right one."""
    with pytest.raises(MisuseError, match=right_use):
        _ = before | after


@pytest.mark.parametrize("last", [token_count(), delta_extract(), cumulative_detect()])
def test_right_order(last: Stage[Event, Event]) -> None:
    """What a decoder gives may go on as it is, or through the detector first."""
    assert (sse_decode() | decode_protocol("openai-chat") | last).takes == "bytes"


def test_flows_of_a_fused_stage() -> None:
    """A fused stage takes what its first part takes and gives what its last part gives."""
    flows: list[Flow] = [(sse_decode() | decode_protocol("openai-chat")).takes, delta_extract().gives]

    assert flows == ["bytes", "events"]


@pytest.mark.parametrize("other", [None, Late, [1, 2]])
def test_only_stages_fuse(other: object) -> None:
    """`|` takes stages on its right and async iterables on its left, and nothing else."""
    with pytest.raises(TypeError):
        _ = Stage(Late) | other  # type: ignore[operator]
    with pytest.raises(TypeError):
        _ = other | Stage(Late)  # type: ignore[operator]


# --- a broken core --------------------------------------------------------------------------------


def test_nothing_is_lost_when_a_later_item_fails() -> None:
    """DESIGN 4: what a core made before it broke goes downstream, the cores after it are finished,
    and the error says which stage broke."""
    core = (Stage(Double) | Stage(Late, "late") | Stage(Double)).core()

    assert core.feed([1, 2, -3, 4]) == [1, 1, 1, 1, 2, 2]
    assert (core.feed([5]), core.finish()) == ([], [])
    assert str(core.error) == "stage late broke: ValueError: cannot take -3"
    assert isinstance(core.error, StageError)
    assert isinstance(core.error.__cause__, ValueError)


def test_cores_after_a_broken_one_are_finished() -> None:
    """DESIGN 4: what later cores held is given up too."""
    core = numbers(Late, Late, Sum).core()
    core.feed([1, 2, 3])

    assert core.feed([4, -1]) == [6]
    assert core.error is not None


def test_a_core_that_breaks_at_the_end() -> None:
    """DESIGN 4: the end too: what it held before it broke arrives, and the cores after it are finished."""
    core = (Stage(BreaksAtEnd, "first") | Stage(Double) | Stage(BreaksAtEnd, "second")).core()

    assert core.feed([7]) == []
    assert core.finish() == [7, 7]
    assert str(core.error) == "stage first broke: RuntimeError: over"


def test_a_core_that_breaks_in_time() -> None:
    """DESIGN 4: a core that breaks when it is told the time is a broken core like any other."""
    core = numbers(Late, BreaksInTime, Sum).core()
    core.feed([1, 2])

    assert core.tick(3.0) == [0]
    assert str(core.error) == "stage BreaksInTime broke: RuntimeError: it is 3.0"
    assert (core.deadline(), core.tick(4.0)) == (None, [])


def test_a_broken_core_raises_only_ours() -> None:
    """DESIGN 4: interrupts are not a stage's bug and are not caught."""

    class Interrupted(Late):
        def feed(self, items: Numbers) -> Iterator[int]:
            yield from items
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        numbers(Interrupted).core().feed([1])


# --- time -----------------------------------------------------------------------------------------


def test_time_is_an_argument() -> None:
    """DESIGN 4: the earliest deadline is told; what a tick releases passes through the cores after it,
    timed ones too, and virtual time is free."""
    core = numbers(Double, Timed, Late, Timed).core()
    assert (core.timed, core.deadline(), core.tick(10.0)) == (True, None, [])

    assert core.feed([1, 2]) == []
    assert core.deadline() == 11.0
    assert core.tick(10.5) == []
    assert core.tick(11.0) == []
    assert core.deadline() == 12.0
    assert core.tick(12.0) == [1, 1, 2]
    assert core.finish() == [2]


def test_untimed_cores_ignore_time() -> None:
    """A chain without timed cores costs nothing when the time is told."""
    core = numbers(Double, Late).core()

    assert (core.timed, core.tick(1.0), core.deadline()) == (False, [], None)


# --- over async iterables -------------------------------------------------------------------------


async def collected(made: AsyncIterator[Any]) -> list[Any]:
    """Everything that comes."""
    return [item async for item in made]


async def test_over_an_async_iterable() -> None:
    """DESIGN 4: `stage(source)` and `source | stage` are the same, and stages chain over iterables."""
    stage = numbers(Double, Late)

    assert await collected(stage(source(1, 2))) == [1, 1, 2, 2]
    assert await collected(source(1, 2) | Stage(Double) | Stage(Late)) == [1, 1, 2, 2]


async def test_a_failing_source() -> None:
    """P1: what was held comes first, then the source's own exception."""
    made = numbers(Late)(source(1, 2, fault=OSError("gone")))

    assert [await anext(made), await anext(made)] == [1, 2]
    with pytest.raises(OSError, match="gone"):
        await anext(made)


async def test_a_broken_stage_over_a_source() -> None:
    """DESIGN 4: what was made comes first, then the StageError; the source is read no further."""
    read: list[int] = []

    async def items() -> AsyncIterator[int]:
        for item in (1, 2, -1, 4):
            read.append(item)
            yield item

    made = numbers(Double, Late, Double)(items())

    assert [await anext(made) for _ in range(6)] == [1, 1, 1, 1, 2, 2]
    with pytest.raises(StageError, match="cannot take -1"):
        await anext(made)
    assert read == [1, 2, -1]


async def test_leaving_early_closes_the_source() -> None:
    """PITFALLS 0.11: `aclose` closes the source at once; nothing comes after it."""
    closed: list[bool] = []

    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    made = numbers(Double)(endless())
    assert await anext(made) == 1
    await made.aclose()

    assert closed == [True]
    with pytest.raises(StopAsyncIteration):
        await anext(made)


async def test_a_source_that_cannot_be_closed() -> None:
    """An async iterable need not have `aclose`."""

    class Plain:
        def __aiter__(self) -> AsyncIterator[int]:
            return self

        async def __anext__(self) -> int:
            return 1

    made = numbers(Double)(Plain())
    assert await anext(made) == 1
    await made.aclose()

    assert await collected(made) == []


async def test_time_moves_with_the_items() -> None:
    """DESIGN 4: over a plain iterable, timed stages are told the loop's time at each item, and give up
    what they hold at the end."""
    told: list[float] = []

    class Told(Timed):
        def tick(self, now: float) -> list[int]:
            told.append(now)
            return super().tick(now)

    assert await collected(numbers(Told)(source(1, 2))) == [1, 2]
    assert len(told) == 2
    assert told == sorted(told)


def test_a_stage_of_ones_own() -> None:
    """DESIGN 4: any class with `feed` and `finish` is a stage, in one line."""

    class Shout:
        def feed(self, items: Sequence[Event]) -> Iterable[Event]:
            return (Delta(e.text.upper()) if isinstance(e, Delta) else e for e in items)

        def finish(self) -> Iterable[Event]:
            return ()

    made = run(decode_protocol("openai-chat") | Stage(Shout), [])

    assert made == []
    assert run_items(Stage(Shout), [Delta("a"), Done()]) == [Delta("A"), Done()]
