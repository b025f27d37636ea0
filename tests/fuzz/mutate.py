"""How an input is changed: half of the changes know lines and JSON, since chance alone rarely keeps both.

Law of this file: bytes in, bytes out, and all chance comes from the seed. It knows no protocol; words come
from outside.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from tokenweir.pipeline.json_value import as_list, as_object

Bytes = Callable[[bytes, int], bytes]
"""libFuzzer's own change: bytes, and the most bytes that may come of it."""

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    127,
    128,
    2**31,
    2**63,
    10**40,
    1.5,
    1e300,
    float("nan"),
    "",
    "x",
    "\ud83d",
    "\ude00",
    "\ufffd",
    "{",
    "0",
    [],
    {},
    [[]],
    [None],
    [{}],
    {"": None},
)
"""What stands where something else should; a deep nest is made when it is needed."""
_DEEP = (3, 60, 1200)
_MANY = (2, 3, 30)


class Mutator:
    """Changes inputs; `words` are put into JSON, and `others` are what it takes lines from."""

    def __init__(self, words: Sequence[bytes], others: Sequence[bytes], plain: Bytes) -> None:
        self._words = [word.decode("utf-8", "replace").strip('"') for word in words]
        self._lines = [line for body in others for line in body.splitlines(keepends=True)] or [b"\n"]
        self._plain = plain

    def __call__(self, data: bytes, most: int, seed: int) -> bytes:
        """A changed input of at most so many bytes."""
        chance = Random(seed)  # noqa: S311 - no secret
        changed = bytes(data)
        for _ in range(chance.choice((1, 1, 2, 4))):
            ways = (self._by_json, self._by_json, self._by_line, self._by_resend)
            changed = chance.choice(ways)(changed, chance) if chance.random() < 1 / 2 else b""
            changed = changed or bytes(self._plain(data, most))
        return changed[:most]

    def _by_line(self, data: bytes, chance: Random) -> bytes:
        """Lines are doubled, left out, exchanged, taken from elsewhere, cut or put together."""
        lines = data.splitlines(keepends=True) or [b""]
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        way = chance.randrange(7)
        if way == 0:
            lines[at:at] = lines[min(at, other) : max(at, other) + 1] * chance.choice(_MANY)
        elif way == 1:
            del lines[min(at, other) : max(at, other) + 1]
        elif way == 2:
            lines[at], lines[other] = lines[other], lines[at]
        elif way == 3:
            begin = chance.randrange(len(self._lines))
            lines[at:at] = self._lines[begin : begin + chance.randint(1, 4)]
        elif way == 4:
            lines = [*lines[:at], lines[at][: chance.randint(0, len(lines[at]))]]
        elif way == 5:
            lines[at] = lines[at].rstrip(b"\r\n")
        else:
            lines[at] = lines[at].rstrip(b"\r\n") + chance.choice((b"\r\n", b"\r", b"\n\n", b"\n"))
        return b"".join(lines)

    def _by_resend(self, data: bytes, chance: Random) -> bytes:
        """A line is sent again, longer: it begins with lines of its kind before it (a cumulative backend)."""
        lines = data.split(b"\n")
        at = chance.randrange(len(lines))
        kind = lines[at][:1]
        before = [line[1:] for line in lines[chance.randint(0, at) : at + 1] if line[:1] == kind]
        more = chance.choice((b"", b" more", b".", *before[:1]))
        lines.insert(at + 1, kind + b"".join(before) + more)
        return b"\n".join(lines)

    def _by_json(self, data: bytes, chance: Random) -> bytes:
        """A value in one of the JSON objects becomes another."""
        lines = data.split(b"\n")
        places = [at for at, line in enumerate(lines) if b"{" in line]
        if not places:
            return b""
        at = chance.choice(places)
        begin = lines[at].index(b"{")
        try:
            value = json.loads(lines[at][begin:])
        except (ValueError, RecursionError):
            return b""
        value = self._changed(value, chance)
        try:
            text = json.dumps(value, ensure_ascii=chance.random() < 1 / 2, separators=(",", ":"))
        except RecursionError:
            return b""
        lines[at] = lines[at][:begin] + text.encode("utf-8", "replace")
        return b"\n".join(lines)

    def _changed(self, value: Any, chance: Random) -> Any:
        holders = list(_holders(value))
        if not holders:
            return self._other(value, value, chance)
        holder, key = chance.choice(holders)
        way = chance.randrange(8)
        if way == 0:
            del holder[key]
        elif way == 1 and not isinstance(holder, list):
            holder[chance.choice(self._words or ["x"])] = holder.pop(key)
        elif way == 2 and not isinstance(holder, list):
            holder[chance.choice(self._words or ["x"])] = self._other(value, holder[key], chance)
        elif way == 3 and isinstance(holder, list):
            holder[key:key] = [holder[key]] * chance.choice(_MANY)
        elif way == 4:
            elsewhere, name = chance.choice(holders)
            holder[key] = json.loads(json.dumps(elsewhere[name]))
        else:
            holder[key] = self._other(value, holder[key], chance)
        return value

    def _other(self, root: Any, old: Any, chance: Random) -> Any:
        way = chance.randrange(6)
        if way == 0:
            return _nest(chance.choice(_DEEP), chance.choice(("[", "{")))
        if way == 1:
            return [old]
        if way == 2 and old is not root:
            return {chance.choice(self._words or ["x"]): old}
        if way == 3 and isinstance(old, str):
            return chance.choice((old + old, old[:-1], old + "\ud83d", json.dumps(old), old.upper()))
        return chance.choice(self._words or ["x"]) if way == 4 else chance.choice(HOSTILE)


def _nest(depth: int, kind: str) -> Any:
    nest: Any = 1
    for _ in range(depth):
        nest = [nest] if kind == "[" else {"a": nest}
    return nest


def _holders(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value: what holds it, and the key or number there."""
    stack = [value]
    while stack:
        item = stack.pop()
        fields, listed = as_object(item), as_list(item)
        yield from ((fields, key) for key in fields)
        yield from ((listed, at) for at in range(len(listed)))
        stack += [*fields.values(), *listed]
