"""The fields of a request that OpenAI's API defines: their types and their bounds.

Law of this file: structs, and the one place where a wrong value gets its words. Types are strict,
as OpenAI's are: `"true"` is no `true`, and 1.0 is no whole number. null is as good as nothing. A field that
is not here is not looked at.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from tokenweir.gateway.refused import bad_request

Object = dict[str, Any]
Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Text = Annotated[str, Meta(min_length=1)]
Name = Annotated[str, Meta(min_length=1, max_length=512)]

_PLACE = re.compile(r" - at `\$\.?(.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"required field `(\w+)`")

_Schema = TypeVar("_Schema", bound="Options")


class Part(Struct, frozen=True):
    """A part of a message's content. Types beside OpenAI's pass: some backend may have them."""

    type: Text
    text: str | None = None
    image_url: str | Object | None = None
    input_audio: Object | None = None
    file: Object | None = None

    def __post_init__(self) -> None:
        if self.type not in ("text", "image_url", "input_audio", "file"):
            return
        content = getattr(self, self.type)
        if content is None:
            raise ValueError(f"a part of type {self.type} has its {self.type}")
        if isinstance(self.image_url, dict) and not isinstance(self.image_url.get("url"), str):
            raise TypeError("an image_url has its url, as text")


class Message(Struct, frozen=True):
    """One message."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    tool_calls: list[Object] | None = None
    tool_call_id: str | None = None
    function_call: Object | None = None
    refusal: str | None = None
    audio: Object | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        said = self.tool_calls or self.function_call or self.refusal or self.audio
        if self.content is None and not (self.role == "assistant" and said):
            raise ValueError("content is missing; only an assistant's message with tool_calls needs none")
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError("a tool's message has its tool_call_id")


class StreamOptions(Struct, frozen=True):
    """What a stream tells beside its text."""

    include_usage: bool | None = None


class ResponseFormat(Struct, frozen=True):
    """The form of the answer; which ones there are is the backend's matter."""

    type: Text


class Options(Struct, frozen=True, kw_only=True):
    """What a chat and a completion have in common."""

    model: Name | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    logit_bias: dict[str, float] | None = None
    user: str | None = None


class Chat(Options, frozen=True, kw_only=True):
    """The body of `/v1/chat/completions`."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: list[Object] | None = None
    tool_choice: str | Object | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Object] | None = None
    function_call: str | Object | None = None
    response_format: ResponseFormat | None = None
    modalities: list[str] | None = None
    audio: Object | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    metadata: Object | None = None
    store: bool | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None


class Completion(Options, frozen=True, kw_only=True):
    """The body of `/v1/completions`: one prompt, as text."""

    prompt: str | Annotated[list[str], Meta(min_length=1, max_length=1)]
    suffix: str | None = None
    echo: bool | None = None
    best_of: Annotated[int, Meta(ge=1, le=1)] | None = None
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None

    def __post_init__(self) -> None:
        if self.echo:
            raise ValueError("echo: the prompt is not repeated; leave it out")


def read(body: Mapping[str, Any], schema: type[_Schema]) -> _Schema:
    """The fields of a body. Raises Refused (400): which field, and what it should be.

    >>> read({"prompt": "Hi", "n": 2}, Completion).n
    2
    """
    try:
        return msgspec.convert(body, schema)
    except msgspec.ValidationError as wrong:
        message = str(wrong)
    place, missing = _PLACE.search(message), _MISSING.search(message)
    param = place[1] if place and place[1] else None
    if missing:
        param = f"{param}.{missing[1]}" if param else missing[1]
    said = message[: place.start()] if place else message
    raise bad_request(f"{param}: {said}" if param else said, param)
