"""Which provider answers at which address, and in which wire protocol.

Law of this file: the one table. What an answer holds stands in the `*_reply.py` of its protocol.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from tokenweir.simulator import llamacpp_models, lmstudio_models, ollama_models
from tokenweir.simulator.anthropic_reply import anthropic_reply_to
from tokenweir.simulator.lmstudio_reply import lmstudio_reply_to
from tokenweir.simulator.load import Loads
from tokenweir.simulator.ollama_reply import ollama_reply_to
from tokenweir.simulator.quirks import Provider, Quirks
from tokenweir.simulator.reply import Reply, reply_to
from tokenweir.simulator.responses_reply import responses_reply_to

ReplyTo = Callable[[bytes, Quirks, Loads, float, str], Reply]
"""The reply to a body that came at a time (seconds of the clock of the loads), and the answer's id."""


class Endpoint(Struct, frozen=True):
    """Answers to POST at `path`. `prefix` is what the ids of its answers begin with."""

    path: str
    reply: ReplyTo
    prefix: str = ""


CHAT = Endpoint("/v1/chat/completions", reply_to, "chatcmpl-")
RESPONSES = Endpoint("/v1/responses", responses_reply_to, "resp_")
ENDPOINTS: Mapping[Provider, tuple[Endpoint, ...]] = {
    "anthropic": (Endpoint("/v1/messages", anthropic_reply_to, "msg_"),),
    "openai": (CHAT, RESPONSES),
    "lmstudio": (
        CHAT,
        RESPONSES,
        Endpoint("/api/v1/chat", lmstudio_reply_to, "resp_"),
        Endpoint("/api/v1/models/load", lmstudio_models.load_reply_to),
        Endpoint("/api/v1/models/unload", lmstudio_models.unload_reply_to),
    ),
    "ollama": (
        CHAT,
        Endpoint("/api/chat", partial(ollama_reply_to, generate=False)),
        Endpoint("/api/generate", partial(ollama_reply_to, generate=True)),
    ),
}
"""Provider -> where it answers; the first is where most clients ask."""

Told = Callable[[Quirks, Loads, float], Any]
"""What is told to GET at a time (seconds of the clock of the loads): a JSON value, or a Refusal."""

TOLD: Mapping[Provider, Mapping[str, Told]] = {
    "openai": {"/props": llamacpp_models.props},
    "lmstudio": {"/api/v1/models": lmstudio_models.listed, "/api/v0/models": lmstudio_models.listed_v0},
    "ollama": {
        "/api/tags": lambda quirks, _loads, _now: ollama_models.tags(quirks),
        "/api/ps": ollama_models.running,
        "/api/version": lambda _quirks, _loads, _now: ollama_models.VERSION,
    },
}
"""Provider -> address -> what is told there of the server and its models."""
