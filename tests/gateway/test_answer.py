"""One answer through the whole gateway, over real sockets, from simulated backends of every kind."""

from typing import Any

import aiohttp
import anyio
import pytest

from tests.gateway.configured import backend
from tests.gateway.echoing import echoing
from tests.gateway.serving import CHAT, HI, Answered, gateway, post
from tests.gateway.until import until
from tokenweir.gateway.server import Server
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.retry import Retry
from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import ABOUT, script_of

pytestmark = pytest.mark.anyio

STREAM: dict[str, Any] = {**HI, "model": "simulated-model", "stream": True}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
BACKENDS: list[tuple[str, Quirks, dict[str, Any]]] = [
    ("lmstudio", Quirks(provider="lmstudio", cumulative=True), {}),
    ("lmstudio", Quirks(provider="lmstudio", cumulative=True, final_repeat=True), {}),
    ("openai", Quirks(), {}),
    ("openai-compatible", Quirks(cumulative=True, byte_split=True), {}),
    ("ollama", Quirks(provider="ollama"), {}),
    ("anthropic", Quirks(provider="anthropic"), {"api_key": "sk-ant-made-up"}),
    ("openai-responses", Quirks(), {"api_key": "sk-made-up"}),
]
each_backend = pytest.mark.parametrize(
    ("provider", "quirks", "options"), BACKENDS, ids=[f"{name}{i}" for i, (name, _, _) in enumerate(BACKENDS)]
)


@each_backend
async def test_every_backend_gives_the_same_answer(
    provider: str, quirks: Quirks, options: dict[str, Any]
) -> None:
    """P4: each character once; one finish, the figures that were asked for, `[DONE]` last."""
    asked = {**STREAM, "stream_options": {"include_usage": True}, "max_tokens": 999}
    async with Simulator(quirks) as sim, gateway(backend(provider, sim.url, options=options)) as server:
        got = await post(server.url + CHAT, asked)

    assert got.status == 200
    assert got.content == ABOUT.text
    finishes = [choice["finish_reason"] for chunk in got.chunks for choice in chunk["choices"]]
    assert [reason for reason in finishes if reason] == ["stop"]
    assert [chunk["usage"]["completion_tokens"] for chunk in got.chunks if chunk.get("usage")] == [
        len(ABOUT.tokens)
    ]
    assert got.text.endswith("data: [DONE]\n\n")
    assert {chunk["model"] for chunk in got.chunks} == {"simulated-model"}
    assert len({chunk["id"] for chunk in got.chunks}) == 1


@each_backend
async def test_every_backend_gives_it_whole(provider: str, quirks: Quirks, options: dict[str, Any]) -> None:
    """Without `stream`, as one JSON body."""
    async with Simulator(quirks) as sim, gateway(backend(provider, sim.url, options=options)) as server:
        got = await post(server.url + CHAT, {**HI, "model": "simulated-model", "max_tokens": 999})

    assert got.status == 200
    [choice] = got.json["choices"]
    assert choice["message"]["content"] == ABOUT.text
    assert choice["finish_reason"] == "stop"
    assert got.json["usage"]["completion_tokens"] == len(ABOUT.tokens)


async def test_a_whole_answer_says_who_counted_its_tokens() -> None:
    """V21: OpenAI's `usage` has no field for it, and a header harms no client. Of a stream nobody knows it
    when the headers go out."""
    sources = list[tuple[str | None, str | None]]()
    async with echoing() as silent, Simulator() as sim:
        for url in silent.url, f"{sim.url}/v1":
            async with gateway(backend("openai-compatible", url)) as server:
                got = await post(server.url + CHAT, HI)
                streamed = await post(server.url + CHAT, {**HI, "stream": True})
            assert got.json["usage"]["completion_tokens"] > 0
            sources.append((got.headers.get("X-Tokenweir-Usage"), streamed.headers.get("X-Tokenweir-Usage")))

    assert sources == [("estimated", None), ("backend", None)]


