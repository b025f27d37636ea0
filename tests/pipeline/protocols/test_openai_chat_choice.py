"""What stands in a choice: text, reasoning, refusal and calls, in every dialect."""

from typing import Any

import pytest

from tests.chat import DONE, STOP, answer, call, chunk, decode, deltas, extras, of
from tokenweir.pipeline.events import Delta, Finish, ToolDelta
from tokenweir.pipeline.protocols.openai_chat_choice import Choice

# --- text -----------------------------------------------------------------------------------------


NOTHING: list[dict[str, Any]] = [
    {"role": "assistant"},
    {"role": "assistant", "content": ""},
    {"role": "assistant", "content": None},
    {"content": None, "refusal": None, "tool_calls": None, "function_call": None},
    {"content": []},
    {"tool_calls": [None, {}], "reasoning_details": []},
    {},
]


@pytest.mark.parametrize("delta", NOTHING)
def test_deltas_that_say_nothing(delta: dict[str, Any]) -> None:
    """V12: role chunks, and null, absent and empty fields say nothing; the stream goes on."""
    events = decode(chunk(**delta), chunk(content="Hi"), chunk(**delta), STOP)

    assert deltas(events) == [("Hi", "text", 0)]
    assert extras(events) == []


@pytest.mark.parametrize(
    ("delta", "kept"),
    [
        ({"content": 5}, [("content", 5, 0)]),
        ({"content": False}, [("content", False, 0)]),
        ({"reasoning_content": 9, "reasoning": True}, [("reasoning_content", 9, 0), ("reasoning", True, 0)]),
        ({"refusal": ["no"], "function_call": "y"}, [("refusal", ["no"], 0), ("function_call", "y", 0)]),
        ({"tool_calls": {"index": 0}}, [("tool_calls", {"index": 0}, 0)]),
        ({"tool_calls": [5]}, [("tool_call", 5, 0)]),
        ({"reasoning_details": "x"}, [("reasoning_details", "x", 0)]),
        ({}, []),
    ],
)
def test_fields_of_another_type(delta: dict[str, Any], kept: list[Any]) -> None:
    """V12: what is not of the type in which it is read is no text and no call, and is kept."""
    events = decode(chunk(**delta), chunk(content="Hi"), STOP)

    assert deltas(events) == [("Hi", "text", 0)]
    assert sorted(extras(events), key=str) == sorted(kept, key=str)


@pytest.mark.parametrize("delta", [None, "text", [], 5])
def test_a_delta_that_is_none(delta: object) -> None:
    """V12, PROTOCOLS 2.2: a choice without a delta (Azure's content filter chunk) says nothing."""
    odd = {"id": "", "model": "", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    del_ = {"choices": [{"index": 0, "finish_reason": None}]}

    assert answer(chunk(content="a"), odd, del_, chunk(content="b"), STOP).text() == "ab"


def test_content_as_parts() -> None:
    """PROTOCOLS 2.1: text parts are joined, thinking parts are reasoning (Mistral), anything else is
    kept as it is."""
    events = decode(
        chunk(
            content=[
                {
                    "type": "thinking",
                    "thinking": [{"type": "text", "text": "Hm"}, {"type": "text", "text": "."}],
                }
            ]
        ),
        chunk(
            content=[
                {"type": "text", "text": "Hi"},
                "!",
                {"type": "text", "text": ""},
                {"type": "image_url", "url": "u"},
            ]
        ),
        STOP,
    )

    assert deltas(events) == [("Hm.", "reasoning", 0), ("Hi", "text", 0), ("!", "text", 0)]
    assert extras(events) == [("content_part", {"type": "image_url", "url": "u"}, 0)]


def test_a_part_says_more_than_its_text() -> None:
    """DESIGN 3: a signature beside thinking is kept; a refusal may be a part; a part may come without a
    list around it."""
    signed = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "signature": "s"}
    events = decode(
        chunk(content=[signed, {"type": "refusal", "refusal": "No"}]),
        chunk(content={"type": "text", "text": "Hi"}),
        chunk(content={"text": 5}),
        STOP,
    )

    assert deltas(events) == [("Hm", "reasoning", 0), ("No", "refusal", 0), ("Hi", "text", 0)]
    assert extras(events) == [
        ("content_part", {"type": "thinking", "signature": "s"}, 0),
        ("content_part", {"type": None, "text": 5}, 0),
    ]


def test_refusal() -> None:
    """PROTOCOLS 2.1: a refusal is a channel of its own."""
    events = decode(chunk(content="a", refusal="I "), chunk(content=None, refusal="cannot"), STOP)

    assert deltas(events) == [("a", "text", 0), ("I ", "refusal", 0), ("cannot", "refusal", 0)]


