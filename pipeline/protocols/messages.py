"""The neutral messages, read once for every protocol: text, images, calls and their results.

Law of this file: pure. The neutral form is OpenAI's, as callers have it in hand; what is read here is
what any wire needs, and a wire that has no form for a part says so itself. Callers are not all typed,
so wrong forms are answered with MisuseError that names the place, as `messages[2].content[0]`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_list, as_object, as_text

_REASONING = ("reasoning_content", "reasoning", "thinking")


class Text(Struct, frozen=True, repr_omit_defaults=True):
    """A piece of text; `beside` is what else its part says (`cache_control`), for wires that know it."""

    text: str
    beside: Mapping[str, Any] = {}


class Image(Struct, frozen=True, repr_omit_defaults=True):
    """An image: `data` in base64 with its `media_type`, or else the address `url`. `beside` as in Text;
    `detail` is how closely the model is to look, where the caller said so."""

    url: str
    media_type: str | None = None
    data: str | None = None
    beside: Mapping[str, Any] = {}
    detail: str | None = None


class Other(Struct, frozen=True):
    """A part of another type (a document, audio, a backend's own block), as the caller wrote it."""

    kind: str
    part: Mapping[str, Any]


Part = Text | Image | Other


class Call(Struct, frozen=True):
    """A tool call that the model made earlier. `arguments` is JSON as text, or what stood for it."""

    id: str
    name: str
    arguments: str


def parts_of(message: Mapping[str, Any], where: str) -> list[Part]:
    """The parts of a message's `content`, in order; empty text is left out. `where` names the message
    in errors, as `messages[2]`.

    Raises MisuseError for a content that is neither text nor a list, and for a part without a type.

    >>> parts_of({"role": "user", "content": "Hi"}, "messages[0]")
    [Text(text='Hi')]
    >>> parts_of({"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}, "")
    [Image(url='data:image/png;base64,AA==', media_type='image/png', data='AA==')]
    """
    content = message.get("content")
    if content is None or isinstance(content, str):
        return [Text(content)] if content else []
    if not isinstance(content, (list, tuple)):
        msg = f"{where}.content is {content!r:.80}: text, or a list of parts"
        raise MisuseError(msg)
    listed = cast("Sequence[object]", content)
    parts = [_part(part, f"{where}.content[{at}]") for at, part in enumerate(listed)]
    return [part for part in parts if not isinstance(part, Text) or part.text]


def text_of(message: Mapping[str, Any], where: str) -> str:
    """The text of a message whose wire has room for nothing else.

    Raises MisuseError for a part that is no text.
    """
    texts: list[str] = []
    for at, part in enumerate(parts_of(message, where)):
        if not isinstance(part, Text):
            kind = part.kind if isinstance(part, Other) else "image_url"
            msg = f"{where}.content[{at}] is of type {kind}: only text can stand here"
            raise MisuseError(msg)
        texts.append(part.text)
    return "".join(texts)


def _part(part: object, where: str) -> Part:
    if isinstance(part, str):
        return Text(part)
    fields = as_object(part)
    kind = as_text(fields.get("type"))
    if kind in ("text", "input_text", "output_text") and isinstance(fields.get("text"), str):
        return Text(fields["text"], _beside(fields, "text"))
    if kind == "image_url":
        image = fields.get("image_url")
        url = as_text(image) or as_text(as_object(image).get("url"))
        if url:
            detail = as_text(as_object(image).get("detail")) or None
            beside = _beside(fields, "image_url")
            return msgspec.structs.replace(image_at(url), beside=beside, detail=detail)
    elif kind:
        return Other(kind, fields)
    msg = (
        f"{where} is {part!r:.80}: a part is {{'type': 'text', 'text': ...}} or {{'type': 'image_url', ...}}"
    )
    raise MisuseError(msg)


def _beside(fields: Mapping[str, Any], content: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in ("type", content)}


def image_at(url: str) -> Image:
    """The image of an address; `data:` in base64 is read.

    >>> image_at("https://example.org/a.png").data is None
    True
    """
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return Image(url, head.removeprefix("data:").removesuffix(";base64").partition(";")[0] or None, data)
    return Image(url)


def calls_of(message: Mapping[str, Any]) -> list[Call]:
    """The tool calls of an assistant's message, the legacy `function_call` too."""
    listed = [as_object(call) for call in as_list(message.get("tool_calls"))]
    legacy = as_object(message.get("function_call"))
    if legacy and not listed:
        listed = [{"id": as_text(legacy.get("name")), "function": legacy}]
    return [_call(call) for call in listed]


def _call(call: Mapping[str, Any]) -> Call:
    function = as_object(call.get("function"))
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments or {}).decode()
    return Call(as_text(call.get("id")), as_text(function.get("name")), text)


def arguments_of(call: Call, where: str) -> dict[str, Any]:
    """The object that a call's arguments are; none at all is an empty one. `where` names the call in
    errors, as `messages[1].tool_calls[0]`.

    Raises MisuseError for arguments that are no JSON object.

    >>> arguments_of(Call("a", "add", '{"x": 1}'), "")
    {'x': 1}
    """
    try:
        return msgspec.json.decode(call.arguments or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        msg = f"{where}: its arguments are {call.arguments!r:.80}, and this backend takes a JSON object"
        raise MisuseError(msg) from None


def reasoning_of(message: Mapping[str, Any]) -> str:
    """What an assistant's message says of its reasoning, under any of the usual names."""
    return next((found for name in _REASONING if (found := as_text(message.get(name)))), "")
