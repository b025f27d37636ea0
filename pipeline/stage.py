"""A stage is an immutable recipe for a pure core; stages fuse with `|`.

Law of this file: how recipes are written and joined, which may follow which, and how one runs over any
async iterable. What a core is, and several of them as one, stands in core.py.
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from typing import Generic, TypeVar, cast

from tokenweir.pipeline.clock import Clock, running_clock
from tokenweir.pipeline.core import Core, Flow, FusedCore, Part
from tokenweir.pipeline.errors import MisuseError

In = TypeVar("In")
Out = TypeVar("Out")
Next = TypeVar("Next")

_TAKES: Mapping[Flow, frozenset[Flow]] = {
    "bytes": frozenset({"bytes"}),
    "wire": frozenset({"wire"}),
    "raw events": frozenset({"raw events", "events"}),
    "events": frozenset({"events"}),
}
_HINT: Mapping[tuple[Flow, Flow], str] = {
    ("bytes", "raw events"): "put sse_decode() and decode_protocol(...) between them",
    ("bytes", "events"): "put sse_decode(), decode_protocol(...) and delta_extract() between them",
    ("wire", "raw events"): "put decode_protocol(...) between them",
    ("wire", "events"): "put decode_protocol(...) between them",
    ("raw events", "events"): "put delta_extract() after cumulative_detect()",
}


class Stage(Generic[In, Out]):
    """An immutable recipe: one core, or several fused into one.

    `Stage(make)` with a class or function that makes a core; `a | b` fuses; `stage(async_iterable)`
    and `async_iterable | stage` run it over anything that can be iterated asynchronously.

    Raises MisuseError where two stages do not fit.
    """

    __slots__ = ("parts",)

    def __init__(
        self,
        make: Callable[[], Core[In, Out]],
        name: str | None = None,
        *,
        takes: Flow = "events",
        gives: Flow = "events",
    ) -> None:
        own: str = getattr(make, "__name__", "stage")
        self.parts: tuple[Part, ...] = (Part(name or own, make, takes, gives),)

    @property
    def name(self) -> str:
        """The stage's name, or the names of a fused one's parts, as it is written in a pipeline."""
        return " | ".join(part.name for part in self.parts)

    @property
    def takes(self) -> Flow:
        """What flows in."""
        return self.parts[0].takes

    @property
    def gives(self) -> Flow:
        """What flows out."""
        return self.parts[-1].gives

    def __or__(self, other: "Stage[Out, Next]") -> "Stage[In, Next]":
        if not isinstance(other, Stage):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            return NotImplemented
        check_fit(self.parts[-1], other.parts[0])
        fused = cast("Stage[In, Next]", Stage.__new__(Stage))
        fused.parts = self.parts + other.parts
        return fused

    def __ror__(self, source: AsyncIterable[In]) -> "StageIterator[In, Out]":
        if not hasattr(source, "__aiter__"):
            return NotImplemented
        return StageIterator(source, self)

    def __call__(self, source: AsyncIterable[In]) -> "StageIterator[In, Out]":
        """Run over any async iterable, item by item."""
        return StageIterator(source, self)

    def core(self) -> "FusedCore[In, Out]":
        """A fresh core, for one stream."""
        return FusedCore(self.parts)

    def __repr__(self) -> str:
        return f"<Stage {self.name}>"


def check_fit(before: Part, after: Part) -> None:
    """Refuse two parts that cannot follow each other, when the pipeline is made."""
    if before.gives in _TAKES[after.takes]:
        return
    hint = _HINT.get((before.gives, after.takes), "check the order of the stages")
    raise MisuseError(
        f"{after.name} takes {after.takes}, but {before.name} before it gives {before.gives}: {hint}"
    )


class StageIterator(Generic[In, Out]):
    """A stage at work over an async iterable. An async iterator with `aclose`, not a generator: it
    holds no scope, so leaving it early poisons nothing. Where the source raises, what was held comes
    first, then the exception. Time moves for timed stages at each item."""

    __slots__ = ("_clock", "_core", "_fault", "_over", "_ready", "_source")

    def __init__(self, source: AsyncIterable[In], stage: Stage[In, Out]) -> None:
        self._source: AsyncIterator[In] = source.__aiter__()
        self._core = stage.core()
        self._ready: list[Out] = []
        self._over = False
        self._fault: Exception | None = None
        self._clock: Clock | None = None

    def __aiter__(self) -> AsyncIterator[Out]:
        return self

    async def __anext__(self) -> Out:
        while not self._ready:
            if self._over:
                raise self._fault or self._core.error or StopAsyncIteration
            await self._pull()
        return self._ready.pop()

    async def _pull(self) -> None:
        try:
            item = await self._source.__anext__()
        except StopAsyncIteration:
            self._over, made = True, self._core.finish()
        except Exception as fault:  # noqa: BLE001 - told after what was held
            self._over, self._fault, made = True, fault, self._core.finish()
        else:
            made = self._tick() + self._core.feed([item])
            self._over = self._core.error is not None
        made.reverse()
        self._ready = made

    def _tick(self) -> list[Out]:
        if not self._core.timed:
            return []
        self._clock = self._clock or running_clock()
        return self._core.tick(self._clock())

    async def aclose(self) -> None:
        """Leave early: close the source too, where it can be closed."""
        self._over, self._ready = True, []
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()
