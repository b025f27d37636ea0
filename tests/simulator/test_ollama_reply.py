"""The whole reply of a simulated Ollama, decided before its first byte."""

from typing import Any

import msgspec
import pytest

from tokenweir.simulator.faults import HALVES, NOT_UTF8, RUNNER_STOPPED
from tokenweir.simulator.load import Loads
from tokenweir.simulator.ollama_reply import ollama_reply_to
from tokenweir.simulator.quirks import FAULTS, NOT_OF, Quirks, ToolCall
from tokenweir.simulator.reply import Reply
from tokenweir.simulator.text import script_of

AB = script_of("a b")
PROMPT = [{"role": "user", "content": "Hi"}]
TOOLS = [{"function": {"name": "look"}}]


def reply(loads: Loads | None = None, now: float = 0.0, *, fields: Any = None, **switches: Any) -> Reply:
    """The reply of a backend with these switches, its frames in a list; `fields` are those of the request
    besides its model."""
    switches = {"script": AB, **switches}
    quirks = Quirks(provider="ollama", **switches)
    asked: dict[str, Any] = {"model": "m", "messages": PROMPT, **(fields or {})}
    generate = "prompt" in asked
    made = ollama_reply_to(
        msgspec.json.encode(asked), quirks, loads or Loads(quirks.load_seconds), now, generate=generate
    )
    return msgspec.structs.replace(made, frames=list(made.frames))


def body(made: Reply) -> bytes:
    """All bytes of a reply."""
    return b"".join(frame.data for frame in made.frames)


def lines(made: Reply) -> list[dict[str, Any]]:
    """Its lines."""
    return [msgspec.json.decode(line) for line in body(made).splitlines()]


def test_a_cold_stream_is_silent_and_then_ndjson() -> None:
    """U05: 90 s without a frame (so without headers), then the tokens at their rate, and how long it took."""
    made = reply(load_seconds=90, prefill_seconds=2, rate=2)
    frames = list(made.frames)
    last = msgspec.json.decode(frames[-1].data)

    assert made.headers == {"Content-Type": "application/x-ndjson"}
    assert [frame.at for frame in frames] == [92.0, 92.5, 93.0]
    assert (last["total_duration"], last["load_duration"]) == (93_000_000_000, 90_000_000_000)
    assert (last["prompt_eval_duration"], last["eval_duration"]) == (2_000_000_000, 1_000_000_000)
    assert (last["prompt_eval_count"], last["eval_count"], last["done_reason"]) == (9, 2, "stop")


def test_generate_streams_its_response() -> None:
    """The text stands in the line; what took no time is left out."""
    found = lines(reply(fields={"prompt": "Hi"}))

    assert [line["response"] for line in found] == ["a", " b", ""]
    assert "load_duration" not in found[-1]


@pytest.mark.parametrize("stream", [True, False])
def test_thinking_can_be_switched_off(*, stream: bool) -> None:
    """PROTOCOLS 4.1: it is on unless asked off, where the model can."""
    on = lines(reply(reasoning="Hm", fields={"stream": stream}))
    off = lines(reply(reasoning="Hm", fields={"stream": stream, "think": False}))

    assert on[0]["message"]["thinking"] == "Hm"
    assert not any("thinking" in line["message"] for line in off)


@pytest.mark.parametrize("think", [True, "low"])
def test_a_model_that_cannot_think_says_so(think: object) -> None:
    """400, in Ollama's words."""
    made = reply(fields={"think": think})

    assert (made.status, lines(made)) == (400, [{"error": '"m" does not support thinking'}])


def test_a_call_comes_whole() -> None:
    """On a line of its own, before `done`; the arguments are an object."""
    found = lines(reply(tool=ToolCall("look", '{"at": [1]}'), fields={"tools": TOOLS}))
    function = {"index": 0, "name": "look", "arguments": {"at": [1]}}

    assert [line["message"].get("tool_calls") for line in found] == [
        [{"id": "call_0", "function": function}],
        None,
    ]
    assert found[-1]["done_reason"] == "stop"


def test_without_a_stream_it_is_one_object() -> None:
    """The thinking, the text, the calls and the figures together, when all of it is there."""
    made = reply(reasoning="Hm", rate=1, load_seconds=3, cumulative=True, fields={"stream": False})
    (frame,) = made.frames
    found = msgspec.json.decode(frame.data)
    call = reply(tool=ToolCall("look"), fields={"stream": False, "tools": TOOLS})

    assert frame.at == 6.0
    assert made.headers["Content-Length"] == str(len(frame.data))
    assert found["message"] == {"role": "assistant", "content": "a b", "thinking": "Hm"}
    assert (found["done"], found["eval_count"]) == (True, 3)
    assert lines(call)[0]["message"]["tool_calls"][0]["function"]["name"] == "look"
    assert lines(reply(fields={"prompt": "Hi", "stream": False}))[0]["response"] == "a b"


