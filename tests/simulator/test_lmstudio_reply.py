"""The whole reply of LM Studio's own API, simulated, decided before its first byte."""

import json
from typing import Any

import msgspec
import pytest

from tests.feeding import run_bytes
from tokenweir.pipeline.events import Delta, Done, Event, Extra, Finish, Phase, Start, Usage
from tokenweir.simulator.faults import CRASH, HALVES, NOT_UTF8
from tokenweir.simulator.lmstudio_reply import EVERY, lmstudio_reply_to
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import FAULTS, Quirks
from tokenweir.simulator.refusals import WITHOUT_STREAM
from tokenweir.simulator.reply import Reply
from tokenweir.simulator.text import script_of
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

AB = script_of("a b")
CHAIN = decode_frames("lmstudio-v1") | decode_protocol("lmstudio-v1")


def reply(loads: Loads | None = None, now: float = 0.0, *, fields: Any = None, **switches: Any) -> Reply:
    """The reply of a backend with these switches, its frames in a list; `fields` are those of the request."""
    switches = {"script": AB, "models": ("m",), **switches}
    quirks = Quirks(provider="lmstudio", **switches)
    asked: dict[str, Any] = {"model": "m", "input": "Hi", "stream": True, **(fields or {})}
    made = lmstudio_reply_to(
        msgspec.json.encode(asked), quirks, loads or Loads(quirks.load_seconds), now, "resp_1"
    )
    return msgspec.structs.replace(made, frames=list(made.frames))


def body(made: Reply) -> bytes:
    """All bytes of a reply."""
    return b"".join(frame.data for frame in made.frames)


def said(made: Reply) -> list[Event]:
    """What a client reads."""
    return run_bytes(CHAIN, body(made))


def texts(made: Reply) -> list[str]:
    """The pieces of text that a client reads."""
    return [event.text for event in said(made) if isinstance(event, Delta)]


def extras(made: Reply, kind: str) -> list[Any]:
    """The data of every Extra of that kind."""
    return [json.loads(bytes(e.data)) for e in said(made) if isinstance(e, Extra) and e.kind == kind]


def test_a_cold_stream_tells_how_far_it_is() -> None:
    """U05, P16: load and prefill from start to end, at once and then twice a second, and then the tokens."""
    made = reply(load_seconds=1, prefill_seconds=0.5, rate=2)
    told = [event for event in said(made) if not isinstance(event, Extra)]

    assert made.headers["Content-Type"] == "text/event-stream"
    assert [frame.at for frame in made.frames] == [0.0, EVERY, 1.0, 1.0, 1.5, 1.5, 2.0, 2.5]
    assert told == [
        Start(None, None, "m"),
        Phase("loading", 0.0),
        Phase("loading", 0.5),
        Phase("loading", 1.0, None, 1.0),
        Phase("prefill", 0.0),
        Phase("prefill", 1.0),
        Delta("a"),
        Delta(" b"),
        Finish("stop"),
        Usage(9, 2),
        Done(),
    ]
    assert extras(made, "stats") == [
        {"tokens_per_second": 2.0, "time_to_first_token_seconds": 1.5, "model_load_time_seconds": 1.0}
    ]


def test_who_comes_later_begins_further_on() -> None:
    """The progress is that of the load; a loaded model has none."""
    loads = Loads(4)
    reply(loads, 0.0, load_seconds=4)
    late = [
        event for event in said(reply(loads, 3.0, load_seconds=4, keep_alive=0.5)) if isinstance(event, Phase)
    ]
    warm = [event for event in said(reply(loads, 9.0, load_seconds=4)) if isinstance(event, Phase)]

    assert [phase.progress for phase in late if phase.name == "loading"] == [0.0, 0.75, 0.875, 1.0]
    assert [(phase.name, phase.progress) for phase in warm] == [("prefill", 0.0), ("prefill", 1.0)]


def test_reasoning_can_be_switched_off() -> None:
    """And what is not stored has no id."""
    on, off = reply(reasoning="Hm"), reply(reasoning="Hm", fields={"reasoning": "off", "store": False})

    assert Delta("Hm", "reasoning") in said(on)
    assert texts(off) == ["a", " b"]
    assert (extras(on, "response_id"), extras(off, "response_id")) == (["resp_1"], [])


def test_without_a_stream_it_is_one_object() -> None:
    """The result alone, when all of it is there."""
    made = reply(reasoning="Hm", rate=1, load_seconds=3, cumulative=True, fields={"stream": False})
    (frame,) = made.frames
    found = msgspec.json.decode(frame.data)

    assert frame.at == 6.0
    assert made.headers["Content-Length"] == str(len(frame.data))
    assert found["output"] == [{"type": "reasoning", "content": "Hm"}, {"type": "message", "content": "a b"}]
    assert found["stats"]["total_output_tokens"] == 3
    assert said(made)[-1] == Done()


