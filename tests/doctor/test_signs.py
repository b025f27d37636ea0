"""Which server it is, by what the real ones answer."""

from typing import Any

import pytest

from tokenweir.doctor.signs import Sign, recognise

OPENAPI = "/openapi.json"


def told(**answers: Any) -> dict[str, Sign]:
    """Answers with status 200, by path (`_` for `/`)."""
    return {"/" + path.replace("_", "/"): Sign(200, value=value) for path, value in answers.items()}


SEEN: list[tuple[str, dict[str, Sign]]] = [
    ("LM Studio 0.4 or later", told(api_v1_models={"models": []}, v1_models={"data": []})),
    ("LM Studio before 0.4", told(api_v0_models={"data": []})),
    ("LM Studio", {"/lmstudio-greeting": Sign(200, value={"lmstudio": True})}),
    ("llama-swap", told(running={"running": []}, v1_models={"data": []})),
    ("llama-server b9", told(props={"default_generation_settings": {}, "build_info": "b9"})),
    ("llama-server", {"/": Sign(503, text='{"error":{"message":"Loading model"}}')}),
    ("llama-server", {"/": Sign(404, server="llama.cpp")}),
    ("vLLM 0.32.0", told(version={"version": "0.32.0"}, v1_models={"data": [{"owned_by": "vllm"}]})),
    ("Ollama 0.9.1", told(api_version={"version": "0.9.1"})),
    ("Ollama", {"/": Sign(200, text="Ollama is running")}),
    (
        "llama-cpp-python 0.3.36",
        {OPENAPI: Sign(200, value={"info": {"title": "🦙 llama.cpp Python API", "version": "0.3.36"}})},
    ),
    ("transformers serve", {OPENAPI: Sign(200, value={"paths": {"/load_model": {}}})}),
    ("mlx_lm.server", {"/v1/models": Sign(200, server="BaseHTTP/0.6 Python/3.11.7")}),
]


@pytest.mark.parametrize(("name", "signs"), SEEN, ids=[name for name, _ in SEEN])
def test_each_server_is_known_by_its_own_answers(name: str, signs: dict[str, Sign]) -> None:
    """Never by its port."""
    assert str(recognise(signs)) == name


@pytest.mark.parametrize(
    "signs",
    [
        {},
        told(v1_models={"data": [{"id": "m"}]}, version={"version": "1"}),
        told(v1_models=[1], props=None, api_version="0.9", running={"running": True}, lmstudio=[]),
        {"/lmstudio-greeting": Sign(404, value={"lmstudio": True})},
    ],
)
def test_what_tells_nothing(signs: dict[str, Sign]) -> None:
    """Half a sign is none."""
    assert recognise(signs) is None
