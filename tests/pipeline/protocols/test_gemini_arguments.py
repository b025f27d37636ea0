"""Arguments that come value by value, as one JSON text."""

import json
from typing import Any

import pytest

from tokenweir.pipeline.protocols.gemini_arguments import DEPTH_LIMIT, NAMES_LIMIT, StreamedArguments


def text(*entries: object) -> str:
    """What the entries give, one a payload, and the end."""
    arguments = StreamedArguments()
    out: list[str] = []
    for entry in entries:
        arguments.feed([entry], out)
    return "".join(out) + arguments.close()


def at(path: str, value: object, **fields: Any) -> dict[str, Any]:
    """One entry."""
    kinds: dict[type, str] = {str: "stringValue", int: "numberValue", float: "numberValue"}
    return {"jsonPath": path, kinds.get(type(value), "nullValue"): value, **fields}


@pytest.mark.parametrize(
    ("entries", "meaning"),
    [
        ([], {}),
        ([at("$.a", "x")], {"a": "x"}),
        ([at("$.a", "x", willContinue=True), at("$.a", "y"), at("$.b", "z")], {"a": "xy", "b": "z"}),
        ([at("$.a", "x", willContinue=True), at("$.a", "")], {"a": "x"}),
        ([at("$.a", ""), at("$.b", "")], {"a": "", "b": ""}),
        (
            [at("$.n", 1), at("$.f", 0.5), at("$.o", None), {"jsonPath": "$.t", "boolValue": True}],
            {"n": 1, "f": 0.5, "o": None, "t": True},
        ),
        ([{"jsonPath": "$.t", "boolValue": False}, at("$.u", 1)], {"t": False, "u": 1}),
        ([at("$.a[0]", 1), at("$.a[1]", 2)], {"a": [1, 2]}),
        ([at("$.a[0].x", 1), at("$.a[0].y", 2), at("$.a[1].x", 3)], {"a": [{"x": 1, "y": 2}, {"x": 3}]}),
        ([at("$.a[0][0]", 1), at("$.a[1][0]", 2), at("$.b", 3)], {"a": [[1], [2]], "b": 3}),
        ([at("$.a.b.c", "d"), at("$.a.e", "f"), at("$.g", 1)], {"a": {"b": {"c": "d"}, "e": "f"}, "g": 1}),
        ([at("$.a.x", 1), at("$.b.x", 2)], {"a": {"x": 1}, "b": {"x": 2}}),
        (
            [at("$['a b']", 1), at('$["c.d"].e', 2), at(r"$['it\'s']", 3)],
            {"a b": 1, "c.d": {"e": 2}, "it's": 3},
        ),
        ([at("$.q", 'say "hi"\n'), at("$.Grüße", "🙂")], {"q": 'say "hi"\n', "Grüße": "🙂"}),
        ([{"jsonPath": "$.a"}, at("$.a", 1)], {"a": 1}),
        ([{"jsonPath": "$.a", "numberValue": None}, 5, None, {}], {}),
    ],
)  # fmt: skip - one case, one line
def test_values_become_one_object(entries: list[object], meaning: dict[str, Any]) -> None:
    """Each at its place; an entry without a value says nothing."""
    assert json.loads(text(*entries)) == meaning


def test_one_payload_or_many() -> None:
    """Any grouping of the entries gives the same text."""
    entries = [at("$.a.b", "x"), at("$.a.b", "y"), at("$.a.c[0]", 1)]
    out: list[str] = []
    arguments = StreamedArguments()
    arguments.feed(entries, out)

    assert "".join(out) + arguments.close() == text(*entries) == '{"a":{"b":"xy","c":[1]}}'


def test_text_goes_out_at_once() -> None:
    """P3: what came before a cut is the beginning of the text, a string without its end."""
    arguments = StreamedArguments()
    out: list[str] = []
    arguments.feed([at("$.a", "x")], out)
    arguments.feed([at("$.b[0]", "y")], out)

    assert out == ['{"a":"x', '","b":["y']
    assert arguments.begun


def test_half_a_pair_stays_open() -> None:
    """V09: the other half may come with the next piece, so nothing stands between them."""
    assert text(at("$.a", "\ud83d", willContinue=True), at("$.a", "\ude00")) == '{"a":"\ud83d\ude00"}'


@pytest.mark.parametrize(
    "entries",
    [
        [at("$.a", 1), at("$.a", 2)],
        [at("$.a", "x"), at("$.a", 1)],
        [at("$.a", "x"), at("$.b", 1), at("$.a", "y")],
        [at("$.a.x", 1), at("$.b", 2), at("$.a.y", 3)],
        [at("$.a", 1), at("$.a.b", 2)],
        [at("$.a.b", 1), at("$.a", 2)],
        [at("$.a[0]", 1), at("$.a[2]", 2)],
        [at("$.a[1]", 1)],
        [at("$.a[0]", 1), at("$.a[0]", 2)],
        [at("$.a[0]", 1), at("$.a.b", 2)],
        [at("$.a.b", 1), at("$.a[0]", 2)],
        [at("$[0]", 1)],
        [at("$", 1)],
        [at("a", 1)],
        [at("$.", 1)],
        [at("$.a..b", 1)],
        [at("$.a[x]", 1)],
        [at("", 1)],
        [{"jsonPath": 5, "numberValue": 1}],
        [at("$" + ".a" * (DEPTH_LIMIT + 1), 1)],
    ],
)
def test_a_place_that_is_no_next_one(entries: list[object]) -> None:
    """V10: text that is out cannot be changed, and wrong arguments are worse than none."""
    with pytest.raises(ValueError, match=r"the arguments of a call (go on|have a value) at"):
        text(*entries)


def test_the_bounds() -> None:
    """V14: depth and names are bounded; what is closed no longer counts."""
    assert text(at("$" + ".a" * DEPTH_LIMIT, 1)).count("{") == DEPTH_LIMIT
    name = "n" * (NAMES_LIMIT // 2)
    many = [at(f"$.a[{number}].{name}", number) for number in range(5)]

    assert len(json.loads(text(*many))["a"]) == 5
    with pytest.raises(OverflowError, match=f"more than {NAMES_LIMIT} characters of names"):
        text(*(at(f"$.{name}{number}", 1) for number in range(3)))
