"""Ollama as a source: what is sent where, and what its answers become, over a real socket."""

from typing import Any

import msgspec
import pytest

from tests.reader import Heard, hear
from tokenweir import Pipeline, connect
from tokenweir.pipeline.connection import Connection, HTTPRequest
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Extra, Finish, Start, ToolDelta, Usage
from tokenweir.pipeline.retry import Retry
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.pipeline.sources.ollama import Ollama
from tokenweir.simulator.exchange import Exchange
from tokenweir.simulator.faults import RUNNER_STOPPED
from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import FOUNDING, script_of

pytestmark = pytest.mark.anyio
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {}}}


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


class Asked(Exception):  # noqa: N818 - it ends a test's request before any network
    """What would have been sent."""

    def __init__(self, request: HTTPRequest) -> None:
        super().__init__(request.url)
        self.request = request


class NoNetwork:
    """A transport that tells what it was asked."""

    def open(self, request: HTTPRequest, connect: float | None) -> Connection:  # noqa: ARG002 - a Transport's signature
        raise Asked(request)

    async def aclose(self) -> None:
        """Nothing is pooled."""


def sent(base_url: str | None = None, **options: Any) -> HTTPRequest:
    """The request that a source with these options makes of a greeting."""
    options = {"model": "m", **options}
    source = Ollama(base_url, transport=NoNetwork(), **options)
    with pytest.raises(Asked) as asked:
        source.open(source.request("Hi", temperature=0))
    return asked.value.request


async def answer(
    quirks: Quirks, options: dict[str, Any] | None = None, **fields: Any
) -> tuple[Heard, list[Exchange]]:
    """One answer of a simulated Ollama, and what the simulator saw."""
    async with Simulator(quirks) as server:
        options = {"model": "m", **(options or {})}
        async with connect("ollama", server.url, **options) as source:
            source.retry = Retry(attempts=1)
            heard = await hear(Pipeline(source).stream("Who are you?", **fields))
        await server.until_idle()
        return heard, list(server.log)


def test_where_it_asks() -> None:
    """Its own API, under the server's address; the `/api` of its documentation may be there."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    plain, generate = sent(), sent(generate=True)

    assert plain.url == "http://localhost:11434/api/chat"
    assert msgspec.json.decode(plain.body) == {**body, "options": {"temperature": 0}}
    assert generate.url == "http://localhost:11434/api/generate"
    assert msgspec.json.decode(generate.body)["prompt"] == "Hi"
    assert sent("http://box:1/api/").url == "http://box:1/api/chat"
    assert sent("https://box/ollama").url == "https://box/ollama/api/chat"


def test_the_key_is_for_its_own_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """P25: the variable's key goes to https://ollama.com alone; a given one goes where it was given for."""
    monkeypatch.setenv("OLLAMA_API_KEY", "secret-key")

    assert "Authorization" not in sent().headers
    assert "Authorization" not in sent("http://ollama.com").headers
    assert "Authorization" not in sent("https://ollama.com.evil.example").headers
    for base_url in ("https://ollama.com", "https://ollama.com/api"):
        assert sent(base_url).headers["Authorization"] == "Bearer secret-key"
    assert sent(api_key="mine").headers["Authorization"] == "Bearer mine"


def test_misuse_is_told() -> None:
    """The OpenAI face has its own source; a model is needed; a bad address has an example."""
    with pytest.raises(MisuseError, match=r"OpenAI face: give 'http://localhost:11434', or use connect"):
        connect("ollama", "http://localhost:11434/v1")
    with pytest.raises(MisuseError, match=r"ollama needs a model: connect\('ollama', model='\.\.\.'\)"):
        sent(model=None)
    with pytest.raises(MisuseError, match="an address like http://localhost:1234"):
        connect("ollama", "localhost:11434")


def test_what_is_known_of_it() -> None:
    """It sends deltas, needs no detector, and is silent because it loads."""
    source = connect("ollama", model="m")

    assert repr(Pipeline(source)) == "<Pipeline ollama | ndjson_decode | decode_protocol(ollama-chat)>"
    assert isinstance(source, HTTPSource)
    assert source.waiting == "loading"


