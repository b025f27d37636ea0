"""The whole reply of a simulated `/v1/responses`, decided before its first byte."""

from typing import Any

import msgspec
import pytest

from tests.feeding import run_bytes
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Event
from tokenweir.simulator.faults import CRASH, HALVES, NOT_UTF8
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import FAULTS, Quirks, ToolCall
from tokenweir.simulator.reply import Reply
from tokenweir.simulator.responses_reply import responses_reply_to
from tokenweir.simulator.text import script_of
from tokenweir.stages import cumulative_detect, decode_protocol, delta_extract, sse_decode

AB = script_of("a b")
TOOLS = [{"type": "function", "name": "look"}]


def reply(loads: Loads | None = None, now: float = 0.0, *, fields: Any = None, **switches: Any) -> Reply:
    """The reply of a backend with these switches, its frames in a list; `fields` are those of the request
    besides its model and its prompt."""
    switches = {"script": AB, **switches}
    quirks = Quirks(**switches)
    body = msgspec.json.encode({"model": "m", "input": "Hi", "stream": True, **(fields or {})})
    made = responses_reply_to(body, quirks, loads or Loads(quirks.load_seconds), now, "resp_1")
    return msgspec.structs.replace(made, frames=list(made.frames))


def body(made: Reply) -> bytes:
    """All bytes of a reply."""
    return b"".join(frame.data for frame in made.frames)


def events(made: Reply) -> list[Event]:
    """What its stream says."""
    chain = sse_decode() | decode_protocol("openai-responses") | cumulative_detect("auto") | delta_extract()
    return run_bytes(chain, body(made))


def answered(made: Reply) -> Assembly:
    """The answer that it holds."""
    found = Assembly()
    found.feed(events(made))
    return found


def test_a_cold_stream_is_silent_and_then_an_event_stream() -> None:
    """U05: 90 s without a frame (so without headers), then the tokens at their rate."""
    made = reply(load_seconds=90, prefill_seconds=2, rate=2)
    found = answered(made)

    assert made.headers["Content-Type"] == "text/event-stream"
    assert [frame.at for frame in made.frames if frame.token] == [92.0, 92.5]
    assert min(frame.at for frame in made.frames) == 92.0
    assert (found.text(), found.finish[0].native) == ("a b", "completed")
    assert found.usage is not None
    assert found.usage.output == 2
    assert found.start is not None
    assert (found.start.id, found.model) == ("resp_1", "simulated-model")


def test_reasoning_a_call_and_a_limit() -> None:
    """What the quirks ask for is told in this protocol's own words."""
    call = answered(reply(reasoning="Hm", tool=ToolCall("look", '{"at": 1}'), fields={"tools": TOOLS}))
    cut = answered(reply(fields={"max_output_tokens": 1}))

    assert call.text(channel="reasoning") == "Hm"
    assert call.tool_calls() == [{"id": "call_0", "name": "look", "arguments": '{"at": 1}'}]
    assert call.finish[0].reason == "tool_calls"
    assert (cut.text(), cut.finish[0].reason, cut.finish[0].native) == ("a", "length", "incomplete")


def test_cumulative_and_repeated() -> None:
    """P4: every delta resends the whole text, or one at the end does; the whole texts stay what they
    are, and the detector makes the text of it."""
    script = script_of("I am an intelligent simulator of many words, and I say them in a row.")
    resent = reply(script=script, cumulative=True)
    again = reply(script=script, final_repeat=True)

    assert body(resent).count(b'"delta":"I am an') > 5
    assert answered(resent).text() == script.text
    assert answered(again).text() == script.text
    assert not [event for event in events(resent) if getattr(event, "kind", "") == "mismatch"]


def test_without_a_stream_it_is_one_object() -> None:
    """The `response` of the last event, when all of it is there."""
    made = reply(reasoning="Hm", rate=1, load_seconds=3, cumulative=True, fields={"stream": False})
    (frame,) = made.frames
    found = msgspec.json.decode(frame.data)

    assert frame.at == 6.0
    assert (found["object"], found["status"]) == ("response", "completed")
    assert made.headers["Content-Length"] == str(len(frame.data))
    assert (answered(made).text(), answered(made).text(channel="reasoning")) == ("a b", "Hm")


