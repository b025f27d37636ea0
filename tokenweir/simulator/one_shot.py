"""The whole answer at once: the body for a request without `stream`.

Law of this file: pure; the same steps as a stream's, gathered (`chat.completion`).
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from tokenweir.pipeline.events import Delta, Finish, Start, ToolDelta, Usage
from tokenweir.pipeline.protocols.openai_chat_encode import usage_body
from tokenweir.simulator.answer import Step

_FIELDS = {"text": "content", "reasoning": "reasoning_content"}


def completion(steps: Iterable[Step]) -> bytes:
    """The JSON body of an answer whose steps hold deltas only."""
    body: dict[str, Any] = {"object": "chat.completion", "choices": []}
    choices: dict[int, dict[str, Any]] = {}
    for step in steps:
        event = step.event
        if isinstance(event, Start):
            body |= {"id": event.id, "created": event.created, "model": event.model}
        elif isinstance(event, Delta):
            message = _choice(choices, event.index)["message"]
            name = _FIELDS[event.channel]
            message[name] = (message.get(name) or "") + event.text
        elif isinstance(event, ToolDelta):
            _add_call(_choice(choices, event.index)["message"], event)
        elif isinstance(event, Finish):
            _choice(choices, event.index)["finish_reason"] = event.reason
        elif isinstance(event, Usage):
            body["usage"] = usage_body(event)
    body["choices"] = [choices[index] for index in sorted(choices)]
    return msgspec.json.encode(body)


def _choice(choices: dict[int, dict[str, Any]], index: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, "refusal": None}
    return choices.setdefault(
        index, {"index": index, "message": message, "logprobs": None, "finish_reason": None}
    )


def _add_call(message: dict[str, Any], event: ToolDelta) -> None:
    """There is one call at most, and its first fragment has its id and name."""
    calls: list[dict[str, Any]] = message.setdefault("tool_calls", [])
    if event.id is not None:
        function = {"name": event.name, "arguments": ""}
        calls.append({"id": event.id, "type": "function", "function": function})
    calls[-1]["function"]["arguments"] += event.arguments
