"""Bad input through the whole pipeline: answered clearly, and nothing that was good is lost.

The connection's own faults stand in test_stream_faults.py and test_transport*.py, cuts at every byte
in test_stream_cuts.py.
"""

import tracemalloc

import msgspec
import pytest

from tests.reader import Heard, hear
from tests.scripted import Attempt, scripted
from tests.transcripts import DONE, HELLO, STOP, chunk, entry, frame, text
from tokenweir import Extra, Pipeline
from tokenweir.pipeline.errors import BackendError, LimitError, RequestError, TruncatedError
from tokenweir.testing import ScriptedSource, Step

pytestmark = pytest.mark.anyio

GOOD = text("good ")
"""Text that came before what is bad."""


async def play(*script: Step) -> Heard:
    """What is heard of a script, its upstream closed."""
    source = ScriptedSource(script)
    heard = await hear(Pipeline(source).stream("hi"))
    assert [connection.closed for connection in source.connections] == [1]
    return heard


async def ask(status: int, body: bytes, kind: str = "application/json") -> Heard:
    """What is heard of one answer over HTTP."""
    source, _ = scripted(Attempt(status, body, headers={"Content-Type": kind}))
    return await hear(Pipeline(source).stream("hi"))


async def test_a_404_of_a_wrong_path() -> None:
    """U17: the status and what the server said of it; the same request would fail again."""
    heard = await ask(404, b"404 page not found", "text/plain")

    assert isinstance(heard.error, RequestError)
    assert (heard.kind, heard.message) == ("bad_request", "HTTP 404: 404 page not found")
    assert heard.events[1:] == []


async def test_a_404_of_a_missing_model() -> None:
    """U17: a model that is not there has its own kind."""
    heard = await ask(404, b'{"error":{"message":"model \'x\' not found","code":"model_not_found"}}')

    assert (heard.kind, heard.message) == ("model_not_found", "HTTP 404: model 'x' not found")


async def test_html_instead_of_a_stream() -> None:
    """U20: a web page with status 200 is told as what it is, with its beginning, harmless to show."""
    page = b"<!DOCTYPE html><html>\x1b[31m<title>Welcome</title>" + b"x" * 1000
    heard = await ask(200, page, "text/html")

    assert isinstance(heard.error, BackendError)
    assert (heard.kind, heard.text) == ("protocol", "")
    assert "not an event stream; it begins: <!DOCTYPE html>" in heard.message
    assert "\x1b" not in heard.message
    assert len(heard.message) < 300


async def test_html_with_an_error_status() -> None:
    """U17, U19: a proxy's error page, at most two hundred characters of it."""
    heard = await ask(403, b"<html>\x1b[31mForbidden" + b"x" * 1000, "text/html")

    assert (heard.kind, heard.end.outcome) == ("auth", "error")
    assert heard.message.startswith("HTTP 403: <html>\\x1b[31mForbidden")
    assert len(heard.message) < 250


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b'{"error":{"message":"no such thing","code":404}}', "bad_request", "no such thing"),
        (b'{"error":"Unexpected endpoint or method."}', "upstream", "Unexpected endpoint or method."),
        (b'{"object":"error","message":"bad value","code":400}', "bad_request", "bad value"),
        (b'[{"error":{"message":"in a list"}}]', "upstream", "in a list"),
        (b'data: {"error":{"message":"in a frame"}}\n\n', "upstream", "in a frame"),
        (b'event: error\ndata: {"message":"as an event"}\n\n', "upstream", "as an event"),
        (b'error: {"message":"as a field"}\n\n', "upstream", "as a field"),
    ],
)
async def test_200_with_an_error_body(body: bytes, kind: str, message: str) -> None:
    """P2, V15, V16: an error is an error, whatever the status says; it is never an empty answer."""
    heard = await ask(200, body)

    assert (heard.end.outcome, heard.kind, heard.message) == ("error", kind, message)


