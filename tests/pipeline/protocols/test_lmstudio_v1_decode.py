"""What the events of LM Studio's REST v1 mean (PROTOCOLS 3.3)."""

import json
from typing import Any

import pytest

from tests.feeding import run_bytes
from tests.wire.lmstudio_v1 import BODIES, CALL, CRASH, LOOKED, START, TOOL, end, event, message, thought
from tokenweir.pipeline.events import Delta, Done, Event, Extra, Finish, Phase, Usage
from tokenweir.pipeline.events import Start as Begun
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

CHAIN = decode_frames("lmstudio-v1") | decode_protocol("lmstudio-v1", provider="p")
BEGUN = Begun(None, "p", "m")
STATS = ("stats", {"tokens_per_second": 40.5})


def read(wire: bytes) -> list[Event]:
    """The events of one body."""
    return run_bytes(CHAIN, wire)


def named(name: str) -> list[Event]:
    """The events of the body of that name."""
    return read(next(body.wire for body in BODIES if body.name == name))


def without_extras(events: list[Event]) -> list[Event]:
    """All but what nobody models."""
    return [event for event in events if not isinstance(event, Extra)]


def extras(events: list[Event]) -> list[tuple[str, Any]]:
    """(kind, value) of what nobody models."""
    return [(event.kind, json.loads(bytes(event.data))) for event in events if isinstance(event, Extra)]


def failure(wire: bytes) -> tuple[str, str]:
    """Kind and message of the failure that a body ends with."""
    done = read(wire)[-1]
    assert isinstance(done, Done)
    assert done.failure is not None
    return done.failure.kind, done.failure.message


def test_a_cold_answer() -> None:
    """P16, P1: the load with how long it took, the prefill, the reasoning, the text, the end."""
    found = named("cold")

    assert without_extras(found) == [
        BEGUN,
        Phase("loading", 0.0),
        Phase("loading", 0.25),
        Phase("loading", 1.0, None, 2.5),
        Phase("prefill", 0.0),
        Phase("prefill", 0.5),
        Phase("prefill", 1.0),
        Delta("Hm", "reasoning"),
        Delta(".", "reasoning"),
        Delta("Hé"),
        Delta("llo 🙂"),
        Finish("stop"),
        Usage(5, 7),
        Done(),
    ]
    assert extras(found) == [STATS]


def test_the_end_repeats_and_is_not_told_again() -> None:
    """V19: the whole text stands in `chat.end` once more."""
    assert [event.text for event in named("text") if isinstance(event, Delta)] == ["Hel", "lo"]


def spoken(*texts: str, kind: str = "message") -> bytes:
    """The end of an answer, with these texts in its output."""
    return event("chat.end", result={"output": [{"type": kind, "content": text} for text in texts]})


def test_an_end_that_says_something_else() -> None:
    """V19, P1: the text stays what the deltas said; what the end says is told beside it."""
    found = read(START + thought("Hm") + message("Hel") + message("lo") + spoken("Hello", "!"))
    thoughts = read(START + thought("Hm") + message("Hi") + spoken("Hm, well", kind="reasoning"))

    assert [event.text for event in found if isinstance(event, Delta)] == ["Hm", "Hel", "lo"]
    assert extras(found) == [("mismatch", {"kind": "message", "text": "Hello!"})]
    assert extras(thoughts) == [("mismatch", {"kind": "reasoning", "text": "Hm, well"})]
    assert [type(event) for event in found[-3:]] == [Extra, Finish, Done]


@pytest.mark.parametrize(
    "body",
    [
        message("Hel") + message("lo") + spoken("Hello"),
        message("Hel") + message("lo") + spoken("Hel", "lo"),
        message("Hel") + message("Hello") + spoken("Hello"),
        message("Hel") + message("lo") + message("Hello") + spoken("Hello"),
        message("x<", ">").replace(b"<", rb"\ud83d").replace(b">", rb"\ude00") + spoken("x😀"),
        message("Hello") + spoken(""),
        message("Hello") + spoken(),
        message("x" * 200_000) * 2 + spoken("y"),
    ],
    ids=["whole", "items", "resent", "repeated", "halves", "empty", "none", "too long to keep"],
)
def test_an_end_that_repeats_in_another_way(body: bytes) -> None:
    """V19: in several items, after a backend that resends, and where nobody can tell."""
    assert extras(read(START + body)) == []


def test_tools_that_the_server_ran() -> None:
    """They are kept, and are no calls for the client; a second prefill between two texts is told."""
    found = named("tools")

    assert extras(found) == [
        ("tool_call.start", TOOL),
        ("tool_call.arguments", {**TOOL, "arguments": {"at": "sky"}}),
        ("tool_call.success", LOOKED),
        ("response_id", "resp_1"),
        STATS,
    ]
    assert without_extras(found) == [
        BEGUN,
        Delta("a", "reasoning"),
        Phase("prefill", 0.0),
        Phase("prefill", 0.5),
        Phase("prefill", 1.0),
        Delta("b"),
        Finish("stop"),
        Usage(5, 7),
        Done(),
    ]


