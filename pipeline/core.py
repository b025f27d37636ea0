"""A core is a pure machine: items in, items out; several of them run as one.

Law of this file: what a core is, and how one read's items are pushed through a chain of cores so that
nothing that was decoded is lost when a later item fails. Nothing here knows a backend, a network or a
clock.

The law of cores (tested over all of them in tests/test_laws.py): no await, no clock of its own, no
logger, no I/O; unknown items pass through unchanged and in order; what is held has a documented
bound; batching is invisible (any cut of the input gives the same output); a fault of the peer is
yielded as `Done(failure)`, never raised. Whatever one of them raises, in any of its methods, is the
stage's own bug: it is kept in `FusedCore.error`, what was made before it goes on, and the stream ends
with it.

A core may have more than `feed` and `finish`:

- `tick(now)` and `deadline()`, for a core that holds things for a time: `tick` is called before each
  feed, and when `deadline()` (absolute seconds, or None) comes. Time is an argument.
- `figures()`, numbers for the stream's `Stats`, read once at the end.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar, cast

from tokenweir.pipeline.errors import StageError

In = TypeVar("In")
Out = TypeVar("Out")
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)

Flow = Literal["bytes", "wire", "raw events", "events"]
"""What flows between two stages. "raw events" may hold snapshots that `delta_extract` must resolve."""


class Core(Protocol[In_contra, Out_co]):
    """A pure machine: items in, items out."""

    def feed(self, items: Sequence[In_contra], /) -> Iterable[Out_co]:
        """Take what one read produced; give what follows from it: a list, or a generator (of a core
        that breaks, what its generator gave before is kept; an unfinished list is lost)."""
        ...

    def finish(self) -> Iterable[Out_co]:
        """The input ended, cut or not: give up what is held. Called once."""
        ...


class Unchanged(Generic[In]):
    """A core that changes nothing: where a stage finds at birth that there is nothing to do."""

    def feed(self, items: Sequence[In]) -> list[In]:
        """All of it."""
        return list(items)

    def finish(self) -> list[In]:
        """Nothing is held."""
        return []


class Part:
    """One named recipe inside a stage: makes a fresh core for each stream."""

    __slots__ = ("gives", "make", "name", "takes")

    def __init__(self, name: str, make: Callable[[], Core[Any, Any]], takes: Flow, gives: Flow) -> None:
        self.name = name
        self.make = make
        self.takes: Flow = takes
        self.gives: Flow = gives


class FusedCore(Generic[In, Out]):
    """Several cores as one. Each output is a list before the next core starts, so that nothing that
    was decoded is lost when a later item fails; `error` holds the StageError of a broken core."""

    __slots__ = ("_cores", "_feeds", "_names", "_over", "_timed", "error")

    def __init__(self, parts: Sequence[Part]) -> None:
        self._cores: list[Any] = [part.make() for part in parts]
        self._names = [part.name for part in parts]
        self._feeds: list[Callable[[Any], Any]] = [core.feed for core in self._cores]
        numbered = list(enumerate(self._cores))
        self._timed = [(at, core) for at, core in reversed(numbered) if hasattr(core, "tick")]
        self._over = False
        self.error: StageError | None = None

    def feed(self, items: Sequence[In], *, first: int = 0) -> list[Out]:
        """Push items through all cores, or through those from number `first` on."""
        at = first
        made: list[Any] = []
        flowing: Any = items
        try:
            for feed in self._feeds[first:] if first else self._feeds:
                if not flowing:
                    return []
                made = []
                flowing = feed(flowing)
                if type(flowing) is not list:
                    made.extend(flowing)
                    flowing = made
                at += 1
        except Exception as bug:  # noqa: BLE001 - a third party's core may raise anything
            return self._break(at, bug, made)
        return cast("list[Out]", flowing)

    def finish(self) -> list[Out]:
        """End the input: every core gives up what it holds, in order. Later calls give nothing."""
        return [] if self._over else self._flush(0, [])

    def _flush(self, first: int, held: list[Any]) -> list[Out]:
        self._over, self._feeds = True, [_swallow]
        for at in range(first, len(self._cores)):
            core, made = self._cores[at], list[Any]()
            try:
                if held:
                    made.extend(core.feed(held))
                made.extend(core.finish())
            except Exception as bug:  # noqa: BLE001 - as in feed
                self.error = self.error or _bug(self._names[at], bug)
            held = made
        return held

    def _break(self, at: int, bug: Exception, made: list[Any]) -> list[Out]:
        self.error = _bug(self._names[at], bug)
        return self._flush(at + 1, made)

    def tick(self, now: float) -> list[Out]:
        """Tell timed cores the time; what they release passes through the cores after them."""
        released: list[Out] = []
        if self._over:
            return released
        for at, core in self._timed:  # from the end: a core is told the time before it is fed
            made: list[Any] = []
            try:
                made += core.tick(now)
            except Exception as bug:  # noqa: BLE001 - as in feed
                return released + self._break(at, bug, made)
            if made:
                released += self.feed(made, first=at + 1)
        return released

    @property
    def timed(self) -> bool:
        """Whether any core wants to be told the time."""
        return bool(self._timed)

    def deadline(self) -> float | None:
        """The earliest time at which a core wants its `tick`."""
        earliest: float | None = None
        for _, core in () if self._over else self._timed:
            try:
                due = core.deadline()
            except Exception as bug:  # noqa: BLE001 - as in feed
                self.error = self.error or _bug(type(core).__name__, bug)
                continue
            if due is not None and (earliest is None or due < earliest):
                earliest = due
        return earliest

    def figures(self) -> dict[str, float]:
        """The sum of what the cores counted, for the stream's Stats."""
        total: dict[str, float] = {}
        for name, core in zip(self._names, self._cores, strict=True):
            try:
                counted: dict[str, float] = core.figures() if hasattr(core, "figures") else {}
                for key, value in counted.items():
                    total[key] = total.get(key, 0) + value
            except Exception as bug:  # noqa: BLE001 - as in feed
                self.error = self.error or _bug(name, bug)
        return total


def _bug(name: str, bug: Exception) -> StageError:
    error = StageError(f"stage {name} broke: {type(bug).__name__}: {bug}")
    error.__cause__ = bug
    return error


def _swallow(_items: Sequence[Any]) -> list[Any]:
    return []
