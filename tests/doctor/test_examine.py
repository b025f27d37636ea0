"""The examination over simulated backends: each quirk gets its verdict, and a healthy one nothing bad."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from tests import servers
from tests.servers import Script, Visit
from tokenweir import Pipeline, connect
from tokenweir.doctor.address import Address, read_address
from tokenweir.doctor.examine import REQUESTS, choose, examine
from tokenweir.doctor.hearing import Bounds
from tokenweir.doctor.questions import NO_MODEL, QUESTIONS
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.sources.profile import Finding, Profile
from tokenweir.pipeline.transport import AiohttpTransport
from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of

pytestmark = pytest.mark.anyio

BOUNDS = Bounds(first=2.0, silence=0.1, total=2.0, linger=0.05, short=2.0)
LONG: dict[str, Any] = {"script": script_of(" ".join(map(str, range(500)))), "rate": 1000.0}
"""Long enough to be left in the middle."""
CALL = ToolCall("get_weather", '{"city": "Paris", "unit": "celsius"}')


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    """One for all that is asked."""
    made = AiohttpTransport()
    yield made
    await made.aclose()


class Examined(NamedTuple):
    """What was told, by name, and the profile."""

    told: dict[str, Finding]
    profile: Profile | None

    @property
    def bad(self) -> set[str]:
        """The names of all bad findings."""
        return {name for name, finding in self.told.items() if finding.verdict == "bad"}


async def examined(quirks: Quirks, **options: Any) -> Examined:
    """A simulated backend, examined."""
    async with Simulator(quirks) as server:
        return await examined_at(server.url, **options)


async def examined_at(url: str, **options: Any) -> Examined:
    """Whatever is at a URL, examined."""
    told: dict[str, Finding] = {}

    def tell(finding: Finding) -> None:
        assert finding.name not in told, f"{finding.name} is told twice"
        told[finding.name] = finding

    options.setdefault("bounds", BOUNDS)
    profile = await examine(read_address(url), tell, **options)
    return Examined(told, profile)


QUIRKS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"cumulative": True}, "text", "odd", "cumulative"),
    ({"cumulative": True, "provider": "ollama"}, "text", "odd", "cumulative"),
    ({"cumulative": True, "provider": "anthropic"}, "text", "odd", "cumulative"),
    ({"final_repeat": True}, "repeat", "odd", "repeats everything"),
    ({"final_repeat": True, "provider": "ollama"}, "repeat", "odd", "repeats everything"),
    ({"fault": "no-done"}, "end", "odd", "[DONE] never comes"),
    ({"fault": "no-finish"}, "finish", "odd", "without a finish reason"),
    ({"fault": "no-end"}, "end", "bad", "neither a finish nor an end marker"),
    ({"fault": "no-end", "provider": "ollama"}, "end", "bad", "neither a finish nor an end marker"),
    (LONG | {"ignore_cancel": True}, "cancel", "bad", "generates on for nobody"),
    (LONG, "cancel", "ok", "who came next was answered"),
    ({"fault": "error"}, "end", "bad", "breaks off: upstream"),
    ({"fault": "error", "provider": "lmstudio"}, "end", "bad", "breaks off: model_crashed"),
    ({"fault": "cut"}, "end", "bad", "the connection broke"),
    ({"fault": "reset"}, "end", "bad", "the connection broke"),
    ({"fault": "stall"}, "end", "bad", "silence"),
    ({"fault": "long-line"}, "end", "bad", "more than 2,097,152 bytes"),
    ({"fault": "list"}, "end", "bad", "breaks off: protocol"),
    ({"fault": "html"}, "answer", "bad", "protocol"),
    ({"fault": "json-error"}, "answer", "bad", "upstream"),
    ({"fault": "empty"}, "answer", "bad", "and then nothing"),
    ({"fault": "status-500"}, "answer", "bad", "HTTP 500"),
    ({"fault": "status-404"}, "answer", "bad", "model_not_found"),
    ({"fault": "status-429"}, "answer", "bad", "rate_limited"),
    ({"fault": "invalid-utf8"}, "encoding", "odd", "not UTF-8"),
    ({"fault": "half-surrogate"}, "encoding", "odd", "half a character in 3 chunks"),
    ({"fault": "text-after-end"}, "after the end", "odd", "1 more chunk"),
    ({"fault": "status-503-loading", "load_seconds": 0.7}, "load", "ok", "while it loaded, it said so"),
    ({"load_seconds": 0.4}, "load", "odd", "in silence"),
    ({"load_seconds": 0.4, "keep_alive": 0.1}, "load", "ok", "and says so"),
    ({"load_seconds": 0.4, "keep_alive": 0.1}, "keep-alives", "ok", "before the first token"),
    ({"reasoning": "Let me think"}, "reasoning", "ok", "in reasoning_content"),
    ({"reasoning": "Let me think", "provider": "ollama"}, "reasoning", "ok", "in its own channel"),
    ({"tool": CALL}, "tools", "ok", "fragments"),
    ({"tool": CALL, "provider": "ollama"}, "tools", "ok", "each call in one piece"),
    ({"tool": CALL, "provider": "anthropic"}, "tools", "ok", "fragments"),
    ({"tool": CALL, "cumulative": True}, "tools", "odd", "resent with each"),
    ({}, "wrong model", "odd", "any name is served: 'simulated-model' answers"),
    ({"models": ("a", "b"), "provider": "lmstudio"}, "wrong model", "ok", "404 model_not_found"),
    ({}, "bad parameter", "ok", "400 bad_request"),
    (LONG, "speed", "ok", "tokens/s"),
]


@pytest.mark.parametrize(
    ("switches", "name", "verdict", "said"),
    QUIRKS,
    ids=[f"{name}-{'-'.join(switches)}-{switches.get('fault')}" for switches, name, *_ in QUIRKS],
)
async def test_right_from_wrong(switches: dict[str, Any], name: str, verdict: str, said: str) -> None:
    """Each quirk shows in the line that is about it, with the verdict that it deserves."""
    told = (await examined(Quirks(**switches))).told

    assert name in told, told
    assert (told[name].verdict, said in told[name].said) == (verdict, True), told[name]
    assert told[name].does or verdict == "ok"


@pytest.mark.parametrize("provider", ["openai", "lmstudio", "ollama", "anthropic"])
async def test_a_healthy_backend_has_nothing_bad(provider: Any) -> None:
    """Everything that it was asked is told, in a profile that a source can be made of."""
    async with Simulator(Quirks(provider=provider)) as server:
        found = await examined_at(server.url)
        assert found.profile is not None
        async with connect(profile=found.profile) as source:
            text = await Pipeline(source).text("Hi")

    assert found.bad == set()
    unknown = {name for name, finding in found.told.items() if finding.verdict == "unknown"}
    assert unknown <= {"tools", "cancel"}, "it makes no call, and is too fast to be left"
    assert set(QUESTIONS) - {"first", "second", "long"} <= found.told.keys()
    assert found.profile.mode == "delta"
    assert tuple(found.told.values()) == found.profile.findings
    assert text == Quirks().script.text


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({"cumulative": True}, ("cumulative", True)),
        ({"final_repeat": True}, ("auto", True)),
        ({"fault": "no-finish"}, ("delta", False)),
    ],
)
async def test_a_profile_mends_what_it_found(switches: dict[str, Any], expected: tuple[str, bool]) -> None:
    """The mode and the end go into the profile; with it, the answer is whole and comes once."""
    async with Simulator(Quirks(**switches)) as server:
        profile = (await examined_at(server.url)).profile
        assert profile is not None
        async with connect(profile=profile) as source:
            text = await Pipeline(source).text("Hi")

    assert (profile.mode, profile.finish_required) == expected
    assert text == Quirks().script.text


async def test_it_asks_no_more_than_it_says() -> None:
    """Few requests, of few tokens; none of them with a model that nobody chose."""
    async with Simulator(Quirks(**LONG, ignore_cancel=True)) as server:
        await examined_at(server.url)
        answered = [exchange for exchange in server.log if exchange.status == 200]

    assert len(server.log) <= REQUESTS + 10, "and the faces that were tried"
    assert len(answered) <= REQUESTS
    assert {exchange.body["model"] for exchange in answered} == {"simulated-model", NO_MODEL}


def refusing_streams(visit: Visit) -> Any:
    """A server that knows no `stream`."""

    async def play() -> None:
        while True:
            asked = await visit.asked()
            body, status = b'{"error": {"message": "streaming is not supported"}}', "400 Bad Request"
            if b" /v1/chat/completions " not in asked:
                status = "404 Not Found"
            elif b'"stream":false' in asked:
                status = "200 OK"
                body = (
                    b'{"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop", '
                    b'"message": {"role": "assistant", "content": "one two"}}]}'
                )
            fields = f"Content-Length: {len(body)}"
            visit.send(servers.head(status, fields, kind="application/json") + body)

    return play()


async def test_a_server_that_cannot_stream() -> None:
    """It is asked for whole answers, and the profile says so."""
    async with servers.serve(refusing_streams) as server:
        found = await examined_at(server.url)

    assert found.told["answer"].verdict == "odd"
    assert found.told["one-shot"].verdict == "ok"
    assert found.profile is not None
    assert not found.profile.supports_streaming
    assert not connect(profile=found.profile).request("Hi").stream


HOSTILE: dict[str, Script] = {
    "garbage": servers.raw(b"\x00\xff\x1b[31m" * 1000),
    "steers": servers.reply("200 OK", b'{"error": {"message": "\\u001b[2J\\u202e"}}'),
    "deep": servers.reply("200 OK", b"[" * 100_000),
    "large": servers.reply("200 OK", b'{"a": "' + b"x" * 3_000_000),
    "redirects": servers.reply("307 Moved", b"", "Location: http://127.0.0.1:1/"),
    "nothing": servers.raw(b""),
    "compressed": servers.reply("200 OK", b"\x1f\x8b", "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE)
async def test_whatever_answers_is_told(script: Script) -> None:
    """Garbage, escapes, bombs: a verdict in every case, and no exception."""
    async with servers.serve(script) as server:
        found = await examined_at(server.url, model="m")

    assert found.bad


async def test_silence_is_bounded() -> None:
    """Somebody who takes everything and says nothing costs a few seconds."""
    bounds = Bounds(first=0.1, silence=0.1, total=0.1, linger=0.1, short=0.1)
    async with servers.serve(servers.silent) as server:
        found = await examined_at(server.url, bounds=bounds)

    assert (found.profile, found.bad) == (None, {"server"})


async def test_who_falls_silent_is_not_asked_again() -> None:
    """Each of the other questions would take just as long."""
    async with Simulator(Quirks(fault="stall")) as server:
        told = (await examined_at(server.url)).told
        await server.until_idle()
        streamed = [exchange for exchange in server.log if exchange.status == 200]

    assert told["the rest"].verdict == "unknown"
    assert len(streamed) == 1


async def test_nobody_is_there() -> None:
    """One line, and no profile."""
    found = await examined_at("http://127.0.0.1:1")

    assert (found.profile, list(found.told)) == (None, ["server"])
    assert "nobody answers" in found.told["server"].said


async def test_a_hosted_api_costs_nothing_unasked() -> None:
    """GETs alone, and what would be sent is told."""
    methods: list[bytes] = []

    async def note(visit: Visit) -> None:
        while True:
            asked = await visit.asked()
            methods.append(asked.partition(b" ")[0])
            visit.send(servers.head("200 OK", "Content-Length: 2", kind="application/json") + b"{}")

    async with servers.serve(note) as server:
        told: list[Finding] = []
        await examine(Address(server.url, local=False), told.append, may_ask=False, bounds=BOUNDS)

    assert set(methods) == {b"GET"}
    assert told[-1].name == "requests"
    assert told[-1].does == "--yes sends them"


async def test_which_model_is_asked() -> None:
    """Nobody guesses between models that nothing is known of."""
    with pytest.raises(MisuseError, match="--model"):
        await examined(Quirks(models=("a", "b")))

    assert choose([]) is None
    assert choose([Model("a"), Model("b")]) is None
    assert choose([Model("text-embed", "loaded"), Model("b")]) == "b"
    assert choose([Model("a", "not_loaded", 1), Model("b", "loaded", 9)]) == "b"


async def test_a_key_goes_where_it_was_given_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """P25: the key of the environment is nobody's here; the one that was named is sent."""
    for variable in ("OPENAI_API_KEY", "LM_API_TOKEN", "ANTHROPIC_API_KEY", "OLLAMA_API_KEY"):
        monkeypatch.setenv(variable, "of-the-environment")
    sent: list[bytes] = []

    async def note(visit: Visit) -> None:
        while True:
            sent.append(await visit.asked())
            body = b'{"data": [], "models": [], "lmstudio": true}'
            fields = f"Content-Length: {len(body)}"
            visit.send(servers.head("200 OK", fields, kind="application/json") + body)

    async with servers.serve(note) as server:
        await examined_at(server.url)
        unnamed = b"".join(sent)
        sent.clear()
        await examined_at(server.url, key="given-for-this")

    assert b"of-the-environment" not in unnamed
    assert b"uthorization" not in unnamed
    assert b"x-api-key" not in unnamed
    assert all(b"given-for-this" in asked for asked in sent)
