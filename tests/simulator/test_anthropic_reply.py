"""The whole reply of a simulated Anthropic, decided before its first byte."""

from typing import Any

import anthropic
import msgspec
import pytest

from tests.feeding import run_bytes
from tests.servers import answer as answering
from tests.servers import serve
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Done, Event, Finish, Usage
from tokenweir.simulator.anthropic_reply import anthropic_reply_to
from tokenweir.simulator.faults import HALVES, NOT_UTF8
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import FAULTS, Quirks, ToolCall
from tokenweir.simulator.reply import Reply
from tokenweir.simulator.text import script_of
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

AB = script_of("a b")
TOOLS = [{"name": "look", "input_schema": {"type": "object"}}]


def reply(loads: Loads | None = None, now: float = 0.0, *, fields: Any = None, **switches: Any) -> Reply:
    """The reply of a backend with these switches, its frames in a list; `fields` are those of the request
    besides the least."""
    switches = {"script": AB, **switches}
    quirks = Quirks(**switches)
    messages = [{"role": "user", "content": "Hi"}]
    asked: dict[str, Any] = {
        "model": "m",
        "max_tokens": 99,
        "messages": messages,
        "stream": True,
        **(fields or {}),
    }
    body = msgspec.json.encode(asked)
    made = anthropic_reply_to(body, quirks, loads or Loads(quirks.load_seconds), now, "msg_1")
    return msgspec.structs.replace(made, frames=list(made.frames))


def body(made: Reply) -> bytes:
    """All bytes of a reply."""
    return b"".join(frame.data for frame in made.frames)


def names(made: Reply) -> list[str]:
    """The names of its events."""
    return [
        line.removeprefix(b"event: ").decode()
        for line in body(made).splitlines()
        if line.startswith(b"event: ")
    ]


def read(made: Reply) -> list[Event]:
    """What our own decoder makes of it."""
    return run_bytes(decode_frames("anthropic") | decode_protocol("anthropic"), body(made))


def heard(made: Reply) -> Assembly:
    """The answer that it holds."""
    found = Assembly()
    found.feed(read(made))
    return found


def last(made: Reply) -> Event:
    """The last event."""
    return read(made)[-1]


def error(made: Reply) -> dict[str, Any]:
    """The error that its body is."""
    found: dict[str, Any] = msgspec.json.decode(body(made))
    assert found["type"] == "error"
    return {"status": made.status, **found["error"]}


WHOLE = body(reply())


def test_a_cold_stream() -> None:
    """U05: 90 s of silence and 2 of prefill, then the tokens at their rate; the end in three events."""
    made = reply(load_seconds=90, prefill_seconds=2, rate=2)

    assert made.headers["Content-Type"] == "text/event-stream"
    assert [frame.at for frame in made.frames] == [92.0, 92.5, 93.0, 93.0, 93.0]
    assert names(made)[:2] == ["message_start", "content_block_start"]
    assert names(made)[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_what_it_says() -> None:
    """P1: thinking, text, figures at both ends, and its end."""
    found = heard(reply(reasoning="Hm"))

    assert (found.text(channel="reasoning"), found.text()) == ("Hm", "a b")
    assert found.finish[0] == Finish("stop", "end_turn")
    assert found.usage == Usage(9, 3, reasoning=1)
    assert Usage(9, partial=True) in read(reply())
    assert (found.start and found.start.id, found.model) == ("msg_1", "simulated-model")


def test_thinking_can_be_switched_off() -> None:
    """With `thinking`, whether it streams or not."""
    off = {"thinking": {"type": "disabled"}}

    for stream in (True, False):
        assert heard(reply(reasoning="Hm", fields={**off, "stream": stream})).text(channel="reasoning") == ""


def test_a_call() -> None:
    """Its arguments in pieces; cut by the bound, it stops for that."""
    tool = ToolCall("look", '{"at": [1]}')
    whole, cut = (
        reply(tool=tool, fields={"tools": TOOLS}),
        reply(tool=tool, fields={"tools": TOOLS, "max_tokens": 2}),
    )

    assert heard(whole).tool_calls() == [{"id": "call_0", "name": "look", "arguments": '{"at": [1]}'}]
    assert heard(whole).finish[0].native == "tool_use"
    assert heard(cut).finish[0].native == "max_tokens"
    assert error(reply(tool=tool, fields={"tools": [{}]}))["type"] == "invalid_request_error"


def test_signs_of_life_are_comments() -> None:
    """P16: while it loads and prefills."""
    made = reply(load_seconds=2, prefill_seconds=1, keep_alive=1)

    assert body(made).startswith(
        b": loading 0.00\n\n: loading 0.50\n\n: prefill 0.00\n\nevent: message_start"
    )


def test_without_a_stream_it_is_one_message() -> None:
    """The same, when all of it is there."""
    made = reply(reasoning="Hm", rate=1, load_seconds=3, cumulative=True, fields={"stream": False})
    (frame,) = made.frames

    assert frame.at == 6.0
    assert made.headers["Content-Length"] == str(len(frame.data))
    assert msgspec.json.decode(frame.data)["type"] == "message"
    assert (heard(made).text(), heard(made).usage) == ("a b", Usage(9, 3, reasoning=1))


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        ({"fault": "status-404"}, {"status": 404, "type": "not_found_error", "message": "model: m"}),
        ({"models": ("a", "b")}, {"status": 404, "type": "not_found_error", "message": "model: m"}),
        (
            {"fault": "status-500"},
            {"status": 500, "type": "api_error", "message": "The simulated backend failed."},
        ),
        (
            {"fault": "json-error"},
            {"status": 200, "type": "api_error", "message": "The simulated backend failed."},
        ),
        (
            {"fault": "status-429"},
            {"status": 429, "type": "rate_limit_error", "message": "Rate limit reached: try again in 2s."},
        ),
        (
            {"fault": "status-503-loading", "load_seconds": 9},
            {"status": 503, "type": "overloaded_error", "message": "Loading model"},
        ),
        (
            {"fields": {"max_tokens": 0}},
            {
                "status": 400,
                "type": "invalid_request_error",
                "message": "max_tokens: Expected `int` >= 1 - at `$.max_tokens`",
            },
        ),
    ],
)
def test_errors(switches: dict[str, Any], told: dict[str, Any]) -> None:
    """PROTOCOLS 6: `{"type": "error", "error": {"type", "message"}}`, with its status."""
    assert error(reply(**switches)) == told


