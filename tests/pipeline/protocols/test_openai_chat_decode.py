"""openai-chat answers are read, in every dialect that servers speak around the choices."""

import json
from typing import Any, NoReturn

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chat import DONE, STOP, answer, call, chunk, decode, deltas, extras, failure, item, of
from tokenweir.pipeline.events import (
    Comment,
    Delta,
    Done,
    Failure,
    Finish,
    Gap,
    Phase,
    SSEEvent,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols.openai_chat_decode import CHOICE_LIMIT, OpenAIChatDecode
from tokenweir.pipeline.protocols.openai_chat_fast import decode_fast
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT

HI = chunk(content="Hi")
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}

# --- the canonical order --------------------------------------------------------------------------


def test_canonical_answer() -> None:
    """PROTOCOLS 2.1: role chunk, deltas, finish chunk, usage chunk, marker."""
    events = decode(
        chunk(role="assistant", content="", refusal=None),
        HI,
        chunk(content=" you"),
        STOP,
        {"id": "a", "choices": [], "usage": USAGE},
        DONE,
        provider="there",
    )

    assert events == [
        Start("a", "there", "m", 7),
        Delta("Hi"),
        Delta(" you"),
        Finish("stop", "stop"),
        Usage(3, 2, 5),
        Done(),
    ]


@pytest.mark.parametrize(
    "first",
    [
        {"choices": [], "prompt_filter_results": [1]},
        {"id": "", "object": "", "created": 0, "model": "", "choices": []},
        {"object": "x", "choices": None},
        {},
    ],
)
def test_start_waits_for_a_name(first: dict[str, Any]) -> None:
    """PROTOCOLS 2.1: Azure's first chunks name nothing; `Start` waits for one that does."""
    assert of(Start, decode(first, HI, STOP)) == [Start("a", None, "m", 7)]


@pytest.mark.parametrize(
    ("head", "start"),
    [
        ({}, Start()),
        ({"id": "x", "created": "now", "model": 5}, Start("x")),
        ({"id": None, "created": -1, "model": "m\ud83d"}, Start(None, None, "m\ufffd")),
        ({"id": "x", "created": 1.5}, Start("x")),
    ],
)
def test_start_of_odd_heads(head: dict[str, Any], start: Start) -> None:
    """V12: an answer starts whatever its head holds, once, before its content."""
    events = decode({**head, "choices": HI["choices"]}, {**head, "choices": HI["choices"]}, STOP)

    assert [type(event) for event in events] == [Start, Delta, Delta, Finish, Done]
    assert events[0] == start


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "marker", [b"[DONE]", b"[DONE] ", b" [DONE] ", b"[DONE]!", b'["DONE"]', b' [ "DONE" ] ']
)
def test_markers(marker: bytes) -> None:
    """V17: every form of the marker ends the answer once; what follows it is not read."""
    assert decode(HI, STOP, marker, marker, HI, b"not JSON")[-2:] == [Finish("stop", "stop"), Done()]


def test_end_of_body_without_marker() -> None:
    """V17: where every choice has finished, the end of the body is a normal end."""
    assert decode(HI, STOP)[-1] == Done()


def test_end_of_body_before_the_finish() -> None:
    """P2: without a finish reason nothing is said of an end: it was cut."""
    assert of(Done, decode(HI)) == []
    assert of(Done, decode()) == []
    assert of(Done, decode({"id": "a", "choices": []})) == []
    assert of(Done, decode(HI, chunk(index=1, content="x"), STOP)) == []


def test_marker_before_the_finish() -> None:
    """P2: a marker without a finish reason is a cut that looks like an end (PROTOCOLS 11.4)."""
    assert failure(HI, DONE).kind == "truncated"
    assert failure(DONE).kind == "truncated"


def test_a_backend_without_finish_reasons() -> None:
    """DESIGN 3: where the source knows that no finish reason ever comes, the marker alone completes."""
    assert decode(HI, DONE, finish_required=False)[-1] == Done()
    assert of(Done, decode(HI, finish_required=False)) == []


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("eos", "stop"),
        ("abort", "other"),
        ("error", "other"),
        ("st\ud83dop", "other"),
    ],
)
def test_finish_reasons(native: str, reason: str) -> None:
    """V22: the native word is kept, a word that nobody knows is `other`."""
    finish = of(Finish, decode(HI, chunk(native)))[0]

    assert (finish.reason, finish.native) == (reason, native.replace("\ud83d", "\ufffd"))


