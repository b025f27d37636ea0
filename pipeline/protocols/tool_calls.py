"""Tool-call fragments as backends really send them, put into stable slots.

Law of this file: which call a fragment belongs to, and what of it is new. Pure. The facts are those
of PROTOCOLS 2.1 and 2.2: `index` may be missing, ids and names null, empty or repeated, arguments
an object, several whole calls may share one index.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenweir.pipeline.events import Event, Extra, ToolDelta
from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.pipeline.protocols.extras import misread
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.protocols.unicode_halves import whole

CALL_LIMIT = 1024
"""Tool calls of one choice; a stream with more is broken or hostile (fault V14)."""
WAITING_LIMIT = 65_536
"""Characters of arguments that may come before the name of their call: nothing else is held here."""

_KNOWN = frozenset({"index", "id", "function", "custom"})
_PLAIN = frozenset({"index", "id", "function"})
_KNOWN_FUNCTION = frozenset({"name", "arguments"})
_KNOWN_CUSTOM = frozenset({"name", "input"})
_TYPES: Mapping[str, type] = {"id": str, "name": str, "function": dict, "custom": dict}


class _Slot:
    __slots__ = ("filled", "given", "id", "name", "number", "told_id", "waiting", "whole")

    def __init__(self, number: int) -> None:
        self.number = number
        self.id: str | None = None
        self.name: str | None = None
        self.given = self.filled = False
        self.told_id = False
        self.whole: str | None = None  # arguments that came as an object, which nothing can follow
        self.waiting: list[str] = []  # arguments that came before the name

    def is_another(self, name: str, given: str | None, beside: bool) -> bool:  # noqa: FBT001 - as it came
        """Whether a fragment without an id, of this name and with these arguments as an object, is not of
        this call: `beside` another one in a list, an equal one is another too; later it is a repeat."""
        again = given is not None and self.whole is not None
        return name != self.name or (again and (beside or given != self.whole))


class ToolCalls:
    """The calls of one choice, numbered in the order in which they first appear."""

    __slots__ = ("_by_id", "_by_index", "_choice", "_slots", "_waiting")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._slots: list[_Slot] = []
        self._by_index: dict[object, _Slot] = {}
        self._by_id: dict[str, _Slot] = {}
        self._waiting = 0

    def feed(self, fragments: Sequence[object], out: list[Event]) -> None:
        """Add to `out` what the entries of one `delta.tool_calls` say: `ToolDelta`, and
        `Extra("tool_call")` for fields that nobody models. What says nothing new adds nothing.

        Raises OverflowError beyond CALL_LIMIT calls, and beyond WAITING_LIMIT characters that wait.
        """
        for place, fragment in enumerate(fragments):
            fields = as_object(fragment)
            if fields:
                self._take(fields, beside=place > 0, out=out)
            elif fragment:
                out.append(Extra("tool_call", as_raw(fragment), self._choice))

    def legacy(self, call: Mapping[str, Any], out: list[Event]) -> None:
        """A fragment of the old `delta.function_call`, which has one call and no id."""
        self.feed([{"index": "function_call", "function": call}], out)

    def _take(self, fragment: Mapping[str, Any], *, beside: bool, out: list[Event]) -> None:
        custom = as_object(fragment.get("custom"))
        function = as_object(fragment.get("function")) or custom
        call_id = whole(as_text(fragment.get("id"))) or None
        name = whole(as_text(function.get("name"))) or None
        given = function.get("input" if custom else "arguments")
        arguments = arguments_text(given)
        whole_one = arguments if isinstance(given, dict) else None
        slot = self._slot(fragment.get("index"), call_id, name, whole_one, beside=beside)
        if whole_one is not None:
            arguments = "" if slot.whole == whole_one else arguments
            slot.whole = slot.whole or whole_one
        slot.name = slot.name or name
        if slot.id is None and call_id is not None:
            slot.id = call_id
            self._by_id[call_id] = slot
        self._give(slot, arguments, out)
        plain = fragment.keys() <= _PLAIN and function.keys() <= _KNOWN_FUNCTION
        other = {} if plain else _unknown(fragment)
        other |= misread(fragment, _TYPES) | misread(function, _TYPES)
        if (call_id and call_id != slot.id) or (name and name != slot.name):
            other |= _changed(slot, call_id, name)
        if other:
            out.append(Extra("tool_call", as_raw({"call": slot.number, **other}), self._choice))

    def _slot(
        self, index: object, call_id: str | None, name: str | None, given: str | None, *, beside: bool
    ) -> _Slot:
        """By index where there is one; a new id with a name in a used slot is a new call, since some
        backends number every call 0, and so is, without ids, another name where arguments have come. With
        no index, an id never seen starts a call, and so does, where ids are missing too, another name, or
        any name beside another call in one list. Without an id, other arguments `given` as an object, where
        an object came already, are those of another call: nothing can follow an object."""
        key = index if isinstance(index, (int, float, str)) else None
        known = self._by_id.get(call_id or "")
        if key is None and call_id is None:
            found = self._slots[-1] if self._slots else None
            if found and found.name and name and (beside or name != found.name):
                found = None
        else:
            found = known if key is None else self._by_index.get(key)
        if found and name and call_id and found.id and call_id != found.id:
            found = known
        elif found and name and call_id is None and found.filled and found.is_another(name, given, beside):
            found = None
        if found is None:
            found = self._begin()
        if key is not None:
            self._by_index[key] = found
        return found

    def _begin(self) -> _Slot:
        if len(self._slots) >= CALL_LIMIT:
            raise OverflowError(f"more than {CALL_LIMIT} tool calls in one choice")
        slot = _Slot(len(self._slots))
        self._slots.append(slot)
        return slot

    def _give(self, slot: _Slot, arguments: str, out: list[Event]) -> None:
        """Id and name once, in the first fragment (an id that comes later, as soon as it is there)."""
        if not slot.given and slot.name is None:
            self._wait(slot, arguments)
            return
        new_id = None if slot.told_id else slot.id
        slot.filled = slot.filled or bool(arguments)
        if not slot.given or arguments or new_id:
            name = None if slot.given else slot.name
            text = "".join([*slot.waiting, arguments])
            out.append(ToolDelta(slot.number, new_id, name, text, self._choice))
        self._given(slot)

    def _wait(self, slot: _Slot, arguments: str) -> None:
        if arguments:
            slot.waiting.append(arguments)
            self._waiting += len(arguments)
        if self._waiting > WAITING_LIMIT:
            raise OverflowError(
                f"more than {WAITING_LIMIT} characters of arguments before the name of the call"
            )

    def _given(self, slot: _Slot) -> None:
        self._waiting -= sum(map(len, slot.waiting))
        slot.waiting.clear()
        slot.given, slot.told_id = True, slot.id is not None

    def flush(self) -> list[ToolDelta]:
        """Calls that never got a name: give what was held of them."""
        out: list[ToolDelta] = []
        for slot in self._slots:
            if not slot.given and (slot.id or slot.waiting):
                out.append(ToolDelta(slot.number, slot.id, None, "".join(slot.waiting), self._choice))
                self._given(slot)
        return out


def _unknown(fragment: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a fragment that nobody models, and those inside its function."""
    found = {key: value for key, value in fragment.items() if key not in _KNOWN and value is not None}
    if found.get("type") in ("", "function"):
        del found["type"]
    for name, known in (("function", _KNOWN_FUNCTION), ("custom", _KNOWN_CUSTOM)):
        inside = as_object(fragment.get(name))
        if not inside.keys() <= known:
            found[name] = {key: inside[key] for key in inside if key not in known}
    return found


def _changed(slot: _Slot, call_id: str | None, name: str | None) -> dict[str, Any]:
    """An id or a name that is not the one that was told: an event tells it once, so it is kept here."""
    told = (("id", call_id, slot.id), ("name", name, slot.name))
    return {key: new for key, new, old in told if new is not None and new != old}


def arguments_text(arguments: object) -> str:
    """Arguments as text: a string as it is, null as nothing, an object as its JSON."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else bytes(as_raw(arguments)).decode()
