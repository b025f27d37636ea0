"""What the lines of Ollama's own API mean (PROTOCOLS 4.1, 4.2)."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from tests.feeding import CUTS, run, run_bytes, run_items
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import (
    Comment,
    Delta,
    Done,
    Event,
    Extra,
    Failure,
    Finish,
    FinishReason,
    Phase,
    SSEEvent,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

TRACES = Path(__file__).parents[4] / "shared" / "traces" / "wire"
CHAT = decode_frames("ollama-chat") | decode_protocol("ollama-chat", provider="ollama")
GENERATE = decode_frames("ollama-generate") | decode_protocol("ollama-generate", provider="ollama")
START = Start(None, "ollama", "m", 1795168800)
HEAD = {"model": "m", "created_at": "2026-11-20T10:00:00.1Z"}


def line(content: str = "", **fields: Any) -> bytes:
    """One line of a chat; `message` in it has the content unless it is given."""
    message = {"role": "assistant", "content": content}
    return json.dumps({**HEAD, "message": message, "done": False, **fields}).encode() + b"\n"


def said(**message: Any) -> bytes:
    """One line with these fields of a message."""
    return line(message={"role": "assistant", "content": "", **message})


def call(arguments: Any, **fields: Any) -> dict[str, Any]:
    """One entry of `tool_calls`."""
    return {"function": {"name": "f", "arguments": arguments}, **fields}


STOP = line(done=True, done_reason="stop")
FIGURES: dict[str, Any] = {
    "total_duration": 900,
    "load_duration": 100,
    "prompt_eval_count": 5,
    "prompt_eval_duration": 200,
    "eval_count": 7,
    "eval_duration": 500,
}
WHOLE = (
    said(thinking="Let me")
    + line("Hé")
    + line("llo 🙂")
    + said(tool_calls=[call({"x": "é"}, id="c1")])
    + line(done=True, done_reason="stop", **FIGURES)
)
"""An answer that has everything."""


def chat(body: bytes) -> list[Event]:
    """The events of one body of `/api/chat`."""
    return run_bytes(CHAT, body)


def extras(events: list[Event], kind: str) -> list[Any]:
    """The data of every Extra of that kind."""
    return [msgspec.json.decode(e.data) for e in events if isinstance(e, Extra) and e.kind == kind]


def test_a_whole_answer_in_order() -> None:
    """Thinking, text, a call, the finish, the figures, the times, and the end."""
    *found, done = chat(WHOLE)
    timings = found.pop()

    assert found == [
        START,
        Delta("Let me", "reasoning"),
        Delta("Hé"),
        Delta("llo 🙂"),
        ToolDelta(0, "c1", "f", '{"x":"é"}'),
        Finish("tool_calls", "stop"),
        Usage(5, 7),
    ]
    assert extras([timings], "timings") == [
        {"total_duration": 900, "load_duration": 100, "prompt_eval_duration": 200, "eval_duration": 500}
    ]
    assert done == Done()


def test_one_line_may_hold_all_of_it() -> None:
    """`stream: false` is one object; reasoning comes first, then the text, then the calls."""
    body = line(
        message={"role": "assistant", "content": "Hi", "thinking": "Hm", "tool_calls": [call({})]},
        done=True,
        done_reason="stop",
    )

    assert chat(body.rstrip()) == [
        START,
        Delta("Hm", "reasoning"),
        Delta("Hi"),
        ToolDelta(0, None, "f", "{}"),
        Finish("tool_calls", "stop"),
        Done(),
    ]


def test_generate_has_its_content_in_the_line() -> None:
    """`response`, `thinking`, and the context at the end, which is kept."""
    lines = [
        {**HEAD, "response": "", "thinking": "Hm", "done": False},
        {**HEAD, "response": "Hi", "done": False},
        {**HEAD, "response": "", "tool_calls": [call({"a": 1})], "done": False},
        {**HEAD, "response": "", "done": True, "done_reason": "stop", "context": [1, 2], "eval_count": 3},
    ]
    found = run_bytes(GENERATE, "\n".join(map(json.dumps, lines)).encode())

    assert [event for event in found if not isinstance(event, Extra)] == [
        START,
        Delta("Hm", "reasoning"),
        Delta("Hi"),
        ToolDelta(0, None, "f", '{"a":1}'),
        Finish("tool_calls", "stop"),
        Usage(None, 3),
        Done(),
    ]
    assert extras(found, "context") == [[1, 2]]


def test_generate_reads_the_rare_line_as_the_usual_one() -> None:
    """P3: the first line, one with a field that nobody knows, and the lines between say what they say."""
    lines: list[dict[str, Any]] = [
        {"response": "H"},
        {"thinking": "a", "response": ""},
        {"response": "i", "x": 1},
        {"thinking": "b"},
    ]
    found = run_bytes(
        GENERATE, b"".join(json.dumps({**HEAD, "done": False, **some}).encode() for some in lines)
    )

    assert [event for event in found if not isinstance(event, Extra)] == [
        START,
        Delta("H"),
        Delta("a", "reasoning"),
        Delta("i"),
        Delta("b", "reasoning"),
    ]


@pytest.mark.parametrize(
    ("native", "reason"),
    [("stop", "stop"), ("length", "length"), ("load", "other"), ("unload", "other"), ("new", "other")],
)
def test_done_reasons(native: str, reason: FinishReason) -> None:
    """V22: loading and unloading are no answer, and their own word is kept."""
    assert chat(line(done=True, done_reason=native)) == [START, Finish(reason, native), Done()]


def test_no_reason_is_a_stop() -> None:
    """Old servers end with `done: true` alone."""
    assert chat(line("Hi") + line(done=True)) == [START, Delta("Hi"), Finish("stop", None), Done()]


def test_a_length_with_calls_stays_a_length() -> None:
    """Only `stop` is what calls end with."""
    found = chat(said(tool_calls=[call({})]) + line(done=True, done_reason="length"))

    assert Finish("length", "length") in found


def test_parallel_calls_are_calls_of_their_own() -> None:
    """Numbered by the order in which they come: old servers number every one 0, or none."""
    calls = [[call({"n": 1})], [call({"n": 2}), {"function": {"index": 0, "name": "g", "arguments": None}}]]
    found = chat(b"".join(said(tool_calls=some) for some in calls) + STOP)

    assert [event for event in found if isinstance(event, ToolDelta)] == [
        ToolDelta(0, None, "f", '{"n":1}'),
        ToolDelta(1, None, "f", '{"n":2}'),
        ToolDelta(2, None, "g", "{}"),
    ]


def test_arguments_as_text_pass() -> None:
    """A server that is not Ollama may send a string: it is not encoded twice."""
    found = chat(said(tool_calls=[call('{"a": 1}', thought="t")]) + STOP)

    assert ToolDelta(0, None, "f", '{"a": 1}') in found
    assert extras(found, "tool_call") == [{"call": 0, "thought": "t"}]


def test_what_a_call_is_made_of_is_nothing_new() -> None:
    """DESIGN 3: type and index, wherever they stand, are told by the call; anything else is kept with it."""
    function: dict[str, Any] = {"index": 0, "name": "f", "arguments": {}, "strict": True}
    found = chat(said(tool_calls=[call({}, type="function", index=3), {"function": function}], y=1) + STOP)

    assert extras(found, "tool_call") == [{"call": 1, "strict": True}]
    assert {event.index for event in found if isinstance(event, Extra)} == {0}


def test_too_many_calls_are_the_end() -> None:
    """V14: what came before them is delivered."""
    *found, done = chat(said(tool_calls=[call({})] * (CALL_LIMIT + 1)) + STOP)

    assert len(found) == 1 + CALL_LIMIT
    assert isinstance(done, Done)
    assert done.failure == Failure("limit", f"more than {CALL_LIMIT} tool calls in one answer")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("something broke", "upstream"),
        ("model runner has unexpectedly stopped, this may be due to resource limitations", "model_crashed"),
        ("llama runner process has terminated: exit status 2", "model_crashed"),
        ("the input length exceeds the context length", "context_length"),
        ("model 'm' not found", "model_not_found"),
        ("server busy, please try again.  maximum pending requests exceeded", "overloaded"),
    ],
)
def test_an_error_line(message: str, kind: str) -> None:
    """V15: the text, then the failure with Ollama's own words, and nothing after it."""
    error = json.dumps({"error": message}).encode() + b"\n"
    *found, done = chat(line("So far") + error + STOP)

    assert found == [START, Delta("So far")]
    assert isinstance(done, Done)
    assert done.failure is not None
    assert (done.failure.kind, done.failure.message) == (kind, message)