def test_finish_once() -> None:
    """PROTOCOLS 2.1: an empty finish reason is none, a repeated one is not news, text in the finish
    chunk comes before it."""
    events = decode(chunk("", content="a"), chunk("length", content="b"), STOP, chunk("stop"))

    assert events[1:] == [Delta("a"), Delta("b"), Finish("length", "length"), Done()]


# --- choices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("choices", [[], None, "none", {}, [None, 5, "x", []]])
def test_no_choices(choices: object) -> None:
    """V12: empty, null, missing or wrong `choices` say nothing and harm nothing."""
    assert answer(HI, {"id": "a", "choices": choices}, chunk(content="!"), STOP).text() == "Hi!"
    assert answer(HI, {"id": "a"}, STOP).text() == "Hi"


def test_choices_interleave() -> None:
    """V13: choices are told apart by their index, in one chunk or in many, in any order."""
    both = chunk(content="a")
    both["choices"].append({"index": 7, "delta": {"content": "B"}})
    events = decode(chunk(index=7, content="A"), both, chunk(index=1, content="x"), chunk("stop", 7), STOP)

    assert deltas(events) == [("A", "text", 7), ("a", "text", 0), ("B", "text", 7), ("x", "text", 1)]
    assert of(Finish, events) == [Finish("stop", "stop", 7), Finish("stop", "stop", 0)]
    assert of(Done, events) == []


@pytest.mark.parametrize("index", [None, "0", 1.0, [], True])
def test_odd_indexes(index: object) -> None:
    """V12: an index that is no whole number counts as 0."""
    events = decode(
        {"choices": [{"index": index, "delta": {"content": "x"}}]}, {"choices": [{"delta": {"content": "y"}}]}
    )

    assert [at for _, _, at in deltas(events)] == [0, 0]


@pytest.mark.parametrize("index", [-1, CHOICE_LIMIT, 10**9, 10**30])
def test_index_beyond_the_bound(index: int) -> None:
    """V13: a negative or huge index is a broken payload; what came before it is kept."""
    bad = chunk(content="b")
    bad["choices"].append({"index": index, "delta": {"content": "c"}})
    events = decode(HI, bad, HI)

    assert "".join(text for text, _, _ in deltas(events)) == "Hib"
    assert isinstance(events[-1], Done)
    assert events[-1].failure
    assert events[-1].failure.kind == "protocol"
    assert str(index)[:5] in events[-1].failure.message


def test_too_many_calls() -> None:
    """V14: 10^5 tool calls end at the bound; the text beside them and the calls before are kept."""
    many = [{"index": n, "id": f"c{n}", "function": {"name": "f", "arguments": "{}"}} for n in range(100_000)]
    events = decode(chunk(content="See", tool_calls=many), HI)

    assert deltas(events) == [("See", "text", 0)]
    assert len(of(ToolDelta, events)) == CALL_LIMIT
    assert events[-1] == Done(Failure("limit", f"more than {CALL_LIMIT} tool calls in one choice"))


# --- usage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payloads",
    [
        [HI, STOP, {"choices": [], "usage": USAGE}],
        [HI, {**STOP, "usage": USAGE}],
        [HI, {**STOP, "usage": None}, {"choices": [], "object": "chat.completion", "usage": USAGE}],
        [{**HI, "usage": USAGE}, {**STOP, "usage": USAGE}],
        [HI, {**STOP, "x_groq": {"id": "r", "usage": USAGE}}],
        [HI, {"choices": [{**STOP["choices"][0], "usage": USAGE}]}],
        [HI, {**STOP, "usage": USAGE}, {"choices": [], "usage": {}}, {"choices": [], "usage": [1]}],
    ],
)
def test_usage_in_every_place(payloads: list[Any]) -> None:
    """V21: on its own chunk, on the finish chunk, on every chunk, or in Groq's own place; the same
    figures are told once."""
    assert of(Usage, decode(*payloads, DONE)) == [Usage(3, 2, 5)]


