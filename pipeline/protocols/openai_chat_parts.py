"""openai-chat, text in pieces: what stands in strings, lists of parts and parts, and beside the text there.

Law of this file: pure, and no event is made here. Parts are Mistral's, Databricks' and OpenRouter's ways
to write content and reasoning (PROTOCOLS 2.1, 2.3).
"""

from collections.abc import Mapping
from typing import Any, cast

from tokenweir.pipeline.json_value import as_list, as_object, as_text

_TEXTS = ("text", "thinking", "summary")
_NOTHING: tuple[Any, ...] = (None, "", [], {})
_SAME = frozenset({"type", "text", "summary", "index", "format", "id"})
"""Fields of a reasoning detail that say what the reasoning beside it says."""


def text_of(value: object) -> str:
    """The text in a string, a list of parts, or a part (`text`, `thinking`, `summary`)."""
    if isinstance(value, str):
        return value
    inside = _inside(as_object(value))[1]
    if isinstance(inside, (str, list)):
        return text_of(cast("object", inside))
    return "".join(map(text_of, as_list(value)))


def beside_text(value: object) -> Any:
    """What stands in a list of parts or a part beside its text, in the same form; None where nothing
    does.

    >>> beside_text({"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "signature": "s"})
    {'type': 'thinking', 'signature': 's'}
    >>> beside_text("Hm"), beside_text([{"type": "text", "text": "Hm"}])
    (None, None)
    """
    if isinstance(value, list):
        return [left for left in map(beside_text, as_list(cast("object", value))) if left is not None] or None
    fields = as_object(value)
    if not fields:
        return value if value and not isinstance(value, str) else None
    name, inside = _inside(fields)
    left = {key: fields[key] for key in fields if key not in ("type", name) and fields[key] not in _NOTHING}
    within = beside_text(inside)
    if within is not None:
        left[name] = within
    return {"type": fields.get("type"), **left} if left else None


def _inside(fields: Mapping[str, Any]) -> tuple[str, object]:
    return next(((name, fields[name]) for name in _TEXTS if fields.get(name)), ("", None))


def details_beside(details: object, text: str) -> list[Any]:
    """The `reasoning_details` that say more than `text`, the reasoning that came with them: a signature
    or an encrypted part, which the next request must send back. Where there is no text beside them all
    are kept, and none is read as reasoning."""
    return [
        detail
        for detail in as_list(details)
        if not text or not text_of(detail) or any(detail[key] for key in as_object(detail).keys() - _SAME)
    ]


def refusal_of(part: object) -> str:
    """The text of a part that is a refusal."""
    return as_text(as_object(part).get("refusal"))