def test_an_error_alone_starts_nothing() -> None:
    """V16: a 200 whose only line is an error: no Start, so that a fallback may still be taken."""
    (done,) = chat(b'{"error":"boom"}')

    assert isinstance(done, Done)
    assert done.failure is not None
    assert done.failure.message == "boom"


def test_an_error_beside_content_comes_after_it() -> None:
    """What the line brought is not lost."""
    found = chat(line("last", error="boom"))

    assert found[:2] == [START, Delta("last")]
    assert isinstance(found[2], Done)
    assert found[2].failure is not None
    assert found[2].failure.message == "boom"
    assert msgspec.json.decode(found[2].failure.native or b"") == {**HEAD, "error": "boom"}


def test_half_a_pair_before_an_error() -> None:
    """V09, V15: it is told, as U+FFFD, before the failure."""
    found = chat(line("@").replace(b"@", rb"c\ud83d") + b'{"error":"boom"}')

    assert found[1:3] == [Delta("c"), Delta("\ufffd")]
    assert isinstance(found[3], Done)


@pytest.mark.parametrize("cut", [b"", line("a"), line("a") + STOP[:-3], said(thinking="x")])
def test_no_done_line_is_no_end(cut: bytes) -> None:
    """P2, U10: nothing is said of a body that was cut: the pipeline calls it truncated."""
    assert not any(isinstance(event, (Done, Finish)) for event in chat(cut))


