"""openai-completions, writing at once: events in, one answer of `/v1/completions` without `stream` out.

Law of this file: what differs from openai-chat: a choice has its text in itself, and no role, no reasoning
and no calls. Pure. Reasoning is left out, and a refusal is the text that it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Raw

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import Event, ToolDelta
from tokenweir.pipeline.protocols.openai_chat_whole import OpenAIChatWhole
from tokenweir.pipeline.protocols.openai_completions_encode import NO_CALLS
from tokenweir.pipeline.protocols.openai_logprobs import completion_logprobs


class OpenAICompletionsWhole(OpenAIChatWhole):
    """Gathers a completion. `id`, `model` and `created` are those of a `Start` where the arguments are
    None. Held: the answer."""

    _object: ClassVar[str] = "text_completion"
    _own_id: ClassVar[str] = "cmpl-tokenweir"

    def __init__(
        self,
        id: str | None = None,  # noqa: A002 - the field's name on the wire
        model: str | None = None,
        created: int | None = None,
    ) -> None:
        super().__init__(id, model, created)

    def feed(self, items: Sequence[Event]) -> None:
        """Take a batch. Raises StageError for a `Snapshot`: put delta_extract() before; and for a call."""
        if any(isinstance(event, ToolDelta) for event in items):
            raise StageError(NO_CALLS)
        super().feed(items)

    def _content(self, index: int) -> Mapping[str, Any]:
        return {"text": self._said.text(index) + self._said.text(index, "refusal")}

    def _read_logprobs(self, data: Raw) -> Mapping[str, Any] | None:
        return completion_logprobs(data)