def test_usage_grows() -> None:
    """PROTOCOLS 2.2: continuous figures are merged field by field; the last one is the truth."""
    events = decode(
        {**HI, "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        {**chunk(content="!"), "usage": {"completion_tokens": 2, "total_tokens": 5}},
        STOP,
    )

    assert of(Usage, events) == [Usage(3, 1), Usage(3, 2, 5)]


# --- signs of life --------------------------------------------------------------------------------


def test_keep_alives() -> None:
    """PROTOCOLS 1.2, 5.2: before the first content a sign of life is a phase, told where it is news;
    after it, it is only counted."""
    signs = [
        Comment("OPENROUTER PROCESSING"),
        Comment("OPENROUTER PROCESSING"),
        Comment("keepalive 512/2048"),
        SSEEvent(b"{}", "ping"),
        {"type": "ping"},
        b"",
        b": still here",
    ]
    core = OpenAIChatDecode()
    events = core.feed([item(sign) for sign in [*signs, HI, *signs, STOP]])

    assert of(Phase, events) == [
        Phase("prefill", None, "OPENROUTER PROCESSING"),
        Phase("prefill", 0.25, "keepalive 512/2048"),
        Phase("prefill"),
        Phase("prefill", None, "still here"),
    ]
    assert core.figures() == {"chunks": 2, "keep_alives": 14}


def test_prompt_progress() -> None:
    """PROTOCOLS 5.1: llama-server tells how far the prompt is; several role chunks come with it."""
    role = chunk(role="assistant", content=None)
    events = decode(
        {**role, "prompt_progress": {"total": 200, "cache": 0, "processed": 50, "time_ms": 9}},
        {**role, "prompt_progress": {"total": 200, "cache": 0, "processed": 200, "time_ms": 20}},
        HI,
        {**chunk(content="!"), "prompt_progress": {"total": 200, "processed": 200}},
        STOP,
    )

    assert of(Phase, events) == [Phase("prefill", 0.25), Phase("prefill", 1.0)]
    assert extras(events) == []


def test_loading_text() -> None:
    """PROTOCOLS 5.4: llama-swap's loading text is no reasoning of the model; the answer behind it is
    read as ever."""

    def loading(text: str) -> dict[str, Any]:
        return {"choices": [{"delta": {"reasoning_content": text}}]}

    events = decode(
        *map(loading, ["\u2501" * 5, "\n", "llama", "-swap", " load", "Done!", " "]),
        chunk(reasoning_content="Hm"),
        loading("more"),
        STOP,
    )

    assert "".join(phase.detail for phase in of(Phase, events)) == "\u2501" * 5 + "\nllama-swap loadDone! "
    assert {phase.name for phase in of(Phase, events)} == {"loading"}
    assert deltas(events) == [("Hm", "reasoning", 0), ("more", "reasoning", 0)]


def test_bare_reasoning_is_not_loading_text() -> None:
    """P1: a server that names nothing in its chunks loses none of its reasoning."""
    bare = {"choices": [{"delta": {"reasoning_content": "Let me think"}}]}

    assert answer(bare, bare, STOP).text(channel="reasoning") == "Let me thinkLet me think"


# --- errors ---------------------------------------------------------------------------------------

MESSAGE = "Input does not fit in context length."
ERRORS: dict[str, tuple[Any, str, str]] = {
    "object": ({"error": {"message": "boom", "type": "server_error", "code": 500}}, "upstream", "boom"),
    "string": ({"error": "boom"}, "upstream", "boom"),
    "event and message": (
        SSEEvent(json.dumps({"error": {"message": MESSAGE}, "message": MESSAGE}).encode(), "error"),
        "context_length",
        MESSAGE,
    ),
    "event without error key": (SSEEvent(b'{"message":"Overloaded"}', "error"), "overloaded", "Overloaded"),
    "event with a string": (SSEEvent(b'"model has crashed"', "error"), "model_crashed", "model has crashed"),
    "event with plain text": (SSEEvent(b"out of memory\xff", "error"), "upstream", "out of memory\ufffd"),
    "event with null": (SSEEvent(b"null", "error"), "upstream", "the backend reported an error"),
    "flat vLLM": (
        {"object": "error", "message": "no", "type": "BadRequestError", "code": 400},
        "bad_request",
        "no",
    ),
    "typed": (
        {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}},
        "overloaded",
        "busy",
    ),
    "FastAPI detail": ({"detail": "Not Found"}, "upstream", "Not Found"),
    "FastAPI list": ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "upstream", "field required"),
    "choices beside it": ({**HI, "error": {"message": "cut", "code": 502}}, "upstream", "cut"),
    "empty choices beside it": ({"choices": [], "error": "boom"}, "upstream", "boom"),
    "null choices beside it": ({"choices": None, "error": "boom"}, "upstream", "boom"),
    "in a list": ([{"error": {"code": 429, "message": "slow down"}}], "rate_limited", "slow down"),
    "transformers, not JSON": (b'{"error": "bad "quotes""}', "upstream", 'bad "quotes"'),
    "transformers, cut at a line end": (b'{"error": "Cannot find\n', "upstream", "Cannot find"),
    "a code and a message": (
        {"code": "InvalidParameter", "message": "no", "request_id": "r"},
        "upstream",
        "no",
    ),
    "in a choice": (
        {
            "choices": [
                {"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 429, "message": "busy"}}
            ]
        },
        "rate_limited",
        "busy",
    ),
    "in Groq's place": (
        {**chunk(), "x_groq": {"id": "r", "error": "stopped early"}},
        "upstream",
        "stopped early",
    ),
}