@pytest.mark.parametrize("done", [False, None, 1, "true"])
def test_only_true_is_done(done: Any) -> None:
    """A field of the wrong type ends nothing."""
    assert chat(line("a", done=done)) == [START, Delta("a")]


def test_nothing_counts_after_the_end() -> None:
    """V17: text and a second end after `done` are ignored."""
    assert chat(STOP + line("late") + STOP) == chat(STOP)


def test_every_cut_before_the_end_is_incomplete_and_none_after() -> None:
    """P2, P3: at each byte: the text is a prefix, and only the whole `done` line completes."""
    full = Assembly()
    full.feed(chat(WHOLE))
    for cut in range(len(WHOLE) + 1):
        found = chat(WHOLE[:cut])
        part = Assembly()
        part.feed(found)

        assert full.text().startswith(part.text())
        assert (Done() in found) == (cut >= len(WHOLE) - 1)


@given(CUTS)
def test_where_the_bytes_are_cut_is_invisible(cuts: list[int]) -> None:
    """V01: the same events for every split."""
    assert run_bytes(CHAT, WHOLE, cuts) == chat(WHOLE)


@pytest.mark.parametrize("end", [b"\r\n", b"\n\n", b" ", b""])
def test_lines_as_servers_end_them(end: bytes) -> None:
    """V24: CRLF, blank lines, or no line end at all between two objects."""
    assert chat(WHOLE.replace(b"\n", end)) == chat(WHOLE)


def test_halves_of_a_pair_are_joined() -> None:
    r"""V09: `\ud83d` and `\ude00` in two lines; alone at the end it is U+FFFD, before the finish."""
    pair = line("@").replace(b"@", rb"a\ud83d") + line("@").replace(b"@", rb"\ude00b")
    lone = line("@").replace(b"@", rb"c\ud83d")
    answer = Assembly()
    found = chat(pair + lone + STOP)
    answer.feed(found)

    assert answer.text() == "a😀bc\ufffd"
    assert found[-2:] == [Finish("stop", "stop"), Done()]
    assert chat(lone)[-1] == Delta("\ufffd")
    assert chat(line("a") + lone + line("b"))[1:] == [Delta("a"), Delta("c"), Delta("\ufffdb")]


def test_unknown_fields_are_kept() -> None:
    """V12: around the message once a value, with the tokens each time."""
    token = {"logprobs": [{"token": "a", "logprob": -0.1}], "remote_host": "h", "_debug_info": {"n": 1}}
    found = chat(line("a", **token) + line("a", **token) + said(images=["aGk="], tool_name="t") + STOP)

    assert extras(found, "logprobs") == [token["logprobs"]] * 2
    assert extras(found, "remote_host") == ["h"]
    assert extras(found, "_debug_info") == [{"n": 1}]
    assert extras(found, "images") == [["aGk="]]
    assert extras(found, "tool_name") == ["t"]


BAD: list[Any] = [None, "text", [], {"content": None}, {"content": 5}]
MORE: list[Any] = [{"tool_calls": {}}, {"tool_calls": [None, 1, {}]}]


@pytest.mark.parametrize("message", [*BAD, *MORE])
def test_content_of_the_wrong_type_is_no_content(message: Any) -> None:
    """V12: it is ignored, and the stream goes on."""
    found = [
        event for event in chat(line(message=message) + line("a") + STOP) if not isinstance(event, Extra)
    ]

    assert found == [START, Delta("a"), Finish("stop", "stop"), Done()]


@pytest.mark.parametrize("count", [-1, True, "7", 1.5, None])
def test_figures_that_cannot_be_are_left_out(count: Any) -> None:
    """V21: no usage rather than a wrong one."""
    assert not any(isinstance(event, Usage) for event in chat(line(done=True, eval_count=count)))


