"""Ninety seconds of loading on every kind of backend: told each second, never as text; in virtual time."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import anyio
import pytest

from tests.questions import AskedTransport, Told
from tests.reader import Heard, judged
from tests.transcripts import HELLO, entry, frame
from tests.virtual import virtual
from tests.wire import anthropic, gemini_sse, lmstudio_v1, ollama_chat, openai_responses
from tokenweir import Deadlines, Event, Pipeline, connect
from tokenweir.pipeline.errors import DeadlineError, TokenweirError
from tokenweir.pipeline.events import Delta, Phase, PhaseName
from tokenweir.testing import Step

pytestmark = pytest.mark.anyio

COLD = 90
EPSILON = 1e-6


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


Attempts = Sequence[tuple[int, Sequence[Step]]]


class Cold(NamedTuple):
    """A kind of backend. `load` makes the attempts that so many seconds of loading take, each a status and
    a script; `answer` is what follows in the last of them. `phase` is what is waited for, `late` what the
    message of a deadline says of it."""

    provider: str
    answer: bytes
    load: Callable[[int], Attempts]
    phase: PhaseName
    late: str
    told: dict[str, Told] = {}  # noqa: RUF012 - nobody changes it
    options: dict[str, Any] = {}  # noqa: RUF012 - as above


def silent(seconds: int) -> Attempts:
    """Not a byte."""
    return [(200, [float(seconds)])]


def repeating(every: float, say: Callable[[float], bytes]) -> Callable[[int], Attempts]:
    """Something every so many seconds, given the part of the load that is done."""

    def load(seconds: int) -> Attempts:
        times = int(seconds / every)
        said = [step for at in range(times) for step in (say(at / times), every)]
        return [(200, [*said, seconds - times * every])]

    return load


def refusing(seconds: int) -> Attempts:
    """503, again and again."""
    loading = b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}'
    return [*[(503, [loading])] * seconds, (200, [])]


def swapping(done: float) -> bytes:
    """llama-swap's loading text, which it sends as reasoning."""
    text = "\u2501" * 5 + "\nllama-swap loading model: m" if done == 0 else "."
    return frame(choices=[{"delta": {"reasoning_content": text}}])


def listed(answer: bytes) -> Told:
    """The same answer at any time."""
    return lambda _now: [answer]


NOT_LOADED = b'{"models":[{"type":"llm","key":"m","loaded_instances":[]}]}'
ROUTED = b'{"data":[{"id":"m","status":{"value":"loading"}}]}'
QUEUED = openai_responses.event("response.queued", response={"id": "r", "status": "queued"})
OLLAMA, RESPONSES = ollama_chat.BODIES[0].wire, openai_responses.BODIES[0].wire
GUESS, LOAD = "the first token: the model may still be loading.", "the model to load"
PROMPT = "the first token: the prompt may be long, or the backend hangs."

KINDS: dict[str, Cold] = {
    "lmstudio /v1": Cold(
        "lmstudio",
        HELLO,
        silent,
        "loading",
        f"{LOAD}.",
        {"/api/v1/models": listed(NOT_LOADED)},
        {"face": "openai"},
    ),
    "lmstudio /v1, before 0.3": Cold("lmstudio", HELLO, silent, "loading", GUESS, {}, {"face": "openai"}),
    "lmstudio REST v1": Cold(
        "lmstudio",
        lmstudio_v1.message("Hel", "lo") + lmstudio_v1.end(),
        repeating(7.0, lambda done: lmstudio_v1.event("model_load.progress", progress=done)),
        "loading",
        f"{LOAD} (it was at ",
        {},
        {"face": "rest"},
    ),
    "ollama": Cold("ollama", OLLAMA, silent, "loading", f"{LOAD}.", {"/api/ps": listed(b'{"models":[]}')}),
    "ollama, no /api/ps": Cold("ollama", OLLAMA, silent, "loading", GUESS),
    "llamacpp 503": Cold("llamacpp", HELLO, refusing, "loading", f"{LOAD}."),
    "llamacpp router": Cold(
        "llamacpp",
        HELLO,
        silent,
        "loading",
        f"{LOAD}.",
        {"/health": listed(b'{"status":"ok"}'), "/v1/models": listed(ROUTED)},
    ),
    "llamacpp, long prompt": Cold(
        "llamacpp",
        HELLO,
        repeating(
            4.0,
            lambda done: frame(choices=[entry()], prompt_progress={"processed": done * 100, "total": 100}),
        ),
        "prefill",
        "the first token, while the prompt was read (it was at ",
    ),
    "mlx": Cold(
        "mlx",
        HELLO,
        repeating(0.5, lambda done: b": keepalive %d/4096\n\n" % (done * 4096)),
        "prefill",
        "the first token, while the prompt was read (it was at ",
    ),
    "vllm": Cold("vllm", HELLO, silent, "prefill", PROMPT),
    "openai-compatible": Cold(
        "openai-compatible", HELLO, silent, "loading", GUESS, {}, {"base_url": "http://box/v1"}
    ),
    "llama-swap": Cold(
        "openai-compatible",
        HELLO,
        repeating(0.75, swapping),
        "loading",
        f"{LOAD}.",
        {},
        {"base_url": "http://box/v1"},
    ),
    "openai-responses": Cold(
        "openai-responses", RESPONSES, repeating(9.0, lambda _: QUEUED), "queued", "its turn"
    ),
    "anthropic": Cold(
        "anthropic",
        anthropic.TEXT,
        repeating(10.0, lambda _: anthropic.PING),
        "prefill",
        PROMPT,
        {},
        {"deadlines": Deadlines()},
    ),
    "gemini": Cold("gemini", gemini_sse.BODIES[0].wire, silent, "queued", "the first token. "),
}


