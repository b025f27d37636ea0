"""LM Studio: the model that is loaded answers, its text is read as `auto`, and the better face is asked."""

from pathlib import Path

import anyio
import msgspec
import pytest

from tests.reader import hear
from tests.scripted import Attempt, ScriptedTransport
from tests.transcripts import HELLO, STOP, text
from tokenweir import MisuseError, Pipeline, connect
from tokenweir.pipeline.deadlines import LOCAL
from tokenweir.pipeline.retry import Retry
from tokenweir.pipeline.sources.lmstudio import LMStudio
from tokenweir.record import record
from tokenweir.stages import decode_protocol, sse_decode

pytestmark = pytest.mark.anyio


async def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """DESIGN 5: no model needs to be named, and the token of its environment is for its own address."""
    monkeypatch.setenv("LM_API_TOKEN", "from-the-environment")
    transport = ScriptedTransport(Attempt(200, HELLO))
    await Pipeline(connect("lmstudio", transport=transport)).text("hi")
    await Pipeline(connect("lmstudio", "http://elsewhere:1234", transport=transport)).text("hi")
    own, other = transport.requests

    assert own.url == "http://localhost:1234/v1/chat/completions"
    assert msgspec.json.decode(own.body)["model"] == "local-model"
    assert (own.headers.get("Authorization"), other.headers.get("Authorization")) == (
        "Bearer from-the-environment",
        None,
    )
    assert connect("lmstudio").deadlines == LOCAL


async def test_text_that_is_sent_again() -> None:
    """P4: whole texts and new ones alike, without being told which."""
    words = [
        "A weir",
        "A weir stands",
        "A weir stands in a stream",
        "A weir stands in a stream, and measures it.",
    ]
    again = ScriptedTransport(Attempt(200, *[text(word) for word in words], STOP))
    new = ScriptedTransport(Attempt(200, *[text(word) for word in words[-1].split(" ")], STOP))

    assert (await hear(Pipeline(connect("lmstudio", transport=again)).stream("hi"))).text == words[-1]
    assert (await hear(Pipeline(connect("lmstudio", transport=new)).stream("hi"))).text == words[-1].replace(
        " ", ""
    )


REST = b'data: {"type":"message.delta","content":"Hi"}\n\ndata: {"type":"chat.end","result":{}}\n\n'
OLD = b'{"error":"Unexpected endpoint or method. (POST /api/v1/chat)"}'


def urls(transport: ScriptedTransport) -> list[str]:
    """Where it was asked."""
    return [request.url.removeprefix("http://localhost:1234") for request in transport.requests]


async def test_the_better_face_is_asked() -> None:
    """REST v1 where it serves the request; its answer is read as such."""
    transport = ScriptedTransport(Attempt(200, REST), Attempt(200, HELLO))
    pipeline = Pipeline(connect("lmstudio", model="m", transport=transport))
    first, second = await hear(pipeline.stream("hi")), await hear(pipeline.stream("hi", max_tokens=5))

    assert (first.text, first.end.outcome, second.end.outcome) == ("Hi", "complete", "complete")
    assert urls(transport) == ["/api/v1/chat", "/v1/chat/completions"]
    assert msgspec.json.decode(transport.requests[0].body) == {
        "model": "m",
        "input": "hi",
        "stream": True,
        "store": False,
    }


@pytest.mark.parametrize(("status", "headers"), [(404, {}), (200, {"Content-Type": "application/json"})])
async def test_an_older_lm_studio_is_asked_by_the_other_face(status: int, headers: dict[str, str]) -> None:
    """Once; then it is known."""
    transport = ScriptedTransport(Attempt(status, OLD, headers=headers), Attempt(200, HELLO))
    pipeline = Pipeline(connect("lmstudio", model="m", transport=transport))
    heard = [await hear(pipeline.stream("hi")) for _ in range(2)]

    assert [(one.end.outcome, one.end.stats.attempts) for one in heard] == [("complete", 2), ("complete", 1)]
    assert urls(transport) == ["/api/v1/chat", "/v1/chat/completions", "/v1/chat/completions"]


async def test_what_asks_for_nothing_is_for_either_face() -> None:
    """`store=False` asks that nothing is kept: the OpenAI face keeps nothing, and is not told what it
    does not know."""
    transport = ScriptedTransport(Attempt(200, HELLO))
    said = [{"role": role, "content": "Hi"} for role in ("user", "assistant", "user")]
    await Pipeline(connect("lmstudio", model="m", transport=transport)).text(
        said, store=False, integrations=[]
    )

    assert urls(transport) == ["/v1/chat/completions"]
    assert msgspec.json.decode(transport.requests[0].body).keys() & {"store", "integrations"} == set()


