"""What the payloads of `generateContent` mean (PROTOCOLS 7.2)."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.feeding import run, run_bytes
from tests.wire import gemini_json_array, gemini_sse
from tests.wire.gemini_sse import HEAD, events, payload, usage
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.core import FusedCore
from tokenweir.pipeline.events import (
    Comment,
    Delta,
    Done,
    Event,
    Extra,
    Failure,
    Finish,
    Phase,
    SSEEvent,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols.gemini_decode import CANDIDATE_LIMIT, GeminiDecode
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

TRACES = Path(__file__).parents[4] / "shared" / "traces" / "wire"
CHAINS = {
    name: decode_frames(name) | decode_protocol(name, provider="gemini")
    for name in ("gemini-sse", "gemini-json-array")
}
START = Start("r1", "gemini", "gemini-test")
STOP = payload(finish="STOP")
MANY = json.dumps(payload(*[{"functionCall": {"name": "f"}}] * (CALL_LIMIT + 1))).encode()
MISPLACED = json.dumps(
    payload({"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "$[5]", "nullValue": None}]}})
).encode()

WRONG: list[dict[str, Any]] = [
    {"candidates": None},
    {"candidates": [None, 1, "a", []]},
    {"candidates": {"content": 1}},
    {"candidates": [{"content": [1], "finishReason": []}]},
    {"candidates": [{"content": {"parts": {"text": "a"}}, "index": "x"}]},
    {"candidates": [{"content": {"parts": [1, None, "a", {"text": 5, "thought": 1}]}}]},
    {"candidates": [{"content": {"parts": [{"functionCall": 5}, {"functionCall": {"name": {}}}]}}]},
    {"candidates": [{"content": {"parts": [{"functionCall": {"partialArgs": 5}}]}}]},
    {"usageMetadata": 5, "modelVersion": [], "responseId": {}, "createTime": 5, "promptFeedback": []},
    {},
]
"""Payloads with wrong types in every place."""


def decoded(wire: bytes, protocol: str = "gemini-sse") -> list[Event]:
    """The events of one body."""
    return run_bytes(CHAINS[protocol], wire)


def said(*payloads: object) -> list[Event]:
    """The events of these payloads."""
    return decoded(events(*payloads))


def extras(found: list[Event]) -> list[tuple[str, Any, int | None]]:
    """Kind, data and choice of every Extra."""
    return [(e.kind, msgspec.json.decode(e.data), e.index) for e in found if isinstance(e, Extra)]


def failure(found: list[Event]) -> Failure:
    """The failure that the body told, which is its last word."""
    *_, last = found
    assert isinstance(last, Done)
    assert last.failure is not None
    return last.failure


def test_a_whole_answer_in_order() -> None:
    """Thoughts, text, calls and their signatures, figures; the finish at the end of the body."""
    found = decoded(gemini_sse.CALLS)

    assert [event for event in found if not isinstance(event, (Extra, Usage))] == [
        START,
        Delta("Let me look.", "reasoning"),
        Delta("I will look."),
        ToolDelta(0, "a", "look", '{"at":"sky"}'),
        ToolDelta(1, None, "now", "{}"),
        Finish("tool_calls", "STOP"),
        Done(),
    ]
    assert [event for event in found if isinstance(event, Usage)] == [
        Usage(9, 0, 13, 4),
        Usage(9, 12, 25, 4),
    ]
    assert extras(found) == [("tool_call", {"call": 0, "thoughtSignature": "c2ln"}, 0)]


@pytest.mark.parametrize("name", ["TEXT", "CALLS", "STREAMED", "TWO", "UNICODE", "BLOCKED"])
def test_both_framings_mean_the_same(name: str) -> None:
    """One array streamed element by element, or an event for each."""
    wire: bytes = getattr(gemini_sse, name)

    assert decoded(gemini_json_array.array(wire), "gemini-json-array") == decoded(wire)
    assert decoded(gemini_json_array.array(wire), "gemini-sse") == decoded(wire)


def test_a_whole_answer_without_a_stream() -> None:
    """`generateContent` gives one object, pretty-printed; both protocols read it."""
    expected = [
        START,
        Delta("Hm", "reasoning"),
        Delta("Hé 🙂"),
        Usage(2, 2, 5, 1),
        Finish("stop", "STOP"),
        Done(),
    ]

    assert decoded(gemini_sse.WHOLE) == expected
    assert decoded(gemini_sse.WHOLE, "gemini-json-array") == expected


def test_streamed_arguments() -> None:
    """Vertex gives them value by value; the fragments join to one JSON text, and end with the call."""
    found = decoded(gemini_sse.STREAMED)
    calls = [event for event in found if isinstance(event, ToolDelta)]
    answer = Assembly()
    answer.feed(found)

    assert calls[0] == ToolDelta(0, None, "cook", "")
    assert {(call.call, call.id, call.name) for call in calls[1:]} == {(0, None, None)}
    assert json.loads("".join(call.arguments for call in calls)) == {
        "dish": {"name": 'Pasta "al dente"', "steps": ["boil", 9]},
        "hot": True,
    }
    assert answer.finish[0] == Finish("tool_calls", "STOP")


def test_calls_one_after_another() -> None:
    """A name begins a new call and ends the one before it; an id may come late, and once."""
    found = said(
        payload({"functionCall": {"name": "a", "id": "1", "willContinue": True}}),
        payload(
            {
                "functionCall": {
                    "name": "a",
                    "id": "1",
                    "partialArgs": [{"jsonPath": "$.x", "numberValue": 1}],
                    "willContinue": True,
                }
            }
        ),
        payload({"functionCall": {"name": "b", "willContinue": True}}),
        payload({"functionCall": {"id": "2", "willContinue": True}}),
        payload({"functionCall": {}}, {"functionCall": {}}, {"functionCall": {"name": "c", "args": {}}}),
        STOP,
    )  # fmt: skip - one payload, one line

    assert [event for event in found if isinstance(event, ToolDelta)] == [
        ToolDelta(0, "1", "a", ""),
        ToolDelta(0, None, None, '{"x":1'),
        ToolDelta(0, None, None, "}"),
        ToolDelta(1, None, "b", ""),
        ToolDelta(1, "2", None, ""),
        ToolDelta(1, None, None, "{}"),
        ToolDelta(2, None, "c", "{}"),
    ]


def test_whole_arguments_that_go_on() -> None:
    """What comes again, beside arguments that are there, is kept and not appended."""
    found = said(
        payload({"functionCall": {"name": "a", "args": {"x": 1}, "willContinue": True}}),
        payload({"functionCall": {"args": {"y": 2}}}),
        payload(
            {
                "functionCall": {
                    "name": "b",
                    "partialArgs": [{"jsonPath": "$.x", "numberValue": 1}],
                    "args": {"x": 1},
                }
            }
        ),
        STOP,
    )  # fmt: skip - one payload, one line
    answer = Assembly()
    answer.feed(found)

    assert [call["arguments"] for call in answer.tool_calls()] == ['{"x":1}', '{"x":1}']
    assert extras(found) == [
        ("tool_call", {"call": 0, "args": {"y": 2}}, 0),
        ("tool_call", {"call": 1, "partialArgs": [{"jsonPath": "$.x", "numberValue": 1}]}, 0),
    ]


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        *((native, "content_filter") for native in ("SAFETY", "RECITATION", "BLOCKLIST", "SPII")),
        *((native, "content_filter") for native in ("PROHIBITED_CONTENT", "IMAGE_SAFETY")),
        *((native, "other") for native in ("LANGUAGE", "OTHER", "MALFORMED_FUNCTION_CALL", "NEW")),
    ],
)
def test_finish_reasons(native: str, reason: str) -> None:
    """V22: mapped, with the native word kept; each completes the answer."""
    assert said(payload({"text": "a"}, finish=native))[-2:] == [Finish(reason, native), Done()]  # type: ignore[arg-type]


@pytest.mark.parametrize("native", ["", None, "FINISH_REASON_UNSPECIFIED", 7])
def test_what_is_no_finish_reason(native: Any) -> None:
    """P2: the body ended without one: nothing says that it is whole. One of another type is kept (V12)."""
    body = payload({"text": "a"})
    body["candidates"][0]["finishReason"] = native
    events = said(body)

    assert events[:2] == [START, Delta("a")]
    assert [type(event) for event in events[2:]] == ([Extra] if native == 7 else [])


def test_calls_before_a_filter() -> None:
    """Only a good end is the calls'."""
    called = payload({"functionCall": {"name": "f", "args": {}}})

    assert Finish("length", "MAX_TOKENS") in said(called, payload(finish="MAX_TOKENS"))
    assert Finish("tool_calls", "STOP") in said(called, STOP)