@pytest.mark.parametrize("options", [{}, {"generate": True}], ids=["chat", "generate"])
@pytest.mark.parametrize("byte_split", [False, True])
async def test_an_answer_from_end_to_end(options: dict[str, Any], *, byte_split: bool) -> None:
    """P1, V01: after a silent load, the reasoning, the text, the figures and the times, at any split."""
    quirks = Quirks(
        provider="ollama",
        script=script_of("Hé llo"),
        reasoning="Hm",
        load_seconds=0.02,
        byte_split=byte_split,
        models=("m",),
    )
    heard, [exchange] = await answer(quirks, options)
    told = [event for event in heard.events if not isinstance(event, Extra)]
    (times,) = [event for event in heard.events if isinstance(event, Extra)]

    assert told[len(heard.phases) :] == [
        Start(None, "ollama", "m", 1_790_000_000),
        Delta("Hm", "reasoning"),
        Delta("Hé"),
        Delta(" llo"),
        Finish("stop", "stop"),
        Usage(12, 3),
    ]
    assert times.kind == "timings"
    assert msgspec.json.decode(times.data)["load_duration"] == 20_000_000
    assert heard.end.outcome == "complete"
    assert (exchange.status, exchange.outcome) == (200, "finished")


async def test_a_tool_call_from_end_to_end() -> None:
    """The arguments come as an object and are given as JSON text; `stop` is a tool_calls finish."""
    quirks = Quirks(provider="ollama", tool=ToolCall("look", '{"at": "the sky"}'))
    heard, [exchange] = await answer(quirks, tools=[TOOL])

    assert ToolDelta(0, "call_0", "look", '{"at":"the sky"}') in heard.events
    assert Finish("tool_calls", "stop") in heard.events
    assert exchange.body["tools"] == [TOOL]


async def test_a_whole_answer_without_a_stream() -> None:
    """`stream=False`: one object, the same meaning."""
    heard, [exchange] = await answer(Quirks(provider="ollama", script=FOUNDING), stream=False)

    assert heard.text == FOUNDING.text
    assert heard.end.outcome == "complete"
    assert exchange.body["stream"] is False


async def test_a_cumulative_one_can_be_told() -> None:
    """V18: the mode is the caller's to declare; the text comes once."""
    quirks = Quirks(provider="ollama", script=FOUNDING, cumulative=True)
    heard, _ = await answer(quirks, {"mode": "cumulative"})

    assert heard.text == FOUNDING.text


@pytest.mark.parametrize(
    ("fault", "outcome", "kind"),
    [
        ("error", "error", "model_crashed"),
        ("cut", "truncated", "truncated"),
        ("reset", "truncated", "truncated"),
    ],
)
async def test_faults_in_the_middle(fault: str, outcome: str, kind: str) -> None:
    """P2, V15: what came before is delivered, and none of them is a good end."""
    heard, _ = await answer(Quirks(provider="ollama", fault=fault, fault_after=3))

    assert heard.text == "I am the"
    assert (heard.end.outcome, heard.kind) == (outcome, kind)
    if fault == "error":
        assert heard.message == RUNNER_STOPPED


async def test_a_body_without_its_last_line() -> None:
    """P2: all of the text and a clean end of HTTP, and yet it is not complete."""
    heard, _ = await answer(Quirks(provider="ollama", fault="no-end", script=FOUNDING))

    assert heard.text == FOUNDING.text
    assert heard.end.outcome == "truncated"


@pytest.mark.parametrize(
    ("fault", "kind", "status", "message"),
    [
        ("status-404", "model_not_found", 404, "HTTP 404: model 'm' not found"),
        ("status-429", "rate_limited", 429, "HTTP 429: Rate limit reached"),
        ("status-500", "model_crashed", 500, "HTTP 500: model runner has unexpectedly stopped"),
        ("json-error", "model_crashed", None, "model runner has unexpectedly stopped"),
        ("html", "protocol", None, "the body is no stream of JSON objects"),
        ("empty", "truncated", None, ""),
    ],
)
async def test_answers_that_are_no_answer(fault: str, kind: str, status: int | None, message: str) -> None:
    """V16, U17, U19: read as what they stand for, in Ollama's own words."""
    heard, _ = await answer(Quirks(provider="ollama", fault=fault, models=("m",)))

    assert heard.kind == kind
    assert heard.end.failure is not None
    assert heard.end.failure.status == status
    assert heard.message.startswith(message)


@pytest.mark.parametrize("fault", ["crlf", "text-after-end", "half-surrogate", "invalid-utf8"])
async def test_harmless_faults(fault: str) -> None:
    """V08, V09, V17, V24: the answer is complete, and begins and ends as it should."""
    heard, _ = await answer(Quirks(provider="ollama", fault=fault, script=script_of("a b c"), fault_after=1))

    assert heard.end.outcome == "complete"
    assert (heard.text[0], heard.text[-4:]) == ("a", " b c")
