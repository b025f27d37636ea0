"""gemini, asking: messages in OpenAI's form as `systemInstruction` and `contents`.

Law of this file: pure. The model's role is `model`; a tool's result is a part of a user's turn, with the
name of its tool, and the results of one turn stand in one content. Thought signatures come back where
Google's own OpenAI face puts them: `extra_content.google.thought_signature`, in a call or a message.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.messages import (
    Image,
    Part,
    Text,
    arguments_of,
    calls_of,
    image_at,
    parts_of,
    reasoning_of,
    text_of,
)

_SYSTEM = frozenset({"system", "developer"})
_TOOL = frozenset({"tool", "function"})
_ROLES: Mapping[str, str] = {"user": "user", "assistant": "model"}
_ADDRESSES = ("https://", "http://", "gs://")


def messages_of(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`contents`, and `systemInstruction` where there are system messages, wherever they stand.

    Raises MisuseError for a role or a part that Gemini does not have, data without a media type, a
    result whose tool is not known by name, and arguments of a call that are no JSON object.

    >>> messages_of([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])[
    ...     "systemInstruction"
    ... ]
    {'parts': [{'text': 'Be brief.'}]}
    """
    names: dict[str, str] = {}  # of the calls so far; an id may come again in a later turn
    system: list[dict[str, Any]] = []
    contents: list[dict[str, Any]] = []
    results: list[dict[str, Any]] | None = None  # of the turn that is being written
    for at, message in enumerate(messages):
        where, role = f"messages[{at}]", message["role"]
        if role in _TOOL:
            if results is None:
                results = []
                contents.append({"role": "user", "parts": results})
            results.append(_result(message, where, names))
            continue
        if role in _SYSTEM:
            system += [{"text": text}] if (text := text_of(message, where)) else []
            continue
        results = None
        names |= {call.id: call.name for call in calls_of(message) if call.id}
        if role in _ROLES:
            parts = _said(message, where) if role == "assistant" else _parts(message, where)
            contents.append({"role": _ROLES[role], "parts": parts or [{"text": ""}]})
        else:
            msg = f"{where}.role is {role!r}: system, developer, user, assistant or tool"
            raise MisuseError(msg)
    made: dict[str, Any] = {"systemInstruction": {"parts": system}} if system else {}
    return made | {"contents": contents}


def _parts(message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    return [_part(part, f"{where}.content[{at}]") for at, part in enumerate(parts_of(message, where))]


def _part(part: Part, where: str) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, Image):
        return _file(part, where)
    inner = as_object(part.part.get(part.kind))
    if part.kind == "refusal":
        return {"text": as_text(part.part.get("refusal"))}
    if part.kind == "input_audio" and inner.get("data"):
        return {"inlineData": {"mimeType": f"audio/{inner.get('format', 'wav')}", "data": inner["data"]}}
    if part.kind == "file" and as_text(inner.get("file_data")):
        return _file(image_at(inner["file_data"]), where)
    msg = f"{where}: gemini takes parts of type text, image_url, input_audio and file (as file_data)"
    raise MisuseError(msg)


def _file(file: Image, where: str) -> dict[str, Any]:
    """Data inline; an address as one that Gemini fetches itself (its own files, gs:, the public web)."""
    if file.data is not None and file.media_type is not None:
        return {"inlineData": {"mimeType": file.media_type, "data": file.data}}
    if file.url.startswith(_ADDRESSES):
        return {"fileData": {"fileUri": file.url}}
    msg = f"{where}: gemini takes data with its type (data:image/png;base64,...), or an address"
    raise MisuseError(msg)


def _said(message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """What the model said: its thoughts, its text, its calls, each with its signature."""
    reasoning = reasoning_of(message)
    parts: list[dict[str, Any]] = [{"text": reasoning, "thought": True}] if reasoning else []
    text = _parts(message, where)
    if as_text(message.get("refusal")):  # what OpenAI's models say when they will not answer
        text.append({"text": message["refusal"]})
    signature = _signature(message)
    if signature:
        text = text or [{"text": ""}]
        text[-1] |= signature
    parts += text
    listed = as_list(message.get("tool_calls"))
    for at, call in enumerate(calls_of(message)):
        made: dict[str, Any] = {"name": call.name, "args": arguments_of(call, f"{where}.tool_calls[{at}]")}
        if call.id:
            made["id"] = call.id
        parts.append({"functionCall": made, **_signature(as_object(listed[at]) if listed else {})})
    return parts


def _signature(holder: Mapping[str, Any]) -> dict[str, Any]:
    google = as_object(as_object(holder.get("extra_content")).get("google"))
    signature = as_text(google.get("thought_signature"))
    return {"thoughtSignature": signature} if signature else {}


def _result(message: Mapping[str, Any], where: str, names: Mapping[str, str]) -> dict[str, Any]:
    call_id = as_text(message.get("tool_call_id"))
    name = as_text(message.get("name")) or names.get(call_id)
    if not name:
        msg = f"{where} answers the call {call_id!r:.80}, which was not made before: give the tool's name"
        raise MisuseError(msg)
    made: dict[str, Any] = {"name": name, "response": _object(text_of(message, where))}
    if call_id:
        made["id"] = call_id
    return {"functionResponse": made}


def _object(text: str) -> dict[str, Any]:
    """A result as the object that Gemini wants: a JSON object is one, other text is its `result`."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {"result": text}