def test_a_cumulative_one() -> None:
    """V18: each chunk has everything so far."""
    assert texts(reply(cumulative=True)) == ["a", "a b"]
    assert texts(reply(final_repeat=True)) == ["a", " b", "a b"]


@pytest.mark.parametrize(
    ("switches", "status", "error"),
    [
        (
            {"fault": "status-404"},
            404,
            {"type": "model_not_found", "code": "model_not_found", "param": "model"},
        ),
        ({"fault": "status-500"}, 500, {"type": "internal_error", "message": CRASH}),
        ({"fault": "json-error"}, 200, {"type": "internal_error", "message": CRASH}),
        ({"fault": "status-429"}, 429, {"type": "internal_error", "code": "rate_limit_exceeded"}),
        (
            {"fault": "status-503-loading", "load_seconds": 9},
            503,
            {"type": "internal_error", "message": "Loading model"},
        ),
        ({"models": ("x", "y")}, 404, {"type": "model_not_found"}),
        ({"fields": {"input": []}}, 400, {"type": "invalid_request", "param": "input"}),
    ],
)
def test_errors_are_in_its_own_form(switches: dict[str, Any], status: int, error: dict[str, str]) -> None:
    """PROTOCOLS section 9, R01, R08: `{"error": {"type", "message", "code?", "param?"}}`."""
    made = reply(**switches)
    found = msgspec.json.decode(body(made))["error"]

    assert made.status == status
    assert found["message"]
    assert found.keys() <= {"type", "message", "code", "param"}
    assert found | error == found


def test_a_page_stays_a_page() -> None:
    """What a proxy says is nobody's JSON."""
    assert b"<html>" in body(reply(fault="html"))


WHOLE = body(reply())


def test_an_error_has_its_end_behind_it() -> None:
    """V15, PROTOCOLS 3.3: the text so far, the error, and `chat.end` with what was said."""
    made = reply(fault="error", fault_after=1)
    *_, error, end = body(made).split(b"\n\n")[:-1]

    assert texts(made) == ["a"]
    assert error.startswith(b"event: error\n")
    assert b'"output":[{"type":"message","content":"a"}]' in end
    assert reply(fault="error", fields={"stream": False}).status == 500
    assert b"event: error" in body(reply(fault="error", fault_after=99))


@pytest.mark.parametrize("fault", ["no-done", "no-finish", "no-end"])
def test_an_answer_without_its_end(fault: str) -> None:
    """P2: `chat.end` is finish and end in one, so each of these is a cut."""
    assert WHOLE.startswith(body(reply(fault=fault)))
    assert b"chat.end" not in body(reply(fault=fault))
    assert said(reply(fault=fault))[-1] == Delta(" b")


@pytest.mark.parametrize("fault", ["cut", "reset", "stall"])
def test_broken_off(fault: str) -> None:
    """U10: in the middle."""
    made = reply(fault=fault, fault_after=1)

    assert made.ending == {"cut": "fin", "reset": "rst", "stall": "stall"}[fault]
    assert WHOLE.startswith(body(made))
    assert not any(isinstance(event, Done) for event in said(made))
    assert reply(fault=fault, fields={"stream": False}).ending == made.ending


def test_broken_texts_stand_in_events_of_their_own() -> None:
    """V08, V09: bytes that are not UTF-8, and halves of a pair; the rest of the answer is as it was."""
    frame = b'event: message.delta\ndata: {"type":"message.delta","content":"%b"}\n\n'
    cut = WHOLE.index(b'event: message.delta\ndata: {"type":"message.delta","content":" b"}')
    for fault, spoiled in (("invalid-utf8", [NOT_UTF8]), ("half-surrogate", [*HALVES])):
        made = body(reply(fault=fault, fault_after=1))

        assert made == WHOLE[:cut] + b"".join(frame % text for text in spoiled) + WHOLE[cut:]


def test_faults_of_form() -> None:
    """V05, V12, V17, V24: text after the end, CRLF, a list, nothing at all, a line without an end."""
    assert body(reply(fault="text-after-end")).startswith(WHOLE)
    assert body(reply(fault="crlf")) == WHOLE.replace(b"\n", b"\r\n")
    assert b"data: [{" in body(reply(fault="list", fault_after=1))
    assert texts(reply(fault="empty-choices")) == ["a", " b"]
    assert body(reply(fault="empty")) == body(reply(fault="empty", fields={"stream": False})) == b""
    assert sum(len(frame.data) for frame in reply(fault="long-line").frames) > 50_000_000


def test_byte_split_is_the_same_bytes() -> None:
    """V01: each its own write."""
    made = list(reply(byte_split=True).frames)

    assert {len(frame.data) for frame in made} == {1}
    assert b"".join(frame.data for frame in made) == WHOLE


def test_every_fault_does_something() -> None:
    """A name that would do nothing is a switch without a lamp."""
    streams = FAULTS.keys() - WITHOUT_STREAM - {"stall", "reset", "cut", "long-line"}

    assert [fault for fault in streams if body(reply(fault=fault, fault_after=1)) == WHOLE] == []