@pytest.mark.parametrize(("payload", "kind", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(payload: object, kind: str, message: str) -> None:
    """V15: every way of saying it ends the answer with a failure, after the text; what follows is not
    read, a marker neither."""
    events = decode(chunk(content="So far"), payload, HI, DONE)
    done = events[-1]

    assert deltas(events)[0] == ("So far", "text", 0)
    assert isinstance(done, Done)
    assert done.failure is not None
    assert done.failure.kind == kind
    assert done.failure.message.startswith(message)
    assert len(of(Done, events)) == 1


def test_error_beside_choices() -> None:
    """V15: the text and the finish of the frame that tells the error are kept."""
    events = decode({**chunk("error", content="last"), "error": {"message": "cut", "code": 502}})

    assert events[1:3] == [Delta("last"), Finish("other", "error")]
    assert failure(events and {**HI, "error": {"message": "cut", "code": 502}}).status == 502


@pytest.mark.parametrize("payloads", [[], [DONE], [{"id": "a", "choices": [], "usage": USAGE}, DONE]])
def test_a_finish_that_says_error(payloads: list[Any]) -> None:
    """P2, PROTOCOLS 2.1: an answer that finished with `error` is none, though no error was told."""
    events = decode(HI, chunk("error"), *payloads)

    assert Finish("other", "error") in events
    assert failure(HI, chunk("error"), *payloads).kind == "upstream"
    assert failure(HI, chunk("error"), {"error": {"code": 429, "message": "x"}}).kind == "rate_limited"


def test_an_error_that_a_server_swallows() -> None:
    """PROTOCOLS 4.3: Ollama's OpenAI face makes an empty chunk of an error, and then the body ends."""
    lost = {
        "id": "a",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": "",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}],
    }

    assert of(Done, decode(HI, lost)) == []


@pytest.mark.parametrize("error", [None, {}, "", False, {"code": None, "message": ""}])
def test_an_error_that_is_none(error: object) -> None:
    """PROTOCOLS 10.1: `"error": null` beside content is no error."""
    assert answer({**HI, "error": error}, STOP).failure is None


@pytest.mark.parametrize("kind", ["error", "ping"])
def test_an_event_name_on_an_ordinary_chunk(kind: str) -> None:
    """P1: text is text, whatever the name of the event around it."""
    named = SSEEvent(json.dumps(chunk(content="!")).encode(), kind)

    assert answer(HI, named, HI, named, STOP).text() == "Hi!Hi!"


@pytest.mark.parametrize("payload", [b"[1]", b'"text"', b"5", b"null", b"true", b"[]", b'[{"a":1}]'])
def test_not_an_object(payload: bytes) -> None:
    """V10: JSON that is no object is a failure that shows its beginning."""
    told = failure(HI, payload)

    assert told.kind == "protocol"
    assert told.message.endswith(payload.decode())


@pytest.mark.parametrize("payload", [b"{", b'{"a":', b"hello \xff\x1b[2J", b"'a'", b"{}{}", b"{" * 5000])
def test_not_json(payload: bytes) -> None:
    """V10: a payload that cannot be read is a failure that shows its beginning, in printable ASCII."""
    told = failure(HI, payload)

    assert told.kind == "protocol"
    assert told.message.isascii()
    assert told.message.isprintable()
    assert len(told.message) < 300


# --- text that is hard to read --------------------------------------------------------------------


@pytest.mark.parametrize(
    "deep", [b"[" * 100_000, b'{"a":' * 100_000, b'{"choices":' + b"[" * 900 + b"]" * 900 + b"}"]
)
def test_too_deep(deep: bytes) -> None:
    """V11: no nesting ever leaves a RecursionError behind."""
    events = decode(HI, deep, STOP)

    assert deltas(events) == [("Hi", "text", 0)]
    assert isinstance(events[-1], Done)


@pytest.mark.parametrize("where", ["content", "reasoning_details", "error", "unknown", "arguments"])
@pytest.mark.parametrize("depth", [300, 600, 900, 980, 2000])
def test_deep_values(where: str, depth: int) -> None:
    """V11: nesting in the fields that are read recursively ends in events, never in an exception."""
    deep = '{"text":' * depth + '"x"' + "}" * depth
    before, after = {
        "content": ('{"choices":[{"delta":{"content":[', "]}}]}"),
        "reasoning_details": ('{"choices":[{"delta":{"reasoning_details":[', "]}}]}"),
        "error": ('{"error":', "}"),
        "unknown": ('{"choices":[],"new":', "}"),
        "arguments": ('{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":', "}}]}}]}"),
    }[where]
    body = before + deep.replace("text", "message" if where == "error" else "text") + after

    assert len(decode(HI, body.encode(), STOP)) >= 3


def test_numbers_beyond_all_bounds() -> None:
    """V11: NaN, infinities, 1e999 and huge whole numbers are read; a number of 5000 digits is not."""
    odd = b'{"choices":[{"index":0,"delta":{"content":"!"}}],"a":[NaN,-Infinity,1e999,1e5],"b":%s}' % (
        b"9" * 400
    )
    events = decode(HI, odd, STOP)

    assert answer(HI, odd, STOP).text() == "Hi!"
    assert extras(events) == [("a", [None, None, None, 1e5], None), ("b", int("9" * 400), None)]
    assert failure(HI, b'{"choices":[],"b":%s}' % (b"9" * 5000)).kind == "protocol"


def test_repeated_keys() -> None:
    """V11: of a repeated key the last value counts, in the fast form and in the long one."""
    twice = b'{"id":"a","choices":[{"index":0,"delta":{"content":"a","content":"b"}}]}'

    assert answer(HI, twice, STOP).text() == answer(HI, twice[:-1] + b',"x":1}', STOP).text() == "Hib"


def test_invalid_utf8() -> None:
    """V08: bytes that are no UTF-8 become U+FFFD, in the first chunk and in a later one."""
    bad = json.dumps(chunk(content="a@b")).encode().replace(b"@", b"\xff\xed\xa0\xbd")

    assert answer(bad, bad, STOP).text() == ("a" + "\ufffd" * 4 + "b") * 2


@pytest.mark.parametrize("plain", [False, True])
def test_half_surrogates(plain: bool) -> None:  # noqa: FBT001 - drawn, not called
    """V09: halves are joined across deltas, per channel and choice; a lone one is U+FFFD, given at the
    latest before the finish of its choice; other chunks between them lose nothing."""
    between = (
        [chunk(content="x", index=1)]
        if plain
        else [chunk(reasoning="\ude00\ud83d"), chunk(content="", index=1)]
    )
    events = decode(
        chunk(content="", index=1, role="assistant"),
        chunk(content="a\ud83d"),
        *between,
        chunk(content="\ude00b\udc00\ud83d"),
        chunk("stop"),
        chunk("stop", 1),
        DONE,
    )
    text = "".join(text for text, channel, index in deltas(events) if (channel, index) == ("text", 0))

    assert text == "a😀b\ufffd\ufffd"
    assert [e for e in events if isinstance(e, (Delta, Finish)) and e.index == 0][-1] == Finish(
        "stop", "stop"
    )
    assert events[-1] == Done()


def test_half_surrogates_in_calls() -> None:
    """V09, P5: arguments, names and ids are valid text too, and so is what nobody models."""
    events = decode(
        call(index=0, id="c\ud83d", name="f\ude00", arguments='"\ud83d'),
        call(index=0, arguments='\ude00"'),
        {**chunk(content="."), "od\ud83d": "\ude00"},
        chunk("tool_calls"),
    )

    assert of(ToolDelta, events) == [
        ToolDelta(0, "c\ufffd", "f\ufffd", '"'),
        ToolDelta(0, None, None, '😀"'),
    ]
    assert extras(events) == [("od\ufffd", "\ufffd", None)]


def test_a_half_at_the_cut() -> None:
    """V09: what is held when the body ends is given then."""
    assert decode(chunk(content="a\ud83d"))[1:] == [Delta("a"), Delta("\ufffd")]
    assert failure(chunk(content="a\ud83d"), {"error": "x"}).message == "x"


# --- what nobody models ---------------------------------------------------------------------------


def test_logprobs_and_timings() -> None:
    """DESIGN 3: kept as raw JSON, never dropped, never interpreted; two tokens with equal figures are
    two."""
    same = {"content": [{"token": "\n", "logprob": -0.0, "bytes": [10], "top_logprobs": []}]}
    one = chunk(content="\n")
    one["choices"][0]["logprobs"] = same
    events = decode(
        one,
        one,
        {**STOP, "timings": {"predicted_n": 2}, "citations": ["u"]},
        {"choices": [], "citations": ["u"]},
    )

    assert extras(events) == [
        ("logprobs", same, 0),
        ("logprobs", same, 0),
        ("timings", {"predicted_n": 2}, None),
        ("citations", ["u"], None),
    ]


def test_noise_is_not_kept() -> None:
    """PROTOCOLS 2.1: padding says nothing; what says the same in every chunk is kept once."""
    said = {"obfuscation": "aX9", "p": "abc", "system_fingerprint": "f", "service_tier": "x"}
    events = decode({**HI, **said}, {**HI, **said}, {**STOP, **said})

    assert extras(events) == [("system_fingerprint", "f", None), ("service_tier", "x", None)]


def test_the_rest_of_usage() -> None:
    """DESIGN 3: costs, times and other kinds of tokens are kept, what is zero or null is not, and a
    repeated figure is kept once."""
    more = {
        **USAGE,
        "cost": 0.5,
        "is_byok": False,
        "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 0, "video_tokens": 4},
        "completion_tokens_details": None,
    }
    events = decode(HI, {**STOP, "usage": more}, {"choices": [], "usage": more})

    assert of(Usage, events) == [Usage(3, 2, 5, None, 1)]
    assert extras(events) == [("usage", {"cost": 0.5, "prompt_tokens_details": {"video_tokens": 4}}, None)]


def test_the_rest_of_known_objects() -> None:
    """DESIGN 3: what is new inside an object that is read is kept as well."""
    events = decode(
        {**HI, "x_groq": {"id": "r", "usage": USAGE}, "prompt_progress": {"total": 2, "new": 1}}, STOP
    )

    assert extras(events) == [("x_groq", {"id": "r"}, None), ("prompt_progress", {"new": 1}, None)]


def test_unknown_items_pass() -> None:
    """DESIGN 4: what is not of the wire passes unchanged and in order."""
    events = decode(HI, Gap(2), chunk(content="!"), Usage(1), STOP)

    assert events[1:5] == [Delta("Hi"), Gap(2), Delta("!"), Usage(1)]


def test_a_broken_framing() -> None:
    """DESIGN 3: where the bytes could not be read, that is the backend's last word."""
    limit = Done(Failure("limit", "too large"))

    assert decode(HI, limit, HI) == [Start("a", None, "m", 7), Delta("Hi"), limit]


# --- one-shot answers -----------------------------------------------------------------------------


def test_one_shot_answer() -> None:
    """PROTOCOLS 1.2: a whole `chat.completion` is the same answer: each channel once, then the finish."""
    message = {
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": "Hm",
        "refusal": None,
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        "annotations": [1],
    }
    whole = {
        "id": "a",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": None}],
        "usage": USAGE,
    }

    assert decode(whole) == [
        Start("a", None, "m", 7),
        Delta("Hm", "reasoning"),
        Delta("Hi"),
        ToolDelta(0, "c", "f", "{}"),
        Finish("tool_calls", "tool_calls"),
        *[event for event in decode(whole) if extras([event])],
        Usage(3, 2, 5),
        Done(),
    ]
    assert extras(decode(whole)) == [("annotations", [1], 0)]


# --- the fast way is the long way -----------------------------------------------------------------

TEXTS = st.sampled_from(["", "a", " b", "\n", "é", "😀", "\ud83d", "\ude00", "[DONE]", None]) | st.text(
    max_size=4
)
DELTAS = st.fixed_dictionaries(
    {},
    optional={
        "content": TEXTS | st.just([{"type": "text", "text": "part"}]),
        "role": st.sampled_from(["assistant", None]),
        "reasoning_content": TEXTS,
        "reasoning": TEXTS,
        "refusal": TEXTS,
        "new": st.just(1),
    },
)
CHOICES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"delta": DELTAS},
    optional={
        "index": st.sampled_from([0, 0, 0, 1, 2, None, 1.0]),
        "finish_reason": st.sampled_from([None, None, None, "", "stop"]),
        "logprobs": st.sampled_from([None, {"content": []}]),
        "message": st.just({"content": "whole"}),
    },
)
CHUNKS = st.fixed_dictionaries(
    {"choices": st.lists(CHOICES, min_size=1, max_size=2)},
    optional={
        "id": st.sampled_from(["a", None]),
        "object": st.just("chat.completion.chunk"),
        "created": st.sampled_from([7, None, 1.5]),
        "model": st.just("m"),
        "usage": st.sampled_from([None, USAGE]),
        "error": st.sampled_from([None, None, "boom"]),
        "obfuscation": st.just("x"),
        "extra": st.just([1]),
    },
)
KINDS = st.sampled_from(["message", "message", "message", "error", "ping"])


