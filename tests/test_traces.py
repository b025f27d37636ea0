"""Held against what other people's servers really sent.

Law of this file: the data lies in a folder beside the checkout, `../shared`, and is not part of the
project; where it is missing, these tests are skipped. Nothing here knows a single trace by its name.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.feeding import run_bytes, run_items
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Channel, Delta, Done, Event, Finish, SSEEvent, Usage
from tokenweir.pipeline.protocols.openai_chat_encode import OpenAIChatEncode
from tokenweir.pipeline.stage import Stage
from tokenweir.simulator.text import FOUNDING
from tokenweir.stages import append_only, cumulative_detect, decode_protocol, delta_extract, sse_decode
from tokenweir.stages.cumulative_detect import Mode

SHARED = Path(__file__).parents[2] / "shared"
TRACES = SHARED / "traces"
CHANNELS = get_args(Channel)
SIZES = (0, 1, 7)
"""Bytes a read: everything at once, one, seven."""

pytestmark = pytest.mark.skipif(not TRACES.is_dir(), reason="there are no traces beside this checkout")


def traces(folder: str, but: str = "") -> list[Any]:
    """The openai-chat traces of a folder, but for one kind: the bytes, and what they mean."""
    found: list[Any] = []
    for path in sorted((TRACES / folder).glob("*.expect.json")):
        meaning = json.loads(path.read_text("utf-8"))
        if meaning["protocol"] == "openai-chat" and meaning.get("kind") != but:
            name = path.name.removesuffix(".expect.json")
            found.append(pytest.param((path.with_name(name + ".wire"), meaning), id=name))
    return found


def chain(mode: Mode) -> Stage[bytes, Event]:
    """The source's own stages."""
    return sse_decode() | decode_protocol("openai-chat") | cumulative_detect(mode) | delta_extract()


def read(body: bytes, mode: Mode, size: int) -> Assembly:
    """The answer that a body holds, in reads of `size` bytes."""
    made = Assembly()
    made.feed(run_bytes(chain(mode), body, range(0, len(body), size) if size else ()))
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
@pytest.mark.parametrize("trace", traces("wire"))
def test_wire(trace: tuple[Path, dict[str, Any]], mode: Mode, size: int) -> None:
    """P1, P3: text, reasoning, refusal, calls, finish, usage and error of every recorded answer, whole
    and in small reads; `auto` harms none of them."""
    path, meaning = trace
    said = read(path.read_bytes(), mode, size)

    assert wrong(said, meaning) == []
    assert said.revisions == 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("trace", traces("cumulative"))
def test_cumulative(trace: tuple[Path, dict[str, Any]], size: int) -> None:
    """P4, PROTOCOLS 8: cumulative twins, final repeats and trimmed snapshots are repaired by `auto`, and
    delta streams that look like them are not touched."""
    path, meaning = trace
    if meaning["kind"] == "adversarial-delta" and not meaning["distinguishable_in_principle"]:
        assert wrong(read(path.read_bytes(), "delta", size), meaning) == []
        return

    assert wrong(read(path.read_bytes(), "auto", size), meaning) == []


@pytest.mark.parametrize("trace", traces("cumulative", but="final-repeat"))
def test_declared(trace: tuple[Path, dict[str, Any]]) -> None:
    """P4: what is declared is not doubted: deltas stay deltas, cumulative is trusted from the start."""
    path, meaning = trace
    mode: Mode = "delta" if meaning["kind"] == "adversarial-delta" else "cumulative"

    assert wrong(read(path.read_bytes(), mode, 0), meaning) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("trace", traces("wire"))
def test_there_and_back(trace: tuple[Path, dict[str, Any]], size: int) -> None:
    """P1: written again for strict clients and read again, every answer says the same."""
    path, _ = trace
    body = path.read_bytes()
    events = run_bytes(chain("auto") | append_only(), body, range(0, len(body), size) if size else ())
    again = read(b"".join(OpenAIChatEncode(include_usage=True).feed(events)), "delta", size)
    said = Assembly()
    said.feed(events)

    assert again.choices == said.choices
    for index in said.choices:
        for channel in CHANNELS:
            assert again.text(index, channel) == said.text(index, channel)
        assert again.tool_calls(index) == said.tool_calls(index)
    assert {index: finish.reason for index, finish in again.finish.items()} == {
        index: "stop" if finish.reason in ("other", "pause") else finish.reason
        for index, finish in said.finish.items()
    }
    assert (again.failure and again.failure.kind) == (said.failure and said.failure.kind)
    if said.failure is None and any(isinstance(event, Done) for event in events):
        assert figures(again.usage) == figures(said.usage)


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
