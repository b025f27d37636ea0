"""Models that are there before they are asked for (PROMISES P23)."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from tests.gateway.shelf import Served, Shelf
from tests.virtual import virtual
from tokenweir.gateway.warm import LONGEST_PAUSE, Warm
from tokenweir.pipeline.events import Phase
from tokenweir.pipeline.run import Pipeline

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> object:
    """Virtual time."""
    return virtual("asyncio")


async def test_models_are_loaded_one_after_the_other() -> None:
    """P23: entering waits for nothing; names are found as requests find them."""
    shelf = Shelf("qwen/qwen3-8b", "other")
    async with Warm([Served(shelf, preload=["qwen3", "other"])]) as warm:
        assert not warm.preloaded
        await anyio.sleep(1)
        assert [(load.model, load.waiters) for load in warm.loads] == [("qwen/qwen3-8b", 1)]
        await warm.preloading_done()

        assert warm.preloaded
        assert anyio.current_time() > 0
    assert shelf.loads == [(0.0, "qwen/qwen3-8b"), (3.0, "other")]


async def test_a_failure_is_tried_again_ever_later() -> None:
    """P23: it stops nothing, and backs off: 2 s, then 4 s."""
    shelf = Shelf("m", failing=2)
    async with Warm([Served(shelf, preload=["m"])]) as warm:
        await warm.preloading_done()

    assert shelf.loads == [(0.0, "m"), (5.0, "m"), (12.0, "m")]


async def test_nothing_to_preload_is_done_at_once() -> None:
    """And leaving is too."""
    async with Warm([Served(Shelf("m"))]) as warm:
        await warm.preloading_done()

        assert warm.preloaded


async def test_leaving_stops_a_load_at_once() -> None:
    """Nobody waits for it any more."""
    shelf = Shelf("m", seconds=100)
    with anyio.fail_after(2):
        async with Warm([Served(shelf, preload=["m"])]) as warm:
            await anyio.sleep(1)

    assert shelf.left == ["m"]
    assert not warm.preloaded
    assert list(warm.loads) == []


async def test_a_backend_that_answers_is_left_alone() -> None:
    """P23: a load might put the model out of memory that is answering."""
    shelf = Shelf("m", "n", seconds=5)
    served = Served(shelf, preload=["n"])
    async with anyio.create_task_group() as group:
        group.start_soon(Pipeline(shelf).text, "Hi")
        await anyio.sleep(0.1)
        async with Warm([served]) as warm:
            await warm.preloading_done()

    assert shelf.loads[0][0] >= 5


async def test_keep_warm_begins_after_preloading() -> None:
    """Then one request an interval."""
    shelf = Shelf("m")
    async with Warm([Served(shelf, preload=["m"], keep_warm={"every_secs": 10})]):
        await anyio.sleep(2.5)
        assert shelf.connections == []
        await anyio.sleep(20)

    assert shelf.loads == [(0.0, "m")]
    assert len(shelf.connections) == 2


async def test_what_cannot_be_kept_warm_stops_nothing() -> None:
    """A hosted service: the other backends go on."""
    hosted, shelf = Shelf("m"), Shelf("m")
    hosted.is_hosted = True
    async with Warm([Served(hosted, "hosted", keep_warm={}), Served(shelf, preload=["m"])]) as warm:
        await warm.preloading_done()

    assert hosted.connections == []
    assert shelf.loads == [(0.0, "m")]


class Odd(Shelf):
    """A plug-in's source, with a bug."""

    async def load(self, name: str, **options: Any) -> AsyncGenerator[Phase]:
        async for phase in super().load(name, **options):
            yield phase
        raise KeyError("sk-secret")


async def test_a_source_s_bug_stops_nothing() -> None:
    """P23, P24: it is a failed attempt like any other, with a later one, and says nothing but its type."""
    shelf, fine = Odd("m"), Shelf("n")
    async with Warm([Served(shelf, preload=["m"]), Served(fine, "fine", preload=["n"])]) as warm:
        with capture_logs() as logs:
            await anyio.sleep(10)

        assert not warm.preloaded
    assert [at for at, _ in shelf.loads] == [0.0, 5.0]
    assert fine.loads == [(0.0, "n")]
    assert [entry["error"] for entry in logs if entry["event"] == "load_broken"] == ["KeyError"] * 2
    assert "secret" not in str(logs)