# --- reasoning ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_under_any_name(name: str) -> None:
    """PROTOCOLS 2.3: DeepSeek's, vLLM's and the proxies' field are one channel."""
    first: dict[str, Any] = {name: "Hm"}
    then: dict[str, Any] = {name: ".", "content": "Hi"}
    events = decode(chunk(**first), chunk(**then), STOP)

    assert deltas(events) == [("Hm", "reasoning", 0), (".", "reasoning", 0), ("Hi", "text", 0)]


def test_reasoning_under_two_names() -> None:
    """PROTOCOLS 2.3: gateways send the same text twice; it counts once."""
    events = decode(
        chunk(reasoning="Hm", reasoning_content="Hm"),
        chunk(reasoning="", reasoning_content="."),
        chunk(reasoning="!", reasoning_content=None),
        STOP,
    )

    assert "".join(text for text, _, _ in deltas(events)) == "Hm.!"


def test_reasoning_that_differs() -> None:
    """P1: two fields that say different things are both kept, in the fast form and in the long one."""
    events = decode(
        chunk(reasoning="a", reasoning_content="b"), chunk(reasoning="c", reasoning_content="d"), STOP
    )

    assert deltas(events) == [("b", "reasoning", 0), ("d", "reasoning", 0)]
    assert extras(events) == [("reasoning", "a", 0), ("reasoning", "c", 0)]


def test_reasoning_in_parts() -> None:
    """PROTOCOLS 2.3: parts are joined, and what stands beside their text is kept."""
    parts = [{"type": "text", "text": "Hm"}, {"type": "text", "text": ".", "signature": "s"}]
    events = decode(chunk(reasoning=parts), STOP)

    assert deltas(events) == [("Hm.", "reasoning", 0)]
    assert extras(events) == [("reasoning", [{"type": "text", "signature": "s"}], 0)]


def test_reasoning_details_beside_their_text() -> None:
    """PROTOCOLS 2.3: what only repeats the reasoning is not kept again; a signature or an encrypted part
    is, since the next request must send it back."""
    text = {"type": "reasoning.text", "text": "Hm", "index": 0}
    signed = {"type": "reasoning.text", "text": "", "signature": "s"}
    encrypted = {"type": "reasoning.encrypted", "data": "e"}
    events = decode(
        chunk(reasoning="Hm", reasoning_details=[text, {**text, "signature": "s"}, signed, encrypted]), STOP
    )

    assert deltas(events) == [("Hm", "reasoning", 0)]
    assert extras(events) == [("reasoning_details", [{**text, "signature": "s"}, signed, encrypted], 0)]


def test_reasoning_details_alone() -> None:
    """PROTOCOLS 2.3: without a text field beside them they are kept as they are, and are no reasoning
    text; a message in the finish chunk still counts."""
    details = [{"type": "reasoning.text", "text": "Hm"}]
    last = {"choices": [{"index": 0, "delta": {}, "message": {"content": "Hi"}, "finish_reason": "stop"}]}
    events = decode(chunk(reasoning_details=details), last)

    assert extras(events) == [("reasoning_details", details, 0)]
    assert deltas(events) == [("Hi", "text", 0)]


# --- message --------------------------------------------------------------------------------------


def finishing(message: object, **delta: Any) -> dict[str, Any]:
    """A finish chunk that holds a message."""
    return {"choices": [{"index": 0, "delta": delta, "message": message, "finish_reason": "stop"}]}


def test_message_that_repeats_the_deltas() -> None:
    """PROTOCOLS 2.2, 8.2 case 1: the entire text once more, in the message of the last chunk, is not
    text again; nor is it where the deltas went the fast way, or where another choice came first."""
    whole = {"role": "assistant", "content": "Hello", "reasoning_content": "Hm"}

    assert answer(chunk(content="Hel"), chunk(content="lo"), finishing(whole), DONE).text() == "Hello"
    one = [chunk(content="x", index=1), chunk(role="assistant"), chunk(content="Hel"), chunk(content="lo")]
    assert answer(*one, finishing(whole)).text() == "Hello"


def test_message_without_deltas() -> None:
    """PROTOCOLS 2.2: where no delta brought anything, the message is the answer."""
    message = {"role": "assistant", "content": "Hello", "refusal": "no"}

    assert deltas(decode(chunk(role="assistant"), finishing(message))) == [
        ("Hello", "text", 0),
        ("no", "refusal", 0),
    ]