def test_a_page_stays_a_page() -> None:
    """What a proxy says is nobody's JSON."""
    assert b"<html>" in body(reply(fault="html"))


def test_a_bad_request_loads_nothing() -> None:
    """R01: it is refused before anything else."""
    loads = Loads(10)
    reply(loads, load_seconds=10, fields={"model": ""})

    assert not loads.loading(0.0)


@pytest.mark.parametrize("after", [1, 99])
def test_an_error_in_the_middle(after: int) -> None:
    """V15: the text so far and the error; no finish, and nothing after it."""
    made = reply(fault="error", fault_after=after)

    assert names(made)[-1] == "error"
    assert heard(made).text() == ("a" if after == 1 else "a b")
    assert heard(made).failure is not None
    assert heard(made).finish == {}
    assert reply(fault="error", fields={"stream": False}).status == 500


@pytest.mark.parametrize(
    ("fault", "lost", "complete"),
    [
        ("no-done", {"message_stop"}, False),
        ("no-finish", {"message_delta"}, True),
        ("no-end", {"message_delta", "message_stop"}, False),
    ],
)
def test_ends_that_lack_something(fault: str, lost: set[str], *, complete: bool) -> None:
    """P2: `message_stop` alone completes."""
    made = reply(fault=fault)

    assert names(made) == [name for name in names(reply()) if name not in lost]
    assert (last(made) == Done()) == complete


@pytest.mark.parametrize("fault", ["cut", "reset", "stall"])
def test_broken_off(fault: str) -> None:
    """U10: in the middle, before the finish of a shorter answer, and half way through a whole one."""
    made = reply(fault=fault, fault_after=1)

    assert made.ending == {"cut": "fin", "reset": "rst", "stall": "stall"}[fault]
    assert WHOLE.startswith(body(made))
    assert WHOLE.startswith(body(reply(fault=fault, fault_after=99)))
    assert b"message_stop" not in body(reply(fault=fault, fault_after=99))
    assert reply(fault=fault, fields={"stream": False}).ending == made.ending


def test_broken_texts_stand_in_the_block_of_text() -> None:
    """V08, V09: also behind thinking; the rest of the answer is as it was."""
    for reasoning, index in ((None, 0), ("Hm", 1)):
        for fault, spoiled in (("invalid-utf8", [NOT_UTF8]), ("half-surrogate", [*HALVES])):
            whole = body(reply(reasoning=reasoning))
            made = body(reply(reasoning=reasoning, fault=fault, fault_after=1))
            head = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d' % index
            extra = [head + b',"delta":{"type":"text_delta","text":"' + text + b'"}}\n\n' for text in spoiled]

            assert b"".join(extra) in made
            assert made.replace(b"".join(extra), b"") == whole


def test_faults_of_form() -> None:
    """V05, V17, V24: text after the end, a list, CRLF, nothing at all, and a line that never seems to end."""
    assert body(reply(fault="text-after-end")).startswith(WHOLE)
    assert b" after the end" in body(reply(fault="text-after-end"))[len(WHOLE) :]
    assert b'data: [{"type":"content_block_delta"' in body(reply(fault="list", fault_after=1))
    assert body(reply(fault="crlf")) == WHOLE.replace(b"\n", b"\r\n")
    assert body(reply(fault="empty")) == body(reply(fault="empty", fields={"stream": False})) == b""
    assert sum(len(frame.data) for frame in reply(fault="long-line").frames) > 50_000_000


def test_byte_split_is_the_same_bytes() -> None:
    """V01: each its own write."""
    made = list(reply(byte_split=True).frames)

    assert {len(frame.data) for frame in made} == {1}
    assert b"".join(frame.data for frame in made) == WHOLE


def test_every_fault_does_something() -> None:
    """A name that would do nothing is not accepted."""
    silent = [
        fault
        for fault in FAULTS.keys() - {"stall", "reset", "cut", "long-line", "status-503-loading"}
        if body(reply(fault=fault, fault_after=1)) == WHOLE
    ]

    assert silent == []


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_client_s_own_view() -> None:
    """PROTOCOLS 10.3: Anthropic's own client reads the thinking, the call and the figures."""
    made = reply(reasoning="Hm", tool=ToolCall("look", '{"at": "the sky"}'), fields={"tools": TOOLS})
    async with serve(answering(*(frame.data for frame in made.frames))) as server:
        client: Any = anthropic.AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0)
        asked = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}
        async with client, client.messages.stream(**asked) as stream:
            message = await stream.get_final_message()

    thought, call = message.content
    assert (thought.thinking, call.name, call.input) == ("Hm", "look", {"at": "the sky"})
    assert (message.stop_reason, message.usage.input_tokens) == ("tool_use", 9)
