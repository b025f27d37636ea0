"""Bytes of an event stream become events: by the letter, and as servers really send them."""

import gc
import json
import re
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.feeding import CUTS, pieces, run, run_bytes
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Comment, Done, Failure, SSEEvent, WireItem
from tokenweir.stages import sse_decode
from tokenweir.stages.sse_decode import SSEDecode

Decoded = tuple[str, str, str]

NAMES = [b"data", b"event", b"id", b"retry", b"error", b"Data", b"da", b""]
VALUES = [
    b"",
    b" ",
    b"  x",
    b"x",
    b"a:b",
    b"7",
    b"a\0b",
    b"[DONE]",
    b"[DONE] ",
    b'{"a":1}',
    b'{"a"',
    b"{",
    b"1]}",
]
ODD = [b"\xef\xbb\xbf", b"\xef", "\u2028é\x85".encode(), b"\0", b"\xff", b"\t", b" {", b"[1,", b'"', b"\\"]
ENDS = [b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r", b""]
FIELDS = st.builds(b"".join, st.tuples(*map(st.sampled_from, (NAMES, [b"", b":", b": "], VALUES, ENDS))))
USUAL = st.sampled_from(
    [b'data: {"a":1}\n\n', b"data: x\n\n", b"data: [DONE]\n\n", b": ping\n\n", b"data:\n\n"]
)
PARTS = st.lists(USUAL | FIELDS | st.sampled_from([*ODD, *ENDS]) | st.binary(max_size=3), max_size=12)
BODIES = PARTS.map(b"".join)
"""Streams made of what the format is made of, in any order."""

JSON = b'{"id":"a","choices":[]}'


def by_the_letter(body: bytes) -> Iterator[Decoded]:
    """The standard's own algorithm (HTML 9.2.6), character by character: (type, data, id)."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = re.split("\r\n|\r|\n", text)[:-1]  # what has no end is no line
    data, kind, last_id = "", "", ""
    for line in lines:
        if not line:
            if data:
                yield kind or "message", data[:-1], last_id
            data, kind = "", ""
            continue
        name, colon, value = line.partition(":")
        if colon and not name:
            continue
        value = value.removeprefix(" ")
        if name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last_id = value


def decoded(items: list[WireItem]) -> list[Decoded]:
    """The events among the items, as the standard would give them."""
    return [(e.type, e.data.decode("utf-8", "replace"), e.id) for e in items if isinstance(e, SSEEvent)]


def lenient(body: bytes) -> list[bytes]:
    """The data of all events of a body, and nothing but events comes of it."""
    out: list[Any] = run_bytes(sse_decode(), body)
    assert all(isinstance(item, SSEEvent) for item in out), out
    return [item.data for item in out]


# --- by the letter --------------------------------------------------------------------------------


@given(BODIES, CUTS)
@example(b"data: 1\r\rdata: 2\n\n", [16])
@example(b"data:1\r\r\ndata:2\n\n", [8, 9])
@example(b"\xef\xbb\xbfdata: 1\n\n\xef\xbb\xbfdata: 2\n\n", [1, 2])
def test_strict_is_the_standard(body: bytes, cuts: list[int]) -> None:
    """P3, V01, V02, V04: strict gives exactly what the standard's own algorithm gives, however the
    bytes arrive, and nothing for what is unfinished."""
    out = run_bytes(sse_decode(strict=True), body, cuts)

    assert decoded(out) == list(by_the_letter(body))
    assert all(isinstance(item, (SSEEvent, Comment)) for item in out)


@given(BODIES, CUTS, st.booleans(), st.integers(1, 60))
def test_cuts_change_nothing(body: bytes, cuts: list[int], strict: bool, limit: int) -> None:  # noqa: FBT001 - drawn, not called
    """P3, V01, V05, V06: the same bytes give the same items, cut anywhere, byte by byte or not at
    all; the limit too is met at the same byte."""
    stage = sse_decode(strict=strict, limit=limit)
    whole = run_bytes(stage, body)

    assert run_bytes(stage, body, cuts) == whole
    assert run_bytes(stage, body, range(len(body))) == whole


@given(PARTS, CUTS, st.booleans(), st.integers(1, 60))
def test_the_short_ways_are_the_long_way(
    parts: list[bytes],
    cuts: list[int],
    strict: bool,  # noqa: FBT001 - drawn, not called
    limit: int,
) -> None:
    """P3: the checked short ways, for a block of plain events and for a read of just one, give what the
    line machine gives."""

    def long_way(_self: SSEDecode, block: bytes, _out: list[WireItem]) -> bytes:
        return block

    def never(_self: SSEDecode, _data: bytes) -> bool:
        return False

    stage = sse_decode(strict=strict, limit=limit)
    reads = [[part] for part in parts]
    short = run(stage, reads), run_bytes(stage, b"".join(parts), cuts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SSEDecode, "_take_fast", long_way)
        patch.setattr(SSEDecode, "_is_one_event", never)

        assert (run(stage, reads), run_bytes(stage, b"".join(parts), cuts)) == short


@given(st.text(), CUTS)
def test_only_line_ends_end_lines(text: str, cuts: list[int]) -> None:
    """V02: U+2028, U+2029, U+0085, VT and FF are data, also right at a cut."""
    data = text.replace("\r", "").replace("\n", "") + "\u2028\u2029\x85\v\f."
    body = f"data: {data}\n\n".encode()

    assert decoded(run_bytes(sse_decode(), body, cuts)) == [("message", data, "")]


def test_comments_are_signs_of_life() -> None:
    """PROTOCOLS 1.1: comments carry no data and are still told, with a space or without."""
    body = b": keep-alive\n\n:ping\r\ndata: x\n: \xff between \n\n:\n"

    assert run_bytes(sse_decode(), body) == [
        Comment("keep-alive"),
        Comment("ping"),
        Comment("\ufffd between"),
        SSEEvent(b"x"),
        Comment(""),
    ]


def in_reads(*reads: bytes, **options: Any) -> list[WireItem]:
    """What comes of some reads, each given to the core by itself, and of all of them given in one batch."""
    stage = sse_decode(**options)
    out = run(stage, [[read] for read in reads])
    assert run(stage, [list(reads)]) == out
    return out


ONE = b'data: {"n":1}\n\n'
READS: dict[str, tuple[list[bytes], list[Decoded]]] = {
    "events alone": ([ONE, b"data: 2\n\n", b"data: 3\n\n"], [("message", "2", ""), ("message", "3", "")]),
    "behind a data line": ([ONE, b"data: a\n", b"data: b\n\n"], [("message", "a\nb", "")]),
    "behind a data line, at first": ([b"data: a\n", b"data: b\n\n", ONE], [("message", '{"n":1}', "")]),
    "two data lines": ([ONE, b"data: a\ndata: b\n\n"], [("message", "a\nb", "")]),
    "another line end": ([ONE, b"data: a\rdata: b\n\n"], [("message", "a\nb", "")]),
    "behind an id": ([ONE, b"id: 7\n\n", b"data: a\n\n"], [("message", "a", "7")]),
    "several behind an id": (
        [b"id: 7\n\n", b"data: a\n\ndata: b\n\n"],
        [("message", "b", "7")],
    ),
    "behind a type": ([ONE, b"event: x\n", b"data: a\n\n"], [("x", "a", "")]),
    "behind a type, at first": ([b"event: x\n", b"data: a\n\n"], []),
    "behind half a line": ([ONE, b"da", b"ta: a\n\n"], [("message", "a", "")]),
    "behind a carriage return": (
        [ONE, b"data: a\r\n\r", b"\ndata: b\n\n"],
        [("message", "a", ""), ("message", "b", "")],
    ),
}
"""Reads that look like one usual event, and what comes after the first event."""


@pytest.mark.parametrize(("reads", "events"), READS.values(), ids=READS)
def test_what_came_before_a_usual_event_counts(reads: list[bytes], events: list[Decoded]) -> None:
    """P3, V04: a read that looks like one whole event is one only where nothing is pending."""
    out = in_reads(*reads)

    assert decoded(out)[1:] == events
    assert decoded(out) == list(by_the_letter(b"".join(reads)))


def test_bare_json_is_not_left_for_a_usual_event() -> None:
    """P3: what stands between its brackets belongs to it, and is no event, whatever it looks like."""
    assert in_reads(ONE, b'{"a":\n', b"data: x\n\n", b"}\n", b"data: y\n\n") == [
        SSEEvent(b'{"n":1}'),
        SSEEvent(b"y"),
    ]


def test_the_type_of_the_first_event() -> None:
    """V04: an event has the type that was told before its data, the very first one too."""
    assert decoded(run_bytes(sse_decode(), b"event: x\ndata: 1\n\n")) == [("x", "1", "")]


def test_an_id_with_a_nul_is_no_id() -> None:
    """HTML 9.2.6: such a field is ignored, and the last id stays."""
    assert decoded(run_bytes(sse_decode(), b"id: 1\nid: a\0b\ndata: x\n\n")) == [("message", "x", "1")]


def test_what_flows() -> None:
    """Bytes in, wire events out."""
    stage = sse_decode(limit=1)

    assert (stage.name, stage.takes, stage.gives) == ("sse_decode", "bytes", "wire")


# --- the limit ------------------------------------------------------------------------------------

TOO_LARGE = {
    "one line": b"data: " + b"x" * 30,
    "many lines": b"data: 45678\n" * 4,
    "empty data lines": b"data\n" * 12,
    "bare JSON lines": b"{\n" + b'"a":1,\n' * 5,
    "empty lines inside bare JSON": b"{" + b"\n" * 50,
    "no field at all": b"x" * 50,
    "a comment": b":" + b"x" * 50,
}


@pytest.mark.parametrize("body", TOO_LARGE.values(), ids=TOO_LARGE)
def test_limit(body: bytes) -> None:
    """V05, V06: an event beyond the limit is one failure that names the limit; what follows is not
    looked at, since nobody can know where the next event begins."""
    out = run_bytes(sse_decode(limit=35), b"data: a\n\n" + body + b"\n\ndata: b\n\n")

    assert out == [
        SSEEvent(b"a"),
        Done(Failure("limit", "one event is larger than 35 bytes (the limit of sse_decode)")),
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("size", [1, 7, 400])
def test_limit_is_exact(size: int, end: bytes) -> None:
    """V05: an event of exactly the limit passes; one byte more does not. Line ends do not count."""
    body = b"data: " + b"x" * size + end * 2

    assert run_bytes(sse_decode(limit=6 + size), body) == [SSEEvent(b"x" * size)]
    assert [type(item) for item in run_bytes(sse_decode(limit=5 + size), body)] == [Done]


@pytest.mark.parametrize("before", [b"", b"data: a\n\n", b": ping\n\n", b"event: x\n"])
def test_limit_is_exact_over_lines(before: bytes) -> None:
    """V05: the lines of one event add up, from the first `data` on, in the first event and in later ones;
    a line that is not ended yet counts as far as it came, and exactly the limit may still end."""
    body = b"data: 1\ndata: 2\n\n"

    assert run_bytes(sse_decode(limit=14), before + body)[-1:] == [
        SSEEvent(b"1\n2", "x" if b"x" in before else "message")
    ]
    assert isinstance(run_bytes(sse_decode(limit=13), before + body)[-1], Done)
    core = sse_decode(limit=14).core()
    core.feed([before, b"data: 1\n"])

    assert core.feed([b"data: 2"]) == []
    assert [type(item) for item in core.feed([b"3"])] == [Done]


def test_limit_counts_one_event() -> None:
    """V07: comments, empty events, and events with one line end between them never add up
    (of the last, two have to fit: only the second one tells that the first was whole)."""
    body = b": ping\n\n" * 40 + b"event: x\n" * 40 + b'data: {"a":1}\n' * 40

    assert len(run_bytes(sse_decode(limit=26), body)) == 80


def test_limit_without_sense() -> None:
    """Options are checked when the stage is made."""
    with pytest.raises(MisuseError, match="at least 1"):
        sse_decode(limit=0)


@pytest.mark.parametrize("line", [b"x", b"data:ab\n", b'{"a":[\n', b"{\n" * 2 + b"\n" * 30, b"data: {\n"])
def test_what_is_held_is_held_as_bytes(line: bytes) -> None:
    """P8, V05, V06: an unfinished event costs its own size in memory, in whatever pieces it came."""
    core = SSEDecode(strict=False, limit=1 << 20)
    body = line * (60_000 // len(line))
    gc.collect()
    tracemalloc.start()
    try:
        for piece in pieces(body, range(0, len(body), 2)):
            assert core.feed([piece]) == []
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 2 * len(body)


# --- as servers really send them (PROTOCOLS 1.2) --------------------------------------------------


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("data", [b"[DONE]", b"[DONE] ", JSON, b'{"a":\ndata: 1}'])
def test_last_event_without_empty_line(data: bytes, end: bytes) -> None:
    """V03: an unfinished last event counts where it is `[DONE]` or whole JSON; strict discards it."""
    body = b"data: x\n\ndata: " + data + end

    assert lenient(body) == [b"x", data.replace(b"\ndata: ", b"\n")]
    assert decoded(run_bytes(sse_decode(strict=True), body)) == [("message", "x", "")]


def test_cut_off_anywhere() -> None:
    """P1, P2, V03: wherever a stream breaks off, what was whole is told, and what was cut off is not
    called something else (no failure is made of it here: the pipeline knows that it was truncated).
    Of the old `error:` field the beginning is told too: it is an error already."""
    body = b'event: a\r\nid: 1\r\ndata: {"n":1}\r\n\r\n: ping\n\ndata: {"n":2}\n\n{"n":\n3}\n'
    whole = decoded(run_bytes(sse_decode(), body + b"data: [DONE]\n\nerror: gone\n"))
    readable = [body.index(end) + len(end) for end in (b":1}", b":2}", b"3}")]
    for size in range(len(body)):
        out = run_bytes(sse_decode(), body[:size])

        assert decoded(out) == whole[: sum(size >= at for at in readable)], size
        assert not any(isinstance(item, Done) for item in out), size
    body += b"data: [DONE]\n\n"
    assert decoded(run_bytes(sse_decode(), body + b"error: go")) == [*whole[:-1], ("error", '"go"', "1")]


def test_events_with_one_line_end_between() -> None:
    """PROTOCOLS 1.2: where whole JSON is followed by another value, the empty line is missing; each
    event has the type that stood before its own data."""
    body = b'event: a\ndata: {"n":1}\nevent: error\ndata: {"n":2}\ndata: {"n":3}\ndata: [DONE]\n'

    assert decoded(run_bytes(sse_decode(), body)) == [
        ("a", '{"n":1}', ""),
        ("error", '{"n":2}', ""),
        ("message", '{"n":3}', ""),
        ("message", "[DONE]", ""),
    ]
    assert len(decoded(run_bytes(sse_decode(strict=True), body + b"\n"))) == 1


@given(
    st.recursive(st.integers(), lambda inner: st.dictionaries(st.text(max_size=3), inner)), st.integers(1, 3)
)
def test_one_value_over_data_lines(value: object, indent: int) -> None:
    """V04: one JSON value over several `data` lines stays one event, in both readings."""
    lines = json.dumps({"a": value}, indent=indent).split("\n")
    body = "".join(f"data: {line}\n" for line in lines).encode() + b"\n"

    assert lenient(body) == ["\n".join(lines).encode()]


@pytest.mark.parametrize("typed", [b"", b"event: x\n"])
def test_event_type_may_follow_the_data(typed: bytes) -> None:
    """V04: by the standard the last type before the empty line counts, even one behind the data."""
    body = typed + b"data: 1\nevent: b\n\ndata: 2\nevent: \n\ndata: 3\n\n"

    assert [kind for kind, _, _ in decoded(run_bytes(sse_decode(), body))] == ["b", "message", "message"]


@pytest.mark.parametrize(
    ("field", "data"),
    [
        (b'error: {"code":400,"message":"too long"}', b'{"code":400,"message":"too long"}'),
        (b"error:out of memory", b'"out of memory"'),
        (b'error: {"message": "\xff', b'"{\\"message\\": \\"\xef\xbf\xbd"'),
    ],
)
def test_error_field(field: bytes, data: bytes) -> None:
    """PROTOCOLS 1.2: llama-server's old `error:` field is an error event; SDKs see nothing at all."""
    body = b"data: x\n" + field + b"\n\ndata: [DONE]\n\n"

    assert decoded(run_bytes(sse_decode(), body)) == [
        ("message", "x", ""),
        ("error", data.decode(), ""),
        ("message", "[DONE]", ""),
    ]
    assert decoded(run_bytes(sse_decode(strict=True), body)) == [
        ("message", "x", ""),
        ("message", "[DONE]", ""),
    ]


def test_error_field_without_value() -> None:
    """PROTOCOLS 1.2: a field named `error` that says nothing is an unknown field."""
    assert lenient(b"error:\ndata: x\n\n") == [b"x"]


@pytest.mark.parametrize("space", [b"", b"\n\n\n", b"  ", b"\r\n \t"])
@pytest.mark.parametrize("indent", [None, 2])
def test_json_body(indent: int | None, space: bytes) -> None:
    """PROTOCOLS 1.2: a whole JSON body, with white space or empty lines before it, is one event."""
    body = json.dumps({"choices": [{"message": {"content": "a\n}{"}}]}, indent=indent).encode()

    assert [json.loads(data) for data in lenient(space + body)] == [json.loads(body)]


def test_ndjson_body() -> None:
    """PROTOCOLS 1.2, V24: JSON lines under the name of an event stream, the last one without its end."""
    assert lenient(b'{"n":1}\r\n\r\n {"n":2}\n{"n":NaN}\n{"a":"\\ud83d"}') == [
        b'{"n":1}',
        b' {"n":2}',
        b'{"n":NaN}',
        b'{"a":"\\ud83d"}',
    ]


def test_bare_json_within_a_stream() -> None:
    """PROTOCOLS 1.2: an error that a proxy wrote raw into the body, over several lines, is an event;
    an event that was pending before it comes before it."""
    assert lenient(b'data: {"n":1}\n{\n\n  "error": "load failed"\n}\ndata: [DONE]\n\n') == [
        b'{"n":1}',
        b'{\n\n  "error": "load failed"\n}',
        b"[DONE]",
    ]


@pytest.mark.parametrize(
    ("before", "kind"), [(b"", "error"), (b"data: 1\n", "message"), (b"event: x\ndata: 1\n", "message")]
)
def test_bare_json_keeps_its_type(before: bytes, kind: str) -> None:
    """An event's name stands for the value under it where a proxy forgot the `data:`; a name that data
    has used up does not."""
    items = run_bytes(sse_decode(), before + b'event: error\n{"a":1}\n{"b":2}\n')

    assert [(item.type, item.data) for item in items if isinstance(item, SSEEvent)][-2:] == [
        (kind, b'{"a":1}'),
        ("message", b'{"b":2}'),
    ]


def test_bare_end_marker() -> None:
    """PROTOCOLS 1.2: `[DONE]` without `data:` is the end marker all the same."""
    assert lenient(b'{"n":1}\n[DONE]\n') == [b'{"n":1}', b"[DONE]"]


def test_brackets_that_are_no_json() -> None:
    """PROTOCOLS 1.1: a line of a log is an unknown field and harms nothing, though it has brackets."""
    assert lenient(b"[INFO] model loaded\ndata: x\n\n{not json}\ndata: y\n\n") == [b"x", b"y"]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"<!DOCTYPE html>\n<p>502\x1b[2J</p>\n", r"<!DOCTYPE html> <p>502\x1b[2J</p>"),
        (b"Internal Server Error", "Internal Server Error"),
        (b": ok\n\nupstream: gone\n", "upstream: gone"),
        (b"[oops] bad", "[oops] bad"),
        ("é" * 300, None),
    ],
)
def test_not_a_stream(body: bytes | str, shown: str | None) -> None:
    """V10: a body that holds no event but something else is told as that, with its beginning in
    printable ASCII and never the whole."""
    raw = body.encode() if isinstance(body, str) else body
    *before, done = run_bytes(sse_decode(), raw)

    assert all(isinstance(item, Comment) for item in before)
    assert isinstance(done, Done)
    assert done.failure is not None
    assert done.failure.kind == "protocol"
    assert done.failure.message.isascii()
    assert done.failure.message.isprintable()
    assert len(done.failure.message) < 900
    assert shown is None or done.failure.message == f"the body is not an event stream; it begins: {shown}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b": ping\n\n",
        b"retry: 3000\n\n",
        b"\xef\xbb",
        b"da",
        b"data",
        b"ret",
        b'data: {"a',
        b'{"er',
    ],
)
def test_nothing_is_not_something_else(body: bytes) -> None:
    """P2: an empty body, keep-alives, and what was cut off in its first event are no other format."""
    assert [item for item in run_bytes(sse_decode(), body) if not isinstance(item, Comment)] == []
