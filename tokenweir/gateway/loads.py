"""The loads of models that are under way: one for each model, however many wait for it.

Law of this file: single flight (PROMISES P23). A load belongs to those who wait for it: whoever leaves does
not stop what others wait for, and the last one who leaves does. It runs in a task group of its own, since a
load cannot be handed from one request to another.
"""

import asyncio
from collections.abc import Callable, Generator, Iterator
from contextlib import aclosing, contextmanager
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from tokenweir.config.schema import Backend
from tokenweir.gateway.catalog import Catalog
from tokenweir.gateway.log import log_trouble
from tokenweir.gateway.mishap import stops_us
from tokenweir.pipeline.arrival import Route
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import CannotError, MisuseError, StreamError, TokenweirError
from tokenweir.pipeline.events import Failure, Phase
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.stream import Stream

KEPT = 600.0
"""Seconds for which a backend that loads at a request alone, and can be told so, keeps the model."""

_STOPPED = Failure(
    "shutting_down",
    "the load was stopped: the gateway takes over another configuration, or ends",
    retryable=True,
)


class Loading(Protocol):
    """What is needed of a backend here (see setup.Served)."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    @property
    def settings(self) -> Backend:
        """What the configuration says of it."""
        ...

    @property
    def source(self) -> Source:
        """What loads."""
        ...

    @property
    def catalog(self) -> Catalog:
        """What has to be asked for again after a load."""
        ...


class Load:
    """One load. `ended` is None while it is under way; `failure` says why it failed, `cannot` that the
    backend has no way to be told. `model` is the name by which the backend knows it."""

    def __init__(self, backend: str, model: str) -> None:
        self.backend = backend
        self.model = model
        self.started = running_clock()()
        self.ended: float | None = None
        self.phase: Phase | None = None
        self.failure: Failure | None = None
        self.cannot: str | None = None
        self.news = anyio.Event()
        """Set at the next change, and replaced by another one: take it before looking."""
        self.scope = anyio.CancelScope()
        self.waiters = 0

    @property
    def progress(self) -> float | None:
        """0..1, where the backend tells."""
        return None if self.phase is None else self.phase.progress

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return (running_clock()() if self.ended is None else self.ended) - self.started

    @property
    def outcome(self) -> str:
        """`loaded`, `failed` or `cannot`; `loading` while it is under way."""
        if self.ended is None:
            return "loading"
        if self.cannot is not None:
            return "cannot"
        return "loaded" if self.failure is None else "failed"

    def tell(self, phase: Phase | None = None) -> None:
        """Something has changed."""
        self.phase = phase or self.phase
        self.news.set()
        self.news = anyio.Event()

    async def over(self) -> None:
        """Wait for its end."""
        while self.ended is None:
            await self.news.wait()


class Loads:
    """Those under way, while it is entered with a task group. `on_end` is told of each that has ended."""

    def __init__(self) -> None:
        self.on_end: Callable[[Load], None] | None = None
        self._under_way: dict[tuple[str, str], Load] = {}
        self._group: TaskGroup | None = None

    def __iter__(self) -> Iterator[Load]:
        return iter(list(self._under_way.values()))

    def run_in(self, group: TaskGroup | None) -> None:
        """Where loads run from now on; None: nowhere any more."""
        self._group = group

    def of(self, backend: str, model: str) -> Load | None:
        """The one of this model that is under way."""
        return self._under_way.get((backend, model))

    @contextmanager
    def joined(self, served: Loading, model: str) -> Generator[Load]:
        """The load of a model, which begins unless somebody waits for it already. Leaving the block is
        leaving the load."""
        load = self.of(served.name, model) or self._begin(served, model)
        load.waiters += 1
        try:
            yield load
        finally:
            load.waiters -= 1
            if not load.waiters:
                self._forget(load)
                load.scope.cancel()

    def _begin(self, served: Loading, model: str) -> Load:
        load = Load(served.name, model)
        if self._group is None:
            load.failure, load.ended = _STOPPED, load.started
        else:
            self._under_way[load.backend, load.model] = load
            self._group.start_soon(self._run, served, load)
        return load

    async def _run(self, served: Loading, load: Load) -> None:
        load.failure = _STOPPED
        try:
            with load.scope:
                load.failure, load.cannot = await _load(served, load)
        finally:
            load.ended = running_clock()()
            self._forget(load)
            served.catalog.forget()
            load.tell()
            if self.on_end is not None:
                self.on_end(load)

    def _forget(self, load: Load) -> None:
        if self.of(load.backend, load.model) is load:
            del self._under_way[load.backend, load.model]


async def _load(served: Loading, load: Load) -> tuple[Failure | None, str | None]:
    """Why it failed, and why it cannot be done."""
    try:
        try:
            async with aclosing(served.source.load(load.model)) as phases:
                async for phase in phases:
                    load.tell(phase)
        except CannotError:
            if served.source.hosted:
                raise
            await _ask_for(served.source, load)
    except CannotError as cannot:
        return None, str(cannot)
    except StreamError as failed:
        return failed.failure, None
    except MisuseError as wrong:
        return Failure("bad_request", str(wrong)), None
    except TokenweirError as odd:
        return Failure("upstream", str(odd)), None
    except (Exception, asyncio.CancelledError) as bug:  # a plug-in's bug ends one load, and not the gateway
        if stops_us(bug):
            raise
        log_trouble("load_broken", backend=served.name, error=type(bug).__name__)
        return Failure("upstream", f"the load broke: {type(bug).__name__}"), None
    return None, None


async def _ask_for(source: Source, load: Load) -> None:
    """A backend that takes no other orders loads a model at a request for it: the smallest there is."""
    async with Stream(Route(source, source.warming(load.model, KEPT), source.stage)) as stream:
        async for event in stream:
            if isinstance(event, Phase):
                load.tell(event)
