"""Models that are there before they are asked for: those of `preload`, and those that are kept warm.

Law of this file: it never stands in a request's way (PROMISES P23). A backend's models are loaded one after
the other, and none while the backend answers; a failure is a warning and a later attempt, and stops
nothing.
"""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup

from tokenweir.gateway.loads import Loading, Loads
from tokenweir.gateway.log import log_life, log_trouble
from tokenweir.gateway.mishap import harmless, stops_us
from tokenweir.pipeline.errors import MisuseError, RequestError
from tokenweir.pipeline.keep_warm import keep_warm
from tokenweir.pipeline.models import choose_model

FIRST_PAUSE = 2.0
"""Seconds until the next attempt after one that failed; doubled with each that fails."""

LONGEST_PAUSE = 120.0
"""The longest of these pauses, in seconds."""

LOOK_AGAIN = 2.0
"""Seconds until a backend that was answering is looked at again."""


class Warm:
    """The models of these backends, while this is entered. Entering waits for nothing; leaving ends every
    load at once. `loads` are those under way, a client's as well as ours."""

    def __init__(self, backends: Iterable[Loading]) -> None:
        self.loads = Loads()
        self._backends = list(backends)
        self._missing = {
            served.name: list(dict.fromkeys(served.settings.preload)) for served in self._backends
        }
        self._done = anyio.Event()
        self._group: TaskGroup | None = None

    @property
    def preloaded(self) -> bool:
        """Whether every model of `preload` has been loaded."""
        return not any(self._missing.values())

    async def preloading_done(self) -> None:
        """Wait until they are."""
        if not self.preloaded:
            await self._done.wait()

    async def __aenter__(self) -> Self:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self.loads.run_in(self._group)
        for served in self._backends:
            if served.settings.preload or served.settings.keep_warm is not None:
                self._group.start_soon(self._keep, served)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        group, self._group = self._group, None
        self.loads.run_in(None)
        if group is not None:
            group.cancel_scope.cancel()
            # Without the error: a task group would wrap it, and no task of ours needs to be told.
            await group.__aexit__(None, None, None)

    async def _keep(self, served: Loading) -> None:
        """One backend: first what is to be loaded, and then what is to stay."""
        await self._preload(served)
        settings = served.settings.keep_warm
        while settings is not None:
            try:
                async with keep_warm(served.source, *settings.models, every=settings.every_secs):
                    await anyio.sleep_forever()
            except MisuseError as wrong:
                log_trouble("keep_warm_impossible", backend=served.name, why=str(wrong))
                return
            except (
                Exception,
                asyncio.CancelledError,
            ) as bug:  # a plug-in's is a warning, and a later attempt
                if stops_us(bug):
                    raise
                log_trouble("keep_warm_broken", backend=served.name, error=type(bug).__name__)
            await anyio.sleep(LONGEST_PAUSE)

    async def _preload(self, served: Loading) -> None:
        missing, pause = self._missing[served.name], FIRST_PAUSE
        while missing:
            for model in list(missing):
                with harmless("preload", backend=served.name):
                    if await self._load(served, model):
                        missing.remove(model)
                        pause = FIRST_PAUSE
            if self.preloaded:
                self._done.set()
            if missing:
                await anyio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _load(self, served: Loading, name: str) -> bool:
        """Whether it is loaded. A hosted model always is."""
        while served.source.activity.streams(served.source):  # noqa: ASYNC110 - nobody tells when one ends
            await anyio.sleep(LOOK_AGAIN)
        model = await _called(served, name)
        with self.loads.joined(served, model) as load:
            await load.over()
        if load.failure is not None:
            log_trouble("preload_failed", backend=served.name, model=model, kind=load.failure.kind)
            return False
        log_life("preloaded", backend=served.name, model=model, seconds=round(load.seconds, 3))
        return True


async def _called(served: Loading, name: str) -> str:
    """The backend's own name of a model, as far as it lists them."""
    models = await served.catalog.knowing(name)
    try:
        return name if models is None else choose_model(name, models).id
    except RequestError:
        return name
