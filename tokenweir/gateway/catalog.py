"""The models of one backend, as it listed them lately.

Law of this file: who asks a backend for its list, and when. One question at a time, however many requests
want to know; a list that is a little old serves as long as it has the name that is looked for, so that a
backend that answers one request at a time is not asked while it is busy.
"""

import asyncio
from collections.abc import Iterable
from math import inf

import anyio

from tokenweir.gateway.mishap import stops_us
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import CannotError, StreamError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.sources.base import Source

FRESH = 5.0
"""Seconds for which a list counts as what there is."""

AGAIN = 1.0
"""Seconds until a backend is asked again for a name that its last list did not have, or after a failure."""

PATIENCE = 5.0
"""Seconds that a list may take: whoever hangs is as good as away."""


class Catalog:
    """What one source lists. `failure` says why there is no fresh list; `listable` is false for a backend
    that has none to give. `checked` is when it was last asked, by the event loop's clock; `asked`
    the same, but for a list that was forgotten since."""

    def __init__(self, source: Source) -> None:
        self.models: list[Model] | None = None
        self.failure: Failure | None = None
        self.listable = True
        self.checked: float | None = None
        self._source = source
        self.asked = -inf
        self._lock = anyio.Lock()

    async def fresh(self, seconds: float = FRESH) -> list[Model] | None:
        """The list, no older than so many seconds. None where the backend gives none, or does not answer:
        `failure` says then why, and an older list stays in `models`."""
        if not self._old(seconds):
            return self._known()
        async with self._lock:
            if self._old(seconds):
                await self._ask()
        return self._known()

    async def knowing(self, name: str) -> list[Model] | None:
        """A list to look a name up in: asked for again only where the last one does not have it."""
        if self.models is not None and any(name in (model.id, model.instance) for model in self.models):
            return self.models
        return await self.fresh(AGAIN)

    def forget(self) -> None:
        """The next question is asked of the backend: a model was loaded or unloaded."""
        self.asked = -inf

    def _known(self) -> list[Model] | None:
        return None if self.failure is not None else self.models

    def _old(self, seconds: float) -> bool:
        if not self.listable:
            return False
        limit = AGAIN if self.failure is not None else seconds
        return running_clock()() - self.asked >= limit

    async def _ask(self) -> None:
        try:
            with anyio.fail_after(PATIENCE):
                self.models = _read(await self._source.models())
        except TimeoutError:
            message = f"its list of models did not come within {PATIENCE:g} s"
            self.failure = Failure("timeout", message, "models")
        except CannotError:
            self.listable, self.models = False, None
        except StreamError as failed:
            self.failure = failed.failure
        except (Exception, asyncio.CancelledError) as odd:  # a source of somebody else's may raise anything
            if stops_us(odd):
                raise
            self.failure = self._source.scrub(Failure("upstream", f"{type(odd).__name__}: {odd}"))
        else:
            self.failure = None
        self.asked = self.checked = running_clock()()


def _read(models: Iterable[object]) -> list[Model]:
    """The list, as a source of somebody else's may give it. Raises TypeError for what is none."""
    listed: list[Model] = []
    for model in models:
        if not isinstance(model, Model):
            msg = f"models() gave {type(model).__name__}, and no Model"
            raise TypeError(msg)
        listed.append(model)
    return listed
