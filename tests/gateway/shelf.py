"""A backend without a network for tests of loads: it says when it was asked to load what.

Law of this file: a source as a script, in whatever time the event loop has; it asserts nothing.
"""

from collections.abc import AsyncGenerator
from typing import Any, ClassVar

import anyio
import msgspec

from tokenweir.config.schema import Backend
from tokenweir.gateway.catalog import Catalog
from tokenweir.pipeline.errors import CannotError, error_for
from tokenweir.pipeline.events import End, Failure, Phase
from tokenweir.pipeline.models import Model
from tokenweir.testing import ScriptedSource

ANSWER = b'{"choices":[{"message":{"content":"H"},"finish_reason":"length"}],"model":"m"}'
CRASHED = Failure("model_crashed", "out of memory")


class Shelf(ScriptedSource):
    """Loads for `seconds`; the first `failing` loads fail; `orders` false is a backend that loads at a
    request alone."""

    provider: ClassVar[str] = "shelf"
    is_hosted = False

    def __init__(self, *names: str, seconds: float = 3.0, failing: int = 0, orders: bool = True) -> None:
        super().__init__([seconds, ANSWER], model=names[0])
        self.names = names
        self.seconds = seconds
        self.failing = failing
        self.orders = orders
        self.loads: list[tuple[float, str]] = []
        self.left: list[str] = []
        self.odd: BaseException | None = None
        """What a load raises, in place of loading."""
        self._began = anyio.current_time()

    @property
    def hosted(self) -> bool:
        return self.is_hosted

    async def models(self) -> list[Model]:
        return [Model(name, "not_loaded") for name in self.names]

    async def load(self, name: str, **options: Any) -> AsyncGenerator[Phase]:  # noqa: ARG002 - as in Source
        if not self.orders:
            raise CannotError("shelf: it takes no orders")
        self.loads.append((round(anyio.current_time() - self._began, 3), name))
        if self.odd is not None:
            raise self.odd
        try:
            for second in range(int(self.seconds)):
                yield Phase("loading", second / self.seconds)
                await anyio.sleep(1)
        except BaseException:
            self.left.append(name)
            raise
        if self.failing:
            self.failing -= 1
            raise error_for(End("error", CRASHED))


class Served:
    """What a setup has of a backend, as far as loads need it."""

    def __init__(self, source: Shelf, name: str = "shelf", **settings: Any) -> None:
        self.name = name
        self.settings = msgspec.convert({"provider": "shelf", **settings}, Backend)
        self.source = source
        self.catalog = Catalog(source)
