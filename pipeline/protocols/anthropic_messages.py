"""anthropic, asking: messages in OpenAI's form as the Messages API takes them.

Law of this file: pure; the instructions apart from the conversation, and the conversation as turns of
content blocks (PROTOCOLS section 6). Consecutive messages of one role are one turn, which the API
itself makes of them; so all results of parallel calls stand in one turn, as it demands. A block of the
API's own (a document, thinking with its signature, a server tool's result) passes as the caller wrote it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_text
from tokenweir.pipeline.protocols.messages import (
    Image,
    Part,
    Text,
    arguments_of,
    calls_of,
    parts_of,
    reasoning_of,
)

_SYSTEM = frozenset({"system", "developer"})
_ROLES: Mapping[str, str] = {"user": "user", "assistant": "assistant", "tool": "user", "function": "user"}
_NO_FORM = frozenset({"audio", "file", "input_audio", "input_file", "input_image", "video_url"})
"""OpenAI's parts that the API has no form for; its own `document` block holds a file."""

Block = Mapping[str, Any]


def conversation_of(messages: Sequence[Mapping[str, Any]]) -> tuple[str | list[Block], list[dict[str, Any]]]:
    """The system prompt (empty where there is none), and the turns.

    Past reasoning is sent as a `thinking` block where the message has its `signature` beside it; without
    one it is left out, since the API takes no thinking that it did not sign.

    Raises MisuseError for a role or a part that the API does not have, a call or a result without an id,
    and arguments of a call that are no JSON object.

    >>> conversation_of([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
    ('Be brief.', [{'role': 'user', 'content': 'Hi'}])
    """
    system: list[Block] = []
    turns: list[tuple[str, list[Block]]] = []
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        role: str = message["role"]
        if role in _SYSTEM:
            system += _instructions(message, where)
        elif role not in _ROLES:
            msg = f"{where}.role is {role!r}: system, developer, user, assistant or tool"
            raise MisuseError(msg)
        else:
            _add(turns, _ROLES[role], _said(role, message, where))
    return _content(system), [{"role": role, "content": _content(blocks)} for role, blocks in turns]


def _add(turns: list[tuple[str, list[Block]]], role: str, blocks: Sequence[Block]) -> None:
    """An empty message says nothing, and the API takes no empty turn."""
    if turns and turns[-1][0] == role:
        turns[-1][1].extend(blocks)
    elif blocks:
        turns.append((role, list(blocks)))


def _content(blocks: list[Block]) -> str | list[Block]:
    """Nothing but one plain text is a string, which every server that imitates the API takes."""
    if not blocks:
        return ""
    plain = len(blocks) == 1 and set(blocks[0]) == {"type", "text"}
    return as_text(blocks[0]["text"]) if plain else blocks


def _instructions(message: Mapping[str, Any], where: str) -> list[Block]:
    blocks = _blocks(message, where)
    if any(block["type"] != "text" for block in blocks):
        msg = f"{where}: a system prompt is text"
        raise MisuseError(msg)
    return blocks


def _said(role: str, message: Mapping[str, Any], where: str) -> list[Block]:
    if role == "assistant":
        return [*_thought(message), *_blocks(message, where), *_calls(message, where)]
    if role == "user":
        return _blocks(message, where)
    return [_result(role, message, where)]


def _thought(message: Mapping[str, Any]) -> list[Block]:
    reasoning, signature = reasoning_of(message), as_text(message.get("signature"))
    return [{"type": "thinking", "thinking": reasoning, "signature": signature}] if signature else []


def _calls(message: Mapping[str, Any], where: str) -> list[Block]:
    made: list[Block] = []
    for at, call in enumerate(calls_of(message)):
        place = f"{where}.tool_calls[{at}]"
        if not call.id:
            msg = f"{place} has no id: anthropic knows a call's result by it"
            raise MisuseError(msg)
        arguments = arguments_of(call, place)
        made.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments})
    return made


def _result(role: str, message: Mapping[str, Any], where: str) -> Block:
    """What a tool gave. `is_error`, a name of the API's own, is kept."""
    told = message.get("tool_call_id") or (message.get("name") if role == "function" else None)
    call_id = as_text(told)
    if not call_id:
        msg = f"{where} has no tool_call_id: anthropic knows a call's result by it"
        raise MisuseError(msg)
    made: dict[str, Any] = {"type": "tool_result", "tool_use_id": call_id}
    blocks = _blocks(message, where)
    if blocks:
        made["content"] = _content(blocks)
    if "is_error" in message:
        made["is_error"] = message["is_error"]
    return made


def _blocks(message: Mapping[str, Any], where: str) -> list[Block]:
    blocks = [_block(part, where) for part in parts_of(message, where)]
    refused = as_text(message.get("refusal"))  # what OpenAI's models say when they will not answer
    return [*blocks, {"type": "text", "text": refused}] if refused else blocks


def _block(part: Part, where: str) -> Block:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text, **part.beside}
    if isinstance(part, Image):
        return {"type": "image", "source": _source(part), **part.beside}
    if part.kind == "refusal":
        return {"type": "text", "text": as_text(part.part.get("refusal"))}
    if part.kind in _NO_FORM:
        msg = f"{where} has a part of type {part.kind}: anthropic takes text, image_url, and its own blocks"
        raise MisuseError(msg)
    return part.part


def _source(image: Image) -> dict[str, Any]:
    if image.data is None:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type or "image/png", "data": image.data}
