"""What a client asks for, read and checked as OpenAI's API does.

Law of this file: a request's meaning, and which of its fields go on to the backend. Types and bounds stand in
ask_schema.py. What would choose a host, a credential, a header, a template or a model past the gateway is
refused by name (PROMISES P25). Every other field passes: a backend has parameters of its own, and what it
does not have it refuses itself, but those that only OpenAI's service keeps (`BESIDE` in
tokenweir.pipeline.protocols.options), which each wire leaves out that has nobody to keep them. Nothing that
a message points to is ever fetched (fault R18).
"""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from msgspec import Struct

from tokenweir.config.schema import Limits, Progress, ReasoningField
from tokenweir.gateway.ask_schema import Chat, Completion, Options, read
from tokenweir.gateway.refused import Refused, bad_request

PROGRESS_HEADER = "X-Tokenweir-Progress"
REASONING_HEADER = "X-Tokenweir-Reasoning"

REFUSED = frozenset(
    {"api_base", "api_key", "api_type", "api_version", "base_url", "custom_llm_provider", "extra_body"}
    | {"extra_headers", "extra_query", "headers", "organization", "provider", "proxies", "proxy", "self"}
    | {"api_base_url", "deployment", "engine", "user_config"}
    | {"draft_model", "fallbacks", "model_list", "models", "preset", "route"}
    | {"integrations", "mcp_servers"}
    | {"conversation", "previous_response_id"}
    | {"chat_template", "template"}
)
"""What client libraries and other gateways take for the choice of a backend; what has a backend choose or
load models past `allowed_models`; servers that a backend would call; what it stored, which may be another
client's; and templates, which are programs that a server would run."""

_READ = frozenset({"messages", "model", "stream", "stream_options"})
_READ_OF_PROMPT = (_READ - {"messages"}) | {"prompt", "echo", "best_of", "logprobs"}

_Choice = TypeVar("_Choice", Progress, ReasoningField)


class Ask(Struct, frozen=True):
    """One request for an answer. `model` None is the default one; `choices` is how many answers; `options`
    are the parameters for the backend. `progress` and `reasoning_field` None are as its settings say."""

    model: str | None
    messages: tuple[Mapping[str, Any], ...]
    stream: bool = False
    include_usage: bool = False
    choices: int = 1
    options: Mapping[str, Any] = {}
    progress: Progress | None = None
    reasoning_field: ReasoningField | None = None


def read_chat(body: dict[str, Any], headers: Mapping[str, str], limits: Limits) -> Ask:
    """The body of `/v1/chat/completions`. Raises Refused (400) that names the field.

    >>> read_chat({"messages": [{"role": "user", "content": "Hi"}], "top_k": 5}, {}, Limits()).options
    {'top_k': 5}
    """
    _check_keys(body)
    chat = read(body, Chat)
    _at_most(len(chat.messages), limits.max_messages, "messages", "max_messages")
    _at_most(len(chat.tools or ()), limits.max_tools, "tools", "max_tools")
    _at_most(len(chat.functions or ()), limits.max_tools, "functions", "max_tools")
    return _ask(chat, body["messages"], _passed(body, _READ), headers, limits)


def read_completion(body: dict[str, Any], headers: Mapping[str, str], limits: Limits) -> Ask:
    """The body of `/v1/completions`: its one prompt is one user message, which is not answered but gone on
    with. Raises Refused (400) that names the field.

    >>> read_completion({"prompt": ["Once"], "logprobs": 2}, {}, Limits()).options
    {'logprobs': True, 'top_logprobs': 2}
    """
    _check_keys(body)
    completion = read(body, Completion)
    prompt = completion.prompt if isinstance(completion.prompt, str) else completion.prompt[0]
    passed = _passed(body, _READ_OF_PROMPT)
    if completion.logprobs is not None:
        passed |= {"logprobs": True, "top_logprobs": completion.logprobs}
    return _ask(completion, [{"role": "user", "content": prompt}], passed, headers, limits)


def _ask(
    read: Options,
    messages: list[dict[str, Any]],
    passed: dict[str, Any],
    headers: Mapping[str, str],
    limits: Limits,
) -> Ask:
    _at_most(read.n or 1, limits.max_choices, "n", "max_choices")
    for name, value in (
        ("max_tokens", read.max_tokens),
        ("max_completion_tokens", read.max_completion_tokens),
    ):
        if limits.max_tokens is not None:
            _at_most(value or 0, limits.max_tokens, name, "max_tokens")
    usage = read.stream_options
    return Ask(
        read.model,
        tuple(messages),
        bool(read.stream),
        usage is not None and bool(usage.include_usage),
        read.n or 1,
        passed,
        _chosen(headers, PROGRESS_HEADER, get_args(Progress)),
        _chosen(headers, REASONING_HEADER, get_args(ReasoningField)),
    )


def _passed(body: Mapping[str, Any], own: frozenset[str]) -> dict[str, Any]:
    """What the backend is told; null is as good as nothing, and so is one choice."""
    passed = {name: value for name, value in body.items() if name not in own and value is not None}
    if passed.get("n") == 1:
        del passed["n"]
    return passed


def _check_keys(body: Mapping[str, Any]) -> None:
    for name in sorted(REFUSED.intersection(body)):
        raise bad_request(f"{name}: that is not for a request to choose; the configuration does", name)


def _at_most(number: int, limit: int, field: str, key: str) -> None:
    if number > limit:
        raise bad_request(
            f"{field}: {number} is more than the {limit} that are allowed (limits.{key})", field
        )


def _chosen(headers: Mapping[str, str], name: str, choices: tuple[_Choice, ...]) -> _Choice | None:
    value = headers.get(name)
    if value is None:
        return None
    for choice in choices:
        if value.strip().lower() == choice:
            return choice
    raise _wrong_choice(name, choices)


def _wrong_choice(name: str, choices: tuple[str, ...]) -> Refused:
    return bad_request(f"the header {name} is one of {', '.join(choices)}", name)
