"""keep_warm: models that are loaded before they are asked, and stay so.

Law of this file: it never stands in a stream's way (PROMISES P23). One small request per model and
interval, however many keep the same model warm; none while the model answers a stream of ours; a stream
that begins cuts one off that is under way; a failure makes the next one later. It owns a task group, which
no stream does.
"""

import math
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup

from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import CannotError, MisuseError
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.pipeline.warmth import warmth_of

INTERVAL = 300.0
"""Seconds: LM Studio keeps a model for an hour and Ollama for five minutes after it was last used."""


def keep_warm(source: Source, *models: str, every: float = INTERVAL) -> "KeepWarm":
    """Load models, by default the source's own, and keep them loaded as long as the `async with` lasts.

    Each gets one request for one token when it is entered and `every` seconds after it was last asked for
    anything; Ollama gets an empty one, and Ollama and LM Studio are told how long to keep the model. Entering
    waits for nothing. What fails is a warning in the log, and is tried again later.

    Raises MisuseError for an interval that is not positive and where a model must be named, and CannotError
    for a hosted service, whose models need no warming.

    >>> from tokenweir import connect
    >>> keep_warm(connect("ollama", model="qwen3:8b"), every=240)
    <KeepWarm ollama: qwen3:8b, every 240 s>
    """
    return KeepWarm(source, models or (source.model,), every)


class KeepWarm:
    """Models of one source that are kept warm while this is entered."""

    def __init__(self, source: Source, models: Sequence[str | None], every: float) -> None:
        if not (every > 0 and math.isfinite(every)):
            msg = f"keep_warm(every={every!r}): seconds above 0"
            raise MisuseError(msg)
        if source.hosted:
            msg = f"{source.provider}: this is a hosted service, which cannot be kept warm and need not be"
            raise CannotError(msg)
        if None in models and isinstance(source, HTTPSource) and source.model_required:
            msg = f"{source.provider}: name the model: keep_warm(source, 'qwen3:8b')"
            raise MisuseError(msg)
        self._source = source
        self._every = every
        self._warmths = [warmth_of(source, model) for model in dict.fromkeys(models)]
        self._group: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        if self._group is not None:
            raise MisuseError("keep_warm is entered already: make another one")
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        for warmth in self._warmths:
            warmth.enter()
        self._group.start_soon(self._keep)
        return self

    async def _keep(self) -> None:
        """One model after the other, so that no two are loaded at once."""
        clock = running_clock()
        while True:
            first = min(self._warmths, key=lambda warmth: warmth.due(self._every))
            wait = first.due(self._every) - clock()
            if wait > 0:
                await anyio.sleep(wait)
            else:
                await first.touch(self._every)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        group, self._group = self._group, None
        if group is not None:
            for warmth in self._warmths:
                warmth.leave()
            group.cancel_scope.cancel()
            # Without the error: a task group would wrap it, and no task of ours needs to be told.
            await group.__aexit__(None, None, None)

    def __repr__(self) -> str:
        names = ", ".join(str(warmth.model) for warmth in self._warmths)
        return f"<KeepWarm {self._source.provider}: {names}, every {self._every:g} s>"
