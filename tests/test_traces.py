"""Held against what other people's servers really sent: every registered protocol, both directions.

Law of this file: no knowledge of any trace by its name, and none of any protocol but how it is written.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, get_args

import pytest

from tests.encoders import CLASSES, FOLDED, WRITTEN, encoder, name_of
from tests.feeding import run_bytes, run_items
from tests.recorded import SHARED, TRACES, Trace, beside, traces
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Channel, Delta, Done, Event, Finish, SSEEvent, Usage
from tokenweir.pipeline.stage import Stage
from tokenweir.simulator.text import FOUNDING
from tokenweir.stages import append_only, cumulative_detect, decode_protocol, delta_extract, sse_decode
from tokenweir.stages.cumulative_detect import Mode
from tokenweir.stages.decode_protocol import PROTOCOLS, decode_frames

CHANNELS = get_args(Channel)
SIZES = (0, 1, 7)
"""Bytes a read: everything at once, one, seven."""

pytestmark = beside


def wire(*, written: bool = False) -> list[Any]:
    """The recorded answers of every registered protocol; with `written`, of those that have an encoder."""
    known = WRITTEN if written else PROTOCOLS
    return [pytest.param(trace, id=trace.name) for trace in traces() if trace.protocol in known]


def cumulative(but: str = "") -> list[Any]:
    """The cumulative twins and their like, but for one kind."""
    found = [trace for trace in traces("cumulative") if trace.meaning.get("kind") != but]
    return [pytest.param(trace, id=trace.name) for trace in found]


def chain(protocol: str, mode: Mode) -> Stage[bytes, Event]:
    """A source's own stages."""
    return decode_frames(protocol) | decode_protocol(protocol) | cumulative_detect(mode) | delta_extract()


def read(protocol: str, body: bytes, mode: Mode, size: int) -> Assembly:
    """The answer that a body holds, in reads of `size` bytes."""
    made = Assembly()
    made.feed(run_bytes(chain(protocol, mode), body, range(0, len(body), size) if size else ()))
    return made


def calls(found: list[Any] | None, *, ids: bool) -> list[tuple[Any, ...]]:
    """Tool calls in a form that can be compared: arguments parsed where they parse."""
    made: list[tuple[Any, ...]] = []
    for call in found or []:
        arguments = call["arguments"]
        with suppress(ValueError):  # raw where it does not parse
            arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
        made.append((call["id"] if ids else None, call["name"], arguments))
    return made