def test_message_in_place_of_the_delta() -> None:
    """PROTOCOLS 2.2: a choice that has a message and no delta is read by its message, but not twice."""
    events = decode(
        {"choices": [{"index": 0, "message": {"content": "Hi", "new": 1}, "delta": None}]},
        {"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]},
    )

    assert events[1:2] == [Delta("Hi")]
    assert deltas(events) == [("Hi", "text", 0)]
    assert extras(events) == [("new", 1, 0)]


def test_messages_in_place_of_all_deltas() -> None:
    """P1: a server that writes `message` for `delta` throughout loses nothing, and its last message, which
    repeats the text, counts only where nothing came before it."""
    parts = [{"choices": [{"index": 0, "message": {"content": text}}]} for text in ("Hel", "lo")]
    last = {"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}

    assert deltas(decode(*parts, last)) == [("Hel", "text", 0), ("lo", "text", 0)]
    assert deltas(decode(chunk(content="Hello"), parts[0], last)) == [("Hello", "text", 0)]


def test_what_a_message_says_beside_the_deltas() -> None:
    """DESIGN 3: a message that repeats the deltas keeps what is its own, once."""
    both = chunk(content="Hi", audience="all")
    both["choices"][0]["message"] = {"role": "assistant", "content": "Hi", "audience": "all", "graph": [1]}
    events = decode(both, both, STOP)

    assert extras(events) == [("audience", "all", 0), ("message", {"graph": [1]}, 0), ("audience", "all", 0)]


def test_a_text_of_the_choice() -> None:
    """P1: `text` counts where there is neither delta nor message; beside them it is kept where it differs."""
    beside = chunk(content="b")
    beside["choices"][0] |= {"text": "other"}
    bare = {"id": "a", "choices": [{"index": 0, "text": "a"}]}
    same = chunk(content="c")
    same["choices"][0] |= {"text": "c"}
    events = decode(bare, beside, same, bare, STOP)

    assert deltas(events) == [("a", "text", 0), ("b", "text", 0), ("c", "text", 0)]
    assert extras(events) == [("text", "other", 0), ("text", "a", 0)]


@pytest.mark.parametrize(
    ("native", "kept"), [("stop", []), ("end_turn", [("native_finish_reason", "end_turn", 0)])]
)
def test_the_native_finish_reason(native: str, kept: list[Any]) -> None:
    """DESIGN 3: OpenRouter's second word is kept where it is another one."""
    last = chunk("stop")
    last["choices"][0]["native_finish_reason"] = native

    assert extras(decode(chunk(content="a"), last)) == kept


def test_a_finish_reason_of_another_type() -> None:
    """V12: it is none, and is kept."""
    last = chunk()
    last["choices"][0]["finish_reason"] = ["stop"]

    assert extras(decode(chunk(content="a"), last)) == [("finish_reason", ["stop"], 0)]


def test_a_delta_between_messages() -> None:
    """P1: once a delta has come, a message that stands in its place repeats what was said, also where the
    delta was one that the fast way knows."""
    pieces = [{"choices": [{"index": 0, "message": {"content": text}}]} for text in ("a", "ab")]
    events = decode(pieces[0], chunk(content="b"), pieces[1], STOP)

    assert [text for text, _, _ in deltas(events)] == ["a", "b"]


def test_message_before_the_finish() -> None:
    """PROTOCOLS 2.2: an empty message beside a delta (Perplexity) says nothing yet."""
    both = chunk(content="")
    both["choices"][0]["message"] = {"role": "assistant", "content": "Hel"}

    assert deltas(decode(both, chunk(content="Hello"), STOP)) == [("Hello", "text", 0)]


# --- calls and their order ------------------------------------------------------------------------


def test_order_within_one_delta() -> None:
    """DESIGN 3: reasoning, text, refusal, calls; then the finish."""
    events = decode(
        chunk(
            "tool_calls",
            tool_calls=[{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}],
            refusal="r",
            content="t",
            reasoning="R",
        )
    )

    assert [type(event).__name__ for event in events[1:]] == [
        "Delta",
        "Delta",
        "Delta",
        "ToolDelta",
        "Finish",
        "Done",
    ]
    assert [channel for _, channel, _ in deltas(events)] == ["reasoning", "text", "refusal"]


def test_legacy_function_call() -> None:
    """PROTOCOLS 2.1: the old single call is call number 0, without an id."""
    events = decode(
        chunk(function_call={"name": "f", "arguments": ""}),
        chunk(function_call={"arguments": '{"a":'}),
        chunk(function_call={"arguments": "1}"}),
        chunk("function_call"),
    )

    assert of(ToolDelta, events) == [
        ToolDelta(0, None, "f", ""),
        ToolDelta(0, None, None, '{"a":'),
        ToolDelta(0, None, None, "1}"),
    ]
    assert of(Finish, events) == [Finish("tool_calls", "function_call")]


def test_one_call_in_both_forms() -> None:
    """PROTOCOLS 2.1: a call that stands in the legacy field too is one call; another one there is two."""
    function = {"name": "f", "arguments": "{}"}
    call_ = {"index": 0, "id": "c", "type": "function", "function": function}
    both = decode(chunk(tool_calls=[call_], function_call=function), STOP)
    two = decode(chunk(tool_calls=[call_], function_call={"name": "g", "arguments": ""}), STOP)

    assert of(ToolDelta, both) == [ToolDelta(0, "c", "f", "{}")]
    assert of(ToolDelta, two) == [ToolDelta(0, "c", "f", "{}"), ToolDelta(1, None, "g", "")]


def test_calls_without_a_name_come_before_the_finish() -> None:
    """P1: what was held of a call that never got its name is given when the choice ends."""
    events = decode(call(index=0, id="c", arguments="{}"), chunk("tool_calls"))

    assert events[1:3] == [ToolDelta(0, "c", None, "{}"), Finish("tool_calls", "tool_calls")]


SAID: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "text": ({"content": "Hi"}, [("Hi", "text", 0)]),
    "reasoning": ({"reasoning": "Hm"}, [("Hm", "reasoning", 0)]),
    "refusal": ({"refusal": "No"}, [("No", "refusal", 0)]),
    "calls": ({"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}, []),
}


@pytest.mark.parametrize("told", SAID)
def test_what_only_the_last_message_says(told: str) -> None:
    """P1: a message with the finish repeats what the deltas brought, in one channel or several; what no
    delta brought is given once."""
    whole = {key: value for fields, _ in SAID.values() for key, value in fields.items()}
    events = decode(chunk(**SAID[told][0]), chunk(role="assistant"), finishing(whole), DONE)

    assert sorted(deltas(events)) == sorted(text for _, texts in SAID.values() for text in texts)
    assert of(ToolDelta, events) == [ToolDelta(0, "c", "f", "{}")]


def test_parts_that_only_the_last_message_has() -> None:
    """P1: of a list of parts only those count whose channel no delta brought."""
    parts = [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"}]
    events = decode(chunk(reasoning="Hm"), finishing({"content": parts}))

    assert deltas(events) == [("Hm", "reasoning", 0), ("Hi", "text", 0)]


def test_a_first_text_after_reasoning_goes_the_long_way() -> None:
    """P1: text that only plain chunks brought is not taken again from the message."""
    events = decode(
        chunk(reasoning="Hm"), chunk(reasoning="."), chunk(content="Hi"), finishing({"content": "Hi"})
    )

    assert deltas(events) == [("Hm", "reasoning", 0), (".", "reasoning", 0), ("Hi", "text", 0)]


# --- the parts by themselves ----------------------------------------------------------------------


def test_unknown_fields_of_a_choice() -> None:
    """DESIGN 3: fields that nobody models are found in the entry and in its delta."""
    entry = {"index": 0, "delta": {"content": "a", "audio": {"data": "x"}}, "stop_reason": 5, "seed": 1}

    assert Choice(0).unknown(entry) == {"audio": {"data": "x"}, "stop_reason": 5, "seed": 1}


def test_details_that_the_last_message_repeats() -> None:
    """P1: what deltas kept of the reasoning's details is not kept again; without deltas of them it is."""
    details = [{"type": "reasoning.encrypted", "data": "e"}]
    again = {"choices": [{"index": 0, "message": {"reasoning_details": details}, "finish_reason": "stop"}]}

    assert extras(decode(chunk(content="a", reasoning_details=details), again)) == [
        ("reasoning_details", details, 0)
    ]
    assert extras(decode(chunk(content="a"), again)) == [("reasoning_details", details, 0)]


def test_a_text_beside_a_message() -> None:
    """P1: a choice with a message is no bare one: its own text is kept, and is no text of the answer."""
    both = {"choices": [{"index": 0, "message": {"content": "Hi"}, "text": "other"}]}
    events = decode(both, STOP)

    assert deltas(events) == [("Hi", "text", 0)]
    assert extras(events) == [("text", "other", 0)]


def test_the_types_of_parts() -> None:
    """PROTOCOLS 2.3: a part of type `reasoning` is reasoning; only one of type `refusal` is a refusal."""
    parts = [{"type": "reasoning", "text": "Hm"}, {"type": "text", "text": "Hi", "refusal": "no"}]
    events = decode(chunk(content=parts), chunk(content=[{"type": "refusal", "refusal": "No"}]), STOP)

    assert deltas(events) == [("Hm", "reasoning", 0), ("Hi", "text", 0), ("No", "refusal", 0)]
    assert extras(events) == [("content_part", {"type": "text", "refusal": "no"}, 0)]
