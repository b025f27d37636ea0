"""openai-responses, writing: an item of the output, as it begins, grows and ends.

Law of this file: the fields of each event, exactly those that clients' types demand; no frames.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tokenweir.pipeline.assemble import Text
from tokenweir.pipeline.events import Channel, Usage


class Form(NamedTuple):
    """How a channel is written: the name of its events, the type of its part and the field in it, and
    what else the part has."""

    event: str
    type: str
    field: str
    item: str
    beside: Mapping[str, Any] = {}


PARTS: Mapping[Channel, Form] = {
    "text": Form("output_text", "output_text", "text", "message", {"annotations": [], "logprobs": []}),
    "refusal": Form("refusal", "refusal", "refusal", "message"),
    "reasoning": Form("reasoning_text", "reasoning_text", "text", "reasoning"),
}


class Spoken:
    """A message, or reasoning: its parts, one after the other. `channel` is that of the last one."""

    def __init__(self, index: int, name: str, channel: Channel) -> None:
        self.channel: Channel = channel
        self.parts: list[dict[str, Any]] = []
        self._text = Text()
        self._index = index
        self._kind = PARTS[channel].item
        self._id = f"{'rs' if self._kind == 'reasoning' else 'msg'}_{name}_{index}"

    def takes(self, channel: Channel) -> bool:
        """Whether text of this channel belongs here."""
        return PARTS[channel].item == self._kind

    def begin(self, channel: Channel) -> dict[str, Any]:
        """A new part."""
        self.channel = channel
        self._text = Text()
        self.parts.append(self._part(""))
        return {**self._place, "part": self.parts[-1]}

    def say(self, text: str, *, again: bool) -> int:
        """More of the last part, or all of it again: by how many characters it grew."""
        return _say(self._text, text, again=again)

    def delta(self, text: str) -> dict[str, Any]:
        """The fields of a delta."""
        return {**self._place, "delta": text, **self._logprobs}

    def whole(self) -> dict[str, Any]:
        """The fields of the end of a text."""
        self.parts[-1] = self._part(str(self._text))
        field = PARTS[self.channel].field
        return {**self._place, field: self.parts[-1][field], **self._logprobs}

    def part_done(self) -> dict[str, Any]:
        """The fields of the end of a part, after `whole`."""
        return {**self._place, "part": self.parts[-1]}

    def added(self) -> dict[str, Any]:
        """The fields of its beginning."""
        return {"output_index": self._index, "item": self._item("in_progress", [])}

    def done(self, status: str) -> dict[str, Any]:
        """The fields of its end, after the end of its last part."""
        return {"output_index": self._index, "item": self.item(status)}

    def item(self, status: str) -> dict[str, Any]:
        """All of it, so far as its parts have ended."""
        return self._item(status, self.parts)

    def _item(self, status: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {"id": self._id, "type": self._kind, "status": status}
        made["content"] = parts
        beside: dict[str, Any] = {"summary": []} if self._kind == "reasoning" else {"role": "assistant"}
        return made | beside

    def _part(self, text: str) -> dict[str, Any]:
        form = PARTS[self.channel]
        return {"type": form.type, form.field: text, **form.beside}

    @property
    def _place(self) -> dict[str, Any]:
        index = len(self.parts) - 1
        return {"item_id": self._id, "output_index": self._index, "content_index": index}

    @property
    def _logprobs(self) -> dict[str, Any]:
        return {"logprobs": []} if self.channel == "text" else {}


class Call:
    """A call of a tool."""

    def __init__(self, index: int, name: str, call_id: str, function: str) -> None:
        self._index = index
        self._id = f"fc_{name}_{index}"
        self._call = {"call_id": call_id, "name": function}
        self._text = Text()

    def say(self, text: str, *, again: bool) -> int:
        """More of its arguments, or all of them again: by how many characters they grew."""
        return _say(self._text, text, again=again)

    def delta(self, text: str) -> dict[str, Any]:
        """The fields of a delta."""
        return {"item_id": self._id, "output_index": self._index, "delta": text}

    def whole(self) -> dict[str, Any]:
        """The fields of the end of its arguments."""
        name, arguments = self._call["name"], str(self._text)
        return {"item_id": self._id, "output_index": self._index, "name": name, "arguments": arguments}

    def added(self) -> dict[str, Any]:
        """The fields of its beginning."""
        return {"output_index": self._index, "item": self._item("in_progress", "")}

    def done(self, status: str) -> dict[str, Any]:
        """The fields of its end."""
        return {"output_index": self._index, "item": self.item(status)}

    def item(self, status: str) -> dict[str, Any]:
        """All of it so far."""
        return self._item(status, str(self._text))

    def _item(self, status: str, arguments: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "function_call",
            "status": status,
            "arguments": arguments,
            **self._call,
        }


def _say(said: Text, text: str, *, again: bool) -> int:
    before = said.size
    said.revise(0 if again else before, text)
    return said.size - before


def usage_body(usage: Usage) -> dict[str, Any]:
    """Usage in this API's form: whole numbers only, and all of them."""
    taken, given = usage.input or 0, usage.output or 0
    return {
        "input_tokens": taken,
        "input_tokens_details": {"cached_tokens": usage.cached or 0, "cache_write_tokens": 0},
        "output_tokens": given,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": taken + given if usage.total is None else usage.total,
    }