async def test_tool_calls_and_reasoning_come_through() -> None:
    """Arguments joined, id and name once; reasoning in its own field."""
    quirks = Quirks(provider="ollama", reasoning="Hm. ", tool=ToolCall("look", '{"at":"sky"}'))
    async with Simulator(quirks) as sim, gateway(backend("ollama", sim.url)) as server:
        got = await post(server.url + CHAT, {**STREAM, "tools": TOOLS})

    deltas = [choice["delta"] for chunk in got.chunks for choice in chunk["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert [call["function"]["name"] for call in calls if "name" in call["function"]] == ["look"]
    assert "".join(call["function"]["arguments"] for call in calls).replace(" ", "") == '{"at":"sky"}'
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Hm. "


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("status-404", 404, "model_not_found"),
        ("status-429", 429, "rate_limit"),
        ("status-500", 502, "server"),
        ("json-error", 502, ""),
        ("html", 502, "protocol"),
        ("empty", 502, "truncated"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_an_early_failure_is_a_status(fault: str, status: int, code: str, *, stream: bool) -> None:
    """P7: as long as nothing has come, be it a 200 or not."""
    async with Simulator(Quirks(fault=fault, fault_after=0)) as sim, gateway(backend("openai", sim.url)) as g:
        for served in g.gateway.setup.backends.values():
            served.source.retry = Retry(attempts=1)
        got = await post(g.url + CHAT, {**STREAM, "stream": stream})

    assert got.status == status
    assert code in got.json["error"]["code"]
    assert got.json["error"]["message"]
    assert got.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("fault", ["error", "cut", "no-end", "reset"])
async def test_a_late_failure_is_an_error_frame(fault: str) -> None:
    """P2: what came is delivered; then the error, no finish, and a true end of the body."""
    async with Simulator(Quirks(fault=fault)) as sim, gateway(backend("openai", sim.url)) as server:
        got = await post(server.url + CHAT, STREAM)

    assert got.status == 200
    assert ABOUT.text.startswith(got.content)
    assert got.content
    *_, last = got.chunks
    assert last["error"]["message"]
    assert not [c for chunk in got.chunks for c in chunk.get("choices", ()) if c["finish_reason"]]
    assert got.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("fault", ["error", "cut", "no-end"])
async def test_a_broken_answer_is_not_given_whole(fault: str) -> None:
    """P2: an answer that lacks its end is no 200."""
    async with Simulator(Quirks(fault=fault)) as sim, gateway(backend("openai", sim.url)) as server:
        got = await post(server.url + CHAT, {**STREAM, "stream": False})

    assert got.status == 502


async def test_nobody_at_the_address_is_a_bad_gateway() -> None:
    """502, and why."""
    async with gateway(backend("openai", "http://127.0.0.1:9", http={"connect_timeout_secs": 1})) as server:
        for served in server.gateway.setup.backends.values():
            served.source.retry = Retry(attempts=1)
        got = await post(server.url + CHAT, STREAM)

    assert (got.status, got.json["error"]["code"]) == (502, "connect")


async def test_a_model_that_loads_is_told_at_once() -> None:
    """Comments, which no client sees, before the first token; the headers with them."""
    quirks = Quirks(provider="lmstudio", load_seconds=0.5)
    async with Simulator(quirks) as sim, gateway(backend("lmstudio", sim.url)) as server:
        got = await post(server.url + CHAT, STREAM)

    before = got.text.partition("data: ")[0]
    assert before.startswith(": loading 0.00\n\n")
    assert got.content == ABOUT.text


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_takes_its_backend_along(*, stream: bool) -> None:
    """P10, P11: in silence too, for a streamed answer and for a whole one."""
    quirks = Quirks(fault="stall")
    async with Simulator(quirks) as sim, gateway(backend("openai", sim.url)) as server:
        async with aiohttp.ClientSession() as session:
            asking = session.post(server.url + CHAT, json={**STREAM, "stream": stream})
            async with anyio.create_task_group() as group:

                async def ask() -> None:
                    async with asking as answer:
                        await answer.read()

                group.start_soon(ask)
                while not sim.active:  # noqa: ASYNC110 - the simulator has no event for a beginning
                    await anyio.sleep(0.001)
                group.cancel_scope.cancel()
        await sim.until_idle()
        await server.gateway.live.until_idle()

    assert [exchange.outcome for exchange in sim.log] == ["client_left"]
    assert [answer.outcome for answer in server.gateway.live.recent] == ["cancelled"]


async def stalled(server: Server, sim: Simulator) -> None:
    """Wait until an answer has begun and waits."""
    while not (len(server.gateway.live) and sim.active and next(iter(server.gateway.live)).tokens):  # noqa: ASYNC110 - as above
        await anyio.sleep(0.001)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_is_stopped_has_a_true_end(*, stream: bool) -> None:
    """P19: an error frame and the last chunk, or a status, and the backend is closed."""
    failure = Failure("shutting_down", "the gateway is shutting down", retryable=True)
    answers = list[Answered]()
    async with Simulator(Quirks(fault="stall")) as sim, gateway(backend("openai", sim.url)) as server:

        async def ask() -> None:
            answers.append(await post(server.url + CHAT, {**STREAM, "stream": stream}))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await stalled(server, sim)
            for note in server.gateway.live:
                note.stop(failure)
        await sim.until_idle()

    [got] = answers
    if stream:
        assert '"code":"shutting_down"' in got.text
        assert got.text.endswith("data: [DONE]\n\n")
    else:
        assert got.status == 503
        assert got.headers["Retry-After"] == "1"
    [note] = server.gateway.live.recent
    assert note.failure == failure


async def test_one_place_is_given_to_one_after_the_other() -> None:
    """`max_concurrent`: who waits is told so, and gets its answer."""
    quirks = Quirks(script=script_of("one two three"), prefill_seconds=0.05)
    async with Simulator(quirks) as sim, gateway(backend("openai", sim.url, max_concurrent=1)) as server:
        answers = list[str]()

        async def ask() -> None:
            got = await post(server.url + CHAT, STREAM)
            assert got.content == "one two three"
            answers.append(got.text)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(ask)
        [slots] = [served.slots for served in server.gateway.setup.backends.values()]

    assert sum(": queued" in text for text in answers) == 2
    assert (slots.taken, slots.waiting) == (0, 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_full_queue_is_a_status(*, stream: bool) -> None:
    """P17: before anything is told, with a time to come again."""
    config = {"limits": {"max_queued": 0}}
    async with (
        Simulator(Quirks(fault="stall")) as sim,
        gateway(backend("openai", sim.url, max_concurrent=1) | config) as server,
        anyio.create_task_group() as group,
    ):
        group.start_soon(post, server.url + CHAT, STREAM)
        await until(lambda: server.gateway.setup.backends["inference"].slots.taken)
        got = await post(server.url + CHAT, {**STREAM, "stream": stream})
        assert (got.status, got.json["error"]["code"]) == (503, "overloaded")
        assert int(got.headers["Retry-After"]) >= 1
        group.cancel_scope.cancel()


def two(broken: str, other: str, **limits: Any) -> dict[str, Any]:
    """Backend `a`, and behind it `b`."""
    return {
        "backends": {
            "a": {"provider": "openai", "base_url": broken},
            "b": {"provider": "openai", "base_url": other, **limits},
        },
        "routes": [{"model": "*", "backends": ["a", "b"]}],
    }


async def test_the_next_backend_has_places_too() -> None:
    """Its `max_concurrent` holds for those that come from another backend."""
    async with (
        Simulator(Quirks(fault="status-500")) as broken,
        Simulator(Quirks(fault="stall")) as other,
        gateway(two(broken.url, other.url, max_concurrent=1)) as server,
    ):
        first, second = (server.gateway.setup.backends[name] for name in "ab")
        first.source.retry = Retry(attempts=1)
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(post, server.url + CHAT, STREAM)
            await until(lambda: second.slots.waiting == 2)
            assert (first.slots.taken, second.slots.taken) == (0, 1)
            assert [note.state for note in server.gateway.live].count("queued") == 2
            group.cancel_scope.cancel()
        await until(lambda: not len(server.gateway.live))
        assert (second.slots.taken, second.slots.waiting) == (0, 0)


async def test_the_next_backend_answers_where_one_fails() -> None:
    """Before the first token; the answer says which model it was."""
    async with (
        Simulator(Quirks(fault="status-500")) as broken,
        Simulator() as whole,
        gateway(two(broken.url, whole.url)) as server,
    ):
        server.gateway.setup.backends["a"].source.retry = Retry(attempts=1)
        got = await post(server.url + CHAT, STREAM)
        [note] = server.gateway.live.recent

    assert got.content == ABOUT.text
    assert (note.backend, note.outcome) == ("b", "complete")


async def test_what_a_backend_does_not_have_is_the_client_s_fault() -> None:
    """400, with the parameter's name; nothing is sent."""
    async with Simulator(Quirks(provider="anthropic")) as sim:
        settings = backend("anthropic", sim.url, options={"api_key": "made-up"})
        async with gateway(settings) as server:
            got = await post(server.url + CHAT, {**STREAM, "n": 2})

    assert got.status == 400
    assert "n=2" in got.json["error"]["message"]
    assert not sim.log


async def test_defaults_stand_where_a_request_says_nothing() -> None:
    """`inference.defaults`; what the client says wins."""
    async with (
        Simulator() as sim,
        gateway(backend("openai", sim.url, defaults={"temperature": 0.7, "max_tokens": 100})) as server,
    ):
        await post(server.url + CHAT, STREAM)
        await post(server.url + CHAT, {**STREAM, "max_tokens": 3})

    bodies = [exchange.body for exchange in sim.log]
    assert [(body["temperature"], body["max_tokens"]) for body in bodies] == [(0.7, 100), (0.7, 3)]


async def test_streaming_can_be_turned_off_for_a_backend() -> None:
    """It is asked for a whole answer, and the client that streams gets it as one piece."""
    async with (
        Simulator() as sim,
        gateway(backend("openai", sim.url, streaming={"enabled": False})) as server,
    ):
        got = await post(server.url + CHAT, STREAM)

    assert [exchange.body["stream"] for exchange in sim.log] == [False]
    assert got.content == ABOUT.text


@pytest.mark.parametrize("stream", [True, False])
async def test_where_a_backend_is_is_not_told(*, stream: bool) -> None:
    """P24: its name is; be it in a status or in an error frame."""
    async with Simulator(Quirks(fault="cut")) as sim, gateway(backend("openai", sim.url)) as server:
        got = await post(server.url + CHAT, {**STREAM, "stream": stream})
        nobody = backend("openai", "http://127.0.0.1:9")
        async with gateway(nobody) as other:
            other.gateway.setup.backends["inference"].source.retry = Retry(attempts=1)
            refused = await post(other.url + CHAT, STREAM)

    address = sim.url.removeprefix("http://")
    assert address not in got.text
    assert "127.0.0.1" not in refused.text
    assert "backend 'inference'" in refused.text
