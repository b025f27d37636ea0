"""openai-chat, writing at once: events in, one answer of `/v1/chat/completions` without `stream` out.

Law of this file: pure; the fields of a `chat.completion`, as strict clients' types demand them (PROTOCOLS
10.1). The text is gathered by Assembly, so that revisions are applied exactly.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Raw

from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Event, Extra
from tokenweir.pipeline.protocols.openai_bodies import usage_body, wire_reason
from tokenweir.pipeline.protocols.openai_chat_encode import REASONING, ReasoningField
from tokenweir.pipeline.protocols.openai_logprobs import Logprobs, chat_logprobs


class OpenAIChatWhole:
    """Gathers an answer. `id`, `model` and `created` are those of a `Start` where the arguments are None;
    `reasoning_field` is the field of a message that reasoning goes to. Held: the answer.

    >>> from tokenweir.pipeline.events import Delta, Finish
    >>> whole = OpenAIChatWhole("chatcmpl-1", "m", 7)
    >>> whole.feed([Delta("Hi"), Finish("stop")])
    >>> whole.body()["choices"][0]["message"]
    {'role': 'assistant', 'content': 'Hi', 'refusal': None}
    """

    _object: ClassVar[str] = "chat.completion"
    _own_id: ClassVar[str] = "chatcmpl-tokenweir"

    def __init__(
        self,
        id: str | None = None,  # noqa: A002 - the field's name on the wire
        model: str | None = None,
        created: int | None = None,
        *,
        reasoning_field: ReasoningField = "reasoning_content",
    ) -> None:
        self._id = id
        self._model = model
        self._created = created
        self._reasoning = REASONING[reasoning_field]
        self._said = Assembly()
        self._logprobs: dict[int, Logprobs] = {}

    def feed(self, items: Sequence[Event]) -> None:
        """Take a batch. Raises StageError for a `Snapshot`: put delta_extract() before."""
        self._said.feed(items)
        for event in items:
            if isinstance(event, Extra) and event.kind == "logprobs" and event.index is not None:
                told = self._read_logprobs(event.data)
                if told is not None:
                    self._logprobs.setdefault(event.index, Logprobs()).add(told)

    def body(self) -> dict[str, Any]:
        """The answer so far, for JSON; `usage` is left out where no figures are known. It is for an answer
        that has ended well: what `Done` or `End` told of a failure has no place in it."""
        said = self._said
        start = said.start
        made: dict[str, Any] = {
            "id": self._id or (start and start.id) or self._own_id,
            "object": self._object,
            "created": self._created or (start and start.created) or 0,
            "model": self._model or said.model or "unknown",
            "choices": [self._choice(index) for index in said.choices or (0,)],
        }
        if said.usage is not None:
            made["usage"] = usage_body(said.usage)
        return made

    def _choice(self, index: int) -> dict[str, Any]:
        finish = self._said.finish.get(index)
        # where text was taken back, they are not those of the text
        logprobs = None if self._said.revisions else self._logprobs.get(index)
        return {
            "index": index,
            **self._content(index),
            "logprobs": None if logprobs is None else logprobs.value(),
            "finish_reason": wire_reason(finish.reason) if finish is not None else "stop",
        }

    def _content(self, index: int) -> Mapping[str, Any]:
        """A message without text is empty; one that is only calls, or a refusal, has none."""
        text, thought, refusal = (self._said.text(index, of) for of in ("text", "reasoning", "refusal"))
        calls = self._calls(index)
        content = text or (None if calls or refusal else "")
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": refusal or None}
        if thought:
            message |= dict.fromkeys(self._reasoning, thought)
        if calls:
            message["tool_calls"] = calls
        return {"message": message}

    def _calls(self, index: int) -> list[dict[str, Any]]:
        """With an id and a name, made up as in a stream where the backend gave none."""
        return [
            {
                "id": call["id"] or f"call_{number}",
                "type": "function",
                "function": {"name": call["name"] or "", "arguments": call["arguments"]},
            }
            for number, call in enumerate(self._said.tool_calls(index))
        ]

    def _read_logprobs(self, data: Raw) -> Mapping[str, Any] | None:
        return chat_logprobs(data)
