"""lmstudio-v1, asking: a request as the body of LM Studio's `/api/v1/chat`.

Law of this file: pure; the body's form, and which of LM Studio's parameters each of OpenAI's is
(PROTOCOLS 3.3). The server keeps the conversation itself (`previous_response_id`) and runs its tools
itself (`integrations`): what an assistant or a tool has said, and tools for the client to run, have no
form here, and are refused by name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_text
from tokenweir.pipeline.protocols.messages import Image, Text, parts_of, text_of
from tokenweir.pipeline.protocols.options import BESIDE, TOOLS, asked, refuse, refuse_choices
from tokenweir.pipeline.request import Message, Request

PATH = "/api/v1/chat"

_WHO = "LM Studio's REST v1"
_INSTEAD = "connect('lmstudio', ...) asks its OpenAI face, which has one"
_NO_FORM = TOOLS.union(
    ("stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs"),
    ("response_format", "modalities", "audio", "prediction", "web_search_options"),
)
_RENAMED: Mapping[str, str] = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "repetition_penalty": "repeat_penalty",
}
_READ = frozenset({"n", "reasoning_effort"}) | _NO_FORM | BESIDE
_EFFORT: Mapping[str, str] = {"none": "off", "minimal": "low", "xhigh": "high"}
_SYSTEM = ("system", "developer")


def body(request: Request) -> dict[str, Any]:
    """The JSON body: system messages at the beginning, joined by an empty line, are the
    `system_prompt`, and user messages the `input`, as text where it is one text.

    Raises MisuseError for messages of other roles, a system message behind a user's, a part that is
    neither text nor an image as data, more than one choice, and options that this wire does not have.
    Unknown options pass under their own names (`context_length`, `integrations`, `store`).

    >>> body(Request(({"role": "user", "content": "Hi"},), "m", options={"max_tokens": 9}))
    {'model': 'm', 'input': 'Hi', 'stream': True, 'max_output_tokens': 9}
    """
    given = asked(request.options)
    refuse(given, _NO_FORM, _WHO, _INSTEAD)
    refuse_choices(given, _WHO)
    system, said = _split(request.messages)
    made: dict[str, Any] = {} if request.model is None else {"model": request.model}
    made |= {"input": said, "stream": request.stream}
    if system:
        made["system_prompt"] = system
    effort = given.get("reasoning_effort")
    if effort is not None:
        made["reasoning"] = _EFFORT.get(as_text(effort), effort)
    return made | {_RENAMED.get(name, name): value for name, value in given.items() if name not in _READ}


def _split(messages: Sequence[Message]) -> tuple[str, str | list[dict[str, str]]]:
    """The system prompt, and the input."""
    system: list[str] = []
    items: list[dict[str, str]] = []
    for at, message in enumerate(messages):
        role: str = message["role"]
        if role in _SYSTEM and not items:
            system.append(text_of(message, f"messages[{at}]"))
        elif role == "user":
            items += _items(message, f"messages[{at}]")
        else:
            raise MisuseError(_no_place(role, at))
    if not items:
        msg = f"{_WHO} needs a user message: [{{'role': 'user', 'content': '...'}}]"
        raise MisuseError(msg)
    if len(items) == 1 and items[0]["type"] == "message":
        return "\n\n".join(system), items[0]["content"]
    return "\n\n".join(system), items


def _no_place(role: str, at: int) -> str:
    if role in _SYSTEM:
        return f"messages[{at}] is of role {role}: {_WHO} takes it before the first user message only"
    return (
        f"messages[{at}] is of role {role}: {_WHO} takes none, since it keeps the conversation itself: "
        "give previous_response_id=... and the new user message, or use connect('lmstudio', ...)"
    )


def _items(message: Message, where: str) -> list[dict[str, str]]:
    """The items of one user message; one without any content is an empty text."""
    items: list[dict[str, str]] = []
    for at, part in enumerate(parts_of(message, where)):
        if isinstance(part, Text):
            items.append({"type": "message", "content": part.text})
        elif isinstance(part, Image) and part.data is not None:
            items.append({"type": "image", "data_url": part.url})
        else:
            kind = "an image by its address" if isinstance(part, Image) else f"of type {part.kind}"
            takes = "text, and images as data (data:image/png;base64,...)"
            msg = f"{where}.content[{at}] is {kind}: {_WHO} takes {takes}"
            raise MisuseError(msg)
    return items or [{"type": "message", "content": ""}]
