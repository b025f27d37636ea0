"""openai-completions, writing: events in, the frames of `/v1/completions` out.

Law of this file: what differs from openai-chat: a choice has its text in itself, and no role, no reasoning
and no calls. Pure. Reasoning is left out, since this wire has no place for it, and a refusal is the text
that it is. Everything around the choices is written as openai_chat_encode.py writes it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Raw

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import ToolDelta
from tokenweir.pipeline.protocols.openai_chat_encode import OpenAIChatEncode
from tokenweir.pipeline.protocols.openai_logprobs import completion_logprobs
from tokenweir.pipeline.protocols.openai_waiting import Phases

NO_CALLS = "openai-completions has no tool calls for its client to run: offer the model no tools"


class OpenAICompletionsEncode(OpenAIChatEncode):
    """The core: events in, frames (bytes) out. `id`, `model` and `created` are the same in every frame;
    those of a `Start` are taken where the arguments are None. `phases` as for a chat, but that they
    cannot be told as reasoning: then they are comments."""

    name: ClassVar[str] = "openai-completions"
    _object: ClassVar[str] = "text_completion"
    _own_id: ClassVar[str] = "cmpl-tokenweir"

    def __init__(
        self,
        id: str | None = None,  # noqa: A002 - the field's name on the wire
        model: str | None = None,
        created: int | None = None,
        *,
        include_usage: bool = False,
        phases: Phases = "comments",
    ) -> None:
        told: Phases = "comments" if phases == "reasoning" else phases
        super().__init__(id, model, created, include_usage=include_usage, phases=told)
        self._fields = {"text": ("text",), "reasoning": (), "refusal": ("text",)}

    def _call(self, event: ToolDelta, out: list[bytes]) -> None:  # noqa: ARG002 - none has a form here
        raise StageError(NO_CALLS)

    def _begin(self, index: int, out: list[bytes]) -> None:
        """A choice begins with its text."""

    def _entry(self, index: int, delta: Mapping[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {"index": index, "text": "", **delta, "logprobs": None, "finish_reason": reason}

    def _logprobs(self, data: Raw) -> Mapping[str, Any] | None:
        return completion_logprobs(data)
