"""The names of models: whether the one that answered is the one that was asked for.

Law of this file: pure rules, in tables. A name is its path, a base, and marks of some kinds. Two names mean
one model where their bases are the same, and no kind of mark says one thing here and another there: what one
of them leaves out is no mismatch (PROTOCOLS 3 to 5, 11.1).
"""

import re
from collections.abc import Mapping

from tokenweir.pipeline.models import LOADED_MODEL

_NOBODY = frozenset({LOADED_MODEL, "default_model", "model-router", "openrouter/auto", "tgi"})
"""Names by which a backend is asked to answer with whatever it has, or to choose."""
_UNSAID = "default_model"
"""What mlx_lm.server answers with where nothing was asked for."""

_RENAMED = {"gpt-4-turbo-preview": "gpt-4-preview", "gpt-35-turbo": "gpt-3.5-turbo"}
"""Bases that are answered by another base."""

_MARKS: Mapping[str, re.Pattern[str]] = {
    kind: re.compile(mark + r"(?=[-:@]|$)")
    for kind, mark in {
        "file": r"(?:-\d{5}-of-\d{5})?[-.](?:gguf|mlx)",
        "unsaid": r":latest|-latest|@main|-0",
        "quantization": r"[-.:@](?:ud-)?(i?q\d[a-z0-9_]*|b?fp?(?:8|16|32)|mxfp4|\d-?bit)",
        "release": r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{2}-\d{4}|\d{2}-\d{2}|\d{3,4})|:(\d{8}-v\d+)",
        "service": r":(beta|exacto|extended|floor|free|nitro|online|thinking)",
        "instance": r":(\d+)",
        "revision": r"@([^:@]+)",
    }.items()
}
"""Kind -> how it is written behind a base, or within: what kind of file it is, and what says nothing; then
what has a value: how its weights are kept, of which day it is or its number, how a router serves it, which of
several loaded ones it is, where it was taken from."""

_ALIAS = "-latest"
_WORDS = re.compile(r"[^a-z0-9.]+")
_VERSION = re.compile(r"v?\d+(?:\.\d+)*|exp|experimental|preview")


def same_model(asked: str | None, answered: str | None) -> bool:
    """Whether an answer by `answered` is one that `asked` may have meant: where nothing particular was
    asked for, where nobody says who answered, and where one name is an alias of the other: a release of
    it, an instance, a quantization, its path.

    >>> same_model("gpt-4o", "gpt-4o-2024-08-06"), same_model("gpt-4o", "gpt-4o-mini")
    (True, False)
    >>> same_model("gpt-4o-2024-05-13", "gpt-4o-2024-08-06")
    False
    >>> same_model("llama3", "llama3:latest"), same_model("qwen3-8b", "qwen/qwen3-8b:2")
    (True, True)
    """
    if not asked or not answered:
        return True
    asked, answered = asked.casefold(), answered.casefold()
    if asked == answered or asked in _NOBODY or answered == _UNSAID:
        return True
    (one, said), (other, told) = _read(asked), _read(answered)
    if any(said[kind] != told[kind] for kind in said.keys() & told.keys()):
        return False
    return one == other or (asked.endswith(_ALIAS) and _is_version(one, other))


def _read(name: str) -> tuple[str, dict[str, list[str]]]:
    """The base of a name, and what its marks say.

    >>> _read("qwen/qwen3-8b-q4_k_m.gguf")
    ('qwen3-8b', {'quantization': ['q4_k_m']})
    """
    base, said = _leaf(name), dict[str, list[str]]()
    for kind, mark in _MARKS.items():
        values = ["".join(found.groups("")).replace("-", "") for found in mark.finditer(base)]
        if any(values):
            said[kind] = values
        base = mark.sub("", base)
    return _RENAMED.get(base, base), said


def _leaf(name: str) -> str:
    """A name without its path; that of a snapshot is its folder's in the cache of Hugging Face.

    >>> _leaf("/hub/models--mlx-community--qwen3-8b/snapshots/0a1b")
    'qwen3-8b'
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part] or [name]
    if parts[-2:-1] == ["snapshots"]:
        parts = parts[:-2] or parts
    owner, _, repository = parts[-1].rpartition("--")
    return repository if owner.startswith("models--") or owner == "models" else parts[-1]


def _is_version(alias: str, other: str) -> bool:
    """Whether a name has every word of the alias, and beside them only what tells versions apart.

    >>> _is_version("gemini-flash", "gemini-2.5-flash-preview"), _is_version("gpt", "gpt-oss")
    (True, False)
    """
    wanted, there = set(_WORDS.split(alias)), set(_WORDS.split(other))
    return wanted <= there and all(map(_VERSION.fullmatch, there - wanted))
