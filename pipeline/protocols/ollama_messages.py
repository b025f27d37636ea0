"""ollama, asking: messages in OpenAI's form as Ollama takes them.

Law of this file: pure; one message in, one message out. Ollama's text is one string, its images are
base64 beside it, and the arguments of a call are an object.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.messages import Call, arguments_of, image_at

_ROLES: Mapping[str, str] = {"developer": "system", "function": "tool"}
_REASONING = ("thinking", "reasoning_content", "reasoning")


def messages_of(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages. A tool's answer names its tool, which is looked up by its call's id.

    Raises MisuseError for an image that is an address, another kind of part, and arguments of a call
    that are no JSON object.

    >>> messages_of([{"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}])
    [{'role': 'system', 'content': 'Be brief.'}]
    """
    names: dict[str, str] = {}
    return [_message(message, f"messages[{at}]", names) for at, message in enumerate(messages)]


def _message(message: Mapping[str, Any], where: str, names: dict[str, str]) -> dict[str, Any]:
    role: str = message["role"]
    text, images = content_of(message, where)
    made: dict[str, Any] = {"role": _ROLES.get(role, role), "content": text}
    if images:
        made["images"] = images
    thinking = next((found for name in _REASONING if (found := as_text(message.get(name)))), "")
    if thinking:
        made["thinking"] = thinking
    calls = [as_object(call) for call in as_list(message.get("tool_calls"))]
    if calls:
        made["tool_calls"] = [_call(call, f"{where}.tool_calls[{at}]") for at, call in enumerate(calls)]
        functions = [(as_text(call.get("id")), as_object(call.get("function"))) for call in calls]
        names.update((call_id, as_text(function.get("name"))) for call_id, function in functions)
    if made["role"] == "tool":
        call_id = as_text(message.get("tool_call_id"))
        told = as_text(message.get("tool_name")) or as_text(message.get("name"))
        known = {"tool_call_id": call_id, "tool_name": told or names.get(call_id, "")}
        made |= {key: value for key, value in known.items() if value}
    return made


def content_of(message: Mapping[str, Any], where: str) -> tuple[str, list[Any]]:
    """The text of a message, its parts joined, and its images in base64. `where` names it in errors.

    Raises MisuseError for a part that Ollama cannot take.
    """
    content = message.get("content")
    images = list(as_list(message.get("images")))
    if content is None or isinstance(content, str):
        return content or "", images
    if not isinstance(content, (list, tuple)):
        msg = f"{where}.content is {content!r:.80}: text, or a list of parts"
        raise MisuseError(msg)
    texts: list[str] = []
    for at, part in enumerate(cast("Sequence[object]", content)):
        _take_part(part, f"{where}.content[{at}]", texts, images)
    return "".join(texts), images


def _take_part(part: object, where: str, texts: list[str], images: list[Any]) -> None:
    fields = as_object(part)
    kind = fields.get("type")
    if isinstance(part, str) or kind == "text":
        texts.append(as_text(part) or as_text(fields.get("text")))
    elif kind == "image_url":
        image = fields.get("image_url")
        images.append(_base64(as_text(image) or as_text(as_object(image).get("url")), where))
    else:
        msg = f"{where} is {part!r:.80}: ollama takes parts of type text and image_url"
        raise MisuseError(msg)


def _base64(url: str, where: str) -> str:
    data = image_at(url).data
    if data is None:
        msg = f"{where}: ollama takes images as data (data:image/png;base64,...), not as an address"
        raise MisuseError(msg)
    return data


def _call(call: Mapping[str, Any], where: str) -> dict[str, Any]:
    function = as_object(call.get("function"))
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        arguments = arguments_of(Call("", "", arguments), where)
    if not isinstance(arguments, dict):
        msg = f"{where}: its arguments are {function.get('arguments')!r:.80}, and ollama takes a JSON object"
        raise MisuseError(msg)
    made: dict[str, Any] = {"function": {"name": function.get("name", ""), "arguments": arguments}}
    return {"id": call["id"], **made} if call.get("id") else made
