"""The content blocks of a message as events."""

from typing import Any

import msgspec
import pytest

from tokenweir.pipeline.events import Delta, Event, Extra, ToolDelta
from tokenweir.pipeline.protocols.anthropic_blocks import HELD_LIMIT, Blocks
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT

CALL: dict[str, Any] = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
SERVER: dict[str, Any] = {"type": "server_tool_use", "id": "s", "name": "search", "input": {}}


def piece(text: object) -> dict[str, Any]:
    """A delta with a piece of a tool's input."""
    return {"type": "input_json_delta", "partial_json": text}


def block(opening: dict[str, Any], *deltas: dict[str, Any], index: object = 0) -> list[Event]:
    """What one whole block says."""
    blocks, out = Blocks(), list[Event]()
    blocks.start(index, opening, out)
    for delta in deltas:
        blocks.delta(index, delta, out)
    blocks.stop(index, out)
    return out


def extra(found: list[Event]) -> tuple[str, Any, int | None]:
    """The one Extra that was made."""
    (event,) = found
    assert isinstance(event, Extra)
    return event.kind, msgspec.json.decode(event.data), event.index


def test_text_and_citations() -> None:
    """A start may hold both already."""
    said = {"type": "text", "text": "Hi", "citations": [{"cited_text": "a"}]}
    cited = {"type": "citations_delta", "citation": {"cited_text": "b"}}
    text, first, second = block(said, {"type": "text_delta", "text": ""}, cited)

    assert text == Delta("Hi")
    assert [extra([event]) for event in (first, second)] == [
        ("citation", {"cited_text": "a"}, 0),
        ("citation", {"cited_text": "b"}, 0),
    ]


def test_thinking_and_its_signature() -> None:
    """The signature is kept; an empty one, as imitations send it, says nothing."""
    signed = {"type": "signature_delta", "signature": "c2ln"}
    thought, found = block({"type": "thinking", "thinking": "Hm"}, signed)

    assert thought == Delta("Hm", "reasoning")
    assert extra([found]) == ("signature", "c2ln", 0)
    assert block({"type": "thinking", "signature": ""}, {**signed, "signature": ""}) == []
    assert extra(block({"type": "thinking", "thinking": "", "signature": "c2ln"})) == ("signature", "c2ln", 0)


def test_redacted_thinking_is_kept_whole() -> None:
    """The next request must send it back."""
    redacted = {"type": "redacted_thinking", "data": "b3Bh"}

    assert extra(block(redacted)) == ("redacted_thinking", redacted, 0)


def test_a_call_without_an_argument() -> None:
    """An empty object, once, whether an empty piece came or none."""
    whole = [ToolDelta(0, "a", "f"), ToolDelta(0, None, None, "{}")]

    assert block(CALL) == block(CALL, piece("")) == block(CALL, index=None) == whole


def test_a_call_in_pieces() -> None:
    """As they came; a piece that is an object is its JSON."""
    assert block(CALL, piece('{"x":'), piece("1}")) == [
        ToolDelta(0, "a", "f"),
        ToolDelta(0, None, None, '{"x":'),
        ToolDelta(0, None, None, "1}"),
    ]
    assert block(CALL, piece({"x": 1}))[1] == ToolDelta(0, None, None, '{"x":1}')


def test_a_call_that_starts_whole() -> None:
    """What pieces repeat of it is kept apart, and doubles nothing."""
    first, again = block({**CALL, "input": {"x": 1}}, piece('{"x":1}'))

    assert first == ToolDelta(0, "a", "f", '{"x":1}')
    assert extra([again])[0] == "input_json_delta"


def test_what_stands_beside_a_call_is_kept() -> None:
    """Who may call it, for one."""
    _, beside, _ = block({**CALL, "caller": {"type": "direct"}})

    assert extra([beside]) == ("tool_call", {"call": 0, "caller": {"type": "direct"}}, 0)


def test_calls_are_numbered_and_may_alternate() -> None:
    """A new start in a used place stops what was there."""
    blocks, out = Blocks(), list[Event]()
    blocks.start(0, CALL, out)
    blocks.start(1, CALL, out)
    blocks.delta(0, piece("1"), out)
    blocks.start(0, CALL, out)
    blocks.close(out)

    assert [(event.call, event.arguments) for event in out if isinstance(event, ToolDelta)] == [
        (0, ""),
        (1, ""),
        (0, "1"),
        (2, ""),
        (1, "{}"),
        (2, "{}"),
    ]


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([], {}),
        (['{"q": "gr', 'ass"}'], {"q": "grass"}),
        (['{"q'], '{"q'),
        (["[1]"], "[1]"),
        ([r'{"q": "\ud83d"}'], r'{"q": "\ud83d"}'),
    ],
)
def test_a_server_tool_is_told_when_it_is_whole(pieces: list[str], found: object) -> None:
    """Its input as an object, else as the text that it is; it is no call for the client."""
    assert extra(block(SERVER, *map(piece, pieces))) == ("server_tool_use", {**SERVER, "input": found}, 0)


