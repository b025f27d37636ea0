"""Tool-call fragments find their call, whatever a backend leaves out or repeats."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.events import Event, Extra, ToolDelta
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT, WAITING_LIMIT, ToolCalls, arguments_text

Fragment = dict[str, Any]


def part(name: str | None = None, arguments: Any = "", **fields: Any) -> Fragment:
    """One fragment."""
    return {**fields, "function": {"name": name, "arguments": arguments}}


def fed(*deltas: list[Fragment]) -> list[Event]:
    """What comes of some deltas, and of the choice's end."""
    calls = ToolCalls(0)
    out: list[Event] = []
    for delta in deltas:
        calls.feed(delta, out)
    return out + calls.flush()


def put_together(events: list[Event]) -> list[tuple[str | None, str | None, str]]:
    """(id, name, arguments) of each call; id and name come once."""
    made: list[list[Any]] = []
    for event in events:
        if isinstance(event, Extra):
            continue
        assert isinstance(event, ToolDelta)
        if event.call == len(made):
            made.append([event.id, event.name, event.arguments])
            continue
        assert event.name is None
        assert event.id is None or made[event.call][0] is None
        made[event.call][0] = made[event.call][0] or event.id
        made[event.call][2] += event.arguments
    return [(call_id, name, arguments) for call_id, name, arguments in made]