def test_text_after_the_finish_reason() -> None:
    """Old servers say STOP in every payload: the text after it counts, and the finish comes last."""
    found = decoded(gemini_sse.LATE)

    assert found == [START, Delta("Hi"), Delta("!"), Usage(1, 2, 3, 0), Finish("stop", "STOP"), Done()]


def test_candidates() -> None:
    """V13: several have their index; none is 0. The answer is whole when all of them are."""
    found = decoded(gemini_sse.TWO)
    cut = decoded(gemini_sse.TWO[: gemini_sse.TWO.index(b"MAX")])

    assert [event for event in found if isinstance(event, Delta)] == [
        Delta("a"),
        Delta("x", "text", 1),
        Delta("b"),
    ]
    assert found[-3:] == [Finish("length", "MAX_TOKENS"), Finish("stop", "STOP", 1), Done()]
    assert cut[-1] == Finish("stop", "STOP", 1)


def test_a_blocked_prompt() -> None:
    """No candidate at all: the block is the finish, and what is told of it is kept."""
    found = said({"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": []}, **usage(4, 0, 0), **HEAD})

    assert [event for event in found if not isinstance(event, Extra)] == [
        START,
        Usage(4, 0, 4, 0),
        Finish("content_filter", "SAFETY"),
        Done(),
    ]
    assert extras(found) == [("promptFeedback", {"blockReason": "SAFETY", "safetyRatings": []}, None)]