DECODE_FAST = "tokenweir.pipeline.protocols.openai_chat_decode.decode_fast"


def refuse(_data: bytes) -> NoReturn:
    """Takes no payload at all."""
    raise msgspec.DecodeError("not now")


@given(st.lists(st.tuples(CHUNKS, KINDS, st.booleans()), max_size=14))
def test_the_fast_way_is_the_long_way(chunks: list[tuple[dict[str, Any], str, bool]]) -> None:
    """P3: the typed decode gives what the long way gives, for payloads of its form and of any other."""
    items = [
        SSEEvent(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"), kind)
        for value, kind, ascii_only in chunks
    ]
    fast, long = OpenAIChatDecode(), OpenAIChatDecode()
    out = [*fast.feed(items), *fast.finish()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DECODE_FAST, refuse)
        assert [*long.feed(items), *long.finish()] == out

    assert fast.figures() == long.figures()


def test_the_fast_way_is_taken() -> None:
    """DESIGN 9: an ordinary stream goes the long way for its first content and its finish alone."""
    core, taken = OpenAIChatDecode(), list[bytes]()

    def watched(data: bytes) -> Any:
        chunk = decode_fast(data)
        taken.append(data)
        return chunk

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DECODE_FAST, watched)
        payloads = [chunk(role="assistant"), HI, *[chunk(content="x")] * 50, STOP, DONE]
        core.feed([item(payload) for payload in payloads])

    assert len(taken) == 50


