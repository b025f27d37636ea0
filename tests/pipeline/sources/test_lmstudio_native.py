"""LM Studio by its own protocol: the same answer as by its other faces, and what only this one tells."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tests.reader import Heard, hear
from tests.scripted import Attempt, ScriptedTransport
from tokenweir import MisuseError, Pipeline, connect
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.events import Delta, Finish, Phase, Start
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.lmstudio_native import LMStudioNative
from tokenweir.record import record
from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of

pytestmark = pytest.mark.anyio

SAID, THOUGHT = "A weir stands in a stream: 東京 🗼.", "Hm, well."
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
FACES: dict[str, dict[str, Any]] = {
    "openai": {"provider": "lmstudio", "face": "openai"},
    "rest": {"provider": "lmstudio", "face": "rest"},
    "native": {"provider": "lmstudio-native"},
}


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio."""
    return "asyncio"


@asynccontextmanager
async def backend(**switches: Any) -> AsyncGenerator[Simulator]:
    """A simulated LM Studio with two models, which thinks and can call `look`."""
    tool = ToolCall("look", '{"at":"sky","n":[1,2]}')
    made: Any = {
        "script": script_of(SAID),
        "reasoning": THOUGHT,
        "models": ("m", "other"),
        "tool": tool,
        **switches,
    }
    async with Simulator(Quirks(provider="lmstudio", **made)) as server:
        yield server


def source(server: Simulator, face: str = "native", **options: Any) -> Source:
    """One of its faces."""
    return connect(base_url=server.url, **{"model": "m", **FACES[face], **options})


async def heard_by(face: str, server: Simulator, **options: Any) -> Heard:
    """One answer by one face."""
    async with source(server, face) as asked:
        return await hear(Pipeline(asked).stream("Hi", **options))


async def test_every_face_tells_the_same_answer() -> None:
    """Text, reasoning, finish, usage and the model; and each that has it, the progress of the prompt."""
    async with backend() as server:
        told = {face: await heard_by(face, server) for face in FACES}

    for heard in told.values():
        answer = heard.answer
        assert (heard.text, answer.text(channel="reasoning"), answer.model) == (SAID, THOUGHT, "m")
        assert [event.reason for event in heard.events if isinstance(event, Finish)] == ["stop"]
        assert answer.usage is not None
        assert (answer.usage.input, answer.usage.output) == (9, 16)
        assert [event for event in heard.events if isinstance(event, Delta)] == [
            event for event in told["openai"].events if isinstance(event, Delta)
        ]
    for face in ("rest", "native"):
        assert Phase("prefill", 1.0) in told[face].phases


async def test_no_face_shows_anything_twice() -> None:
    """P4: a backend that resends everything is repaired on each of them, by default."""
    async with backend(cumulative=True) as server:
        told = {face: (await heard_by(face, server)).text for face in FACES}

    assert told == dict.fromkeys(FACES, SAID)


async def test_every_face_that_has_calls_tells_the_same_call() -> None:
    """REST v1 has none."""
    async with backend() as server:
        told = [await heard_by(face, server, tools=TOOLS) for face in ("openai", "native")]

    for heard in told:
        (call,) = heard.answer.tool_calls()
        assert call == {"id": "call_0", "name": "look", "arguments": '{"at":"sky","n":[1,2]}'}
        assert [event.reason for event in heard.events if isinstance(event, Finish)] == ["tool_calls"]


async def test_every_face_that_can_says_that_a_limit_cut_the_answer() -> None:
    """REST v1 cannot."""
    async with backend() as server:
        told = [await heard_by(face, server, max_tokens=6) for face in ("openai", "native")]

    for heard in told:
        assert [event.reason for event in heard.events if isinstance(event, Finish)] == ["length"]
        assert heard.text == "A weir"


@pytest.mark.parametrize("face", ["rest", "native"])
async def test_a_cold_start_is_told(face: str) -> None:
    """U05: how far the load is, from its beginning to its end, and then the prompt."""
    async with backend(load_seconds=0.03, prefill_seconds=0.02, keep_alive=0.01) as server:
        heard = await heard_by(face, server)
    shares = [phase.progress for phase in heard.phases if phase.name == "loading"]

    assert heard.text == SAID
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert len(shares) > 3
    assert [phase.progress for phase in heard.phases if phase.name == "prefill"] == [0.0, 0.5, 1.0]


async def test_without_a_name_the_only_loaded_model_answers() -> None:
    """And where none is, or more than one, that is said."""
    async with backend() as server, source(server, model=None) as asked:
        none = await hear(Pipeline(asked).stream("Hi"))
        await heard_by("native", server)
        one = await hear(Pipeline(asked).stream("Hi"))
        await hear(Pipeline(asked).stream("Hi", model="other"))
        two = await hear(Pipeline(asked).stream("Hi"))

    assert (none.kind, one.kind, two.kind) == ("model_not_found", None, "model_not_found")
    assert "no model is loaded: name one" in none.message
    assert "available: m, other" in two.message
    assert Start(None, "lmstudio-native", "m") in one.events


