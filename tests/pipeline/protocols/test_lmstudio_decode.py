"""LM Studio's two HTTP faces are told apart by their first payload."""

import pytest

from tokenweir.pipeline.events import Comment, Delta, Done, Event, Failure, Phase, SSEEvent, Start, WireItem
from tokenweir.pipeline.protocols.lmstudio_decode import LMStudioDecode
from tokenweir.pipeline.protocols.lmstudio_v1_decode import LMStudioV1Decode
from tokenweir.pipeline.protocols.openai_chat_decode import OpenAIChatDecode

Face = type[OpenAIChatDecode] | type[LMStudioV1Decode]
OPENAI: list[WireItem] = [
    SSEEvent(b'{"choices":[{"index":0,"delta":{"content":"Hi"}}]}'),
    SSEEvent(b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'),
    SSEEvent(b"[DONE]"),
]
REST: list[WireItem] = [
    SSEEvent(b'{"type":"chat.start","model_instance_id":"m"}', "chat.start"),
    SSEEvent(b'{"type":"message.delta","content":"Hi"}', "message.delta"),
    SSEEvent(b'{"type":"chat.end","result":{}}', "chat.end"),
]
FACES: list[tuple[list[WireItem], Face]] = [(OPENAI, OpenAIChatDecode), (REST, LMStudioV1Decode)]
COMMENT = Comment("keepalive 1/2")
CHUNK = b'{"choices":[{"index":0,"delta":{"content":"Hi"}}]'


@pytest.mark.parametrize(("items", "face"), FACES)
@pytest.mark.parametrize("size", [1, 2, 9])
def test_either_face(items: list[WireItem], face: Face, size: int) -> None:
    """Cut anywhere, with keep-alives before the first payload: what its own core tells, and counts."""
    core, own, events = LMStudioDecode("there"), face("there"), list[Event]()
    told = [COMMENT, COMMENT, *items]
    for at in range(0, len(told), size):
        events += core.feed(told[at : at + size])

    assert isinstance(events[0], Phase)
    assert Delta("Hi") in events
    assert events == own.feed(told)
    assert events[-1] == Done()
    assert core.finish() == []
    assert core.figures() == own.figures()
    assert core.figures()["keep_alives"] == 2


@pytest.mark.parametrize(
    ("payload", "kind", "face", "other"),
    [
        (CHUNK + b"}", "message", OpenAIChatDecode, LMStudioV1Decode),
        (CHUNK + b',"type":"message.delta"}', "message", OpenAIChatDecode, LMStudioV1Decode),
        (CHUNK + b"}", "message.delta", OpenAIChatDecode, LMStudioV1Decode),
        (b'{"id":"a","model":"m"}', "message", OpenAIChatDecode, LMStudioV1Decode),
        (b": loading", "message", OpenAIChatDecode, LMStudioV1Decode),
        (b'{"type":"message.delta","content":"Hi"}', "message", LMStudioV1Decode, OpenAIChatDecode),
        (b'{"content":"Hi"}', "message.delta", LMStudioV1Decode, OpenAIChatDecode),
        (b'{"type":"error","error":{"message":"no"}}', "message", LMStudioV1Decode, OpenAIChatDecode),
    ],
)
def test_the_first_payload_says_the_face(
    payload: bytes,
    kind: str,
    face: Face,
    other: Face,
) -> None:
    """PROTOCOLS 3.3: a type with a dot, of the payload or else of its event, or an error of REST v1; with
    choices it is the OpenAI face. Nothing that comes later changes it."""
    items = [SSEEvent(payload, kind), *(OPENAI if face is OpenAIChatDecode else REST)]
    core = LMStudioDecode("there")
    told = [event for one in items for event in core.feed([one])]

    assert told == face("there").feed(items)
    assert told != other("there").feed(items)


@pytest.mark.parametrize("items_face", FACES, ids=["openai", "rest"])
@pytest.mark.parametrize(
    "sign",
    [SSEEvent(b""), SSEEvent(b": loading"), SSEEvent(b'{"type":"ping"}'), SSEEvent(b"{}", "ping"), COMMENT],
)
def test_a_sign_of_life_is_no_face(sign: WireItem, items_face: tuple[list[WireItem], Face]) -> None:
    """P16: what both faces may send while nothing has come decides nothing."""
    items, _ = items_face
    events = LMStudioDecode("there").feed([sign, *items])

    assert [event for event in events if isinstance(event, Delta | Done)] == [Delta("Hi"), Done()]
    assert isinstance(events[0], Phase)


@pytest.mark.parametrize("finish_required", [True, False])
def test_the_options_reach_either_face(finish_required: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """`Start` has the provider's name (DESIGN 5); an OpenAI backend may be one that sends no finish
    reason, and REST v1 has its one end in any case."""
    failures: list[Failure | None] = []
    for items, _ in FACES:
        out = LMStudioDecode("there", finish_required=finish_required).feed([*items[:-2], OPENAI[-1]])
        (start,) = [event for event in out if isinstance(event, Start)]
        failures += [event.failure for event in out if isinstance(event, Done)]
        assert start.provider == "there"

    openai, rest = failures
    assert (openai is not None and openai.kind == "truncated") is finish_required
    assert rest is not None
    assert rest.kind == "truncated"


@pytest.mark.parametrize("items", [OPENAI, REST])
def test_an_answer_cut_off(items: list[WireItem]) -> None:
    """P2: a body that ends before the last word is not told as whole."""
    core = LMStudioDecode()
    core.feed(items[:-2])

    assert core.finish() == []


@pytest.mark.parametrize(
    ("payload", "kind", "code"),
    [
        (b'{"type":"error","error":{"type":"model_not_found","message":"no"}}', "error", "model_not_found"),
        (b'{"error":{"message":"no","code":"model_not_found"},"message":"no"}', "error", "model_not_found"),
    ],
)
def test_an_error_first(payload: bytes, kind: str, code: str) -> None:
    """Each face has its own form, and both are read."""
    (done,) = [event for event in LMStudioDecode().feed([SSEEvent(payload, kind)]) if isinstance(event, Done)]

    assert done.failure is not None
    assert (done.failure.kind, done.failure.code) == ("model_not_found", code)


def test_no_payload_and_no_json() -> None:
    """As the OpenAI face has it; and without a finish reason, its [DONE] does not complete an answer."""
    assert LMStudioDecode().finish() == []
    (done,) = LMStudioDecode().feed([SSEEvent(b"<html>")])
    assert isinstance(done, Done)
    assert done.failure is not None
    assert done.failure.kind == "protocol"
    (cut,) = LMStudioDecode().feed([SSEEvent(b"[DONE]")])
    assert isinstance(cut, Done)
    assert cut.failure is not None
    assert cut.failure.kind == "truncated"


@pytest.mark.parametrize("data", [b"[DONE]", b" [DONE] "])
def test_a_done_that_stands_alone(data: bytes) -> None:
    """P2: with no other payload before it, it is the OpenAI face's, and its end where no finish reason is
    required."""
    assert LMStudioDecode(finish_required=False).feed([SSEEvent(data)]) == [Done()]