def test_without_a_stream() -> None:
    """One object: the output in order, the figures, the id."""
    found = named("one object")

    assert without_extras(found) == [
        BEGUN,
        Delta("Hm", "reasoning"),
        Delta("Hé 🙂"),
        Finish("stop"),
        Usage(5, 7, None, 2),
        Done(),
    ]
    assert extras(found) == [("response_id", "resp_1")]


def test_an_end_that_says_what_no_event_said() -> None:
    """P1: what came in no event counts; a kind of output that nobody knows is kept."""
    found = named("done only")
    partly = read(
        START
        + thought("Hm")
        + end({"type": "reasoning", "content": "Hm"}, {"type": "message", "content": "Hi"})
    )

    assert [event for event in found if isinstance(event, Delta)] == [Delta("Hi")]
    assert extras(found) == [
        ("tool_call", {"type": "tool_call", **LOOKED}),
        ("new", {"type": "new", "a": 1}),
        STATS,
    ]
    assert [event for event in partly if isinstance(event, Delta)] == [Delta("Hm", "reasoning"), Delta("Hi")]


def test_tools_in_the_end_repeat_their_events() -> None:
    """Told once; a field that only the end has is kept."""
    item = {"type": "tool_call", **LOOKED}
    found = read(START + CALL + end(item, {**item, "new": 1}, {"type": "invalid_tool_call", "reason": "r"}))

    assert [kind for kind, _ in extras(found)][3:] == ["tool_call", "stats"]
    assert ("tool_call", {"new": 1}) in extras(found)


def test_an_error_waits_for_the_end() -> None:
    """V15, PROTOCOLS 3.3: `chat.end` follows with the figures; it is no good end, and has no finish."""
    found = named("error")

    assert without_extras(found)[:-1] == [BEGUN, Delta("Hel"), Usage(5, 7)]
    assert isinstance(found[-1], Done)
    assert found[-1].failure is not None
    assert (found[-1].failure.kind, found[-1].failure.code) == ("model_crashed", "internal_error")
    assert json.loads(bytes(found[-1].failure.native or b"")) == CRASH


@pytest.mark.parametrize("rest", [b"", message("more"), b"data: [DONE]\n\n", event("error", error="second")])
def test_behind_an_error_only_the_end_counts(rest: bytes) -> None:
    """P2, V15: cut off, or with more text: the first error is the last word."""
    body = START + message("Hel") + event("error", error=CRASH) + rest

    assert failure(body) == ("model_crashed", "The model has crashed.")
    assert [event.text for event in read(body) if isinstance(event, Delta)] == ["Hel"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (START + event("error", error={"type": "model_not_found", "message": "no"}), "model_not_found"),
        (START + event("error", error={"type": "invalid_request", "message": "no"}), "bad_request"),
        (START + event("error", message="Channel Error"), "model_crashed"),
        (b'event: error\ndata: {"error":{"message":"n_ctx"},"message":"n_ctx"}\n\n', "context_length"),
        (b'{"error":{"type":"internal_error","message":"no"}}', "upstream"),
        (START + b"data: [DONE]\n\n", "truncated"),
    ],
)
def test_an_error_before_anything_was_said(body: bytes, kind: str) -> None:
    """V15, V16: it is the last word at once, so that another try is still possible."""
    core = CHAIN.core()
    out = list(core.feed([body + b"\n\n"]))

    assert failure(body)[0] == kind
    assert isinstance(out[-1], Done)


def test_events_that_nobody_models() -> None:
    """DESIGN 3: kept as they are, named by their type; unknown fields of known events are kept too."""
    odd = (
        event("message.delta", content="a", tokens=[1])
        + event("model_load.end", new=3)
        + b'data: {"x":1}\n\n'
    )

    assert extras(named("unknown")) == [("new.kind", {"a": [1]}), ("new", 2), STATS]
    assert extras(read(START + odd)) == [("tokens", [1]), ("new", 3), ("message", {"x": 1})]


@pytest.mark.parametrize(
    ("progress", "told"),
    [(0, 0.0), (0.5, 0.5), (1.5, 1.0), (-1, None), ("0.5", None), (True, None), (10**400, None)],
)
def test_progress(progress: object, told: float | None) -> None:
    """V11, V12: a part between 0 and 1, or none."""
    assert read(event("prompt_processing.progress", progress=progress))[1] == Phase("prefill", told)