CASES: dict[str, tuple[list[list[Fragment]], list[tuple[str | None, str | None, str]]]] = {
    "parallel, by index": (
        [
            [part("f", "", index=0, id="a", type="function")],
            [part(None, '{"x":', index=0)],
            [part("g", "", index=1, id="b")],
            [part(None, "1}", index=0)],
            [part(None, "{}", index=1)],
        ],
        [("a", "f", '{"x":1}'), ("b", "g", "{}")],
    ),
    "index with gaps, in any order": (
        [[part("f", "1", index=7, id="a")], [part("g", "2", index=3, id="b")], [part(None, "3", index=7)]],
        [("a", "f", "13"), ("b", "g", "2")],
    ),
    "index as a string": (
        [[part("f", "1", index="0", id="a")], [part(None, "2", index="0")]],
        [("a", "f", "12")],
    ),
    "null and empty ids and names": (
        [
            [part("f", "{", index=0, id="a")],
            [part(None, "1", index=0, id=None)],
            [part("", "2", index=0, id="")],
            [part("f", "}", index=0, id="a")],
        ],
        [("a", "f", "{12}")],
    ),
    "no index, a new id starts a call": (
        [
            [part("f", "{", id="a")],
            [part(None, "}")],
            [part("g", "[", id="b")],
            [part(None, "]")],
            [part(None, "!", id="a")],
        ],
        [("a", "f", "{}!"), ("b", "g", "[]")],
    ),
    "no index, the id on every fragment": (
        [
            [part("f", "{", id="a")],
            [part("f", "}", id="a")],
            [part("g", "[]", id="b")],
            [part("f", "!", id="a")],
        ],
        [("a", "f", "{}!"), ("b", "g", "[]")],
    ),
    "no index and no id, in one delta": (
        [[part("f", '{"a":1}'), part("f", '{"a":2}'), part("g", "{}")]],
        [(None, "f", '{"a":1}'), (None, "f", '{"a":2}'), (None, "g", "{}")],
    ),
    "no index and no id, one after another": (
        [[part("f", "{")], [part(None, "}")], [part("g", "[]")], [part("g", "!")]],
        [(None, "f", "{}"), (None, "g", "[]!")],
    ),
    "several whole calls with one index": (
        [[part("f", "{}", index=0, id="a")], [part("g", "{}", index=0, id="b")], [part(None, "!", index=0)]],
        [("a", "f", "{}"), ("b", "g", "{}!")],
    ),
    "one index, two calls by turns": (
        [
            [part("f", "1", index=0, id="a")],
            [part("g", "2", index=0, id="b")],
            [part("f", "3", index=0, id="a")],
            [part(None, "4", index=0)],
        ],
        [("a", "f", "134"), ("b", "g", "2")],
    ),
    "one index for whole calls without ids": (
        [[part("f", '{"a":1}', index=0), part("g", "{}", index=0)], [part(None, "!", index=0)]],
        [(None, "f", '{"a":1}'), (None, "g", "{}!")],
    ),
    "a name that grows, and one in pieces": (
        [
            [part("get", "", index=0, id="a")],
            [part("get_weather", "{", index=0)],
            [part("see", "", index=1, id="b")],
            [part("_more", "", index=1)],
            [part(None, "}", index=0)],
        ],
        [("a", "get", "{}"), ("b", "see", "")],
    ),
    "whole calls one after another, with neither index nor id": (
        [[part("f", {"a": 1})], [part("f", {"a": 2})], [part("f", {"a": 2})], [part("g", {})]],
        [(None, "f", '{"a":1}'), (None, "f", '{"a":2}'), (None, "g", "{}")],
    ),
    "whole calls one after another, all with index 0": (
        [[part("f", {"a": 1}, index=0)], [part("f", {"a": 2}, index=0)]],
        [(None, "f", '{"a":1}'), (None, "f", '{"a":2}')],
    ),
    "equal whole calls in one list, all with index 0": (
        [[part("f", {"a": 1}, index=0), part("f", {"a": 1}, index=0)]],
        [(None, "f", '{"a":1}'), (None, "f", '{"a":1}')],
    ),
    "a whole call that is sent again": (
        [[part("f", {"a": 1}, index=0, id="a")], [part("f", {"a": 1}, index=0, id="a")]],
        [("a", "f", '{"a":1}')],
    ),
    "custom tools": (
        [[{"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}]],
        [("a", "sql", "SELECT")],
    ),
    "another id without a name is the same call": (
        [[part("f", "{", index=0, id="a")], [part(None, "}", index=0, id="a-2")]],
        [("a", "f", "{}")],
    ),
    "another id and then its name": (
        [
            [part("f", "1", index=0, id="a")],
            [part(None, "2", index=0, id="b")],
            [part("g", "3", index=0, id="b")],
        ],
        [("a", "f", "12"), ("b", "g", "3")],
    ),
    "no id, and one that looks like none": (
        [[part("f", "1", id="")], [part("g", "2", index=1)], [part(None, "3", index=1)]],
        [(None, "f", "1"), (None, "g", "23")],
    ),
    "the name never comes, nor any arguments": ([[part(None, "", index=0, id="a")]], [("a", None, "")]),
    "the name never comes, nor any id": (
        [[part(None, "{", index=0)], [part(None, "}", index=0)]],
        [(None, None, "{}")],
    ),
    "one id for two calls": (
        [[part("f", "1", index=0, id="a")], [part("g", "2", index=1, id="a")], [part(None, "3", index=0)]],
        [("a", "f", "13"), ("a", "g", "2")],
    ),
    "the name comes late": (
        [
            [part(None, "{", index=0, id="a")],
            [part(None, "}", index=0)],
            [part("f", "!", index=0)],
            [part(None, "?", index=0)],
        ],
        [("a", "f", "{}!?")],
    ),
    "the id comes late": (
        [[part("f", "{", index=0)], [part(None, "}", index=0, id="a")], [part(None, "", index=0, id="a")]],
        [("a", "f", "{}")],
    ),
    "the name never comes": (
        [[part(None, "{}", index=0, id="a")], [part(None, "", index=1)]],
        [("a", None, "{}")],
    ),
    "arguments of every type": (
        [
            [part("f", {"a": [1]}, index=0, id="a")],
            [part("g", None, index=1, id="b")],
            [part("h", 5, index=2, id="c")],
        ],
        [("a", "f", '{"a":[1]}'), ("b", "g", ""), ("c", "h", "5")],
    ),
    "no arguments key": (
        [
            [{"index": 0, "id": "a", "type": "function", "function": {"name": "f"}}],
            [{"index": 0, "function": None}],
        ],
        [("a", "f", "")],
    ),
    "wrong types": (
        [[{"index": [], "id": 5, "function": {"name": 7, "arguments": "x"}}], [part("f", "y")]],
        [(None, "f", "xy")],
    ),
}


@pytest.mark.parametrize(("deltas", "calls"), CASES.values(), ids=CASES)
def test_dialects(deltas: list[list[Fragment]], calls: list[tuple[str | None, str | None, str]]) -> None:
    """V13, PROTOCOLS 2.2: each fragment goes to its own call; ids and names are told once."""
    assert put_together(fed(*deltas)) == calls


def test_the_first_fragment_is_told_at_once() -> None:
    """DESIGN 3: id and name come with the first fragment, before any arguments."""
    assert fed([part("f", "", index=0, id="a")]) == [ToolDelta(0, "a", "f", "")]


@pytest.mark.parametrize("fragment", [{}, {"index": 0}, part(index=0), part("", "", index=0, id="")])
def test_what_says_nothing_gives_nothing(fragment: Fragment) -> None:
    """V12: an empty fragment is no call."""
    assert fed([fragment]) == []


def test_other_fields_are_kept() -> None:
    """DESIGN 3: a field of a call that nobody models (a thought's signature) is kept with its number."""
    events = fed(
        [part("f", "{}", index=0, id="a")],
        [part("g", "{}", index=1, id="b", extra_content={"s": "x"}, z=None)],
    )

    assert isinstance(events[-1], Extra)
    assert events[-1].kind == "tool_call"
    assert json.loads(bytes(events[-1].data)) == {"call": 1, "extra_content": {"s": "x"}}


@pytest.mark.parametrize(
    ("fragment", "kept"),
    [
        (part("g", "", index=0), {"name": "g"}),
        (part(None, "", index=0, id="b"), {"id": "b"}),
        (part("f", "", index=0, id="a", type="function"), None),
        (part("f", "", index=0, id="a", type=""), None),
        (part("g", "", index=0, x=1), {"name": "g", "x": 1}),
        (part(None, "", index=0, type="custom"), {"type": "custom"}),
        ({"index": 0, "function": {"arguments": "", "strict": True}}, {"function": {"strict": True}}),
        ({"index": 0, "custom": {"input": "", "x": 1}}, {"custom": {"x": 1}}),
    ],
)
def test_what_no_event_tells_is_kept(fragment: Fragment, kept: dict[str, Any] | None) -> None:
    """DESIGN 3: another id or name than the one told, a type of its own, new fields of the function."""
    events = fed([part("f", "", index=0, id="a")], [fragment])
    told = [json.loads(bytes(event.data)) for event in events if isinstance(event, Extra)]

    assert told == ([] if kept is None else [{"call": 0, **kept}])


def test_calls_of_another_choice() -> None:
    """DESIGN 3: whatever is told of a call names its choice."""
    calls, out = ToolCalls(2), list[Event]()
    calls.feed([part("f", "{", index=0, id="a", x=1), part(None, "!", index=1)], out)
    calls.feed([part(None, "}", index=0)], out)
    out += calls.flush()

    assert [getattr(event, "index", None) for event in out] == [2, 2, 2, 2]


def test_the_old_form_of_one_call() -> None:
    """PROTOCOLS 2.2: `function_call` has one call without an id, which has nothing to do with the others."""
    calls, out = ToolCalls(0), list[Event]()
    calls.legacy({"name": "f", "arguments": "{"}, out)
    calls.feed([part("g", "[]", index=0)], out)
    calls.legacy({"arguments": "}"}, out)

    assert put_together(out) == [(None, "f", "{}"), (None, "g", "[]")]


def test_the_bound_of_calls() -> None:
    """V14: calls beyond the bound raise, after those before them."""
    calls, out = ToolCalls(0), list[Event]()

    with pytest.raises(OverflowError, match=f"more than {CALL_LIMIT} tool calls"):
        calls.feed([part("f", "{}", index=n, id=f"c{n}") for n in range(CALL_LIMIT + 5)], out)
    assert len(out) == CALL_LIMIT


def test_the_bound_of_what_waits() -> None:
    """V14: arguments are passed on unheld; only those before the name wait, and not without end."""
    calls, out = ToolCalls(0), list[Event]()
    for number in range(3):
        calls.feed([part(None, "x" * (WAITING_LIMIT // 2), index=number)], out)
        calls.feed([part("f", "", index=number)], out)
    assert len(out) == 3

    calls.feed([part(None, "x" * WAITING_LIMIT, index=9)], out)
    with pytest.raises(OverflowError, match="before the name"):
        calls.feed([part(None, "x", index=10)], out)


def test_empty_fragments_are_not_held() -> None:
    """P8: fragments that say nothing cost nothing, however many come."""
    calls, out = ToolCalls(0), list[Event]()
    calls.feed([part(None, "", index=0)], out)
    tracemalloc.start()
    try:
        for _ in range(5000):
            calls.feed([part(None, "", index=0)], out)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 10_000


STREAMS = st.lists(
    st.tuples(st.integers(0, 3), st.text(max_size=3), st.booleans(), st.booleans()), min_size=1, max_size=30
)


@given(STREAMS, st.booleans())
def test_indexed_calls_arrive(stream: list[tuple[int, str, bool, bool]], gaps: bool) -> None:  # noqa: FBT001 - drawn, not called
    """P1: with an index on every fragment, each call gets exactly its own arguments, in order, with or
    without repeated names and ids."""
    want: dict[int, str] = {}
    deltas: list[list[Fragment]] = []
    for call, arguments, named, with_id in stream:
        first = call not in want
        want[call] = want.get(call, "") + arguments
        index = call * 5 if gaps else call
        deltas.append(
            [
                part(
                    f"f{call}" if named or first else None,
                    arguments,
                    index=index,
                    id=f"c{call}" if with_id or first else None,
                )
            ]
        )

    assert put_together(fed(*deltas)) == [(f"c{call}", f"f{call}", text) for call, text in want.items()]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [("{", "{"), (None, ""), ({"a": 1}, '{"a":1}'), ([], "[]"), (True, "true"), (10**30, "1" + "0" * 30)],
)
def test_arguments_text(arguments: object, text: str) -> None:
    """PROTOCOLS 2.2: an object, a number or null in place of the string is written as JSON."""
    assert arguments_text(arguments) == text


@pytest.mark.parametrize("choice", [0, 3])
def test_an_entry_that_is_no_call_is_kept(choice: int) -> None:
    """V12: with the choice that it stands in."""
    out: list[Event] = []
    ToolCalls(choice).feed(["odd", None], out)

    assert [(event.kind, bytes(event.data), event.index) for event in out if isinstance(event, Extra)] == [
        ("tool_call", b'"odd"', choice)
    ]
    assert len(out) == 1
