"""llamacpp-completion, reading: payloads of llama-server's own `/completion` in, events out.

Law of this file: what a payload of this protocol means (PROTOCOLS 5.1). Pure. `"stop": true` completes
a completion, whether it was streamed or not; there is no other end marker. Of several completions
(`n_cmpl`) each up to the highest number that was seen has its own. A completion has no name, and its
model is named in the last payload alone.
"""

from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.events import Delta, Event, Failure, Finish, FinishReason, Usage
from tokenweir.pipeline.json_value import as_count, as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import misread
from tokenweir.pipeline.protocols.failures import failure_from, is_error
from tokenweir.pipeline.protocols.openai_chat_decode import CHOICE_LIMIT
from tokenweir.pipeline.protocols.openai_chat_progress import prompt_progress
from tokenweir.pipeline.protocols.payload_decode import PayloadDecode
from tokenweir.pipeline.protocols.unicode_halves import whole

FINISH: Mapping[str, FinishReason] = {
    "eos": "stop",
    "word": "stop",
    "limit": "length",
    "stopped_eos": "stop",
    "stopped_word": "stop",
    "stopped_limit": "length",
    "": "stop",
}
"""Native reasons (`stop_type`, or the one flag of old servers that is true). Any other is "other"."""

_FLAGS = ("stopped_limit", "stopped_word", "stopped_eos")
_READ = frozenset({"index", "content", "stop", "stop_type", "prompt_progress", *_FLAGS, "model"})
_TYPES: Mapping[str, type] = {"content": str, "prompt_progress": dict}
_COUNTS = frozenset({"tokens_predicted", "tokens_evaluated"})
_PROGRESS = frozenset({"total", "cache", "processed", "time_ms"})
_OF_TOKENS = frozenset({"tokens", "completion_probabilities", "probs"})
"""Fields that belong to the tokens of their payload: two equal ones are two."""


class LlamaCppCompletionDecode(PayloadDecode):
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it."""

    def __init__(self, provider: str | None = None, *, finish_required: bool = True) -> None:
        super().__init__(provider, finish_required=finish_required)
        self._finished: dict[int, bool] = {}  # of each completion that was seen

    def take_value(self, payload: object, kind: str, out: list[Event]) -> None:
        """Several completions without a stream (`n_cmpl`) come as one list."""
        listed = [] if kind == "error" or is_error(payload) else as_list(payload)
        for one in listed:
            if not self._over:
                super().take_value(one, kind, out)
        if not listed:
            super().take_value(payload, kind, out)
        if not self._over and self._finished and all(map(self._finished.get, range(max(self._finished) + 1))):
            self.end(None, out)

    def take_object(self, fields: Mapping[str, Any], kind: str, out: list[Event]) -> None:
        failed = kind == "error" or is_error(fields)
        if not failed or "content" in fields:
            self._take_chunk(fields, out)
        if failed and not self._over:
            self.end(failure_from(fields), out)

    def _take_chunk(self, chunk: Mapping[str, Any], out: list[Event]) -> None:
        index = as_count(chunk.get("index")) or 0
        if index >= CHOICE_LIMIT:
            message = f"a completion has the index {str(index)[:20]}; the bound is {CHOICE_LIMIT}"
            self.end(Failure("protocol", message), out)
            return
        self._take_model(chunk.get("model"), out)
        self._take_progress(chunk, out)
        self._finished.setdefault(index, False)
        text = as_text(chunk.get("content"))
        if text:
            self._said = True
            self._mended.take([Delta(text, "text", index)], out)
        self._take_extras(chunk, index, out)
        if chunk.get("stop") is True and not self._finished[index]:
            self._stop(chunk, index, out)

    def _take_progress(self, chunk: Mapping[str, Any], out: list[Event]) -> None:
        waiting = prompt_progress(chunk)
        if waiting is not None:
            self.keep_alive(waiting, out)
        progress = as_object(chunk.get("prompt_progress"))
        if not progress.keys() <= _PROGRESS:
            self._extras.take({"prompt_progress": progress}, None, out)

    def _take_model(self, model: object, out: list[Event]) -> None:
        if not self._started:
            self.start(model, out)
        elif isinstance(model, str):
            self._extras.take({"model": model}, None, out)

    def _take_extras(self, chunk: Mapping[str, Any], index: int, out: list[Event]) -> None:
        around = {key: value for key, value in chunk.items() if key not in _READ and key not in _COUNTS}
        inside = {key: around.pop(key) for key in _OF_TOKENS & around.keys()}
        inside |= misread(chunk, _TYPES)
        self._extras.take(inside, index, out)
        self._extras.take(around, None, out)

    def _stop(self, chunk: Mapping[str, Any], index: int, out: list[Event]) -> None:
        """The last payload of a completion. The figures of each payload count all that came before."""
        self._mended.flush(out, index)
        self._finished[index] = True
        flag = next((name for name in _FLAGS if chunk.get(name) is True), "")
        native = whole(as_text(chunk.get("stop_type"))) or flag
        out.append(Finish(FINISH.get(native, "other"), native or None, index))
        sent, given = as_count(chunk.get("tokens_evaluated")), as_count(chunk.get("tokens_predicted"))
        cached = as_count(as_object(chunk.get("timings")).get("cache_n"))
        usage = Usage(sent, given, None, None, cached)
        if usage != Usage():
            out.append(usage)