def differences(said: Assembly, meaning: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Where an answer is not what was meant: field, found, wanted."""
    for channel in CHANNELS:
        yield channel, said.text(channel=channel), meaning.get(channel) or ""
    ids = meaning.get("provider") != "synthetic"
    yield "calls", calls(list(said.tool_calls()), ids=ids), calls(meaning.get("tool_calls"), ids=ids)
    if meaning.get("finish_reason"):
        finish = said.finish.get(0, Finish("other"))
        yield "finish", meaning["finish_reason"] in (finish.native, finish.reason), True
    yield "error", said.failure is not None and said.failure.kind != "truncated", bool(meaning.get("error"))
    usage: dict[str, Any] = meaning.get("usage") or {}
    for name, figure in usage.items():
        if name in ("input", "output", "total") and figure is not None:
            yield name, getattr(said.usage, name, None), figure
    choices: list[dict[str, Any]] = meaning["choices"] if isinstance(meaning.get("choices"), list) else []
    for choice in choices:
        if choice.get("text") is not None:
            yield f"choice {choice['index']}", said.text(choice["index"]), choice["text"]


def wrong(said: Assembly, meaning: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """The fields that differ."""
    return [(name, found, wanted) for name, found, wanted in differences(said, meaning) if found != wanted]


@pytest.mark.parametrize(("mode", "size"), [("delta", 0), *(("auto", size) for size in SIZES)])
@pytest.mark.parametrize("trace", wire())
def test_wire(trace: Trace, mode: Mode, size: int) -> None:
    """P1, P3: text, reasoning, refusal, calls, finish, usage and error of every recorded answer, whole
    and in small reads; `auto` harms none of them."""
    said = read(trace.protocol, trace.body, mode, size)

    assert wrong(said, trace.meaning) == []
    assert said.revisions == 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("trace", cumulative())
def test_cumulative(trace: Trace, size: int) -> None:
    """P4, PROTOCOLS 8: cumulative twins, final repeats and trimmed snapshots are repaired by `auto`, and
    delta streams that look like them are not touched."""
    meaning = trace.meaning
    mode: Mode = "auto"
    if meaning["kind"] == "adversarial-delta" and not meaning["distinguishable_in_principle"]:
        mode, size = "delta", 0

    assert wrong(read(trace.protocol, trace.body, mode, size), meaning) == []


@pytest.mark.parametrize("trace", cumulative(but="final-repeat"))
def test_declared(trace: Trace) -> None:
    """P4: what is declared is not doubted: deltas stay deltas, cumulative is trusted from the start."""
    mode: Mode = "delta" if trace.meaning["kind"] == "adversarial-delta" else "cumulative"

    assert wrong(read(trace.protocol, trace.body, mode, 0), trace.meaning) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("trace", wire(written=True))
def test_there_and_back(trace: Trace, size: int) -> None:
    """P1: written again for strict clients and read again, every answer says the same."""
    body, protocol = trace.body, trace.protocol
    stage = chain(protocol, "auto") | append_only()
    events = run_bytes(stage, body, range(0, len(body), size) if size else ())
    encode = encoder(protocol)
    again = read(protocol, b"".join([*encode.feed(events), *encode.finish()]), "delta", size)
    said = Assembly()
    said.feed(events)

    assert again.choices == said.choices
    for index in said.choices:
        for channel in CHANNELS:
            assert again.text(index, channel) == said.text(index, channel)
        assert called(again, said, index) == called(said, said, index)
    folded = FOLDED.get(protocol, {})
    assert {index: finish.reason for index, finish in again.finish.items()} == {
        index: folded.get(finish.reason, finish.reason) for index, finish in said.finish.items()
    }
    assert (again.failure and again.failure.kind) == (said.failure and said.failure.kind)
    if said.failure is None and any(isinstance(event, Done) for event in events):
        assert figures(again.usage) == figures(said.usage)


def called(answer: Assembly, said: Assembly, index: int) -> list[tuple[Any, ...]]:
    """The calls of a choice; ids count where the answer that was written had them all: a protocol that
    wants ids makes up those that are missing."""
    ids = all(call["id"] for call in said.tool_calls(index))
    return calls(list(answer.tool_calls(index)), ids=ids)


def test_every_encoder_is_read_again() -> None:
    """P1: what can be written belongs to a protocol that can be read."""
    assert CLASSES.keys() == {name_of(protocol) for protocol in WRITTEN}


def figures(usage: Usage | None) -> tuple[int, int] | None:
    """The figures that the wire always has."""
    return None if usage is None else (usage.input or 0, usage.output or 0)


@pytest.mark.parametrize("size", SIZES)
def test_sse_conformance(size: int) -> None:
    """V04: the Web Platform Tests' cases for a strict parser."""
    cases = json.loads((TRACES / "sse-conformance.json").read_text("utf-8"))
    for case in cases:
        body = base64.b64decode(case["input_base64"])
        items = run_bytes(sse_decode(strict=True), body, range(0, len(body), size) if size else ())
        events = [
            {"type": item.type, "data": item.data.decode("utf-8", "replace"), "lastEventId": item.id}
            for item in items
            if isinstance(item, SSEEvent)
        ]

        assert events == case["expected_events"], case["name"]
    assert len(cases) > 20


@pytest.mark.parametrize("mode", ["auto", "cumulative"])
def test_the_founding_text(mode: Mode) -> None:
    """The bug report's own chunks: they are those that the simulator ships; what comes of them is exactly
    the last snapshot at every step, with two revisions, and through append_only the sentence once."""
    founding = json.loads((SHARED / "founding" / "lmstudio-cumulative.json").read_text("utf-8"))
    chunks: list[str] = founding["chunks"]
    assert chunks == [FOUNDING.snapshot(at) for at in range(len(FOUNDING.tokens))]
    core, made = (cumulative_detect(mode) | delta_extract()).core(), Assembly()
    for chunk in chunks:
        made.feed(core.feed([Delta(chunk)]))
        assert core.deadline() is not None or made.text() == chunk
    made.feed(core.finish())
    out = run_items(
        cumulative_detect(mode) | delta_extract() | append_only(), [Delta(chunk) for chunk in chunks]
    )

    assert (made.text(), made.revisions) == (founding["text"], 2)
    assert "".join(event.text for event in out) == founding["text"]