@pytest.mark.parametrize("reason", ["", None, "BLOCK_REASON_UNSPECIFIED", 5])
def test_feedback_that_blocks_nothing(reason: Any) -> None:
    """The default value is no block."""
    found = said({"promptFeedback": {"blockReason": reason}}, payload({"text": "a"}, finish="STOP"))

    assert Finish("stop", "STOP") in found
    assert said({"promptFeedback": {"blockReason": reason}})[-1:] != [Done()]


def test_a_block_in_mid_stream() -> None:
    """It ends the candidates that have not ended."""
    found = said(payload({"text": "a"}), {"promptFeedback": {"blockReason": "OTHER"}})

    assert found[-2:] == [Finish("content_filter", "OTHER"), Done()]


def test_what_nobody_models_is_kept() -> None:
    """Parts of other kinds, what stands beside the parts, around the candidates, and among the figures."""
    candidate: dict[str, Any] = {
        "content": {
            "role": "model",
            "parts": [
                {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s1"},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
                {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
                {"text": "", "thoughtSignature": "s2"},
                {"functionCall": {}, "thoughtSignature": "s3"},
            ],
            "new": 1,
        },
        "citationMetadata": {"citationSources": [1]},
        "groundingMetadata": {"webSearchQueries": ["a"]},
        "safetyRatings": [{"category": "X"}],
        "finishMessage": "ok",
        "finishReason": "STOP",
    }
    around = {"usageMetadata": {"promptTokenCount": 1, "trafficType": "ON_DEMAND"}, "modelStatus": {"a": 1}}
    found = said({"candidates": [candidate], **around}, {"candidates": [candidate], **around})
    first, again = extras(found)[:13], extras(found)[13:]

    assert [(kind, index) for kind, _, index in first] == [
        *((kind, 0) for kind in ("executableCode", "thoughtSignature", "codeExecutionResult", "inlineData")),
        *((kind, 0) for kind in ("thoughtSignature", "thoughtSignature", "new", "citationMetadata")),
        *((kind, 0) for kind in ("groundingMetadata", "safetyRatings", "finishMessage")),
        ("trafficType", None),
        ("modelStatus", None),
    ]
    assert first[0][1] == {"language": "PYTHON", "code": "1"}
    assert len(again) == 13 - 3, "what is steady counts once"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"candidates": [1, "a", None, ""]}, ("candidates", [1, "a"], None)),
        ({"candidates": {"content": 1}}, ("candidates", {"content": 1}, None)),
        ({"usageMetadata": 5}, ("usageMetadata", 5, None)),
    ],
)
def test_what_is_not_of_its_type_is_kept(body: dict[str, Any], kept: tuple[str, Any, None]) -> None:
    """DESIGN 3: a known field that cannot be read is not lost."""
    assert extras(said(body)) == [kept]


