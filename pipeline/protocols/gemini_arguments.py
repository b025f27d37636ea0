"""gemini, reading: the arguments of a call that come value by value, as one JSON text.

Law of this file: where a value belongs and what text puts it there. Pure. Vertex streams arguments as
`partialArgs`: each entry names a place (`$.recipe.steps[2]`) and has a value, a string in several
pieces. The places come in the order of the JSON text that the model writes, so what is there can go out
at once, and nothing is held but the names in the objects that are still open.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.pipeline.protocols.tool_calls import arguments_text

DEPTH_LIMIT = 64
"""Steps of a place; arguments that are nested more deeply are refused."""
NAMES_LIMIT = 65_536
"""Characters of the names in the objects that are open at a time."""

_STEP = re.compile(r"""\.([^.\[\]]+)|\[([0-9]{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_ESCAPED = re.compile(r"\\(.)")

Step = str | int
"""A name in an object, or a place in an array."""


class StreamedArguments:
    """The arguments of one call. The text of a string stays open until another value begins, since the
    next entry may go on with it."""

    __slots__ = ("_names", "_path", "_size", "_string")

    def __init__(self) -> None:
        self._path: list[Step] = []  # to the last value
        self._names: list[set[str]] = []  # for each step of it, what its object holds; arrays need none
        self._size = 0
        self._string = False

    @property
    def begun(self) -> bool:
        """Whether any value has come."""
        return bool(self._path)

    def feed(self, entries: Sequence[object], out: list[str]) -> None:
        """Add to `out` the text that the entries add to the arguments. An entry without a value adds
        nothing.

        Raises ValueError for a place that text already sent leaves no room for, and for what is no
        place; OverflowError beyond NAMES_LIMIT. What came before it is in `out`.

        >>> texts: list[str] = []
        >>> StreamedArguments().feed([{"jsonPath": "$.a[0]", "numberValue": 1}], texts)
        >>> texts
        ['{"a":[1']
        """
        for entry in map(as_object, entries):
            found = _value(entry)
            if found is not None:
                self._put(_steps(as_text(entry.get("jsonPath"))), found, out)

    def close(self) -> str:
        """What ends the text; an empty object where no value came."""
        if not self._path:
            return "{}"
        return self._leave(0) + _closing(self._path[0])

    def _put(self, steps: list[Step], value: str, out: list[str]) -> None:
        if self._string and steps == self._path and value.startswith('"'):
            out.append(value[1:-1])
            return
        at = self._turning(steps)
        text = self._leave(at) + "," if self._path else "{"
        del self._path[at:]
        for step in steps[at:]:
            text += self._enter(step, fresh=len(self._path) > at)
        self._string = value.startswith('"')
        out.append(text + (value[:-1] if self._string else value))

    def _turning(self, steps: list[Step]) -> int:
        """The first step that is not the last path's: there the text goes on."""
        pairs = enumerate(zip(self._path, steps, strict=False))
        at, old = next(((at, old) for at, (old, new) in pairs if old != new), (len(self._path), None))
        new = steps[at] if at < len(steps) else None
        if not self._path:
            fits = isinstance(new, str)
        elif isinstance(old, int):
            fits = new == old + 1
        else:
            fits = isinstance(old, str) and isinstance(new, str) and new not in self._names[at]
        if not fits or any(isinstance(step, int) and step for step in steps[at + 1 :]):
            msg = (
                f"the arguments of a call go on at {'/'.join(map(str, steps))[:80]!a}, which is no next place"
            )
            raise ValueError(msg)
        return at

    def _enter(self, step: Step, *, fresh: bool) -> str:
        """The text before what stands at the next step of the path; `fresh`: its container opens here."""
        depth = len(self._path)
        self._path.append(step)
        if depth == len(self._names):
            self._names.append(set())
        if isinstance(step, int):
            return "[" if fresh else ""
        self._names[depth].add(step)
        self._size += len(step)
        if self._size > NAMES_LIMIT:
            msg = f"more than {NAMES_LIMIT} characters of names in the arguments of a call"
            raise OverflowError(msg)
        return ("{" if fresh else "") + json.dumps(step, ensure_ascii=False) + ":"

    def _leave(self, depth: int) -> str:
        """The text that closes the last value and every container inside the one at `depth`."""
        text = '"' if self._string else ""
        text += "".join(_closing(step) for step in reversed(self._path[depth + 1 :]))
        for names in self._names[depth + 1 :]:
            self._size -= sum(map(len, names))
        del self._names[depth + 1 :]
        return text


def _closing(step: Step) -> str:
    return "]" if isinstance(step, int) else "}"


def _steps(path: str) -> list[Step]:
    steps: list[Step] = []
    at = 1
    while path.startswith("$") and at < len(path) and len(steps) <= DEPTH_LIMIT:
        found = _STEP.match(path, at)
        if found is None:
            break
        name, number, *quoted = found.groups()
        escaped = next((text for text in quoted if text is not None), "")
        steps.append(name or (int(number) if number else _ESCAPED.sub(r"\1", escaped)))
        at = found.end()
    if not steps or at < len(path) or len(steps) > DEPTH_LIMIT:
        msg = f"the arguments of a call have a value at {path[:80]!a}, which is no place"
        raise ValueError(msg)
    return steps


def _value(entry: Mapping[str, Any]) -> str | None:
    """The JSON of an entry's value; None where it has none."""
    text, number, truth = (entry.get(name) for name in ("stringValue", "numberValue", "boolValue"))
    if isinstance(text, str):
        return json.dumps(text, ensure_ascii=False)
    if isinstance(number, (int, float)):
        return arguments_text(number)
    if isinstance(truth, bool):
        return "true" if truth else "false"
    return "null" if "nullValue" in entry else None
