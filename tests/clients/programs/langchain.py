"""LangChain's ChatOpenAI, as its users use it. It has no place for reasoning: its own text says so.

Law of this file: the library alone, with its defaults; nothing of tokenweir. It is imported by name, since it
lives in an environment of its own (see installing.py).
"""

from contextlib import closing
from importlib import import_module
from itertools import islice
from typing import Any

from tests.clients.programs.jobs import Stopwatch, answer_all, tools_of

ChatOpenAI: Any = import_module("langchain_openai").ChatOpenAI


def ask(question: dict[str, Any], said: dict[str, Any]) -> None:
    """Ask in the way of the question."""
    options = {"max_tokens": question["max_tokens"]} if "max_tokens" in question else {}
    model = ChatOpenAI(
        base_url=question["base_url"],
        api_key=question["api_key"],
        model=question["model"],
        max_retries=question.get("retries", 0),
        stream_usage=True,
        **options,
    )
    if tools := tools_of(question):
        model = model.bind_tools(tools)
    if question["way"] == "whole":
        gather(model.invoke("Who are you?"), said)
        return
    if question["way"] == "leave":
        with closing(model.stream("Who are you?")) as stream:
            for chunk in islice(stream, 3):
                said["text"] += chunk.text
        return
    watch, message = Stopwatch(said), None
    for chunk in model.stream("Who are you?"):
        watch.piece()
        said["text"] += chunk.text
        message = chunk if message is None else message + chunk
    gather(message, said)


def gather(message: Any, said: dict[str, Any]) -> None:
    """A message as this library has it."""
    said["text"] = message.text
    said["finish"] = message.response_metadata.get("finish_reason")
    usage = message.usage_metadata
    said["usage"] = usage and [usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]]
    said["calls"] = [
        {"id": call["id"], "name": call["name"], "arguments": call["args"]} for call in message.tool_calls
    ]


if __name__ == "__main__":
    answer_all(ask)