def test_figures() -> None:
    """V21: merged field by field; the output is the candidates' alone; what is no figure changes nothing."""
    found = said(
        payload({"text": "a"}, usageMetadata={"promptTokenCount": 5, "cachedContentTokenCount": 2}),
        payload(usageMetadata={"candidatesTokenCount": 3, "thoughtsTokenCount": -1, "promptTokenCount": "5"}),
        payload(usageMetadata={"candidatesTokenCount": 3}),
        payload(usageMetadata=[1], finish="STOP"),
    )

    assert [event for event in found if isinstance(event, Usage)] == [
        Usage(5, None, None, None, 2),
        Usage(5, 3, None, None, 2),
    ]


def test_the_start() -> None:
    """Once, before any content, also where nothing names itself; `createTime` is a moment."""
    named = said({"createTime": "2026-11-20T10:00:00.5Z", **payload({"text": "a"})}, STOP)
    bare = said({"candidates": [{"content": {"parts": [{"text": "a"}]}}]})

    assert named[0] == Start("r1", "gemini", "gemini-test", 1795168800)
    assert sum(isinstance(event, Start) for event in named) == 1
    assert bare[0] == Start(None, "gemini")


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        ({"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED"}, "rate_limited", True),
        ({"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}, "overloaded", True),
        ({"code": 500, "message": "An internal error.", "status": "INTERNAL"}, "upstream", True),
        ({"code": 400, "message": "Invalid value.", "status": "INVALID_ARGUMENT"}, "bad_request", False),
        ({"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}, "auth", False),
        ({"code": 403, "message": "Denied.", "status": "PERMISSION_DENIED"}, "auth", False),
        ({"code": 404, "message": "models/x is not found", "status": "NOT_FOUND"}, "model_not_found", False),
        (
            {"code": 400, "message": "The input token count (9) exceeds", "status": "INVALID_ARGUMENT"},
            "context_length",
            False,
        ),
    ],
)
def test_errors(error: dict[str, Any], kind: str, *, retryable: bool) -> None:
    """V15, V16: alone, in an array, bare in an event stream, and after text, in Google's own words."""
    body = {"error": error}
    for found in (
        said(body),
        said(payload({"text": "a"}), body),
        decoded(json.dumps([body], indent=2).encode()),
        decoded(events(payload({"text": "a"})) + json.dumps([body], indent=2).encode() + b"\n"),
        decoded(json.dumps([payload({"text": "a"}), body]).encode(), "gemini-json-array"),
    ):
        told = failure(found)
        assert (told.kind, told.retryable, told.status) == (kind, retryable, error["code"])
        assert (told.message, told.code) == (error["message"], error["status"])


def test_an_error_after_the_finish() -> None:
    """DESIGN 3: both are kept, and the error is the outcome; nothing counts after it."""
    found = said(
        payload({"text": "a"}, finish="STOP"),
        {"error": {"code": 500, "message": "No."}},
        payload({"text": "b"}),
    )

    assert found[:3] == [START, Delta("a"), Finish("stop", "STOP")]
    assert failure(found).message == "No."


def test_what_stands_beside_an_error_is_kept() -> None:
    """The failure has the whole payload, not its error alone."""
    body = {"error": {"code": 500, "message": "No."}, "requestId": "q1"}

    assert msgspec.json.decode(failure(said(body)).native or b"null") == body


def test_an_index_that_is_no_number() -> None:
    """V12, V13: true is no 1; what is no number is choice 0."""
    found = said({"candidates": [{"index": True, "content": {"parts": [{"text": "a"}]}}]})

    assert [repr(event.index) for event in found if isinstance(event, Delta)] == ["0"]


def test_an_error_beside_candidates() -> None:
    """What came with it comes before it."""
    found = said({**payload({"text": "a"}), "error": {"code": 500, "message": "No."}})

    assert found[:2] == [START, Delta("a")]
    assert failure(found).kind == "upstream"


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"nonsense", "protocol", "not JSON: nonsense"),
        (b"5", "protocol", "not a JSON object: 5"),
        (b'"text"', "protocol", "not a JSON object"),
        (b"[1]", "protocol", "not a JSON object"),
        (b'{"candidates":[{"index":-1}]}', "protocol", "index -1; the bound is 128"),
        (b'{"candidates":[{"index":%d}]}' % CANDIDATE_LIMIT, "protocol", "index 128; the bound is 128"),
        (b'{"candidates":[{"index":1%s}]}' % (b"0" * 30), "protocol", f"index 1{'0' * 19}; the bound"),
        (b'{"a":' * 100_000, "protocol", "not JSON"),
        (MANY, "limit", "more than 1024 tool calls"),
        (MISPLACED, "protocol", "no next place"),
    ],
    ids=range(10),
)
def test_payloads_that_cannot_be_read(data: bytes, kind: str, words: str) -> None:
    """V10, V11, V13, V14: told, with the reason, after what came before them."""
    items = [SSEEvent(json.dumps(payload({"text": "a"})).encode()), SSEEvent(data), SSEEvent(data)]
    found = run(decode_protocol("gemini-sse"), [items])

    assert found[1] == Delta("a")
    assert failure(found).kind == kind
    assert words in failure(found).message
    assert sum(isinstance(event, Done) for event in found) == 1