WORDS = ["id", "choices", "delta", "message", "content", "text", "type", "error", "usage", "index", "object"]
WORDS_TOO = ["finish_reason", "tool_calls", "function", "name", "arguments", "detail", "created", "model"]
WORDS_MORE = [
    "prompt_tokens",
    "reasoning",
    "thinking",
    "reasoning_details",
    "logprobs",
    "prompt_progress",
    "x_groq",
]
ALL_WORDS = [*WORDS, *WORDS_TOO, *WORDS_MORE, "total", "processed"]
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "x", "\ud83d", "error", "stop"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ALL_WORDS), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(st.lists(ANYTHING | CHUNKS, max_size=6), KINDS)
def test_any_json(values: list[Any], kind: str) -> None:
    """V12: whatever JSON comes, events come of it: no exception, valid text, one `Done` at most, last."""
    core = OpenAIChatDecode()
    items = [SSEEvent(json.dumps(value).encode(), kind) for value in values]
    out = [*core.feed(items), *core.finish()]

    assert [at for at, event in enumerate(out) if isinstance(event, Done)] in ([], [len(out) - 1])
    for event in out:
        assert repr(event).encode()
        if isinstance(event, Delta):
            assert event.text.encode().decode() == event.text


# --- what goes the quick way -----------------------------------------------------------------------