async def test_a_bug_in_keeping_warm_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """P23: after a long pause."""
    begun = list[float]()

    class Broken:
        async def __aenter__(self) -> None:
            begun.append(anyio.current_time())
            raise KeyError("sk-secret")

        async def __aexit__(self, *_: object) -> None: ...

    def broken(*_: object, **__: object) -> Broken:
        return Broken()

    monkeypatch.setattr("tokenweir.gateway.warm.keep_warm", broken)
    settings = {"models": ["m"], "every_secs": 60}
    async with Warm([Served(Shelf("m"), keep_warm=settings)]):
        with capture_logs() as logs:
            await anyio.sleep(LONGEST_PAUSE + 1)

    assert begun[1] - begun[0] == pytest.approx(LONGEST_PAUSE)
    assert [entry["error"] for entry in logs if entry["event"] == "keep_warm_broken"] == ["KeyError"] * 2


async def test_an_attempt_that_breaks_before_its_load_is_one_that_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P23: a source of somebody else's may raise anything when it is asked what it has."""
    shelf, fine = Shelf("m"), Shelf("n")
    broken, asked = Served(shelf, preload=["m"]), list[float]()

    async def knowing(_name: str) -> None:
        asked.append(anyio.current_time())
        if len(asked) < 3:
            raise KeyError("sk-secret") if len(asked) == 1 else asyncio.CancelledError

    monkeypatch.setattr(broken.catalog, "knowing", knowing)
    with capture_logs() as logs:
        async with Warm([broken, Served(fine, "fine", preload=["n"])]) as warm:
            await warm.preloading_done()

    assert [at - asked[0] for at in asked] == pytest.approx([0.0, 2.0, 6.0])
    assert (len(shelf.loads), fine.loads) == (1, [(0.0, "n")])
    assert [entry["error"] for entry in logs if entry["event"] == "bug"] == ["KeyError", "CancelledError"]


@pytest.mark.parametrize("odd", [KeyError("sk-secret"), asyncio.CancelledError()], ids=["bug", "cancelled"])
async def test_what_cannot_even_begin_to_keep_warm_stops_nothing(
    odd: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P23: the other backends are loaded, and it is tried again."""
    fine, begun = Shelf("n", seconds=30), list[float]()

    def broken(*_args: object, **_options: object) -> None:
        begun.append(anyio.current_time())
        raise odd

    monkeypatch.setattr("tokenweir.gateway.warm.keep_warm", broken)
    with capture_logs() as logs:
        async with Warm([Served(Shelf("m"), keep_warm={}), Served(fine, "fine", preload=["n"])]) as warm:
            await warm.preloading_done()
            await anyio.sleep(2 * LONGEST_PAUSE)

    assert [at - begun[0] for at in begun] == pytest.approx([0.0, LONGEST_PAUSE, 2 * LONGEST_PAUSE])
    assert [entry["error"] for entry in logs if entry["event"] == "keep_warm_broken"] == [
        type(odd).__name__
    ] * 3


async def test_a_preload_that_never_works_is_told_seldom() -> None:
    """P23: every two minutes at last, a line each; and it counts as missing all the time."""
    shelf = Shelf("m", seconds=0, failing=10_000)
    with capture_logs() as logs:
        async with Warm([Served(shelf, preload=["m"])]) as warm:
            await anyio.sleep(3600)
            assert not warm.preloaded
    begun = [at for at, _ in shelf.loads]

    assert [round(later - at) for at, later in itertools.pairwise(begun)] == [2, 4, 8, 16, 32, 64] + [
        120
    ] * 28
    assert [entry["event"] for entry in logs] == ["preload_failed"] * len(begun)


async def test_no_model_is_kept_warm_while_it_answers() -> None:
    """P23: however long that takes; what was due follows when the answer is over."""
    shelf = Shelf("m", seconds=100)
    async with (
        Warm([Served(shelf, keep_warm={"models": ["m"], "every_secs": 10})]),
        anyio.create_task_group() as group,
    ):
        group.start_soon(Pipeline(shelf).text, "Hi")
        await anyio.sleep(95)
        assert len(shelf.connections) == 1
        await anyio.sleep(20)
        assert len(shelf.connections) == 2
        group.cancel_scope.cancel()


async def test_an_answer_cuts_off_what_keeps_its_model_warm() -> None:
    """P23: the request for one token would stand in its way."""
    shelf = Shelf("m", seconds=5)
    async with Warm([Served(shelf, keep_warm={"models": ["m"], "every_secs": 60})]):
        await anyio.sleep(1)
        [ping] = shelf.connections
        began = anyio.current_time()
        await Pipeline(shelf).text("Hi")

        assert anyio.current_time() - began == pytest.approx(5)
        assert ping.closed