@pytest.mark.parametrize("body", WRONG)
def test_wrong_types_are_ignored(body: object) -> None:
    """V12: nothing raises, no text is made up, and the stream goes on."""
    found = said(body, payload({"text": "a"}, finish="STOP"))

    assert [event for event in found if isinstance(event, (Delta, ToolDelta))] == [Delta("a")]
    assert found[-1] == Done()


@pytest.mark.parametrize("depth", [100, 980, 990, 1000, 100_000])
def test_deep_nesting(depth: int) -> None:
    """V11: read, or told; what can be read may still be too deep to be written down again."""
    deep = b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":%s}}}]}}]}'
    *_, last = run(decode_protocol("gemini-sse"), [[SSEEvent(deep % (b"[" * depth + b"]" * depth))]])

    if depth == 100:
        assert last == ToolDelta(0, None, "f", '{"a":' + "[" * depth + "]" * depth + "}")
    else:
        assert failure([last]).kind == "protocol"


def test_half_surrogates() -> None:
    """V09: joined over payloads, in text and in arguments; alone at the end they are U+FFFD."""
    halves = b'data: {"candidates":[{"content":{"parts":[{"text":"%s"}]}}]}\n\n'
    whole = decoded(halves % b"\\ud83d" + halves % b"\\ude00" + events(STOP))
    alone = decoded(halves % b"\\ud83d" + events(STOP))

    assert [event.text for event in whole if isinstance(event, Delta)] == ["\U0001f600"]
    assert [event for event in alone if isinstance(event, (Delta, Finish))] == [
        Delta("\ufffd"),
        Finish("stop", "STOP"),
    ]