def test_the_name_of_the_event_stands_in_for_its_type() -> None:
    """Data without a type is what its event is called; a text that is no text is kept."""
    body = b'event: message.delta\ndata: {"content":"a"}\n\nevent: message.delta\ndata: {"content":5}\n\n'

    events = read(body)
    assert events[:2] == [Begun(None, "p"), Delta("a")]
    assert extras(events) == [("content", 5)]


def test_an_end_without_a_result() -> None:
    """V12: it ends the answer all the same; what is no output or no figure is kept as what it is."""
    wrong = {"input_tokens": "5", "total_output_tokens": -1, "reasoning_output_tokens": 2}

    found = read(event("chat.end", result=7))
    assert [event for event in found if not isinstance(event, Extra)] == [
        Begun(None, "p"),
        Finish("stop"),
        Done(),
    ]
    assert extras(found) == [("result", 7)]
    found = read(event("chat.end", result={"output": ["x", 5], "stats": wrong}))
    assert Usage(None, None, None, 2) in found
    assert extras(found) == [
        ("output", "x"),
        ("output", 5),
        ("stats", {"input_tokens": "5", "total_output_tokens": -1}),
    ]


def test_the_type_counts_before_the_name_of_the_event() -> None:
    """PROTOCOLS 3.3: it says the same, and a proxy may have dropped or changed the name."""
    data = b'data: {"type":"message.delta","content":"a"}\n\n'

    assert read(data) == read(b"event: reasoning.delta\n" + data) == [Begun(None, "p"), Delta("a")]


@pytest.mark.parametrize(
    "body",
    [event("prompt_processing.start", model_instance_id="m"), START, spoken()],
    ids=["phase", "start", "end"],
)
def test_any_event_may_name_the_model(body: bytes) -> None:
    """DESIGN 5: the first one that does."""
    end = event("chat.end", result={"model_instance_id": "m"})

    assert read(body if b'"m"' in body else end)[0] == BEGUN


def test_an_event_with_an_output_is_no_end() -> None:
    """P2: only an object without a type is a whole answer."""
    found = read(START + event("new.kind", output=[{"type": "message", "content": "x"}]))

    assert [event for event in found if isinstance(event, (Delta, Finish, Done))] == []
    assert [kind for kind, _ in extras(found)] == ["new.kind"]


def test_an_error_without_a_type() -> None:
    """V15: its own words are told."""
    assert failure(b'{"error":{"type":"internal_error","message":"no"}}') == ("upstream", "no")


def test_what_an_event_that_nobody_models_says_of_the_end() -> None:
    """P1: nothing: tools and texts that only the end tells are told then."""
    tool, said = {"type": "tool_call", **LOOKED}, {"type": "message", "content": "Hi"}
    found = read(START + event("message.new", a=1) + end(tool, said))
    deeper = read(START + event("tool_call.output.part", a=1) + end(tool))

    assert Delta("Hi") in found
    assert ("tool_call", tool) in extras(found)
    assert ("tool_call", tool) not in extras(deeper)


def test_a_second_error_is_kept() -> None:
    """V15: the first is the last word, and what the next one says is not lost."""
    second = {"type": "internal_error", "message": "again"}
    found = read(START + message("a") + event("error", error=CRASH) + event("error", error=second))

    assert extras(found) == [("error", second)]


def test_half_a_character_at_the_end() -> None:
    """V09: it is given before the finish."""
    found = read(START + message("x<").replace(b"<", rb"\ud83d") + spoken())

    assert [event for event in found if isinstance(event, (Delta, Finish))] == [
        Delta("x"),
        Delta("\ufffd"),
        Finish("stop"),
    ]


@pytest.mark.parametrize(("size", "told"), [(256 * 1024, ["mismatch"]), (256 * 1024 + 1, [])])
def test_how_much_is_held_against_the_end(size: int, told: list[str]) -> None:
    """V14: up to the bound, and not beyond it."""
    assert [kind for kind, _ in extras(read(START + message("x" * size) + spoken("y")))] == told


def test_text_is_no_json() -> None:
    """V19: another spelling of the same value is another text."""
    assert [kind for kind, _ in extras(read(START + message('{"x": 1}') + spoken('{"x":1}')))] == ["mismatch"]


def test_a_keep_alive_behind_text() -> None:
    """P16: nothing is loaded or prefilled any more."""
    assert not [event for event in read(START + message("a") + b": loading\n\n") if isinstance(event, Phase)]


@pytest.mark.parametrize(("seconds", "told"), [(0, 0.0), (2**62, 2.0**62), (2**63, None)])
def test_how_long_a_load_took(seconds: int, told: float | None) -> None:
    """V11: a length of time, or none."""
    assert read(event("model_load.end", load_time_seconds=seconds))[1] == Phase("loading", 1.0, None, told)
