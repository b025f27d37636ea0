"""Which model a name means."""

import pytest

from tokenweir.pipeline.errors import RequestError
from tokenweir.pipeline.models import Model, choose_model

QWEN = Model("qwen/qwen3-8b", "loaded")
LLAMA = Model("TheBloke/Llama-2-7B-Chat-GGUF", "not_loaded")
SMALL = Model("TheBloke/Llama-2-7B-GGUF", "not_loaded")
ALL = (QWEN, LLAMA, SMALL)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("qwen/qwen3-8b", QWEN),
        ("QWEN/qwen3-8B", QWEN),
        ("qwen3", QWEN),
        ("chat", LLAMA),
        ("7b-gguf", SMALL),
        ("local-model", QWEN),
        (None, QWEN),
        ("", QWEN),
    ],
)
def test_a_name_means_one_model(name: str | None, model: Model) -> None:
    """Its own name, else any part of it that no other name has; `local-model` is the loaded one."""
    assert choose_model(name, ALL) is model


def test_a_whole_name_wins_over_a_part() -> None:
    """`llama3` is a part of the other's name too; a tag `:latest` is what Ollama means without one."""
    plain, chat, large = Model("llama3"), Model("llama3-chat"), Model("llama3:70b")

    assert choose_model("llama3", (chat, plain, large)) is plain
    latest = Model("llama3:latest")
    assert choose_model("llama3", (large, latest)) is latest


def test_a_model_that_is_called_so() -> None:
    """Whoever calls a model `local-model` means that one."""
    named = Model("local-model", "not_loaded")

    assert choose_model("local-model", (QWEN, named)) is named


def test_instances_of_one_model_are_one() -> None:
    """A loaded instance goes before others; an instance can be named itself."""
    first = Model("qwen3", "loaded", instance="qwen3")
    second = Model("qwen3", "loaded", instance="qwen3:2")

    assert choose_model("local-model", (first, second)) is first
    assert choose_model("qwen3:2", (first, second)) is second
    assert choose_model("qwen", (Model("qwen3", "not_loaded"), second)) is second


def test_who_does_not_tell_what_is_loaded() -> None:
    """Where every state is unknown, the only model there is it is."""
    assert choose_model(None, [Model("alone")]).id == "alone"


@pytest.mark.parametrize(
    ("name", "models", "said"),
    [
        ("llama", ALL, "is part of several models' names: TheBloke/Llama-2-7B-Chat-GGUF, TheBloke/Llama-2"),
        (
            "qwen3-8c",
            ALL,
            "there is no model 'qwen3-8c' (nearest: qwen/qwen3-8b); available: qwen/qwen3-8b, ",
        ),
        ("nothing-like-it", ALL, "there is no model 'nothing-like-it'; available: qwen/qwen3-8b, The"),
        ("any", (), "there is no model 'any'; the backend has none"),
        ("local-model", (LLAMA,), "no model is loaded; available: TheBloke/Llama-2-7B-Chat-GGUF"),
        (None, (QWEN, Model("b", "loaded")), "more than one model is loaded: say which is meant."),
        (None, (Model("a"), Model("b")), "more than one model is there: say which is meant. available: a, b"),
    ],
)
def test_a_name_that_means_none(name: str | None, models: tuple[Model, ...], said: str) -> None:
    """The error says what there is, and what comes nearest."""
    with pytest.raises(RequestError) as told:
        choose_model(name, models)

    assert told.value.failure.kind == "model_not_found"
    assert said in told.value.failure.message


def test_a_long_list_is_cut() -> None:
    """Some services have thousands of models."""
    with pytest.raises(RequestError, match=r"m18, m19 and 980 more$"):
        choose_model("x", [Model(f"m{number}") for number in range(1000)])


def test_the_exact_name_comes_first() -> None:
    """Before another model's instance and before a tag that may be left out; capitals alone decide nothing
    between two."""
    tagged = [Model("llama3:latest"), Model("llama3")]
    instances = [Model("a", "loaded", instance="b"), Model("b", "not_loaded")]

    assert choose_model("llama3", tagged).id == "llama3"
    assert choose_model("b", instances).id == "b"
    with pytest.raises(RequestError, match="may be each of Qwen, qwen"):
        choose_model("QWEN", [Model("Qwen"), Model("qwen")])