@pytest.mark.parametrize(
    "data", [b"[1]", b'"x"', b"nonsense", b"\xff", b'{"a":' * 100_000, b'{"a":' * 9999 + b"1" + b"}" * 9999]
)
def test_what_is_no_line_is_a_protocol_failure(data: bytes) -> None:
    """V10, V11: told as such, also by a hand-made framing that lets it through."""
    found = run_items(decode_protocol("ollama-chat"), [SSEEvent(line("a")), SSEEvent(data)])

    assert found[1] == Delta("a")
    done = found[-1]
    assert isinstance(done, Done)
    assert done.failure is not None
    assert done.failure.kind == "protocol"
    assert re.match(
        r"a line is not (JSON: |a JSON object: )|a line is nested too deeply$", done.failure.message
    )


def test_no_depth_escapes() -> None:
    """V11: whichever of our readers gives up first, it is an end and no exception."""
    ends = [
        run_items(decode_protocol("ollama-chat"), [SSEEvent(b'{"x":' * depth + b"1" + b"}" * depth)])[-1]
        for depth in range(1, 1100)
    ]
    failed = [end for end in ends if isinstance(end, Done)]

    assert failed
    assert all(done.failure and done.failure.kind == "protocol" for done in failed)
    assert all(done.failure and done.failure.message.startswith("a line is n") for done in failed)


def test_numbers_of_any_size_in_arguments() -> None:
    """V11: larger than 64 bits, in arguments and in fields nobody knows."""
    found = chat(said(tool_calls=[call({"n": 10**30})]) + line("a", big=10**30) + STOP)

    assert found[-1] == Done()
    assert next(event for event in found if isinstance(event, ToolDelta)).arguments.startswith('{"n":1')


def test_a_page_is_a_protocol_failure() -> None:
    """U30: a proxy's HTML with a 200."""
    (done,) = chat(b"<html><body>502</body></html>")

    assert isinstance(done, Done)
    assert done.failure is not None
    assert done.failure.kind == "protocol"


def test_what_is_not_of_the_wire_passes_or_is_counted() -> None:
    """A stage before may give events; comments are signs of life; a fault of the framing is the end."""
    core = decode_protocol("ollama-chat").core()
    ping, unusual = Comment("ping"), SSEEvent(line("c", x=1))
    lines = [SSEEvent(line("a")), unusual, SSEEvent(line("d")), SSEEvent(line("e")), unusual]
    items: list[Any] = [ping, Phase("loading"), *lines, ping, Done(Failure("limit", "x"))]
    found = core.feed(items)

    assert found[0] == Phase("loading")
    assert found[-1] == Done(Failure("limit", "x"))
    assert core.feed([SSEEvent(line("b"))]) == []
    assert core.figures() == {"chunks": 5, "keep_alives": 2}


@pytest.mark.skipif(not TRACES.is_dir(), reason="no traces beside this checkout")
@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize("path", sorted(TRACES.glob("ollama-*.wire")), ids=lambda path: path.stem)
def test_what_servers_really_sent(path: Path, size: int) -> None:
    """V01: recorded answers mean what they are known to mean, whole and in pieces."""
    name = path.name.partition("--")[0]
    want = json.loads(path.with_suffix(".expect.json").read_text("utf-8"))
    body = path.read_bytes()
    step = size or len(body)
    stage = decode_frames(name) | decode_protocol(name)
    answer = Assembly()
    answer.feed(run(stage, ([body[at : at + step]] for at in range(0, len(body), step))))

    assert answer.text() == want["text"]
    assert [(c["name"], json.loads(c["arguments"])) for c in answer.tool_calls()] == [
        (c["name"], c["arguments"]) for c in want["tool_calls"]
    ]
    assert answer.finish[0].native == want["finish_reason"]
    assert answer.usage is not None
    assert (answer.usage.input, answer.usage.output) == (want["usage"]["input"], want["usage"]["output"])


def test_what_is_no_call_and_what_a_call_has_beside() -> None:
    """V12: an entry that is no object, and fields of a call that nobody models, or of another type."""
    odd: dict[str, Any] = {"id": 7, "function": {"name": "f", "arguments": {}, "strict": True}, "extra": "e"}
    found = chat(said(tool_calls=["no call", odd]) + STOP)
    kept = [event for event in found if isinstance(event, Extra)]

    assert extras(found, "tool_call") == ["no call", {"call": 0, "extra": "e", "strict": True, "id": 7}]
    assert {event.index for event in kept if event.kind == "tool_call"} == {0}
    assert [event for event in found if isinstance(event, ToolDelta)] == [ToolDelta(0, None, "f", "{}")]