def test_choices_keep_their_text() -> None:
    """V13: in any order, the text of a choice is that of its number."""
    rounds = [chunk(index=index, content=f"{at}{index}") for at in range(4) for index in (1, 0)]

    assert deltas(decode(*rounds)) == [(f"{at}{index}", "text", index) for at in range(4) for index in (1, 0)]


@pytest.mark.parametrize(
    ("first", "then"), [("content", "reasoning_content"), ("reasoning_content", "content")]
)
def test_a_message_repeats_what_its_deltas_said(first: str, then: str) -> None:
    """V19, P1: with the finish the whole message may come: of text and of reasoning that came, nothing is
    said again."""
    last = chunk("stop")
    last["choices"][0]["message"] = {first: "abc", then: "defg"}
    said: list[dict[str, Any]] = [{first: text} for text in "abc"] + [{then: text} for text in "defg"]

    assert [text for text, _, _ in deltas(decode(*(chunk(**one) for one in said), last))] == list("abcdefg")


def test_the_end_of_one_choice_is_not_that_of_another() -> None:
    """V09, V13: what another choice holds, half a character or a call without its name, it keeps."""
    other = call(index=0, arguments="{}")
    named = call(index=0, name="f")
    for payload in (other, named):
        payload["choices"][0]["index"] = 1
    events = decode(
        chunk(content="\ud83d"),
        chunk(index=1, content="\ud83d"),
        other,
        STOP,
        chunk(index=1, content="\ude00"),
        named,
        chunk("tool_calls", index=1),
    )

    assert deltas(events) == [("\ufffd", "text", 0), ("\U0001f600", "text", 1)]
    assert of(ToolDelta, events) == [ToolDelta(0, None, "f", "{}", 1)]


