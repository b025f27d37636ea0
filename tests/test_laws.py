"""The law of cores, held against every stage.

Law of this file: what is true of all stages alike. A stage that is not in the table fails a test; what
is true of one stage alone stands with that stage.
"""

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from time import process_time
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

import tokenweir.stages
from tests.chat import call, chunk
from tests.feeding import CUTS, pieces, run
from tokenweir.pipeline.core import FusedCore
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import (
    Comment,
    Delta,
    Done,
    Event,
    Extra,
    Failure,
    Finish,
    Gap,
    Phase,
    Revise,
    Snapshot,
    SSEEvent,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.stage import Stage
from tokenweir.stages import (
    append_only,
    coalesce,
    cumulative_detect,
    decode_protocol,
    delta_extract,
    limit,
    ndjson_decode,
    reasoning_split,
    sse_decode,
    stop_at,
    take,
    throttle,
    token_count,
)
from tokenweir.stages.decode_protocol import PROTOCOLS

AnyStage = Stage[Any, Any]
Input = list[Any]

# --- what flows -----------------------------------------------------------------------------------

LINES = [
    b"data: ",
    b"data:",
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\r",
    b": ping\n\n",
    b"event: error\n",
    b"id: 1\n",
    b"\xef\xbb\xbf",
]
VALUES = [
    b'{"a":1}',
    b'{"a":',
    b"1}",
    b"[DONE]",
    b"x",
    b"\xff",
    b"[",
    b"]",
    b",",
    b'"',
    b"\\",
    "\u2028".encode(),
    b"{}\n",
]
PAYLOADS: list[Any] = [
    chunk(content="a"),
    chunk(content="ab\ud83d"),
    chunk(content="\ude00", reasoning="r"),
    chunk(index=1, content="abc"),
    chunk("stop"),
    chunk("stop", 1),
    call(index=0, id="c", name="f", arguments="{"),
    call(index=0, arguments="}"),
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    {"message": {"role": "assistant", "content": "a"}, "model": "m", "done": False},
    {"message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": 2},
    {"response": "a", "done": False},
    {"error": "boom"},
    {"type": "ping"},
]
RAW_PAYLOADS = [json.dumps(payload).encode() for payload in PAYLOADS] + [
    b"[DONE]",
    b"",
    b"not JSON",
    b"[1]",
    b'"x"',
]
BODIES = st.lists(
    st.sampled_from(LINES + VALUES + [b"data: %b\n\n" % data for data in RAW_PAYLOADS[:5]]), max_size=20
)
WIRE = st.lists(
    st.builds(
        SSEEvent, st.sampled_from(RAW_PAYLOADS), st.sampled_from(["message", "message", "error", "ping"])
    )
    | st.builds(Comment, st.sampled_from(["", "keepalive 1/2"])),
    max_size=14,
)
TEXTS = st.sampled_from(
    [
        "",
        "a",
        "ab",
        "abc",
        "abcd",
        " ",
        "\n",
        "é",
        "\ufffd",
        "<think>",
        "</th",
        "ink>",
        "{",
        "{}",
        "word " * 9,
    ]
)
CHANNELS = st.sampled_from(["text", "text", "reasoning", "refusal"])
INDEXES = st.integers(0, 1)
SAID = (
    st.builds(Delta, TEXTS, CHANNELS, INDEXES)
    | st.builds(Delta, TEXTS)
    | st.builds(
        ToolDelta, INDEXES, st.sampled_from([None, "c"]), st.sampled_from([None, "f"]), TEXTS, INDEXES
    )
    | st.builds(Revise, st.integers(0, 9), TEXTS, CHANNELS, INDEXES)
    | st.builds(Revise, st.integers(0, 9), TEXTS, st.just("tool"), INDEXES, INDEXES)
)
OTHERS = st.sampled_from(
    [
        Start("a"),
        Phase("prefill", 0.5),
        Usage(1, partial=True),
        Usage(1, 2),
        Extra("x", Raw(b"1"), 0),
        Extra("y", Raw(b"2")),
        Gap(3),
    ]
)
ENDINGS = st.sampled_from(
    [
        [],
        [Done()],
        [Finish("stop"), Done()],
        [Finish("stop"), Finish("length", "l", 1), Usage(1, 2), Done()],
        [Finish("stop"), Done(Failure("upstream", "boom"))],
    ]
)
EVENTS = st.builds(list[Any].__add__, st.lists(SAID | OTHERS, max_size=14), ENDINGS)
SNAPSHOTS = st.builds(Snapshot, TEXTS, CHANNELS, INDEXES) | st.builds(
    Snapshot, TEXTS, st.just("tool"), INDEXES, INDEXES
)
RAW_EVENTS = st.builds(list[Any].__add__, st.lists(SAID | SNAPSHOTS | OTHERS, max_size=14), ENDINGS)
INPUTS: dict[str, st.SearchStrategy[Input]] = {
    "bytes": BODIES,
    "wire": WIRE,
    "events": EVENTS,
    "raw events": RAW_EVENTS,
}

# --- the stages -----------------------------------------------------------------------------------


class Law(NamedTuple):
    """One way to make a stage, with room for every input here. `keeps` says that it keeps the text of
    an answer, as its docstring must."""

    make: Callable[[], AnyStage]
    keeps: bool = False


def words(text: str) -> int:
    """A counter."""
    return len(text.split())


STAGES: dict[str, dict[str, Law]] = {
    "append_only": {"": Law(append_only, keeps=True)},
    "coalesce": {"": Law(coalesce)},
    "cumulative_detect": {
        "delta": Law(lambda: cumulative_detect("delta")),
        "auto": Law(lambda: cumulative_detect("auto"), keeps=True),
        "cumulative": Law(lambda: cumulative_detect("cumulative"), keeps=True),
    },
    "decode_protocol": {name: Law(partial(decode_protocol, name)) for name in PROTOCOLS},
    "delta_extract": {"": Law(delta_extract)},
    "limit": {"": Law(lambda: limit(characters=10**9)), "timed": Law(lambda: limit(seconds=9.0))},
    "ndjson_decode": {"": Law(ndjson_decode), "small": Law(lambda: ndjson_decode(limit=20))},
    "reasoning_split": {"": Law(reasoning_split, keeps=True)},
    "sse_decode": {
        "lenient": Law(sse_decode),
        "strict": Law(lambda: sse_decode(strict=True)),
        "small": Law(lambda: sse_decode(limit=20)),
    },
    "stop_at": {"": Law(lambda: stop_at("never", choices=2), keeps=True)},
    "take": {"": Law(lambda: take(characters=10**9, choices=2), keeps=True)},
    "throttle": {"": Law(throttle)},
    "token_count": {"": Law(token_count), "counter": Law(lambda: token_count(words), keeps=True)},
}
LAWS = {f"{name} {kind}".strip(): law for name, kinds in STAGES.items() for kind, law in kinds.items()}
WITH_ROOM = {name: law for name, law in LAWS.items() if "small" not in name}
EVENT_LAWS = {name: law for name, law in LAWS.items() if law.make().takes in ("events", "raw events")}


def test_every_stage_is_here() -> None:
    """DESIGN 4: a new stage is held against the law of cores from its first day."""
    assert STAGES.keys() == set(tokenweir.stages.__all__)


def given_input(stage: AnyStage, data: st.DataObject) -> Input:
    """Something of the type that the stage takes."""
    return data.draw(INPUTS[stage.takes], label="input")


def recut(items: Input, cuts: Sequence[int], *, as_bytes: bool) -> Iterator[Sequence[Any]]:
    """Batches of the same input; bytes are cut anew too."""
    if as_bytes:
        items = list(pieces(b"".join(items), cuts[::2]))
    return pieces(items, cuts)


# --- batching -------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@given(st.data(), CUTS)
def test_batching_is_invisible(law: Law, data: st.DataObject, cuts: list[int]) -> None:
    """P3: the same input gives the same output: at once, one by one, in any batches; of bytes the cuts
    do not show either. And no input of its type makes a core raise."""
    stage = law.make()
    items = given_input(stage, data)
    whole = run(stage, [items])

    assert run(stage, ([item] for item in items)) == whole
    assert run(stage, recut(items, cuts, as_bytes=stage.takes == "bytes")) == whole
    if stage.takes == "bytes":
        assert run(stage, ([bytes([byte])] for byte in b"".join(items))) == whole


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@given(st.data())
def test_input_stays_the_callers(law: Law, data: st.DataObject) -> None:
    """DESIGN 4: a core changes no batch that it is given, and gives none of its own lists twice."""
    stage = law.make()
    items = given_input(stage, data)
    before, core = list(items), stage.core()
    outs = [core.feed(items[:5]), core.feed(items[5:]), core.finish()]
    copies = [list(out) for out in outs]
    for out in outs:
        out.append(Gap(1))

    assert items == before
    assert outs == [[*copy, Gap(1)] for copy in copies]


def chained(laws: Sequence[Law], data: st.DataObject) -> tuple[Input, Input, AnyStage]:
    """An input, what the stages make of it one after the other, and the stages fused."""
    fused = laws[0].make()
    items = given_input(fused, data)
    out = run(fused, [items])
    for law in laws[1:]:
        try:
            fused = fused | law.make()
        except MisuseError:  # these two do not follow each other
            continue
        out = run(law.make(), [out])
    return items, out, fused


ANY_LAW = st.sampled_from(list(LAWS.values()))


@given(st.lists(ANY_LAW, min_size=2, max_size=6), st.data(), CUTS)
def test_fused_is_chained(laws: list[Law], data: st.DataObject, cuts: list[int]) -> None:
    """DESIGN 4: fused stages give what they give one after the other, in any order that fits."""
    items, out, fused = chained(laws, data)

    assert run(fused, pieces(items, cuts)) == out


@given(BODIES, CUTS, st.sampled_from(["auto", "cumulative"]))
def test_the_default_chain(body: Input, cuts: list[int], mode: Any) -> None:
    """DESIGN 4, P3: from bytes to counted tokens, wherever the bytes are cut."""
    stages: list[AnyStage] = [
        sse_decode(),
        decode_protocol("openai-chat"),
        cumulative_detect(mode),
        delta_extract(),
        append_only(),
        token_count(),
    ]
    fused, out = stages[0], run(stages[0], [body])
    for stage in stages[1:]:
        fused, out = fused | stage, run(stage, [out])

    assert run(fused, recut(body, cuts, as_bytes=True)) == out


# --- order and end --------------------------------------------------------------------------------


def own(event: Event) -> bool:
    """Whether a stage may have made the event itself: text, or token figures that it counted."""
    if isinstance(event, Usage):
        return event.source != "backend"
    return isinstance(event, (Delta, Snapshot, Revise, ToolDelta))


@pytest.mark.parametrize("law", EVENT_LAWS.values(), ids=EVENT_LAWS)
@given(EVENTS, CUTS)
def test_everything_else_passes(law: Law, events: list[Event], cuts: list[int]) -> None:
    """DESIGN 4: what is no text passes unchanged and in order, whatever stands between; text stays
    before the finish of its choice."""
    out = run(law.make(), pieces(events, cuts))

    assert [event for event in out if not own(event)] == [event for event in events if not own(event)]
    for finish in (event for event in out if isinstance(event, Finish)):
        after = out[out.index(finish) :]
        assert not any(
            own(event) and not isinstance(event, Usage) and event.index == finish.index for event in after
        )


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@given(st.data(), CUTS)
def test_done_is_last(law: Law, data: st.DataObject, cuts: list[int]) -> None:
    """P2: `Done` comes once at most, and nothing after it."""
    stage = law.make()
    items = given_input(stage, data)
    out = run(stage, recut(items, cuts, as_bytes=stage.takes == "bytes"))

    assert [at for at, item in enumerate(out) if isinstance(item, Done)] in ([], [len(out) - 1])


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_finish_once(law: Law) -> None:
    """DESIGN 4: the end of the input comes once; nothing comes of a second one, nor of what is fed
    after it."""
    core = law.make().core()
    core.finish()

    assert (core.finish(), core.feed([b"x"]), core.deadline()) == ([], [], None)


# --- bounds ---------------------------------------------------------------------------------------

FRAMES = [
    b"data: " + RAW_PAYLOADS[0] + b"\n\n",
    b": ping\n\n",
    b"event: x\ndata: " + RAW_PAYLOADS[0] + b"\r\n\r\n",
]
OBJECTS = [RAW_PAYLOADS[9] + b"\n", RAW_PAYLOADS[0] + b"\r\n", b"\n"]


def endless(stage: AnyStage, count: int) -> Iterator[Any]:
    """A long answer, item by item, none of which is the end."""
    extra = Extra("logprobs", Raw(b"{}"), 0)
    for number in range(count):
        if stage.takes == "bytes":
            yield (OBJECTS if stage.name == "ndjson_decode" else FRAMES)[number % 3]
        elif stage.takes == "wire":
            payload = {**chunk(content=f"word{number} "), f"k{number}": 1}
            native = {"message": {"content": f"word{number} "}, "response": f"word{number} ", "done": False}
            yield SSEEvent(json.dumps(native if "ollama" in stage.name else payload).encode())
        else:
            yield [Delta(f"word{number} "), Delta(f"Hm{number} ", "reasoning", 1), extra][number % 3]


@pytest.mark.parametrize("law", WITH_ROOM.values(), ids=WITH_ROOM)
def test_what_is_held_is_bounded(law: Law) -> None:
    """P8: an endless answer is passed on as it comes: nothing is held that could be told. A stage that
    keeps the text says so, and keeps little more than the text."""
    stage = law.make()
    core = stage.core()
    for item in endless(stage, 300):
        core.feed([item])
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        came = sum(len(core.feed([item])) for item in endless(stage, 3000))
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert came >= 1500
    assert after - before < (500_000 if law.keeps else 50_000)


# --- time -----------------------------------------------------------------------------------------

SMALL, LARGE = 1 << 16, 1 << 19
"""Bytes of the two inputs; what is quadratic costs eight times as much a byte in the larger one."""


def lines(line: bytes) -> Callable[[int], list[Any]]:
    """So many bytes of a line over and over, in pieces as a network brings them."""

    def make(size: int) -> list[Any]:
        body = line * (size // len(line))
        return list(pieces(body, range(0, len(body), 1460)))

    return make


def payloads(*given_payloads: Any) -> Callable[[int], list[SSEEvent]]:
    """So many bytes of payloads over and over."""
    events = [SSEEvent(json.dumps(payload).encode()) for payload in given_payloads]
    size_of_all = sum(len(event.data) for event in events)

    def make(size: int) -> list[SSEEvent]:
        return events * (size // size_of_all)

    return make


def deltas(*events: Event) -> Callable[[int], list[Event]]:
    """So many bytes of wire, at 64 bytes an event: the events, the last of them over and over."""

    def make(size: int) -> list[Event]:
        return [*events[:-1], *events[-1:] * (size // 64)]

    return make


def open_wide(**options: Any) -> Callable[[], AnyStage]:
    """sse_decode without a limit in the way."""
    return lambda: sse_decode(limit=1 << 30, **options)


ENDLESS: dict[str, tuple[Callable[[], AnyStage], Callable[[int], Iterable[Any]]]] = {
    "a line": (open_wide(), lines(b"x")),
    "a data line": (open_wide(strict=True), lambda size: [b"data: ", *lines(b"x")(size)]),
    "data lines": (open_wide(), lines(b"data: xyz\n")),
    "data lines that look like JSON": (open_wide(), lines(b"data: {\n")),
    "data lines that are JSON": (open_wide(), lines(b"data: {}\n")),
    "a JSON line, then data lines": (
        open_wide(),
        lambda size: [b'data: {"a":\n', *lines(b"data: {}\n")(size)],
    ),
    "comments": (open_wide(), lines(b": keep-alive\n")),
    "event lines": (open_wide(), lines(b"event: x\n")),
    "carriage returns": (open_wide(), lines(b"\r")),
    "frames": (open_wide(), lines(FRAMES[0])),
    "pretty-printed JSON": (open_wide(), lambda size: [b"{\n", *lines(b'  "key": ["value", {}],\n')(size)]),
    "empty lines in JSON": (open_wide(), lambda size: [b"{\n", *lines(b"\n")(size)]),
    "unknown fields": (open_wide(), lines(b"<p>text</p>\n")),
    "an object": (lambda: ndjson_decode(limit=1 << 30), lambda size: [b'{"a":"', *lines(b"x")(size)]),
    "an object in lines": (
        lambda: ndjson_decode(limit=1 << 30),
        lambda size: [b"{", *lines(b'"k": [1, 2],\n')(size)],
    ),
    "an array without line ends": (
        lambda: ndjson_decode(limit=1 << 30),
        lambda size: [b"[", *lines(b'{"a":1},')(size)],
    ),
    "chunks": (lambda: decode_protocol("openai-chat"), payloads(chunk(content="word "))),
    "long chunks": (
        lambda: decode_protocol("openai-chat"),
        payloads(chunk(content="word ", refusal=None), chunk(new=1)),
    ),
    "halves": (
        lambda: decode_protocol("openai-chat"),
        payloads(chunk(content="a\ud83d"), chunk(content="\ude00")),
    ),
    "arguments": (lambda: decode_protocol("openai-chat"), payloads(call(index=0, name="f", arguments="[1,"))),
    "arguments of many calls": (
        lambda: decode_protocol("openai-chat"),
        lambda size: [
            *(
                SSEEvent(json.dumps(call(index=n, id=f"c{n}", name="f", arguments="")).encode())
                for n in range(1000)
            ),
            *payloads(call(index=0, arguments="1,"))(size),
        ],
    ),
    "unknown keys": (
        lambda: decode_protocol("openai-chat"),
        lambda size: [SSEEvent(b'{"choices":[],"k%d":1}' % number) for number in range(size // 24)],
    ),
    "deltas": (lambda: cumulative_detect("auto"), deltas(Delta("a"), Delta("b "))),
    "equal deltas": (lambda: cumulative_detect("auto"), deltas(Delta("a"))),
    "deltas of a declared cumulative": (
        lambda: cumulative_detect("cumulative"),
        deltas(Delta("ab"), Delta("c"), Delta("d")),
    ),
    "arguments with braces": (
        lambda: cumulative_detect("auto"),
        deltas(ToolDelta(0, "c", "f", '{"a":['), ToolDelta(0, None, None, "{}")),
    ),
    "arguments that are no JSON": (
        lambda: cumulative_detect("auto"),
        lambda size: [
            ToolDelta(0, "c", "f", "{}"),
            ToolDelta(0, None, None, "x"),
            *[ToolDelta(0, None, None, text) for _ in range(size // 128) for text in ("{", "}")],
        ],
    ),
    "fragments of many calls": (
        lambda: cumulative_detect("auto"),
        lambda size: [
            *(ToolDelta(n, "c", "f", "[") for n in range(1000)),
            *deltas(ToolDelta(0, None, None, "1,"))(size),
        ],
    ),
    "extraction of deltas": (delta_extract, deltas(Snapshot("a"), Delta("b"))),
    "text that waits": (
        append_only,
        deltas(Delta("the end of what was shown"), Revise(0, "Else "), Delta("word ")),
    ),
    "text after a revision": (append_only, deltas(Delta("ab"), Revise(1, "bc"), Delta("word "))),
    "text that is counted": (lambda: token_count(words), deltas(Delta("word "))),
}


def cost(make: Callable[[], AnyStage], items: Iterable[Any]) -> float:
    """Seconds of CPU for feeding the items one by one; the least of three times."""
    fed = list(items)
    gc.collect()
    gc.disable()
    try:
        return min(_once(make().core(), fed) for _ in range(3))
    finally:
        gc.enable()


def _once(core: FusedCore[Any, Any], items: Input) -> float:
    feed = core.feed
    began = process_time()
    for item in items:
        feed([item])
    core.finish()
    took = process_time() - began
    assert core.error is None
    return took


@pytest.mark.parametrize(("make", "items"), ENDLESS.values(), ids=ENDLESS)
def test_linear_time(make: Callable[[], AnyStage], items: Callable[[int], Iterable[Any]]) -> None:
    """P9, V05, V06, V07, V14: what never ends costs the same for each byte, however much of it came."""
    few, many = cost(make, items(SMALL)), cost(make, items(LARGE))

    assert many / LARGE < 3 * few / SMALL + 1e-9
