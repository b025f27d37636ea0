"""openai-chat, asking: a request as the body of `/v1/chat/completions`.

Law of this file: pure; the body's form only. Reading answers stands in openai_chat_decode.py,
writing them in openai_chat_encode.py.
"""

from collections.abc import Mapping
from typing import Any, cast

from tokenweir.pipeline.request import Request

PATH = "/chat/completions"


def body(request: Request, *, stream_options: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON body. The caller's own options win over what is added here; those of `stream_options` are
    added to ours, and `stream_options=None` sends none at all, for a server that refuses them.

    >>> body(Request(({"role": "user", "content": "Hi"},), "m", options={"temperature": 0}))["temperature"]
    0
    """
    made: dict[str, Any] = {"messages": list(request.messages), "stream": request.stream}
    if request.model is not None:
        made["model"] = request.model
    options = dict(request.options)
    if request.stream:
        asked = options.pop("stream_options", {})
        if asked is not None:
            options["stream_options"] = _merged({"include_usage": True, **(stream_options or {})}, asked)
    return made | options


def _merged(ours: dict[str, Any], asked: object) -> object:
    """Both, the caller's over ours; what is no mapping is sent as it is."""
    return ours | dict(cast("Mapping[str, Any]", asked)) if isinstance(asked, Mapping) else asked