async def listen(kind: Cold, transport: AskedTransport, **options: Any) -> tuple[Heard, list[float]]:
    """What a consumer hears, and when."""
    source = connect(kind.provider, model="m", transport=transport, **{**kind.options, **options})
    events: list[Event] = []
    times: list[float] = []
    error: TokenweirError | None = None
    began = anyio.current_time()
    async with Pipeline(source).stream("hi") as stream:
        try:
            async for event in stream:
                events.append(event)
                times.append(anyio.current_time() - began)
        except TokenweirError as told:
            error = told
    assert transport.left_open == 0
    return judged(events, stream, error), times


def attempts(kind: Cold, seconds: int) -> Iterator[tuple[int, Sequence[Step]]]:
    """The load, and behind it the answer."""
    *before, (status, script) = kind.load(seconds)
    yield from before
    yield status, [*script, kind.answer]


@pytest.mark.parametrize("name", KINDS)
async def test_a_cold_start_of_ninety_seconds(name: str) -> None:
    """P15, P16, U05: something is told at least every second, no deadline passes, the first token follows,
    and nothing of the load is text."""
    kind = KINDS[name]
    heard, times = await listen(kind, AskedTransport(*attempts(kind, COLD), told=kind.told))

    before = [(at, event) for at, event in zip(times, heard.events, strict=False) if at < COLD - EPSILON]
    assert all(isinstance(event, Phase) for _, event in before)
    assert (
        max(later - at for (at, _), (later, _) in pairwise([(0.0, None), *before, (COLD, None)]))
        <= 1 + EPSILON
    )
    phases = [event for _, event in before if isinstance(event, Phase)]
    assert {phase.name for phase in phases} == {"connecting", kind.phase}
    told = [phase.progress for phase in phases if phase.progress is not None]
    assert told == sorted(told)

    assert heard.end.outcome == "complete"
    assert heard.text
    assert heard.answer.text(channel="reasoning") == ""
    assert heard.end.stats.first_token == pytest.approx(COLD)
    assert heard.end.stats.characters == len(
        "".join(event.text for event in heard.events if isinstance(event, Delta))
    )


@pytest.mark.parametrize("name", KINDS)
async def test_a_load_that_never_ends(name: str) -> None:
    """P15, U05: the first token's deadline ends it, says what was being waited for, for how long and what
    to do, and the backend is left."""
    kind = KINDS[name]
    limits = Deadlines(first_token=150.0)
    heard, _ = await listen(kind, AskedTransport(*kind.load(9000), told=kind.told), deadlines=limits)

    failure = heard.end.failure
    assert failure is not None
    assert (heard.end.outcome, failure.kind, failure.phase) == ("timeout", "timeout", "first_token")
    assert failure.message.startswith(f"waited 150 s for {kind.late}")
    assert failure.message.endswith("Allow more with Deadlines(first_token=...)")
    assert isinstance(heard.error, DeadlineError)
    assert heard.end.stats.duration == pytest.approx(150.0)
    assert heard.text == ""