async def test_200_with_a_whole_answer() -> None:
    """U21: a server that cannot stream gives everything at once: one delta, and complete."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}
    usage = {"completion_tokens": 2}
    body = msgspec.json.encode({"id": "a1", "object": "chat.completion", "choices": [choice], "usage": usage})
    for source_body in (body, body.replace(b",", b",\n  ")):
        heard = await ask(200, source_body)

        assert (heard.text, heard.end.outcome) == ("Hello", "complete")
        assert heard.answer.usage is not None
        assert heard.answer.usage.output == 2


@pytest.mark.parametrize("body", [b"", b"\n\n", b": ping\n\n", b"\xef\xbb\xbf"])
async def test_200_with_nothing(body: bytes) -> None:
    """P2: no event at all is a truncated answer, never an empty one."""
    heard = await play(body) if body else await play()

    assert isinstance(heard.error, TruncatedError)
    assert (heard.text, heard.end.outcome) == ("", "truncated")


async def test_done_alone() -> None:
    """P2, DESIGN 3: `[DONE]` without a finish reason is not enough."""
    alone, late = await play(DONE), await play(GOOD, DONE)

    assert (alone.end.outcome, late.end.outcome, late.text) == ("truncated", "truncated", "good ")
    assert "no finish reason" in late.message


async def test_an_error_after_text() -> None:
    """P1, V15: the text stands, the error is told, and what comes after it is ignored."""
    heard = await play(GOOD, frame(error={"message": "CUDA out of memory"}), HELLO, DONE)

    assert (heard.text, heard.end.outcome, heard.message) == ("good ", "error", "CUDA out of memory")


async def test_an_error_after_the_finish() -> None:
    """DESIGN 3: an error frame makes the outcome an error, even where a finish came too; both are kept."""
    heard = await play(GOOD, STOP, frame(error={"message": "late"}))

    assert (heard.end.outcome, heard.message) == ("error", "late")
    assert heard.answer.finish[0].reason == "stop"


async def test_invalid_utf_8() -> None:
    """P5, V08: what is no character becomes U+FFFD, and the rest of the text stays."""
    bad = GOOD.replace(b"good ", b"caf\xc3 \xff\xed\xa0\xbd!")
    heard = await play(GOOD, bad, HELLO)

    assert heard.end.outcome == "complete"
    assert heard.text.startswith("good caf\ufffd \ufffd")
    assert heard.text.endswith("!Hello")
    assert heard.text.encode()


async def test_half_a_surrogate_pair() -> None:
    """P5, V09: halves in two chunks are joined; one that stays alone becomes U+FFFD; none gets out."""
    high, low = text("x").replace(b'"x"', rb'"a\ud83d"'), text("x").replace(b'"x"', rb'"\ude00b"')
    joined = await play(high, low, HELLO)
    alone = await play(high, HELLO)
    last = await play(high)

    assert joined.text == "a😀bHello"
    assert alone.text == "a\ufffdHello"
    assert (last.text, last.end.outcome) == ("a\ufffd", "truncated")


@pytest.mark.parametrize("line", [b"x" * 65_536, b"data: " + b"x" * 65_530])
async def test_a_line_of_50_mb(line: bytes) -> None:
    """P8, V05: the bound is told by name, what came before is there, and no more than the bound is held."""
    tracemalloc.start()
    heard = await play(GOOD, line, *[b"x" * 65_536] * 800)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(heard.error, LimitError)
    assert (heard.text, heard.kind) == ("good ", "limit")
    assert "8388608 bytes (the limit of sse_decode)" in heard.message
    assert peak < 12 * 1024 * 1024


async def test_an_event_of_endless_lines() -> None:
    """P8, V06: many data lines without an end are one event, and bounded like one."""
    lines = b"data: " + b"x" * 1000 + b"\n"
    heard = await play(GOOD, *[lines * 65] * 150)

    assert (heard.text, heard.kind) == ("good ", "limit")


@pytest.mark.parametrize(
    "odd",
    [
        frame(id="a1", choices=[]),
        frame(id="a1", choices=None),
        frame(id="a1"),
        frame(),
        frame(choices=[{"index": 0}]),
        frame(choices=[{"index": 0, "delta": None}]),
        frame(choices=[{"index": 0, "delta": {"content": None}}]),
        frame(choices=[{"index": 0, "delta": {"content": 5}}]),
        frame(choices=[None, 5, "x"]),
        frame(choices=[{"delta": {}, "finish_reason": ""}]),
        b"event: something_new\ndata: {}\n\n",
        b": comment\n\n",
        b"retry: soon\nid: 1\n\n",
        b"data:\n\n",
    ],
)
async def test_a_chunk_that_says_nothing(odd: bytes) -> None:
    """V12, V04: `choices: []` and its like are no fault; the stream goes on."""
    first = await play(odd, HELLO)
    middle = await play(GOOD, odd, HELLO)

    assert (first.text, first.end.outcome) == ("Hello", "complete")
    assert (middle.text, middle.end.outcome) == ("good Hello", "complete")


async def test_fields_that_nobody_knows_are_kept() -> None:
    """V12: what is not modelled comes out as it is."""
    heard = await play(chunk(entry(content="a"), new_thing={"x": 1}), HELLO)

    assert [(e.kind, bytes(e.data)) for e in heard.events if isinstance(e, Extra)] == [
        ("new_thing", b'{"x":1}')
    ]
    assert (heard.text, heard.end.outcome) == ("aHello", "complete")


@pytest.mark.parametrize(
    "bad",
    [
        b"data: [1, 2]\n\n",
        b"data: []\n\n",
        b'data: "text"\n\n',
        b"data: null\n\n",
        b"data: 5\n\n",
        b"data: {not json}\n\n",
        b'data: {"choices": [\n\n',
        b"data: " + b"[" * 100_000 + b"\n\n",
        b"data: " + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n\n",
    ],
    ids=["list", "empty list", "string", "null", "number", "not json", "cut json", "deep", "deep and whole"],
)
async def test_no_json_object(bad: bytes) -> None:
    """V10, V11: a payload that is no JSON object ends the stream as broken protocol, after what was
    good; a little of it is shown."""
    heard = await play(GOOD, bad, HELLO)

    assert (heard.text, heard.end.outcome, heard.kind) == ("good ", "error", "protocol")
    assert len(heard.message) < 300


@pytest.mark.parametrize("number", [b"1" * 5000, b"1e999", b"-1", b"NaN"])
async def test_odd_numbers(number: bytes) -> None:
    """V11, V21: a number that cannot be never breaks anything but its own payload."""
    odd = (
        b'data: {"id":"a1","created":'
        + number
        + b',"choices":[],"usage":{"total_tokens":'
        + number
        + b"}}\n\n"
    )
    heard = await play(GOOD, odd, HELLO)

    assert heard.text in {"good ", "good Hello"}
    assert heard.end.outcome in {"complete", "error"}
    assert heard.kind in {None, "protocol"}


@pytest.mark.parametrize("index", [-1, 128, 10**9, 10**30])
async def test_a_choice_out_of_bounds(index: int) -> None:
    """V13: an index that no request asked for is a broken payload, not a memory of that size."""
    heard = await play(GOOD, chunk(entry(index, content="x")))

    assert (heard.text, heard.kind) == ("good ", "protocol")


async def test_masses_of_keep_alives() -> None:
    """P8, V07: they cost nothing but their own reading."""
    heard = await play(*[b": ping\n\n" * 5000] * 40, HELLO)

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
    assert heard.end.stats.keep_alives == 200_000
    assert len(heard.events) < 10
