r"""The wire of stored prompts: events in, frames out.

Law of this file: pure. `start` comes first, before the backend has said anything; then phases while nothing
else can come, tokens, and one `end` that says how it ended.

    data: {"type":"start","promptId":"28","modelId":"medicine-llm","requestId":"..."}
    data: {"type":"phase","name":"loading","progress":0.42,"elapsed":3.0}
    data: {"type":"token","content":"Take"}
    data: {"type":"end","outcome":"complete","finish":"stop","usage":{...},"error":null}
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tokenweir.gateway.form import Named
from tokenweir.gateway.refused import Refused, error_of
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import Delta, End, Event, Finish, Phase, Revise, Snapshot, Start, Usage

_TYPES = {"text": "token", "reasoning": "reasoning", "refusal": "refusal"}


class PromptEncode:
    """The core. `prompt_id` is as the client wrote it; `named` has the request's id and the model."""

    def __init__(self, prompt_id: str | int, named: Named) -> None:
        self._prompt_id = prompt_id
        self._named = named
        self._model = named.model
        self._begun = False
        self._over = False
        self._finish: str | None = None
        self._usage: Usage | None = None

    def feed(self, items: Sequence[Event], /) -> list[bytes]:
        """The frames of a batch; the first ones begin with `start`. Raises StageError for text that is
        taken back: put append_only() before."""
        out = [] if self._begun else [self._start()]
        self._begun = True
        for event in items:
            if not self._over:
                self._take(event, out)
        return out

    def _take(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Delta):
            out.append(_frame({"type": _TYPES[event.channel], "content": event.text}))
        elif isinstance(event, Phase):
            told = {"type": "phase", "name": event.name, "progress": event.progress, "elapsed": event.elapsed}
            out.append(_frame(told))
        elif isinstance(event, Start):
            self._model = event.model or self._model
        elif isinstance(event, Finish):
            self._finish = event.reason
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, End):
            self._over = True
            out.append(_frame(self._end(event)))
        elif isinstance(event, (Revise, Snapshot)):
            raise StageError("a prompt's wire cannot take text back: put append_only() before the encoder")

    def _start(self) -> bytes:
        named = self._named
        return _frame(
            {"type": "start", "promptId": self._prompt_id, "modelId": named.model, "requestId": named.id}
        )

    def _end(self, end: End) -> dict[str, Any]:
        error = None if end.failure is None else error_of(Refused(end.failure))["error"]
        told = {"type": "end", "outcome": end.outcome, "modelId": self._model, "finish": self._finish}
        return told | {"usage": _figures(self._usage), "error": error}


def _figures(usage: Usage | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    total = usage.total
    if total is None and usage.input is not None and usage.output is not None:
        total = usage.input + usage.output
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": total,
        "source": usage.source,
    }


def _frame(told: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(told)
