"""gemini-sse and gemini-json-array, reading: answers of `generateContent` in, events out.

Law of this file: what a payload means, around its candidates (PROTOCOLS 7.2). Pure. The two protocols
differ in their framing alone, and a whole answer is one payload like those of a stream. There is no end
marker: an answer is complete when every candidate gave a finish reason and then the body ended. So the
`Finish` of each candidate comes at the end, after text that followed its reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from tokenweir.pipeline.events import Comment, Done, Event, Failure, SSEEvent, Start, Usage, WireItem
from tokenweir.pipeline.json_value import as_count, as_list, as_object, as_text
from tokenweir.pipeline.protocols.extras import Extras, misread
from tokenweir.pipeline.protocols.failures import failure_from, is_error
from tokenweir.pipeline.protocols.gemini_candidate import Candidate
from tokenweir.pipeline.protocols.payload import read_payload, shown
from tokenweir.pipeline.protocols.rfc3339 import unix_seconds
from tokenweir.pipeline.protocols.unicode_halves import MendedEvents, whole

CANDIDATE_LIMIT = 128
"""Candidates of one answer: an index beyond it is a broken or hostile payload (fault V13)."""

_KNOWN = frozenset(
    {"candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "error", "promptFeedback"}
)
_TYPES: Mapping[str, type] = {"candidates": list, "usageMetadata": dict}
_FIGURES: Mapping[str, str] = {
    "promptTokenCount": "input",
    "candidatesTokenCount": "output",
    "totalTokenCount": "total",
    "thoughtsTokenCount": "reasoning",
    "cachedContentTokenCount": "cached",
}
"""Gemini's name of a figure -> ours. The thoughts are not in the output, and are in the total."""


class GeminiDecode:
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it.

    `finish_required` changes nothing: without a finish reason there is no sign of an end.
    """

    def __init__(self, provider: str | None = None, *, finish_required: bool = True) -> None:
        del finish_required
        self._provider = provider
        self._started = False
        self._over = False
        self._candidates: dict[int, Candidate] = {}
        self._usage: Usage | None = None
        self._mended = MendedEvents()
        self._extras = Extras()
        self._chunks = 0
        self._keep_alives = 0

    def feed(self, items: Sequence[WireItem]) -> list[Event]:
        out: list[Event] = []
        for item in items:
            if self._over:
                break
            if isinstance(item, SSEEvent):
                self._take(item, out)
            elif isinstance(item, Done):
                self._end(item.failure, out)
            elif type(item) is Comment:
                self._keep_alives += 1
            else:
                out.append(cast("Event", item))
        return out

    def finish(self) -> list[Event]:
        """End of the body: complete where every candidate that was seen has its finish reason; nothing
        is said where not (the pipeline calls that truncated)."""
        out: list[Event] = []
        if not self._over:
            self._close(out)
            seen = self._candidates.values()
            if seen and all(candidate.ended for candidate in seen):
                self._over = True
                out.append(Done())
        return out

    def figures(self) -> dict[str, float]:
        return {"chunks": self._chunks, "keep_alives": self._keep_alives}

    def _end(self, failure: Failure | None, out: list[Event]) -> None:
        self._close(out)
        self._over = True
        out.append(Done(failure))

    def _close(self, out: list[Event]) -> None:
        self._mended.flush(out)
        out.extend(candidate.finish() for candidate in self._candidates.values() if candidate.ended)

    def _take(self, item: SSEEvent, out: list[Event]) -> None:
        data = item.data.strip()
        if not data or data.startswith(b"[DONE]"):  # a proxy's word: only the end of the body counts
            self._keep_alives += 1
            return
        try:
            payload = read_payload(data)
        except ValueError:
            self._end(Failure("protocol", f"a payload is not JSON: {shown(data)}"), out)
            return
        elements = as_list(payload) or [payload]
        try:
            for element in elements:
                if not self._over:
                    self._take_payload(element, item, out)
        except RecursionError:
            self._end(Failure("protocol", "a payload is nested too deeply"), out)
        except OverflowError as many:
            self._end(Failure("limit", str(many)), out)
        except ValueError as wrong:
            self._end(Failure("protocol", str(wrong)), out)

    def _take_payload(self, payload: object, item: SSEEvent, out: list[Event]) -> None:
        if not isinstance(payload, dict):
            self._end(Failure("protocol", f"a payload is not a JSON object: {shown(item.data)}"), out)
            return
        fields = as_object(cast("object", payload))
        failed = bool(fields.get("error")) or item.type == "error" or is_error(fields)
        if not failed or fields.get("candidates"):
            self._chunks += 1
            self._take_answer(fields, out)
        if failed:
            self._end(failure_from(fields), out)

    def _take_answer(self, answer: Mapping[str, Any], out: list[Event]) -> None:
        self._start(answer, out)
        listed = as_list(answer.get("candidates"))
        for entry in map(as_object, listed):
            self._take_candidate(entry, out)
        strange = [entry for entry in listed if entry and not as_object(entry)]
        self._extras.take({"candidates": strange} | misread(answer, _TYPES), None, out)
        self._take_feedback(answer, out)
        self._take_usage(as_object(answer.get("usageMetadata")), out)
        if not answer.keys() <= _KNOWN:
            unknown = {key: value for key, value in answer.items() if key not in _KNOWN}
            self._extras.take(unknown, None, out)

    def _start(self, answer: Mapping[str, Any], out: list[Event]) -> None:
        """Held until a payload names itself or its model, or has content."""
        if self._started or not (answer.keys() & {"candidates", "responseId", "modelVersion"}):
            return
        self._started = True
        answer_id, model = (
            whole(as_text(answer.get(name))) or None for name in ("responseId", "modelVersion")
        )
        created = unix_seconds(as_text(answer.get("createTime")))
        out.append(Start(answer_id, self._provider, model, created))

    def _take_candidate(self, entry: Mapping[str, Any], out: list[Event]) -> None:
        events: list[Event] = []
        candidate = self._candidate(entry.get("index"))
        try:
            candidate.feed(entry, events)
        finally:
            self._mended.take(events, out)

    def _candidate(self, index: object) -> Candidate:
        index = index if isinstance(index, int) and not isinstance(index, bool) else 0
        if not 0 <= index < CANDIDATE_LIMIT:
            raise ValueError(f"a candidate has the index {str(index)[:20]}; the bound is {CANDIDATE_LIMIT}")
        return self._candidates.get(index) or self._candidates.setdefault(
            index, Candidate(index, self._extras)
        )

    def _take_feedback(self, answer: Mapping[str, Any], out: list[Event]) -> None:
        """A prompt that was refused has no candidate: the refusal is how the answer ends."""
        feedback = answer.get("promptFeedback")
        self._extras.take({"promptFeedback": feedback}, None, out)
        blocked = whole(as_text(as_object(feedback).get("blockReason")))
        if blocked and not blocked.endswith("_UNSPECIFIED") and not answer.get("candidates"):
            self._candidate(0)
            for candidate in self._candidates.values():
                if candidate.ended is None:
                    candidate.end(blocked, "content_filter")

    def _take_usage(self, found: Mapping[str, Any], out: list[Event]) -> None:
        """Figures so far, in many payloads. What is no figure of ours is kept beside."""
        if not found:
            return
        counts = {ours: as_count(found.get(name)) for name, ours in _FIGURES.items()}
        known = {name: count for name, count in counts.items() if count is not None}
        merged = msgspec.structs.replace(self._usage or Usage(), **known)
        if known and merged != self._usage:
            self._usage = merged
            out.append(merged)
        self._extras.take({key: value for key, value in found.items() if key not in _FIGURES}, None, out)
