"""Which item an event is about, whatever its ids and indexes are."""

from typing import Any

import pytest

from tokenweir.pipeline.protocols import openai_responses_items
from tokenweir.pipeline.protocols.openai_responses_items import Items
from tokenweir.pipeline.protocols.verified_text import Text


def fields(item_id: str = "", kind: str = "message") -> dict[str, Any]:
    """An item of the wire."""
    return {"type": kind, "id": item_id}


def test_by_index_and_by_id() -> None:
    """Either is enough, and an id that is another one in every event harms nothing."""
    items = Items()
    first = items.at(fields("a"), {"output_index": 0}, begins=True)
    second = items.at(fields("b"), {"output_index": 1}, begins=True)

    assert items.of({"output_index": 0}) is first
    assert items.of({"item_id": "b"}) is second
    assert items.of({"output_index": 1, "item_id": "scrambled"}) is second
    assert items.at(fields("scrambled too"), {"output_index": 1}, begins=False) is second
    assert items.of({}) is second
    assert len(items) == 2


def test_the_same_index_for_all() -> None:
    """The ids tell them apart."""
    items = Items()
    first = items.at(fields("a"), {"output_index": 0}, begins=True)
    second = items.at(fields("b"), {"output_index": 0}, begins=True)

    assert first is not second
    assert items.of({"output_index": 0, "item_id": "a"}) is first
    assert items.at(fields("a"), {"output_index": 0}, begins=False) is first
    assert items.of({"output_index": 0, "item_id": "b"}) is second


def test_the_same_id_for_all() -> None:
    """The indexes tell them apart."""
    items = Items()
    first = items.at(fields("x", "function_call"), {"output_index": 0}, begins=True)
    first.closed = True
    second = items.at(fields("x", "function_call"), {"output_index": 1}, begins=False)

    assert first is not second
    assert items.of({"output_index": 0, "item_id": "x"}) is first


def test_neither() -> None:
    """Emulators: the last one is meant, and what ended is followed by a new one."""
    items = Items()
    early = items.of({})
    begun = items.at(fields(), {}, begins=True)
    other = items.at(fields(), {}, begins=True)
    ended = items.at(fields(), {}, begins=False)
    ended.closed = True

    assert early is begun
    assert other is ended
    assert other is not begun
    assert items.at(fields(), {}, begins=False) not in (begun, other)


def test_an_end_that_comes_twice() -> None:
    """It is the same item, and an end of another type is another one."""
    items = Items()
    first = items.at(fields("a"), {"output_index": 0}, begins=False)
    first.closed = True

    assert items.at(fields("a"), {"output_index": 0}, begins=False) is first
    assert items.at(fields("a", "reasoning"), {"output_index": 0}, begins=False) is not first


def test_deltas_before_the_beginning() -> None:
    """They are of the item that begins then."""
    items = Items()
    early = items.of({"output_index": 0, "item_id": "a"})

    assert early.kind == ""
    assert items.at(fields("a"), {"output_index": 0}, begins=True) is early
    assert early.kind == "message"


def test_the_whole_output() -> None:
    """By id, else the next of the same type, else something new."""
    items = Items()
    thought = items.at(fields("rs", "reasoning"), {"output_index": 0}, begins=True)
    said = items.at(fields("msg"), {"output_index": 1}, begins=True)
    early = items.of({"output_index": 2})
    listed = [fields("other", "reasoning"), fields("msg"), fields("late"), 7, fields("new")]
    found = [item for _, item in items.matched(listed)]

    assert found[:3] == [thought, said, early]
    assert early.kind == "message"
    assert len(found) == 4
    assert found[3] not in found[:3]


def test_ids_before_order() -> None:
    """An entry of the whole output is the item of its id, wherever it is listed."""
    items = Items()
    first, second = (items.of({"item_id": name, "output_index": at}) for at, name in enumerate("ab"))

    assert [item.id for item in items] == ["a", "b"]
    assert [item for _, item in items.matched([fields("b"), fields("a")])] == [second, first]


def test_an_id_that_comes_late() -> None:
    """It is told by the first event that has it, and is not changed by another."""
    items = Items()
    item = items.of({"output_index": 0})
    for name in ("a", "b"):
        items.at(fields(name), {"output_index": 0}, begins=False)

    assert item.id == "a"


def test_what_is_new_in_the_whole_output() -> None:
    """It has the id and the kind that are told there; where its text has no name, so has its entry."""
    items = Items()
    (_, new), *_ = items.matched([fields("a", "reasoning")])
    nameless = Items()
    nameless.of({})
    (_, entry), *_ = nameless.matched([fields("b")])

    assert (new.id, new.kind) == ("a", "reasoning")
    assert (entry.id, entry.kind) == ("b", "message")
    assert items.of({"item_id": "a"}) is new


def test_what_has_no_name_may_be_several() -> None:
    """Its texts are those of every entry that is text and that nothing else is."""
    items = Items()
    nameless = items.of({})
    nameless.texts["text", 0] = Text()
    listed = [fields(kind="reasoning"), fields("msg"), fields("fc", "function_call")]
    found = [item for _, item in items.matched(listed)]

    assert [item.kind for item in found] == ["reasoning", "message", "function_call"]
    assert all(item.texts is nameless.texts for item in found)
    assert found[2] is nameless
    assert list(items) == [nameless]


def test_more_text_after_an_end() -> None:
    """Where it names no item it is of a new one; a whole text still is of the last."""
    items = Items()
    first = items.at(fields("a"), {"output_index": 0}, begins=False)
    first.closed = True

    assert items.of({}) is first
    assert items.of({"item_id": "a"}, more="text") is first
    assert items.of({"output_index": 0}, more="text") is first
    second = items.of({}, more="text")
    assert second is not first
    assert items.of({}, more="text") is second


def test_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """V14."""
    monkeypatch.setattr(openai_responses_items, "ITEM_LIMIT", 2)
    items = Items()
    made = [items.of({"output_index": at}) for at in range(2)]

    assert list(items) == made
    with pytest.raises(OverflowError, match="more than 2 items"):
        items.of({"output_index": 2})
