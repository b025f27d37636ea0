"""One item, and which of its texts is meant."""

from typing import Any

import pytest

from tests.pipeline.protocols.test_verified_text import text
from tokenweir.pipeline.protocols.openai_responses_item import Item, whole_of


def with_texts(*indexes: int, item_id: str = "msg_0", index: int | None = 0) -> Item:
    """An item that said "a" in each of its texts."""
    item = Item(0, item_id, "message" if item_id else "", index)
    for one in indexes:
        item.texts["text", one] = text("a")
        item.latest["text"] = one
    return item


def test_places() -> None:
    """An index that is not told is the latest; a list of wholes goes by order, of each kind."""
    item = with_texts(3, 1)

    assert (item.place("text", None), item.place("text", 0), item.place("refusal", None)) == (1, 0, 0)
    assert [item.match("text", "a") for _ in range(4)] == [1, 3, 4, 5]
    assert [item.match("refusal", "a") for _ in range(2)] == [0, 1]


def test_more_after_a_whole_text() -> None:
    """Without indexes it is the next text; with one it is the text of that index."""
    item = with_texts(1)
    assert item.place_of_more("text", None) == 1
    item.texts["text", 1].agrees("a", json=False)

    assert item.place_of_more("text", None) == 2
    assert item.place_of_more("text", 1) == 1
    assert item.place_of_more("text", 0) == 0
    assert item.place_of_more("refusal", None) == 0


def test_nameless() -> None:
    """Entries of the whole output share the texts of what has no name, and how far they are matched."""
    nameless = with_texts(0, 1, item_id="", index=None)
    nameless.number = 2
    first, second = nameless.entry("a", "message"), nameless.entry("b", "reasoning")

    assert [(item.number, item.id, item.kind, item.index) for item in (first, second)] == [
        (2, "a", "message", None),
        (2, "b", "reasoning", None),
    ]
    assert nameless.is_nameless
    assert not any(item.is_nameless for item in (first, with_texts(), with_texts(item_id="", index=0)))
    assert [first.match("text", "a"), second.match("text", "a"), second.match("text", "a")] == [0, 1, 2]


def test_reasoning_as_both_kinds() -> None:
    """Only reasoning has another kind, and only the same text is the same."""
    item = Item(0, "rs_0", "reasoning", 0)
    item.texts["reasoning", 0] = text("Hm.")
    item.texts["text", 0] = text("Hi.")

    assert item.has_said("summary", 0, "Hm.")
    assert not item.has_said("summary", 0, "Oh.")
    assert not item.has_said("summary", 1, "Hm.")
    assert not item.has_said("refusal", 0, "Hi.")


@pytest.mark.parametrize(("kind", "takes"), [("", True), ("function_call", True), ("mcp_call", False)])
def test_arguments_of_the_server_s_own_tools(kind: str, *, takes: bool) -> None:
    """They are not for the caller."""
    assert Item(0, "", kind, None).takes_arguments == takes


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"type": "output_text", "text": "a"}, ("text", "a")),
        ({"type": "refusal", "refusal": "a"}, ("refusal", "a")),
        ({"type": "reasoning_text", "text": "a"}, ("reasoning", "a")),
        ({"type": "summary_text", "text": 7}, ("summary", "")),
        ({"type": "image"}, None),
        ({"type": ["output_text"]}, None),
        ({}, None),
    ],
)
def test_parts(part: dict[str, Any], told: tuple[str, str] | None) -> None:
    """Which text a part is."""
    assert whole_of(part) == told


def test_an_item_as_it_begins() -> None:
    """It is what was told of it, and nothing has come of it yet."""
    item = Item(3, "msg_0", "message", 1)

    assert (item.number, item.id, item.kind, item.index) == (3, "msg_0", "message", 1)
    assert (item.call, item.call_id, item.name, item.mark) == (None, "", "", None)
    assert (item.closed, item.texts) == (False, {})


@pytest.mark.parametrize(
    ("said", "wholes", "joined"),
    [
        (["One. Two."], ["One. ", "Two."], "text"),
        (["One. Two."], ["One. ", "", "Two."], "text"),
        (["One. Two."], ["One. Two."], None),  # that is the whole of it
        (["One. Two."], ["One. ", "Too."], None),
        (["One. ", "Two."], ["One. ", "Two."], None),
        ([], ["One. ", "Two."], None),
    ],
)
def test_parts_that_one_text_said(said: list[str], wholes: list[str], joined: str | None) -> None:
    """P1: one number for all deltas of an item whose whole has several parts."""
    item = Item(0, "msg_0", "message", 0)
    for index, one in enumerate(said):
        item.texts["text", index] = text(one)

    assert item.joined([{"type": "output_text", "text": one} for one in wholes]) == joined
