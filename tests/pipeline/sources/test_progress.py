"""What each source asks of its backend while that is silent, and what the answers mean."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.questions import AskedTransport, Told
from tests.reader import Heard, hear
from tests.transcripts import HELLO
from tests.virtual import virtual
from tests.wire import lmstudio_v1, ollama_chat
from tokenweir import Phase, Pipeline, connect
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.sources.progress import phase_of
from tokenweir.testing import Step

pytestmark = pytest.mark.anyio

OLLAMA = ollama_chat.BODIES[0].wire


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


def body(value: Any) -> Sequence[Step]:
    """A JSON answer."""
    return [json.dumps(value).encode()]


def lmstudio(loaded_at: float) -> Told:
    """LM Studio's list: `m` is loaded from then on."""

    def told(now: float) -> Sequence[Step]:
        instances: list[Any] = [{"id": "m", "config": {}}] if now >= loaded_at else []
        return body({"models": [{"type": "llm", "key": "m", "loaded_instances": instances}]})

    return told


def lmstudio_v0(loaded_at: float) -> Told:
    """The list of an older one."""

    def told(now: float) -> Sequence[Step]:
        state = "loaded" if now >= loaded_at else "not-loaded"
        return body({"data": [{"id": "m", "type": "llm", "state": state}]})

    return told


def ollama(listed_at: float, loaded_at: float) -> Told:
    """Ollama's `/api/ps`: what is on its way is listed, and expires ever later."""

    def told(now: float) -> Sequence[Step]:
        entry = {"name": "m:latest", "expires_at": "then" if now >= loaded_at else next(moving)}
        return body({"models": [entry] if now >= listed_at else []})

    moving = iter(f"{n}" for n in range(10**9))
    return told


def healthy(_now: float) -> Sequence[Step]:
    """llama-server's word that it runs."""
    return body({"status": "ok"})


def router(loaded_at: float) -> Mapping[str, Told]:
    """llama-server's router: `/models/sse` tells a step every 50 ms."""

    def listed(now: float) -> Sequence[Step]:
        value = "loaded" if now >= loaded_at else "loading"
        return body({"data": [{"id": "m", "status": {"value": value}}]})

    def events(now: float) -> Sequence[Step]:
        progress = {"stages": ["text_model"], "current": "text_model", "value": now / loaded_at}
        data = {"status": "loading", "progress": progress}
        event = {"model": "m", "event": "model_status", "data": data}
        return [0.05, b"data: " + json.dumps(event).encode() + b"\n\n", 1e6]

    return {"/health": healthy, "/v1/models": listed, "/models/sse": events}


async def ask(provider: str, transport: AskedTransport, **options: Any) -> Heard:
    """What a consumer hears, and whether all was closed."""
    stream = options.pop("stream", True)
    heard = await hear(
        Pipeline(connect(provider, transport=transport, **options)).stream("hi", stream=stream)
    )
    assert transport.left_open == 0
    return heard


def names(heard: Heard) -> list[str]:
    """The phases second by second, from the first on."""
    return [phase.name for phase in heard.phases if phase.name != "connecting"]


@pytest.mark.parametrize(
    ("path", "told"), [("/api/v1/models", lmstudio(3.0)), ("/api/v0/models", lmstudio_v0(3.0))]
)
async def test_lmstudio(path: str, told: Told) -> None:
    """PROTOCOLS 3.4: no loaded instance is a load, one is the prompt; the older list says it too."""
    transport = AskedTransport((200, [4.2, HELLO]), told={path: told})
    heard = await ask("lmstudio", transport, model="m", face="openai")

    assert names(heard) == ["loading", "loading", "loading", "prefill"]
    assert {asked for asked, _ in transport.questions} <= {"/api/v1/models", "/api/v0/models"}
    assert (heard.text, heard.end.outcome) == ("Hello", "complete")


async def test_lmstudio_without_any_list() -> None:
    """PROTOCOLS 3.2: one that tells nothing is asked once, and its silence taken for a load."""
    transport = AskedTransport((200, [5.2, HELLO]), told={"/v1/models": lambda _now: body({"data": []})})
    heard = await ask("lmstudio", transport, model="m", face="openai")

    assert names(heard) == ["loading"] * 5
    assert {round(at, 3) for _, at in transport.questions} == {0.5}


async def test_lmstudio_rest_tells_by_itself() -> None:
    """PROTOCOLS 3.3: its own events are the phases, and nobody is asked beside a stream."""
    wire: list[Step] = [lmstudio_v1.START, 0.7, lmstudio_v1.LOAD, 1.0, lmstudio_v1.PREFILL]
    said = lmstudio_v1.message("Hel", "lo") + lmstudio_v1.end({"type": "message", "content": "Hello"})
    transport = AskedTransport((200, [*wire, said]), told={"/api/v1/models": lmstudio(0.0)})
    heard = await ask("lmstudio", transport, model="m", face="rest")

    assert (heard.text, transport.questions) == ("Hello", [])
    told = [phase.progress for phase in heard.phases if phase.name == "loading"]
    assert sorted(told, key=lambda at: at or 0.0) == told
    assert set(told) >= {0.25, 1.0}


