"""Which APIs a server speaks: its faces.

Law of this file: pure; the addresses to try, and what the answers mean. A face is there where its address
answers otherwise than one that cannot exist. What is posted is too little to generate from.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from tokenweir.doctor.signs import Server

FACES: Mapping[str, str] = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "openai-completions": "/v1/completions",
    "anthropic": "/v1/messages",
    "lmstudio-v1": "/api/v1/chat",
    "ollama-chat": "/api/chat",
}
"""Protocol -> where it is asked, under the root of the server."""

NOTHING = "/v1/tokenweir-doctor"
"""An address that cannot exist."""

BODY: Mapping[str, int] = {"max_tokens": 1}
"""No request that any of them can answer; should one do so all the same, it is one token."""

HOSTED: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("anthropic",),
    "gemini": ("gemini",),
    "ollama": ("ollama-chat",),
    "openai": ("openai-chat", "openai-responses"),
}
"""The faces of hosted APIs, which are known."""

_NO_SUCH = (404, 405, 501)
_BY_FACE = (
    ("lmstudio-v1", Server("LM Studio", "lmstudio")),
    ("openai-chat", Server("an OpenAI-compatible server", "openai-compatible")),
    ("anthropic", Server("a server of Anthropic's API", "anthropic")),
    ("openai-responses", Server("a server of OpenAI's Responses API", "openai-responses")),
    ("ollama-chat", Server("a server of Ollama's API", "ollama")),
)


class Met(Struct, frozen=True):
    """How an address answered a POST; no status where it hung up."""

    status: int | None
    text: str


def faces_of(met: Mapping[str, Met]) -> tuple[str, ...]:
    """The protocols whose addresses answered; `met` has each address of FACES, and NOTHING."""
    return tuple(name for name, path in FACES.items() if _is_there(path, met))


def server_of(faces: Iterable[str]) -> Server | None:
    """What a server of which nothing else is known goes by; None where it has no face either."""
    known = set(faces)
    return next((server for face, server in _BY_FACE if face in known), None)


def _is_there(path: str, met: Mapping[str, Met]) -> bool:
    here = met[path]
    if here.status in _NO_SUCH or here.status is None:
        return False
    return _without(path, here) != _without(NOTHING, met[NOTHING])


def _without(path: str, met: Met) -> tuple[int | None, str]:
    """The answer without the address that it may quote."""
    return met.status, met.text.replace(path, "")
