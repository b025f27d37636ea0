"""What is known of backends stays recent."""

import anyio
import pytest
from structlog.testing import capture_logs

from tests.gateway.configured import backend, loaded
from tests.gateway.until import until
from tokenweir.gateway import watch as watching
from tokenweir.gateway.gateway import Gateway
from tokenweir.gateway.watch import look, watch
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.run import Pipeline
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio


async def test_a_backend_is_known_to_be_up_and_then_down() -> None:
    """P22: nobody has to ask for anything to find out."""
    async with Simulator(Quirks(models=("m",))) as server:
        gateway = Gateway(loaded(backend("openai-compatible", server.url + "/v1")))
        catalog = gateway.setup.backends["inference"].catalog
        async with anyio.create_task_group() as group:
            group.start_soon(watch, gateway)
            await until(lambda: catalog.checked is not None)
            group.cancel_scope.cancel()
        assert (catalog.failure, len(catalog.models or ())) == (None, 1)
    catalog.forget()
    await look(gateway)

    assert catalog.failure is not None
    assert catalog.failure.kind == "connect"
    with anyio.fail_after(1):
        await gateway.setup.aclose()


async def test_the_log_tells_when_a_backend_goes_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once each time, and not at each look."""
    told = list[tuple[str, str]]()

    def tell(event: str, **values: str) -> None:
        told.append((event, values["backend"]))

    monkeypatch.setattr(watching, "log_trouble", tell)
    monkeypatch.setattr(watching, "log_life", tell)
    gateway = Gateway(loaded(backend("openai-compatible", "http://127.0.0.1:9")))
    catalog = gateway.setup.backends["inference"].catalog
    for failure in (None, Failure("connect", "down"), Failure("connect", "down"), None, None):

        async def answer(_seconds: float, failure: Failure | None = failure) -> None:
            catalog.failure = failure

        monkeypatch.setattr(catalog, "fresh", answer)
        await look(gateway)

    assert told == [("backend_down", "inference"), ("backend_up", "inference")]


async def test_a_backend_that_answers_is_not_disturbed() -> None:
    """Some answer one request at a time: their list would wait, and they would seem to be down."""
    async with Simulator(Quirks(models=("m",), rate=200)) as server:
        gateway = Gateway(loaded(backend("openai-compatible", server.url + "/v1")))
        served = gateway.setup.backends["inference"]
        await look(gateway)
        first = served.catalog.checked
        async with Pipeline(served.source).stream("Hi", model="m") as stream:
            async for _ in stream:
                if served.source.activity.streams(served.source):
                    break
            served.catalog.forget()
            await look(gateway)
            assert served.catalog.checked == first
        await look(gateway)
        await gateway.setup.aclose()

    assert first is not None
    assert served.catalog.checked != first


async def test_what_one_source_raises_stops_no_look_at_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """P22: a source of somebody else's may raise anything, and the watch goes on."""
    async with Simulator(Quirks(models=("m",))) as server:
        one = {"provider": "openai-compatible", "base_url": server.url + "/v1"}
        gateway = Gateway(loaded({"backends": {"odd": one, "sound": one}}))
        odd, sound = gateway.setup.backends["odd"], gateway.setup.backends["sound"]

        def broken(_failure: Failure) -> Failure:
            raise KeyError("sk-canary-1")

        async def models() -> list[Model]:
            raise ValueError

        monkeypatch.setattr(odd.source, "models", models)
        monkeypatch.setattr(odd.source, "scrub", broken)
        with capture_logs() as logs:
            await look(gateway)
        await gateway.setup.aclose()

    assert [model.id for model in sound.catalog.models or ()] == ["m"]
    assert logs == [
        {"event": "bug", "log_level": "warning", "where": "watch", "error": "KeyError", "backend": "odd"}
    ]
