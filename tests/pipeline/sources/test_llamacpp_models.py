"""The models of llama-server: the one that it was started with, or its router's."""

import re
from typing import Any

import msgspec
import pytest

from tests.scripted import Attempt, Headers
from tests.virtual import virtual
from tokenweir.pipeline.connection import HTTPRequest
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import BackendError, CannotError, DeadlineError, MisuseError, StreamError
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.sources.llamacpp import LlamaCpp
from tokenweir.testing import ScriptedConnection

pytestmark = pytest.mark.anyio

LOADING = Attempt(503, b'{"error":{"message":"Loading model","type":"unavailable_error","code":503}}')
ONE = Attempt(200, b'{"data":[{"id":"tiny","meta":{"n_ctx_train":40960,"size":5000}}]}')
PROPS = Attempt(200, b'{"default_generation_settings":{"n_ctx":4096},"is_sleeping":false}')
NOT_THERE = Attempt(404, b'{"error":{"message":"File Not Found","code":404}}')
TOLD = Attempt(200, b'{"success":true}')


def router(state: str, **more: Any) -> Attempt:
    """A router's list of two models, of which the second is in this state."""
    status = {"value": state, **more}
    data = [{"id": "a", "status": {"value": "loaded"}}, {"id": "b", "status": status}]
    return Attempt(200, msgspec.json.encode({"data": data}))


class Paths:
    """Answers by path; the last answer of a path stands for all that follow."""

    def __init__(self, **answers: Attempt | list[Attempt]) -> None:
        self.asked: list[str] = []
        self.connections: list[ScriptedConnection] = []
        self._answers = {
            f"/{name.replace('_', '/')}": list(given) if isinstance(given, list) else [given]
            for name, given in answers.items()
        }

    def open(self, request: HTTPRequest, connect: float | None) -> ScriptedConnection:  # noqa: ARG002 - as Transport
        path = re.sub("^http://[^/]*", "", request.url)
        self.asked.append(f"{request.method} {path} {request.body.decode()}".strip())
        answers = self._answers.get(path, [NOT_THERE])
        attempt = answers.pop(0) if len(answers) > 1 else answers[0]
        connection = ScriptedConnection(attempt.script, b"", attempt.status, Headers(attempt.headers))
        self.connections.append(connection)
        return connection

    async def aclose(self) -> None:
        """Nothing is pooled."""


def there(paths: Paths, **options: Any) -> LlamaCpp:
    """A llama-server that answers so."""
    return LlamaCpp("http://llama.test", transport=paths, **options)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def test_the_one_that_it_was_started_with() -> None:
    """PROTOCOLS 5.1: its `/props` know the context that is loaded."""
    [model] = await there(Paths(v1_models=ONE, props=PROPS)).models()

    assert model == Model("tiny", "loaded", 5000, 4096, native=model.native)


@pytest.mark.parametrize("completion", [False, True])
async def test_what_has_no_props(*, completion: bool) -> None:
    """llama-cpp-python has none; the list is at the same place whatever the source asks otherwise."""
    [model] = await there(Paths(v1_models=ONE), completion=completion).models()

    assert (model.state, model.context) == ("loaded", 40960)


async def test_one_that_sleeps() -> None:
    """It gave its memory back, and takes it again at the next request."""
    asleep = Attempt(200, b'{"is_sleeping":true}')
    [model] = await there(Paths(v1_models=ONE, props=asleep)).models()

    assert (model.state, model.context) == ("not_loaded", 40960)


async def test_one_that_is_about_to_be_loaded() -> None:
    """A proxy may know the name before the server answers."""
    [model] = await there(Paths(v1_models=ONE, props=LOADING)).models()

    assert (model.id, model.state) == ("tiny", "loading")


