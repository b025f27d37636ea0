"""Which server it is: what each one tells of itself, unasked and for nothing.

Law of this file: pure; the answers to a few GETs in, a name and a version out. A rule stands on what the
server's own code answers (PROTOCOLS sections 3 to 5 and 11), never on a port.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from tokenweir.pipeline.json_value import as_list, as_object, as_text

SIGNS = (
    "/",
    "/v1/models",
    "/lmstudio-greeting",
    "/api/v1/models",
    "/api/v0/models",
    "/api/version",
    "/props",
    "/version",
    "/running",
    "/openapi.json",
)
"""What is asked, under the root of the server."""

_OK = 200
_SHOWN = 60


class Sign(Struct, frozen=True):
    """The answer to one GET; `value` is its JSON (None where it has none), `text` how it begins."""

    status: int
    server: str = ""
    value: Any = None
    text: str = ""


class Server(Struct, frozen=True):
    """Which server, as people call it; its provider is who knows how to ask it."""

    name: str
    provider: str
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.version else self.name


Signs = Mapping[str, Sign]


def recognise(signs: Signs) -> Server | None:
    """The server that gave these answers; None where nothing tells."""
    return next((found for rule in _RULES if (found := rule(signs)) is not None), None)


def _told(signs: Signs, path: str) -> Mapping[str, Any]:
    """The JSON object that a path gave with status 200; empty otherwise."""
    sign = signs.get(path)
    return as_object(sign.value) if sign is not None and sign.status == _OK else {}


def _version(fields: Mapping[str, Any], name: str = "version") -> str | None:
    return as_text(fields.get(name))[:_SHOWN] or None


def _owner(signs: Signs) -> str:
    listed = as_list(_told(signs, "/v1/models").get("data"))
    return as_text(as_object(listed[0]).get("owned_by")) if listed else ""


def _lmstudio(signs: Signs) -> Server | None:
    v1 = "models" in _told(signs, "/api/v1/models")
    v0 = "data" in _told(signs, "/api/v0/models")
    if v1:
        return Server("LM Studio", "lmstudio", "0.4 or later")
    if v0:
        return Server("LM Studio", "lmstudio", "before 0.4")
    greets = _told(signs, "/lmstudio-greeting").get("lmstudio") is True
    return Server("LM Studio", "lmstudio") if greets else None


def _llama_swap(signs: Signs) -> Server | None:
    swaps = isinstance(_told(signs, "/running").get("running"), list)
    return Server("llama-swap", "openai-compatible") if swaps else None


def _llama_server(signs: Signs) -> Server | None:
    props = _told(signs, "/props")
    loading = any("Loading model" in sign.text for sign in signs.values() if sign.status == _LOADING)
    named = any(sign.server.startswith("llama.cpp") for sign in signs.values())
    if loading or named or "default_generation_settings" in props:
        return Server("llama-server", "llamacpp", _version(props, "build_info"))
    return None


_LOADING = 503


def _ollama(signs: Signs) -> Server | None:
    version = _version(_told(signs, "/api/version"))
    root = signs.get("/")
    if version is None and (root is None or not root.text.startswith("Ollama")):
        return None
    return Server("Ollama", "ollama", version)


def _vllm(signs: Signs) -> Server | None:
    if _owner(signs) != "vllm":
        return None
    return Server("vLLM", "vllm", _version(_told(signs, "/version")))


def _described(signs: Signs) -> Server | None:
    """What describes itself in OpenAPI: FastAPI does."""
    told = _told(signs, "/openapi.json")
    info = as_object(told.get("info"))
    if "llama.cpp" in as_text(info.get("title")):
        return Server("llama-cpp-python", "openai-compatible", _version(info))
    if "/load_model" in as_object(told.get("paths")):
        return Server("transformers serve", "openai-compatible")
    return None


def _mlx(signs: Signs) -> Server | None:
    basic = any(sign.server.startswith("BaseHTTP") for sign in signs.values())
    return Server("mlx_lm.server", "mlx") if basic else None


_RULES = (_lmstudio, _llama_swap, _llama_server, _vllm, _ollama, _described, _mlx)