def test_what_is_no_payload() -> None:
    """Keep-alives and a proxy's `[DONE]` are counted; events that are no wire items pass; a fault of the
    framing is told."""
    core: FusedCore[Any, Event] = decode_protocol("gemini-sse").core()
    text = SSEEvent(json.dumps(payload({"text": "a"}, finish="STOP")).encode())
    passed = Phase("queued")

    assert core.feed([Comment("a"), Comment("b"), passed, text, SSEEvent(b" [DONE]"), text])[0] == passed
    assert core.figures() == {"chunks": 2, "keep_alives": 3}
    assert core.feed([Done(Failure("limit", "too large"))])[-1] == Done(Failure("limit", "too large"))
    assert core.finish() == []


@pytest.mark.parametrize("protocol", CHAINS)
def test_an_empty_body(protocol: str) -> None:
    """P2: no event at all is no answer, and neither is an array of nothing."""
    assert decoded(b"", protocol) == []
    assert failure(decoded(b"[]", protocol)).kind == "protocol"


@pytest.mark.skipif(not TRACES.is_dir(), reason="no traces beside this checkout")
@pytest.mark.parametrize("protocol", CHAINS)
def test_what_servers_really_sent(protocol: str) -> None:
    """Every recorded answer is complete, and has the text and the calls that it should have."""
    files = sorted(TRACES.glob(f"{protocol}--*.wire"))
    assert files

    for file in files:
        expected = json.loads(file.with_name(file.stem + ".expect.json").read_text("utf-8"))
        found = decoded(file.read_bytes(), protocol)
        answer = Assembly()
        answer.feed(found)
        calls = [(call["name"], json.loads(call["arguments"])) for call in answer.tool_calls()]

        assert found[-1] == Done(), file.name
        assert answer.text() == expected["text"], file.name
        assert answer.text(channel="reasoning") == expected["reasoning"], file.name
        assert calls == [(call["name"], call["arguments"]) for call in expected["tool_calls"]], file.name


def test_read_but_too_deep_to_be_kept() -> None:
    """V11: just below what no reader can read is what nobody can write down again: told as a failure."""
    told: set[str] = set()
    for depth in range(500, 1000):
        data = b'{"promptFeedback":' + b"[" * depth + b"]" * depth + b"}"
        for event in decode_protocol("gemini-sse").core().feed([SSEEvent(data)]):
            if isinstance(event, Done):
                assert event.failure is not None
                assert event.failure.kind == "protocol"
                told.add(event.failure.message[:30])

    assert "a payload is nested too deeply" in told


def test_the_end_is_told_once() -> None:
    """P1: the end of the body is the end, however often it is said."""
    core = GeminiDecode()
    core.feed([SSEEvent(json.dumps(payload({"text": "a"}, finish="STOP")).encode())])

    assert core.finish() == [Finish("stop", "STOP"), Done()]
    assert core.finish() == []


@pytest.mark.parametrize(
    "item",
    [
        SSEEvent(b'{"message":"No."}', "error"),
        SSEEvent(b'{"type":"error","message":"No."}'),
        SSEEvent(b'{"error":{"message":"No."},"choices":[]}'),
    ],
)
def test_errors_in_other_forms(item: SSEEvent) -> None:
    """V15: by the name of the event, by the type, or by the field, whatever else stands there."""
    (done,) = decode_protocol("gemini-sse").core().feed([item])

    assert failure([done]).message == "No."


@pytest.mark.parametrize(
    ("first", "start"),
    [
        ({"responseId": "r1"}, Start("r1", "gemini")),
        ({"modelVersion": "m"}, Start(None, "gemini", "m")),
    ],
)
def test_a_name_begins_an_answer(first: dict[str, Any], start: Start) -> None:
    """DESIGN 3: either name alone; what has neither, nor any content, does not."""
    assert said({"usageMetadata": {"promptTokenCount": 1}}, first, STOP)[:2] == [Usage(1), start]


def test_a_block_beside_candidates_ends_none() -> None:
    """P2: the candidates say themselves how they end."""
    found = said({**payload({"text": "a"}), "promptFeedback": {"blockReason": "SAFETY"}})

    assert not [event for event in found if isinstance(event, (Finish, Done))]
