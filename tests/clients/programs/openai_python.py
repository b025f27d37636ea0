"""openai-python, as its users use it: the plain stream by hand, its helper, and the whole answer.

Law of this file: the library alone, with its defaults; nothing of tokenweir.
"""

import json
from itertools import islice
from typing import Any, cast

import openai

from tests.clients.programs.jobs import Stopwatch, answer_all, tools_of


def ask(question: dict[str, Any], said: dict[str, Any]) -> None:
    """Ask in the way of the question."""
    with openai.OpenAI(
        base_url=question["base_url"], api_key=question["api_key"], max_retries=question.get("retries", 0)
    ) as client:
        asked: dict[str, Any] = {
            "model": question["model"],
            "messages": [{"role": "user", "content": "Who are you?"}],
        }
        if tools := tools_of(question):
            asked["tools"] = tools
        if "max_tokens" in question:
            asked["max_tokens"] = question["max_tokens"]
        {"stream": plain, "whole": whole, "helper": helped, "leave": left}[question["way"]](
            client, asked, said
        )


def plain(client: openai.OpenAI, asked: dict[str, Any], said: dict[str, Any]) -> None:
    """Chunk by chunk, as the API's description says."""
    calls: dict[int, list[str]] = {}
    watch = Stopwatch(said)
    stream = client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    for chunk in cast("Any", stream):
        watch.piece()
        if chunk.usage:
            said["usage"] = figures(chunk.usage)
        for choice in chunk.choices:
            said["text"] += choice.delta.content or ""
            said["reasoning"] = (said.get("reasoning") or "") + getattr(choice.delta, "reasoning_content", "")
            said["finish"] = choice.finish_reason or said.get("finish")
            pieces_of: list[Any] = choice.delta.tool_calls or []
            for call in pieces_of:
                kept = calls.setdefault(call.index, ["", "", ""])
                pieces = (call.id, call.function.name, call.function.arguments)
                calls[call.index] = [old + (new or "") for old, new in zip(kept, pieces, strict=True)]
    said["calls"] = [told(*call) for call in calls.values()]


def helped(client: openai.OpenAI, asked: dict[str, Any], said: dict[str, Any]) -> None:
    """By the library's helper."""
    asked["stream_options"] = {"include_usage": True}
    with client.chat.completions.stream(**asked) as stream:
        for event in stream:
            if event.type == "content.delta":
                said["text"] += event.delta
        gather(stream.get_final_completion(), said)


def whole(client: openai.OpenAI, asked: dict[str, Any], said: dict[str, Any]) -> None:
    """Not streamed."""
    gather(client.chat.completions.create(**asked), said)


def left(client: openai.OpenAI, asked: dict[str, Any], said: dict[str, Any]) -> None:
    """Only how it begins."""
    with cast("Any", client.chat.completions.create(**asked, stream=True)) as stream:
        for chunk in islice(stream, 3):
            said["text"] += chunk.choices[0].delta.content or ""


def gather(completion: Any, said: dict[str, Any]) -> None:
    """A completion as this library has it."""
    [choice] = completion.choices
    said["text"] = choice.message.content or ""
    said["reasoning"] = getattr(choice.message, "reasoning_content", None)
    said["finish"] = choice.finish_reason
    said["usage"] = completion.usage and figures(completion.usage)
    calls: list[Any] = choice.message.tool_calls or []
    said["calls"] = [told(call.id, call.function.name, call.function.arguments) for call in calls]


def figures(usage: Any) -> list[int]:
    """Input, output, total."""
    return [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens]


def told(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """A call."""
    return {"id": call_id, "name": name, "arguments": json.loads(arguments)}


if __name__ == "__main__":
    answer_all(ask)
