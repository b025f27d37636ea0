"""What a backend lists: asked once for many, and not while it need not be."""

import asyncio
from typing import Any

import anyio
import pytest

from tests.virtual import virtual
from tokenweir.gateway.catalog import AGAIN, FRESH, Catalog
from tokenweir.pipeline.errors import CannotError, UnreachableError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.sources.base import Source

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Virtual time."""
    return virtual("asyncio")


class Listing(Source):
    """A source that lists what the test says, and counts how often it is asked."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = list(names)
        self.fault: BaseException | None = None
        self.asked = 0

    async def models(self) -> list[Model]:
        self.asked += 1
        await anyio.sleep(0.1)
        if self.fault is not None:
            raise self.fault
        return [Model(name) for name in self.names]


async def test_many_who_want_to_know_ask_once() -> None:
    """P23: one question at a time."""
    source = Listing("a")
    catalog = Catalog(source)

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(catalog.fresh)

    assert source.asked == 1
    assert catalog.models == [Model("a")]


async def test_a_list_is_fresh_for_a_while() -> None:
    """Then it is asked for again."""
    source = Listing("a")
    catalog = Catalog(source)
    await catalog.fresh()
    await anyio.sleep(FRESH - 0.2)
    await catalog.fresh()
    assert source.asked == 1

    await anyio.sleep(0.3)
    source.names.append("b")

    assert await catalog.fresh() == [Model("a"), Model("b")]


async def test_an_old_list_that_has_the_name_is_enough() -> None:
    """A backend that answers one request at a time is not asked while it is busy."""
    source = Listing("a")
    catalog = Catalog(source)
    await catalog.fresh()
    await anyio.sleep(1000)

    assert await catalog.knowing("a") == [Model("a")]
    assert source.asked == 1


async def test_a_name_that_is_new_is_looked_for() -> None:
    """But not by each request for a name that nobody knows."""
    source = Listing("a")
    catalog = Catalog(source)
    await catalog.fresh()
    source.names.append("b")
    await anyio.sleep(AGAIN)

    assert await catalog.knowing("b") == [Model("a"), Model("b")]
    for _ in range(5):
        await catalog.knowing("nobody")
    assert source.asked == 2


async def test_a_backend_that_is_down_says_why() -> None:
    """And is asked again soon, and no sooner."""
    source = Listing("a")
    source.fault = UnreachableError(Failure("connect", "nobody is there"))
    catalog = Catalog(source)

    assert await catalog.fresh() is None
    assert await catalog.fresh() is None
    assert source.asked == 1
    assert catalog.failure == Failure("connect", "nobody is there")

    source.fault = None
    await anyio.sleep(AGAIN)
    assert await catalog.fresh() == [Model("a")]
    assert catalog.failure is None


async def test_what_was_listed_outlives_a_failure() -> None:
    """`models` keeps it, and `fresh` does not give it as fresh."""
    source = Listing("a")
    catalog = Catalog(source)
    await catalog.fresh()
    source.fault = UnreachableError(Failure("connect", "gone"))
    await anyio.sleep(FRESH)

    assert await catalog.fresh() is None
    assert catalog.models == [Model("a")]
    assert await catalog.knowing("a") == [Model("a")]


async def test_a_backend_that_cannot_list_is_asked_once() -> None:
    """`listable` says so."""
    source = Listing()
    source.fault = CannotError("it has no list")
    catalog = Catalog(source)

    assert [await catalog.fresh(), await catalog.knowing("x"), await catalog.fresh()] == [None] * 3
    assert (source.asked, catalog.listable, catalog.failure) == (1, False, None)


async def test_an_odd_exception_is_a_failure_and_no_crash() -> None:
    """A source of somebody else's may raise anything."""
    source = Listing("a")
    source.fault = ZeroDivisionError("oops")
    catalog = Catalog(source)

    assert await catalog.fresh() is None
    assert catalog.failure == Failure("upstream", "ZeroDivisionError: oops")


async def test_a_cancellation_of_the_sources_own_is_a_failure_too() -> None:
    """Such as a future of its own that was cancelled: nobody here was told to stop."""
    source = Listing("a")
    source.fault = asyncio.CancelledError()
    catalog = Catalog(source)

    assert await catalog.fresh() is None
    assert catalog.failure is not None
    assert catalog.failure.message.startswith("CancelledError")


@pytest.mark.parametrize("given", [None, [None], ["a"]])
async def test_what_is_no_list_of_models_is_a_failure(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who looks a name up in it meets what has none."""
    source = Listing("a")
    catalog = Catalog(source)
    await catalog.fresh()
    await anyio.sleep(FRESH)

    async def models() -> Any:
        return given

    monkeypatch.setattr(source, "models", models)

    assert await catalog.knowing("b") is None
    assert catalog.failure is not None
    assert catalog.failure.message.startswith("TypeError: ")
    assert catalog.models == [Model("a")]


async def test_forgetting_asks_again() -> None:
    """After a load, say."""
    source = Listing("a")
    catalog = Catalog(source)
    await catalog.fresh()
    catalog.forget()
    await catalog.fresh()

    assert source.asked == 2