@pytest.mark.parametrize("fields", [{"messages": []}, {"prompt": ""}])
def test_an_empty_request_loads_and_unloads(fields: dict[str, Any]) -> None:
    """PROTOCOLS 4.2: one object when the model is there; `keep_alive: 0` gives it back at once."""
    loads = Loads(10)
    loading = reply(loads, load_seconds=10, fields=fields)
    (frame,) = loading.frames
    loaded = loads.is_loaded("simulated-model", 10.0)
    unloading = reply(loads, 10.0, load_seconds=10, fields={**fields, "keep_alive": 0})

    assert (frame.at, loaded) == (10.0, True)
    assert msgspec.json.decode(frame.data)["done_reason"] == "load"
    assert lines(unloading)[0]["done_reason"] == "unload"
    assert not loads.is_loaded("simulated-model", 10.0)


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ("status-404", 404, "model 'm' not found"),
        ("status-500", 500, RUNNER_STOPPED),
        ("json-error", 200, RUNNER_STOPPED),
        ("status-429", 429, "Rate limit reached: try again in 2s."),
    ],
)
def test_errors_are_strings(fault: str, status: int, error: str) -> None:
    """PROTOCOLS section 9: `{"error": "..."}`."""
    made = reply(fault=fault)

    assert (made.status, lines(made)) == (status, [{"error": error}])


def test_a_page_stays_a_page() -> None:
    """What a proxy says is nobody's JSON."""
    assert b"<html>" in body(reply(fault="html"))


def test_of_several_models_an_unknown_one_is_404() -> None:
    """R08: in Ollama's words; the known one answers."""
    assert lines(reply(models=("a", "b"))) == [{"error": "model 'm' not found"}]
    assert reply(models=("a", "b"), fields={"model": "b"}).model == "b"


def test_a_bad_request_is_400_before_anything_else() -> None:
    """R01: nothing is loaded for it."""
    loads = Loads(10)
    made = reply(loads, load_seconds=10, fields={"model": ""})

    assert (made.status, lines(made)) == (400, [{"error": "model is required"}])
    assert not loads.loading(0.0)


WHOLE = body(reply())
A = WHOLE.splitlines(keepends=True)[0]


def test_an_error_is_the_last_line() -> None:
    """V15: the text so far, the error as a string, and the end of the body."""
    made = reply(fault="error", fault_after=1)

    assert body(made).startswith(A)
    assert lines(made)[1:] == [{"error": RUNNER_STOPPED}]
    assert reply(fault="error", fields={"stream": False}).status == 500


@pytest.mark.parametrize("fault", ["cut", "reset", "stall"])
def test_broken_off(fault: str) -> None:
    """U10: in the middle; in a shorter answer before its last line, and in a one-shot answer half way."""
    made = reply(fault=fault, fault_after=1)

    assert made.ending == {"cut": "fin", "reset": "rst", "stall": "stall"}[fault]
    assert WHOLE.startswith(body(made))
    assert (body(made) == A) == (fault != "cut")
    assert WHOLE.startswith(body(reply(fault=fault, fault_after=99)))
    assert b'"done":true' not in body(reply(fault=fault, fault_after=99))
    assert reply(fault=fault, fields={"stream": False}).ending == made.ending


def test_no_end_has_no_last_line() -> None:
    """PROTOCOLS 4.1: that is a truncated answer."""
    assert [line["done"] for line in lines(reply(fault="no-end"))] == [False, False]


def test_broken_texts_stand_in_lines_of_their_own() -> None:
    """V08, V09: bytes that are not UTF-8, and halves of a pair; the rest of the answer is as it was."""
    for fault, spoiled in (("invalid-utf8", [NOT_UTF8]), ("half-surrogate", [*HALVES])):
        made = body(reply(fault=fault, fault_after=1))
        extra = [A.replace(b'"a"', b'"' + text + b'"') for text in spoiled]

        assert made == A + b"".join(extra) + WHOLE[len(A) :]


def test_faults_of_form() -> None:
    """V05, V17, V24: text after the end, CRLF, nothing at all, and a line that never seems to end."""
    assert lines(reply(fault="text-after-end"))[-1]["message"]["content"] == " after the end"
    assert body(reply(fault="crlf")) == WHOLE.replace(b"\n", b"\r\n")
    assert body(reply(fault="empty")) == b""
    assert body(reply(fault="empty", fields={"stream": False})) == b""
    assert sum(len(frame.data) for frame in reply(fault="long-line").frames) > 50_000_000


def test_byte_split_is_the_same_bytes() -> None:
    """V01: each its own write."""
    made = list(reply(byte_split=True).frames)

    assert {len(frame.data) for frame in made} == {1}
    assert b"".join(frame.data for frame in made) == WHOLE


def test_every_fault_is_possible_or_refused() -> None:
    """A name that would do nothing is not accepted."""
    silent = [
        fault
        for fault in FAULTS.keys() - NOT_OF["ollama"].keys() - {"stall", "reset", "cut", "long-line"}
        if body(reply(fault=fault, fault_after=1)) == WHOLE
    ]

    assert silent == []
