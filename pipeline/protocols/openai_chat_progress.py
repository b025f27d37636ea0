"""openai-chat, waiting: what servers say while no token can come, as phases.

Law of this file: pure; comments, llama-server's `prompt_progress` and llama-swap's loading text, none
of which is part of an answer (PROTOCOLS 1.2, 5.1, 5.2, 5.4).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tokenweir.pipeline.events import Phase
from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.pipeline.protocols.unicode_halves import whole

_PROGRESS = re.compile(
    r"(?P<what>keep-?alive|loading|prefill|prompt)\D{0,16}?(?P<done>[\d.]+)(?:/(?P<all>\d+))?\s*$"
)
_BANNER = ("\u2501", "llama-swap")
"""How llama-swap's loading text begins: a rule (five heavy lines), then its own name."""


def phase_of(comment: str) -> Phase:
    """A sign of life as a phase, with its progress where it tells one.

    >>> phase_of("keepalive 512/2048").progress
    0.25
    """
    found = _PROGRESS.search(comment.lower())
    if found is None:
        return Phase("prefill", None, comment or None)
    part = _part(_number(found["done"]), _number(found["all"] or "1"))
    return Phase("loading" if found["what"] == "loading" else "prefill", part, comment)


def prompt_progress(chunk: Mapping[str, Any]) -> Phase | None:
    """llama-server's `return_progress`; None where the chunk has none."""
    progress = as_object(chunk.get("prompt_progress"))
    part = _part(progress.get("processed"), progress.get("total"))
    return None if part is None else Phase("prefill", part)


def _part(done: object, total: object) -> float | None:
    """What part of `total` is done; None where that is no part."""
    if not isinstance(done, (int, float)) or not isinstance(total, (int, float)):
        return None
    return done / total if 0 <= done <= total and 0 < total < 2**63 else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


class LoadingText:
    """llama-swap writes its loading text as reasoning, in chunks that name nothing, before the answer
    of the server behind it."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = False

    def read(self, chunk: Mapping[str, Any], listed: Sequence[Mapping[str, Any]]) -> Phase | None:
        """The phase that a chunk tells; None where it is part of an answer."""
        if "id" in chunk or len(listed) != 1 or not listed[0].keys().isdisjoint(("index", "finish_reason")):
            return None
        delta = as_object(listed[0].get("delta"))
        text = whole(as_text(delta.get("reasoning_content")))
        if not text or delta.get("content") or delta.get("tool_calls"):
            return None
        self._begun = self._begun or text.startswith(_BANNER)
        return Phase("loading", None, text) if self._begun else None