def test_results_of_server_tools_come_at_once() -> None:
    """They are whole from the start."""
    result = {"type": "bash_code_execution_tool_result", "tool_use_id": "s", "content": {"stdout": "3\n"}}

    assert extra(block(result)) == ("bash_code_execution_tool_result", result, 0)


def test_compaction_is_completed_by_its_delta() -> None:
    """As the official SDK completes it."""
    opening = {"type": "compaction", "content": None, "encrypted_content": None}
    delta = {"type": "compaction_delta", "content": "Before.", "encrypted_content": "ZW5j"}
    whole = {"type": "compaction", "content": "Before.", "encrypted_content": "ZW5j"}

    assert extra(block(opening, delta)) == ("compaction", whole, 0)
    assert extra(block(whole)) == ("compaction", whole, 0)


def test_a_cut_gives_up_what_was_held() -> None:
    """P1: as far as it came; no argument is made up."""
    blocks, out = Blocks(), list[Event]()
    blocks.start(0, SERVER, out)
    blocks.delta(0, piece('{"q'), out)
    blocks.start(1, CALL, out)
    blocks.flush(out)
    blocks.flush(out)

    assert out[0] == ToolDelta(0, "a", "f")
    assert extra(out[1:]) == ("server_tool_use", {**SERVER, "input": '{"q'}, 0)


def test_deltas_of_nothing_are_kept() -> None:
    """For a block that never began, or has stopped; an empty one says nothing."""
    assert extra(block({}, piece("1"))) == ("input_json_delta", {"index": 0, **piece("1")}, 0)
    assert extra(block({}, {"odd": 1})) == ("delta", {"index": 0, "odd": 1}, 0)
    assert block({}, {}) == []
    assert extra(block({"odd": 1})) == ("content_block", {"odd": 1}, 0)


def test_what_is_held_is_bounded() -> None:
    """V14, P8: over all open blocks together, pieces of nothing too; what has stopped counts no more."""
    blocks, out = Blocks(), list[Event]()
    for _ in range(3):
        blocks.start(0, SERVER, out)
        blocks.delta(0, piece("x" * (HELD_LIMIT // 2)), out)
        blocks.stop(0, out)
    blocks.start(0, SERVER, out)
    blocks.start(1, SERVER, out)
    size = 2 * len(msgspec.json.encode(SERVER)) + 3
    blocks.delta(0, piece("x" * (HELD_LIMIT - size - 1)), out)
    blocks.delta(1, piece(""), out)

    with pytest.raises(OverflowError, match=f"more than {HELD_LIMIT} characters of blocks"):
        blocks.delta(1, piece(""), out)


def test_odd_places() -> None:
    """V13: an index that is no number or name is the one place that has none."""
    assert block(CALL, piece("1"), index=[1]) == block(CALL, piece("1"), index={"a": 1})


@pytest.mark.parametrize(
    ("opening", "delta"),
    [
        ({"type": "text", "text": ""}, {"type": "text_delta", "text": "a"}),
        ({"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "a"}),
    ],
)
def test_a_delta_is_said_and_seen(opening: dict[str, Any], delta: dict[str, Any]) -> None:
    """P1, P16: from the first content on nothing is waited for."""
    blocks, out = Blocks(), list[Event]()
    blocks.start(0, opening, out)
    assert not blocks.seen
    blocks.delta(0, delta, out)

    assert blocks.seen
    assert out == [Delta("a", "text" if opening["type"] == "text" else "reasoning")]


def test_calls_have_a_bound() -> None:
    """V14: just so many calls are read."""
    blocks, out = Blocks(), list[Event]()
    for at in range(CALL_LIMIT):
        blocks.start(at, {**CALL, "id": str(at)}, out)

    assert blocks.seen
    with pytest.raises(OverflowError, match=f"more than {CALL_LIMIT} tool calls"):
        blocks.start(CALL_LIMIT, CALL, out)


def test_a_block_that_never_stopped_is_told_before_the_next() -> None:
    """P1: one under the same number ends it, and nothing of it is lost."""
    blocks, out = Blocks(), list[Event]()
    blocks.start(0, CALL, out)
    blocks.start(0, {"type": "text", "text": "a"}, out)

    assert out == [ToolDelta(0, "a", "f"), ToolDelta(0, None, None, "{}"), Delta("a")]