@pytest.mark.parametrize(("listed_at", "phases"), [(2.0, 3), (0.0, 3), (99.0, 4)])
async def test_ollama(listed_at: float, phases: int) -> None:
    """PROTOCOLS 4.2: what `/api/ps` does not list is being loaded, and so is what it lists with an expiry
    that moves from question to question."""
    transport = AskedTransport((200, [4.2, OLLAMA]), told={"/api/ps": ollama(listed_at, 3.0)})
    heard = await ask("ollama", transport, model="m")

    assert names(heard) == ["loading"] * phases + ["prefill"] * (4 - phases)
    assert {asked for asked, _ in transport.questions} == {"/api/ps"}
    assert heard.end.outcome == "complete"


async def test_ollama_in_the_cloud() -> None:
    """PROTOCOLS 4.2: where there is no such list, it is looked for once."""
    transport = AskedTransport((200, [4.2, OLLAMA]))
    heard = await ask("ollama", transport, model="m")

    assert names(heard) == ["loading"] * 4
    assert len({at for _, at in transport.questions}) == 1


async def test_llamacpp_router() -> None:
    """PROTOCOLS 5.1: the state from the list, and the progress from `/models/sse`."""
    transport = AskedTransport((200, [4.2, HELLO]), told=router(3.0))
    heard = await ask("llamacpp", transport, model="m")

    assert names(heard) == ["loading", "loading", "loading", "prefill"]
    assert [round(phase.progress or 0, 2) for phase in heard.phases[1:4]] == [0.17, 0.5, 0.83]


async def test_llamacpp_router_without_events() -> None:
    """PROTOCOLS 5.1: a router that has no `/models/sse` still says that it loads."""
    transport = AskedTransport((200, [2.2, HELLO]), told={**router(9.0), "/models/sse": lambda _now: 404})
    heard = await ask("llamacpp", transport, model="m")

    assert names(heard) == ["loading", "loading"]


@pytest.mark.parametrize("told", [{"data": [{"id": "m"}]}, {"data": []}, {}])
async def test_llamacpp_with_a_model_of_its_own(told: Any) -> None:
    """PROTOCOLS 5.1: its list has no states: one question, and its silence is the prompt."""
    known: Mapping[str, Told] = {"/health": healthy, "/v1/models": lambda _now: body(told)}
    transport = AskedTransport((200, [4.2, HELLO]), told=known)
    heard = await ask("llamacpp", transport, model="m")

    assert names(heard) == ["prefill"] * 4
    assert [asked for asked, _ in transport.questions] == ["/health", "/v1/models"]


async def test_llama_cpp_python_is_left_in_peace() -> None:
    """PROTOCOLS 11.4: it ends a stream when it is asked for its models meanwhile. It has no `/health`, so it
    is known by that, and asked once for nothing else."""
    transport = AskedTransport((200, [4.2, HELLO]), told={"/v1/models": lambda _now: body({"data": []})})
    heard = await ask("llamacpp", transport, model="m")

    assert names(heard) == ["prefill"] * 4
    assert [asked for asked, _ in transport.questions] == ["/health"]


@pytest.mark.parametrize("provider", ["mlx", "vllm", "openai", "openai-compatible"])
async def test_who_is_not_asked(provider: str) -> None:
    """PROTOCOLS 5.2, 5.3: servers whose answers would say nothing, and hosted ones, are left in peace."""
    address = {"base_url": "http://box/v1"} if provider == "openai-compatible" else {}
    transport = AskedTransport((200, [4.2, HELLO]))
    heard = await ask(provider, transport, model="m", **address)

    assert (transport.questions, heard.text) == ([], "Hello")


async def test_an_answer_in_one_piece() -> None:
    """P16: `stream=False` has phases too; where REST v1 gives it, LM Studio is asked."""
    whole = lmstudio_v1.WHOLE
    transport = AskedTransport((200, [3.2, whole]), told={"/api/v1/models": lmstudio(2.0)})
    heard = await ask("lmstudio", transport, model="m", face="rest", stream=False)

    assert names(heard) == ["loading", "loading", "prefill"]
    assert heard.end.outcome == "complete"


def test_states() -> None:
    """Every state of a model means a phase, or nothing."""
    phases = [
        phase_of(Model("m", "loaded")),
        phase_of(Model("m", "loading", progress=0.5)),
        phase_of(Model("m", "not_loaded")),
        phase_of(Model("m")),
    ]

    assert phases == [Phase("prefill"), Phase("loading", 0.5), Phase("loading"), None]
