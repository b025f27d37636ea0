"""LM Studio, reading: an answer of its OpenAI face or of its REST v1, whichever it is.

Law of this file: how the two are told apart, and nothing of what they mean. The first payload that is no
mere sign of life says it: every event of REST v1 has a type with a dot in its name, or is an error of that
face (PROTOCOLS 3.3).
"""

from collections.abc import Sequence

from tokenweir.pipeline.events import Event, SSEEvent, WireItem
from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.pipeline.protocols.lmstudio_v1_decode import LMStudioV1Decode
from tokenweir.pipeline.protocols.openai_chat_decode import OpenAIChatDecode
from tokenweir.pipeline.protocols.payload import read_payload


class LMStudioDecode:
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it. Held: what
    the core of the face holds."""

    def __init__(self, provider: str | None = None, *, finish_required: bool = True) -> None:
        self._provider = provider
        self._finish_required = finish_required
        self._before = OpenAIChatDecode(provider, finish_required=finish_required)
        self._core: OpenAIChatDecode | LMStudioV1Decode = self._before
        self._sure = False

    def feed(self, items: Sequence[WireItem]) -> list[Event]:
        if self._sure:
            return self._core.feed(items)
        for at, item in enumerate(items):
            rest = _is_rest(item)
            if rest is not None:
                out = self._before.feed(items[:at])
                self._sure = True
                if rest:
                    self._core = LMStudioV1Decode(self._provider, finish_required=self._finish_required)
                return out + self._core.feed(items[at:])
        return self._core.feed(items)

    def finish(self) -> list[Event]:
        return self._core.finish()

    def figures(self) -> dict[str, float]:
        figures = self._core.figures()
        if self._core is self._before:
            return figures
        earlier = self._before.figures()
        return {name: value + earlier.get(name, 0) for name, value in figures.items()}


def _is_rest(item: WireItem) -> bool | None:
    """Whether a payload is one of REST v1; None where it does not say, as a sign of life does not."""
    data = item.data.strip() if isinstance(item, SSEEvent) else b""
    if not isinstance(item, SSEEvent) or not data or data.startswith(b":"):
        return None
    try:
        fields = as_object(read_payload(data))
    except ValueError:
        return False
    own = as_text(fields.get("type"))
    named = own or item.type
    if named == "ping":
        return None
    return "choices" not in fields and ("." in named or own == "error")