def test_read_but_too_deep_to_be_kept() -> None:
    """V11: just below what no reader can read is what nobody can write down again: told as a failure."""
    told = set[str]()
    for depth in range(500, 1000):
        data = b'{"choices":[{"delta":{"content":"a"}}],"new":' + b"[" * depth + b"]" * depth + b"}"
        for event in OpenAIChatDecode().feed([SSEEvent(data)]):
            if isinstance(event, Done):
                assert event.failure is not None
                assert event.failure.kind == "protocol"
                told.add(event.failure.message[:30])

    assert "a payload is nested too deeply" in told


@pytest.mark.parametrize("named", ["error", "ping"])
def test_a_chunk_is_one_whatever_its_event_is_called(named: str) -> None:
    """P3, PROTOCOLS 2: choices without an error are an answer; with one, or alone, the name counts."""
    named_chunk = SSEEvent(json.dumps(chunk(content="a")).encode(), named)

    assert deltas(decode(named_chunk, STOP)) == [("a", "text", 0)]
    broken = SSEEvent(json.dumps({**chunk(content="a"), "error": {"message": "no"}}).encode(), named)
    ended = decode(broken)[-1]
    assert isinstance(ended, Done)
    assert ended.failure is not None
    assert "no" in ended.failure.message


def test_what_comes_before_a_name_that_never_comes() -> None:
    """P1: it is told at the end, and not lost with the answer."""
    events = decode({"note": 1}, DONE)

    assert extras(events) == [("note", 1, None)]


def test_what_is_no_item_of_ours_passes() -> None:
    """V12: a phase of the transport's goes through as it is; keep-alives and ends of others are read."""
    core = OpenAIChatDecode()
    passed: Any = Phase("queued")
    events = core.feed([passed, Comment("loading 0.5"), Done(Failure("limit", "too long"))])

    assert events == [passed, Phase("loading", 0.5, "loading 0.5"), Done(Failure("limit", "too long"))]
    assert core.figures() == {"chunks": 0, "keep_alives": 1}


def test_what_stands_beside_loading_text_is_kept() -> None:
    """PROTOCOLS 5.4: the text is a phase, and a field that nobody models is still told."""
    loading = {"choices": [{"delta": {"reasoning_content": "\u2501" * 5, "note": 1}}]}
    events = decode(loading, chunk(content="a"), STOP)

    assert extras(events) == [("note", 1, None)]
    assert deltas(events) == [("a", "text", 0)]
