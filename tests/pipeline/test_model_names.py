"""Whether the model that answered is the one that was asked for: the gateway refuses where it is not."""

import pytest

from tokenweir.pipeline.model_names import same_model

CACHE = "/home/me/.cache/huggingface/hub/models--mlx-community--Qwen3-8B/snapshots/5f0c1e"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (None, "any"),
        ("any", None),
        ("", "any"),
        ("local-model", "qwen3-8b"),
        ("m", "m"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
        ("gpt-35-turbo", "gpt-3.5-turbo-0125"),
        ("gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct:20230824-v2"),
        ("gpt-4-turbo-preview", "gpt-4-0125-preview"),
        ("gpt-4-vision-preview", "gpt-4-1106-vision-preview"),
        ("gemini-1.5-flash", "gemini-1.5-flash-002"),
        ("gemini-2.5-flash-preview", "gemini-2.5-flash-preview-05-20"),
        ("gemini-flash-latest", "gemini-2.5-flash-preview-09-2025"),
        ("gemini-flash-lite-latest", "gemini-2.5-flash-lite"),
        ("claude-3-5-haiku", "claude-3-5-haiku-20241022"),
        ("claude-3-5-haiku@20241022", "claude-3-5-haiku-20241022"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022"),
        ("claude-sonnet-4-0", "claude-sonnet-4-20250514"),
        ("mistral-large-latest", "mistral-large-2411"),
        ("command-r", "command-r-08-2024"),
        ("grok-3-latest", "grok-3"),
        ("openai/gpt-4o:free", "openai/gpt-4o"),
        ("deepseek/deepseek-r1:free", "deepseek/deepseek-r1-0528"),
        ("openrouter/auto", "openai/gpt-4o"),
        ("llama3", "llama3:latest"),
        ("llama3:latest", "llama3"),
        ("qwen3:8b", "qwen3:8b-q4_K_M"),
        ("hf.co/org/Tiny-1B-Instruct-GGUF:Q4_K_M", "tiny-1b-instruct"),
        ("qwen3-8b", "qwen3-8b:2"),
        ("qwen/qwen3-8b", "qwen3-8b@q4_k_m"),
        ("qwen3-8b@q4_k_m", "Qwen3-8B-Q4_K_M.gguf"),
        ("qwen3-8b", "Qwen3-8B-Q4_K_M.gguf"),
        ("qwen3-8b", "Qwen3-8B-UD-Q4_K_XL-00001-of-00002.gguf"),
        ("qwen3-8b", "mlx-community/Qwen3-8B-MLX-4bit"),
        ("org/tiny-GGUF", "/cache/tiny.F16.gguf"),
        ("/models/tiny.gguf", "tiny"),
        ("C:\\models\\tiny.gguf", "tiny"),
        ("org/tiny", "org/tiny@main"),
        ("org/tiny", "/data/models/tiny/"),
        ("org/tiny", "org/tiny@v1"),
        ("models/gemini-pro", "Gemini-Pro"),
        ("default_model", "mlx-community/Qwen3-8B"),
        ("mlx-community/Qwen3-8B", "default_model"),
        ("mlx-community/Qwen3-8B", CACHE),
        ("mlx-community/Qwen3-8B", f"{CACHE}@main"),
        ("mlx-community/Qwen3-8B", f"{CACHE}/Qwen3-8B-Q8_0.gguf"),
        (CACHE, "Qwen3-8B"),
        ("gpt2", "/hub/models--gpt2/snapshots/0a1b"),
    ],
)
def test_aliases_are_no_mismatch(asked: str | None, answered: str | None) -> None:
    """PROTOCOLS 11.1: a release, a tag, an instance, a quantization or a path of the same model."""
    assert same_model(asked, answered)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4", "gpt-4-0125-preview"),
        ("gpt-latest", "gpt-oss"),
        ("gemini-flash-latest", "gemini-2.5-flash-lite"),
        ("gemini-2.5-flash", "gemini-2.5-flash-preview-09-2025"),
        ("grok-3-latest", "grok-3-mini"),
        ("qwen3-8b", "qwen3-14b"),
        ("qwen-0.5b", "qwen-1.5b"),
        ("llama3:8b", "llama3:70b"),
        ("llama3", "llama3:70b"),
        ("qwen3:8b-q4_K_M", "qwen3:8b-q8_0"),
        ("a-latest", "b-1"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-11-20"),
        ("claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022"),
        ("claude-3-5-sonnet@20240620", "claude-3-5-sonnet-20241022"),
        ("x@q4", "x@q8"),
        ("qwen:7", "qwen:14"),
        ("org/tiny@v1", "org/tiny@v2"),
        ("mlx-community/Qwen3-14B", CACHE),
        ("5f0c1e", CACHE),
        ("whatever", "/models/alias.gguf"),
        ("whatever", "local-model"),
        ("/", "tiny"),
    ],
)
def test_another_model_is_one(asked: str, answered: str) -> None:
    """One name that begins like another is no alias; and llama-server answers any name with its own."""
    assert not same_model(asked, answered)