@pytest.mark.parametrize(("name", "known"), [(None, "local-model"), ("tiny", "tiny")])
async def test_while_it_loads_everything_is_refused(name: str | None, known: str) -> None:
    """PROTOCOLS 5.1: 503 `Loading model` everywhere: one model, and it loads."""
    source = there(Paths(v1_models=LOADING), model=name)

    assert await source.models() == [Model(known, "loading")]


async def test_another_refusal_is_one() -> None:
    """A server that is busy does not load."""
    with pytest.raises(StreamError, match="server busy"):
        await there(Paths(v1_models=Attempt(503, b'{"error":{"message":"server busy"}}'))).models()


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("unloaded", "not_loaded"),
        ("loading", "loading"),
        ("downloading", "loading"),
        ("loaded", "loaded"),
        ("sleeping", "not_loaded"),
        ("new", "unknown"),
    ],
)
async def test_the_routers_words(word: str, state: str) -> None:
    """PROTOCOLS 5.1: `status.value`."""
    source = there(Paths(v1_models=router(word)))

    assert [(model.id, model.state) for model in await source.models()] == [("a", "loaded"), ("b", state)]


async def test_a_load_with_its_progress() -> None:
    """PROTOCOLS 5.1: `/models/sse` says how far, the list says that it is loaded."""
    event = (
        b'data: {"model":"b","event":"model_status","data":{"status":"loading","progress":'
        b'{"stages":["text_model"],"current":"text_model","value":%b}}}\n\n'
    )
    loaded = b'data: {"model":"b","event":"model_status","data":{"status":"loaded"}}\n\n'
    paths = Paths(
        v1_models=[router("unloaded"), router("loading"), router("loading"), router("loaded")],
        models_load=TOLD,
        models_sse=Attempt(200, 0.5, event % b"0.25", 1.0, event % b"0.75", 0.25, loaded, 60.0),
    )
    source = there(paths)

    phases = [phase async for phase in source.load("b")]

    assert [(phase.elapsed, phase.progress) for phase in phases] == [(0.0, None), (1.0, 0.25)]
    assert paths.asked[:3] == ["GET /v1/models", "GET /models/sse", 'POST /models/load {"model":"b"}']
    assert all(connection.closed for connection in paths.connections)


async def test_a_load_that_nobody_tells_of() -> None:
    """Older routers have no `/models/sse`: the seconds are told."""
    lists = [router("unloaded"), router("unloaded"), router("loading"), router("loaded")]
    source = there(Paths(v1_models=lists, models_load=TOLD))

    phases = [phase async for phase in source.load("b")]

    assert [(phase.elapsed, phase.progress) for phase in phases] == [(0.0, None), (1.0, None)]


async def test_what_loads_already_is_waited_for() -> None:
    """Also where all that is known is that it loads."""
    source = there(Paths(v1_models=[LOADING, LOADING, LOADING, ONE], props=PROPS), model="tiny")

    assert [phase.elapsed async for phase in source.load("tiny")] == [0.0, 1.0]


async def test_what_is_loaded_needs_nothing() -> None:
    """No phase, no order."""
    paths = Paths(v1_models=router("unloaded"))

    assert [phase async for phase in there(paths).load("a")] == []
    assert paths.asked == ["GET /v1/models"]


async def test_a_load_that_fails() -> None:
    """PROTOCOLS 5.1: `failed` and the exit code stay in the list."""
    lists = [router("unloaded"), router("loading"), router("unloaded", failed=True, exit_code=1)]
    source = there(Paths(v1_models=lists, models_load=TOLD))

    with pytest.raises(BackendError, match=r"b did not load \(exit code 1\)") as told:
        assert len([phase async for phase in source.load("b")]) == 0

    assert told.value.failure.kind == "model_crashed"


EVENT = b'data: {"model":"b","event":"model_status","data":{"status":"%b"}}\n\n'


