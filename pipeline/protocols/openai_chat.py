"""openai-chat, asking: a request as the body of `/v1/chat/completions`.

Law of this file: pure; the body's form only. Reading answers stands in openai_chat_decode.py,
writing them in openai_chat_encode.py.
"""

from typing import Any

from tokenweir.pipeline.request import Request

PATH = "/chat/completions"


def body(request: Request, *, stream_options: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON body. The caller's own options win over what is added here.

    >>> body(Request(({"role": "user", "content": "Hi"},), "m", options={"temperature": 0}))["temperature"]
    0
    """
    made: dict[str, Any] = {"messages": list(request.messages), "stream": request.stream}
    if request.model is not None:
        made["model"] = request.model
    if request.stream:
        made["stream_options"] = {"include_usage": True, **(stream_options or {})}
    return made | dict(request.options)