@pytest.mark.parametrize(
    ("fault", "status"), [("status-404", 404), ("status-500", 500), ("json-error", 200), ("status-429", 429)]
)
def test_errors_have_the_form_of_the_chat_api(fault: str, status: int) -> None:
    """PROTOCOLS section 9."""
    made = reply(fault=fault)

    assert made.status == status
    assert msgspec.json.decode(body(made))["error"]["message"]


def test_refused_before_anything_is_loaded() -> None:
    """R01, R08: a bad request, and of several models one that is unknown; a load that is told by 503."""
    loads = Loads(10)
    bad = reply(loads, load_seconds=10, fields={"input": []})

    assert bad.status == 400
    assert msgspec.json.decode(body(bad))["error"]["param"] == "input"
    assert not loads.loading(0.0)
    assert reply(models=("a", "b")).status == 404
    assert reply(models=("a", "b"), fields={"model": "b"}).model == "b"
    assert reply(fault="status-503-loading", load_seconds=1).status == 503


WHOLE = body(reply())


@pytest.mark.parametrize("provider", ["openai", "lmstudio"])
def test_an_error_is_the_last_event(provider: str) -> None:
    """V15: the text so far, and the error in the backend's words."""
    found = answered(reply(provider=provider, fault="error", fault_after=1))

    assert found.text() == "a"
    assert found.failure is not None
    assert (found.failure.message == CRASH) == (provider == "lmstudio")
    assert not found.finish


@pytest.mark.parametrize("fault", ["cut", "reset", "stall", "no-done", "no-finish", "no-end"])
def test_broken_off(fault: str) -> None:
    """U10, P2: no last event, so the answer is not complete."""
    made = reply(fault=fault, fault_after=1)

    assert made.ending == {"cut": "fin", "reset": "rst", "stall": "stall"}.get(fault, "complete")
    assert WHOLE.startswith(body(made))
    assert b"response.completed" not in body(made)
    assert not answered(made).finish


def test_broken_texts_stand_in_events_of_their_own() -> None:
    """V08, V09: bytes that are not UTF-8, and halves of a pair, in the same message as the text."""
    for fault, spoiled in (("invalid-utf8", [NOT_UTF8]), ("half-surrogate", [*HALVES])):
        made = reply(reasoning="Hm", fault=fault, fault_after=2)

        assert all(b'"delta":"' + text + b'"' in body(made) for text in spoiled)
        assert answered(made).text().replace("\ufffd", "").startswith("a")
        assert answered(made).finish[0].native == "completed"


def test_faults_of_form() -> None:
    """V05, V17, V24: text after the end, CRLF, nothing at all, a list, and a line that never seems to end."""
    assert b" after the end" in body(reply(fault="text-after-end"))
    assert answered(reply(fault="text-after-end")).text() == "a b"
    assert body(reply(fault="crlf")) == WHOLE.replace(b"\n", b"\r\n")
    assert body(reply(fault="empty")) == body(reply(fault="empty", fields={"stream": False})) == b""
    assert answered(reply(fault="empty-choices")).text() == "a b"
    assert answered(reply(fault="list")).failure is not None
    assert sum(len(frame.data) for frame in reply(fault="long-line").frames) > 50_000_000


def test_byte_split_is_the_same_bytes() -> None:
    """V01: each its own write."""
    made = list(reply(byte_split=True).frames)

    assert {len(frame.data) for frame in made} == {1}
    assert b"".join(frame.data for frame in made) == WHOLE


def test_every_fault_does_something() -> None:
    """A name that would do nothing is not accepted."""
    plain = {"stall", "reset", "cut", "long-line", "status-503-loading"}
    silent = [fault for fault in FAULTS.keys() - plain if body(reply(fault=fault, fault_after=1)) == WHOLE]

    assert silent == []