@pytest.mark.parametrize("told", ["by the list", "by events alone"])
async def test_a_model_that_loses_its_place_while_it_loads(told: str) -> None:
    """Another one took it, or somebody unloaded it: it will not come by waiting."""
    begun = ["loading"] if told == "by the list" else []
    lists = [router(word) for word in ("unloaded", *begun, "unloaded")]
    tells = Attempt(200, 0.5, EVENT % b"loading", 60.0) if told == "by events alone" else NOT_THERE
    source = there(Paths(v1_models=lists, models_load=TOLD, models_sse=tells))

    with pytest.raises(BackendError, match="b was unloaded while it loaded") as raised:
        assert len([phase async for phase in source.load("b")]) == 0

    assert (raised.value.failure.kind, raised.value.failure.retryable) == ("model_crashed", True)


async def test_what_sleeps_again_was_loaded() -> None:
    """A server that gives its memory back at once has loaded all the same."""
    routed = Paths(v1_models=[router("unloaded"), router("loading"), router("sleeping")], models_load=TOLD)
    alone = Paths(v1_models=[LOADING, LOADING, ONE], props=Attempt(200, b'{"is_sleeping":true}'))

    assert len([phase async for phase in there(routed).load("b")]) == 1
    assert len([phase async for phase in there(alone, model="tiny").load("tiny")]) == 1


async def test_a_download_before_the_load() -> None:
    """What was fetched is not loaded yet."""
    lists = [router(word) for word in ("unloaded", "downloading", "unloaded", "loading", "loaded")]
    source = there(Paths(v1_models=lists, models_load=TOLD))

    assert [phase.elapsed async for phase in source.load("b")] == [0.0, 1.0, 2.0]


async def test_a_router_that_repeats_itself_is_not_asked_each_time() -> None:
    """Its list lags behind its events: one more question for the first of them, and then one a second."""
    repeated = [step for _ in range(300) for step in (0.01, EVENT % b"loaded")]
    lists = [router("unloaded"), *[router("loading")] * 6, router("loaded")]
    paths = Paths(v1_models=lists, models_load=TOLD, models_sse=Attempt(200, *repeated, 60.0))

    phases = [phase async for phase in there(paths).load("b")]

    assert [round(phase.elapsed or 0.0, 1) for phase in phases] == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]


async def test_a_load_that_never_ends() -> None:
    """P15: it has the time that the first token of an answer has."""
    paths = Paths(v1_models=[router("unloaded"), router("loading")], models_load=TOLD)
    source = there(paths, deadlines=Deadlines(first_token=3.0))
    load = source.load("b")

    assert [(await anext(load)).elapsed for _ in range(3)] == [0.0, 1.0, 2.0]
    with pytest.raises(DeadlineError, match=r"waited 3 s for b to load"):
        await anext(load)


async def test_unloading() -> None:
    """What is not loaded needs no order."""
    paths = Paths(v1_models=router("unloaded"), models_unload=TOLD)
    await there(paths).unload("b")
    await there(paths).unload("a")

    assert paths.asked[-1] == 'POST /models/unload {"model":"a"}'
    assert len(paths.asked) == 3


async def test_a_server_with_one_model_takes_no_orders() -> None:
    """It says what it can."""
    source = there(Paths(v1_models=ONE, props=Attempt(200, b'{"is_sleeping":true}')))
    with pytest.raises(CannotError, match=r"only a llama-server without a model of its own .* can load one"):
        await anext(source.load("tiny"))

    awake = there(Paths(v1_models=ONE, props=PROPS))
    with pytest.raises(CannotError, match="can unload one"):
        await awake.unload("tiny")
    with pytest.raises(MisuseError, match="no load option 'n_ctx'; it has none"):
        await anext(awake.load("tiny", n_ctx=1))


async def test_a_refused_order_is_a_failure() -> None:
    """A router may have its reasons."""
    refused = Attempt(400, b'{"error":{"message":"model is running"}}')
    source = there(Paths(v1_models=router("unloaded"), models_load=refused))

    with pytest.raises(StreamError, match="model is running"):
        await anext(source.load("b"))