async def test_finding_the_face_is_no_retry() -> None:
    """P6: the other face has as many attempts as ever, also where no retry is left; a refusal of its own, in
    the same words, is told."""
    busy, lost = Attempt(503, b"{}"), Attempt(404, OLD)
    transport = ScriptedTransport(lost, busy, busy, Attempt(200, HELLO), lost)
    source = connect("lmstudio", model="m", transport=transport)
    source.retry = Retry(jitter=lambda: 1.0)
    none = ScriptedTransport(lost, Attempt(200, HELLO))
    poor = connect("lmstudio", model="m", transport=none)
    poor.retry = Retry(attempts=1, burst=0)

    assert (await hear(Pipeline(source).stream("hi"))).end.outcome == "complete"
    assert (await hear(Pipeline(source).stream("hi"))).kind == "bad_request"
    assert (await hear(Pipeline(poor).stream("hi"))).end.outcome == "complete"
    assert (len(urls(transport)), len(urls(none))) == (5, 2)


async def test_an_older_lm_studio_that_is_asked_twice_at_once() -> None:
    """Both are on their way before either knows: both are asked again by the other face."""
    transport = ScriptedTransport(
        Attempt(404, OLD), Attempt(404, OLD), Attempt(200, HELLO), Attempt(200, HELLO)
    )
    pipeline = Pipeline(connect("lmstudio", model="m", transport=transport))
    ends: list[str] = []

    async def one() -> None:
        ends.append((await hear(pipeline.stream("hi"))).end.outcome)

    async with anyio.create_task_group() as both:
        both.start_soon(one)
        both.start_soon(one)

    assert ends == ["complete", "complete"]


async def test_a_missing_model_is_no_older_lm_studio() -> None:
    """P6: it is told, and not asked for again."""
    missing = b'{"error":{"type":"model_not_found","message":"Model \\"m\\" not found"}}'
    transport = ScriptedTransport(Attempt(404, missing))
    heard = await hear(Pipeline(connect("lmstudio", model="m", transport=transport)).stream("hi"))

    assert (heard.kind, len(transport.requests)) == ("model_not_found", 1)


async def test_a_face_can_be_forced() -> None:
    """Then every request goes there, or is refused by name."""
    transport = ScriptedTransport(Attempt(200, HELLO), Attempt(200, REST))
    openai = connect("lmstudio", model="m", face="openai", transport=transport)
    rest = connect("lmstudio", model="m", face="rest", transport=transport)
    await Pipeline(openai).text("hi")
    await Pipeline(rest).text("hi")

    assert urls(transport) == ["/v1/chat/completions", "/api/v1/chat"]
    assert rest.protocol == "lmstudio-v1"
    with pytest.raises(MisuseError, match="takes none, since it keeps the conversation itself"):
        await Pipeline(rest).text([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])
    with pytest.raises(MisuseError, match=r"context_length=9: .*its REST v1 has one"):
        await Pipeline(openai).text("hi", context_length=9)
    with pytest.raises(MisuseError, match="face='native': one of openai, rest"):
        connect("lmstudio", face="native")


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/lm/v1", "/lm/v2"])
async def test_an_address_of_a_face_is_that_face(path: str) -> None:
    """Whoever names the OpenAI face's own address means it; and behind a proxy with another path there is
    no telling where REST v1 is."""
    transport = ScriptedTransport(Attempt(200, HELLO))
    source = connect("lmstudio", f"http://localhost:1234{path}", model="m", transport=transport)
    await Pipeline(source).text("hi")

    assert urls(transport) == [f"{path.rstrip('/')}/chat/completions"]


async def test_an_address_of_the_server_is_every_face() -> None:
    """Without a path, the better face is asked."""
    transport = ScriptedTransport(Attempt(200, REST))
    await Pipeline(connect("lmstudio", "http://localhost:1234", model="m", transport=transport)).text("hi")

    assert urls(transport) == ["/api/v1/chat"]


async def test_a_chain_gathered_by_hand_has_the_openai_face() -> None:
    """It names its protocol."""
    transport = ScriptedTransport(Attempt(200, HELLO))
    source = connect("lmstudio", model="m", transport=transport)
    await hear(Pipeline(source.bytes("hi"), sse_decode(), decode_protocol("openai-chat")).stream())

    assert urls(transport) == ["/v1/chat/completions"]


async def test_a_recording_has_one_face(tmp_path: Path) -> None:
    """It says one protocol."""
    transport = ScriptedTransport(Attempt(200, HELLO))
    source = connect("lmstudio", model="m", transport=transport)
    assert isinstance(source, LMStudio)
    with record(source, tmp_path / "a.rec"):
        await Pipeline(source).text("hi")

    assert urls(transport) == ["/v1/chat/completions"]
