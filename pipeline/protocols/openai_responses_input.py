"""openai-responses, asking: messages in the chat API's form as input items.

Law of this file: pure; a message becomes one item or several, in order: its text, each call that it
made, each result of a call (PROTOCOLS 7.1). A part that is an item of this API itself (`reasoning`, as
an `Extra` brought it) stands in an assistant's content, and goes as an item of its own, as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.messages import Image, Other, Part, Text, calls_of, parts_of, reasoning_of

Item = dict[str, Any]

_LEADING = ("system", "developer")
_INPUTS = frozenset({"input_text", "input_image", "input_file"})


def input_of(messages: Sequence[Mapping[str, Any]], instructions: object = None) -> tuple[object, list[Item]]:
    """The instructions, and the input items. Where the caller gave no `instructions`, a system message
    at the very beginning becomes them if it is text and something follows it.

    Raises MisuseError for a role or a part that this wire has no form for, and for a call, or the
    result of one, without an id.

    >>> input_of([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
    ('Be brief.', [{'role': 'user', 'content': 'Hi'}])
    """
    begin = 0
    first = messages[0]
    text = first.get("content")
    if instructions is None and first["role"] in _LEADING and isinstance(text, str) and len(messages) > 1:
        instructions, begin = text, 1
    items: list[Item] = []
    customs: set[str] = set()
    for at, message in enumerate(messages[begin:], begin):
        _take(message, f"messages[{at}]", customs, items)
    return instructions, items


def _take(message: Mapping[str, Any], where: str, customs: set[str], items: list[Item]) -> None:
    role = message["role"]
    if role == "assistant":
        _assistant(message, where, items)
        _calls(message, where, customs, items)
    elif role in ("tool", "function"):
        items.append(_result(message, where, customs))
    elif role in ("user", *_LEADING):
        items.append({"role": role, "content": _content(parts_of(message, where), where)})
    else:
        msg = f"{where} has the role {role!r}: openai-responses has user, assistant, system, developer, tool"
        raise MisuseError(msg)


def _content(parts: Sequence[Part], where: str) -> str | list[Item]:
    """One text as it is; else a list of inputs."""
    if not parts:
        return ""
    first = parts[0]
    if len(parts) == 1 and isinstance(first, Text) and not first.beside:
        return first.text
    return [_input(part, f"{where}.content[{at}]") for at, part in enumerate(parts)]


def _input(part: Part, where: str) -> Item:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text, **part.beside}
    if isinstance(part, Image):
        return {"type": "input_image", "image_url": part.url, "detail": part.detail or "auto", **part.beside}
    if part.kind == "file":
        return {"type": "input_file", **as_object(part.part.get("file"))}
    if part.kind in _INPUTS:
        return dict(part.part)
    msg = f"{where} is of type {part.kind}: openai-responses takes text, image_url and file"
    raise MisuseError(msg)


def _assistant(message: Mapping[str, Any], where: str, items: list[Item]) -> None:
    """Reasoning first, then what was said, in its order."""
    parts = parts_of(message, where)
    own = any(isinstance(part, Other) and part.kind == "reasoning" for part in parts)
    thought = reasoning_of(message)
    if thought and not own:
        content = [{"type": "reasoning_text", "text": thought}]
        items.append({"type": "reasoning", "summary": [], "content": content})
    said: list[Item] = []
    for at, part in enumerate(parts):
        if isinstance(part, Text):
            said.append({"type": "output_text", "text": part.text})
        elif isinstance(part, Image):
            msg = f"{where}.content[{at}] is of type image_url: an assistant says text alone"
            raise MisuseError(msg)
        elif part.kind == "refusal":
            said.append(dict(part.part))
        else:
            _say(message, said, items)
            items.append(dict(part.part))
    refusal = as_text(message.get("refusal"))
    if refusal:
        said.append({"type": "refusal", "refusal": refusal})
    _say(message, said, items)


def _say(message: Mapping[str, Any], said: list[Item], items: list[Item]) -> None:
    """What was said so far as one message: text alone is a string, which every server takes."""
    if not said:
        return
    texts = [part["text"] for part in said if part["type"] == "output_text"]
    item: Item = {"role": "assistant", "content": "".join(texts)}
    if len(texts) < len(said):
        item = {"type": "message", "role": "assistant", "content": list(said)}
    if message.get("phase"):
        item["phase"] = message["phase"]
    items.append(item)
    said.clear()


def _calls(message: Mapping[str, Any], where: str, customs: set[str], items: list[Item]) -> None:
    listed = [as_object(call) for call in as_list(message.get("tool_calls"))]
    for at, call in enumerate(calls_of(message)):
        custom = as_object(listed[at].get("custom") if listed else None)
        name = as_text(custom.get("name")) or call.name
        if not call.id or not name:
            msg = f"{where}.tool_calls[{at}] has no {'name' if call.id else 'id'}: its result must name it"
            raise MisuseError(msg)
        head = {"call_id": call.id, "name": name}
        if custom:
            customs.add(call.id)
            items.append({"type": "custom_tool_call", **head, "input": as_text(custom.get("input"))})
        else:
            items.append({"type": "function_call", **head, "arguments": call.arguments or "{}"})


def _result(message: Mapping[str, Any], where: str, customs: set[str]) -> Item:
    """The old form of a function's result has the function's name in place of a call's id."""
    call_id = as_text(message.get("tool_call_id")) or (
        as_text(message.get("name")) if message["role"] == "function" else ""
    )
    if not call_id:
        msg = f"{where} has no tool_call_id: a result names its call"
        raise MisuseError(msg)
    kind = "custom_tool_call_output" if call_id in customs else "function_call_output"
    return {"type": kind, "call_id": call_id, "output": _content(parts_of(message, where), where)}