async def test_no_such_model() -> None:
    """LM Studio's own list comes along, and nobody asks again."""
    async with backend() as server, source(server, model="nobody") as asked:
        heard = await hear(Pipeline(asked).stream("Hi"))

    assert (heard.kind, heard.end.outcome, heard.end.stats.attempts) == ("model_not_found", "error", 1)
    assert "Your models:\n\nm\nother" in heard.message


async def test_a_crash_in_the_middle() -> None:
    """What was said before is there."""
    async with backend(fault="error", fault_after=6) as server:
        heard = await heard_by("native", server)

    assert (heard.text, heard.kind) == ("A weir", "model_crashed")


@pytest.mark.parametrize("phase", ["loading", "prefill", "text"])
async def test_leaving_stops_the_backend(phase: str) -> None:
    """P10: in every phase, within 50 ms on loopback; a load is called off."""
    slow = {"loading": {"load_seconds": 60.0}, "prefill": {"prefill_seconds": 60.0}, "text": {"rate": 50.0}}
    async with backend(keep_alive=0.01, **slow[phase]) as server, source(server) as asked:
        async with Pipeline(asked).stream("Hi") as stream:
            async for event in stream:
                if getattr(event, "name", "text" if isinstance(event, Delta) else None) == phase:
                    break
            began = perf_counter()
        with anyio.fail_after(5):
            if phase == "loading":
                while [model.state for model in await asked.models()] != ["not_loaded", "not_loaded"]:
                    await checkpoint()
            await server.until_idle()
        took = perf_counter() - began

        assert took < 0.05
        left = [] if phase == "loading" else ["client_left"]
        assert [exchange.outcome for exchange in server.log] == left


async def test_nobody_there_and_no_socket_there() -> None:
    """As for every source over HTTP."""
    nobody = connect("lmstudio-native", "http://127.0.0.1:1", model="m")
    async with nobody:
        refused = await hear(Pipeline(nobody).stream("Hi"))
    async with Simulator(Quirks(provider="openai")) as other, source(other) as asked:
        elsewhere = await hear(Pipeline(asked).stream("Hi"))

    assert refused.kind == "connect"
    assert "connection refused" in refused.message
    assert (elsewhere.kind, elsewhere.end.outcome) == ("bad_request", "error")


async def test_a_deadline_names_what_it_waited_for() -> None:
    """P15: silence in the middle."""
    limits = Deadlines(silence=0.05)
    async with backend(fault="stall", fault_after=6) as server, source(server, deadlines=limits) as asked:
        heard = await hear(Pipeline(asked).stream("Hi"))

    assert (heard.end.outcome, heard.text) == ("timeout", "A weir")
    assert heard.end.failure is not None
    assert heard.end.failure.phase == "silence"


async def test_a_ping_says_nothing() -> None:
    """U25: as a connection gives it, an empty line among the messages; and no phase is taken back."""
    core = connect("lmstudio-native").stage.core()

    assert (core.feed([b"\n"]), core.feed([b"\n\n"]), core.error) == ([], [], None)


async def test_a_token_of_lm_studio() -> None:
    """Its two halves say who asks; anything else is no token."""
    key = "sk-lm-abcdefgh:ABCDEFGHIJ0123456789"
    async with backend() as server, source(server, api_key=key) as asked:
        assert (await hear(Pipeline(asked).stream("Hi"))).text == SAID
    with pytest.raises(MisuseError, match="is an API token of LM Studio"):
        connect("lmstudio-native", api_key="sk-other")


async def test_what_cannot_be_asked() -> None:
    """Before anything is sent."""
    async with backend() as server, source(server) as asked:
        with pytest.raises(MisuseError, match=r"seed=1: .* has no form for it"):
            await Pipeline(asked).text("Hi", seed=1)
        with pytest.raises(MisuseError, match="cannot be written as JSON"):
            await Pipeline(asked).text("Hi", stop=[object()])
        assert list(server.log) == []
    plain = connect("lmstudio-native", transport=ScriptedTransport(Attempt(200)))
    with pytest.raises(MisuseError, match="a transport that can converse"):
        await Pipeline(plain).text("Hi")


async def test_it_is_recorded_and_replayed(tmp_path: Any) -> None:
    """The messages of the socket are the bytes of the recording; who asked is not in it."""
    path = tmp_path / "native.rec"
    key = "sk-lm-abcdefgh:ABCDEFGHIJ0123456789"
    async with backend() as server, source(server, api_key=key) as asked:
        assert isinstance(asked, LMStudioNative)
        with record(asked, path):
            first = await hear(Pipeline(asked).stream("Hi"))
    again = await hear(Pipeline(connect("replay", path=path, speed=0)).stream("Hi"))

    assert (again.text, again.answer.usage) == (first.text, first.answer.usage)
    assert b"ABCDEFGHIJ" not in path.read_bytes()
