"""The models of a backend: what is known of each, and which of them a name means.

Law of this file: values and pure rules. How a backend is asked for its models stands with its source;
which of them is meant is decided here, for every backend alike.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

from msgspec import Raw, Struct

from tokenweir.pipeline.errors import error_for
from tokenweir.pipeline.events import End, Failure

ModelState = Literal["loaded", "loading", "not_loaded", "unknown"]
"""`unknown` is for backends that list what they could load, and do not tell what they have loaded."""

Mismatch = Literal["warn", "error"]
"""What it is that another model answers than the one that was asked for."""

LOADED_MODEL = "local-model"
"""The name that means whatever model is loaded, as LM Studio's own examples have it."""

_LISTED = 20
_NEAREST = 3


class Model(Struct, frozen=True):
    """One model of a backend, or one loaded instance of it.

    `id` is the name by which requests ask for it. `size` is in bytes, `context` the longest context in
    tokens: the loaded one where it is loaded, else the longest that can be. `instance` is the loaded
    instance's own name, where the backend gives it one. `progress` (0..1) is that of a load. `native` is
    the backend's own entry. What the backend does not tell is None.
    """

    id: str
    state: ModelState = "unknown"
    size: int | None = None
    context: int | None = None
    instance: str | None = None
    progress: float | None = None
    native: Raw | None = None


def choose_model(requested: str | None, available: Sequence[Model]) -> Model:
    """The model that a name means: the one that is called so (`:latest` may be left out), else the one
    whose name the requested one is a part of, in capitals or not. `local-model`, and None, mean the only
    loaded one; where no backend tells what is loaded, the only one there is.

    Raises RequestError (kind `model_not_found`) where there is none, or more than one; its message lists
    what is available and the nearest names.

    >>> choose_model("8b", [Model("qwen3-8b"), Model("llama-3-70b")]).id
    'qwen3-8b'
    """
    if requested:
        found = _called(requested, available)
        if found is not None:
            return found
    if not requested or requested == LOADED_MODEL:
        return _only_loaded(available)
    parts = _distinct([model for model in available if requested.casefold() in model.id.casefold()])
    if len(parts) == 1:
        return parts[0]
    if parts:
        raise _not_found(f"{requested!r} is part of several models' names: {_names(parts)}")
    raise _not_found(f"there is no model {requested!r}{_nearest(requested, available)}; {_there(available)}")


def _called(name: str, available: Sequence[Model]) -> Model | None:
    """The model of exactly this name, else the one whose name differs in its capitals alone."""
    for spelled in (str, str.casefold):
        wanted, latest = spelled(name), spelled(f"{name}:latest")
        by_id = [model for model in available if spelled(model.id) == wanted]
        by_instance = [model for model in available if spelled(model.instance or "") == wanted]
        by_tag = [model for model in available if spelled(model.id) == latest]
        for same in map(_distinct, (by_id, by_instance, by_tag)):
            if len(same) == 1:
                return same[0]
            if same:
                raise _not_found(f"{name!r} may be each of {_names(same)}")
    return None


def _only_loaded(available: Sequence[Model]) -> Model:
    told = any(model.state != "unknown" for model in available)
    loaded = _distinct([model for model in available if model.state == "loaded" or not told])
    if len(loaded) == 1:
        return loaded[0]
    if not loaded:
        raise _not_found(f"no model is loaded; {_there(available)}")
    what = "loaded" if told else "there"
    raise _not_found(f"more than one model is {what}: say which is meant. {_there(available)}")


def _distinct(models: Sequence[Model]) -> list[Model]:
    """One of each name, a loaded instance before others."""
    chosen: dict[str, Model] = {}
    for model in models:
        if model.id not in chosen or (model.state == "loaded" and chosen[model.id].state != "loaded"):
            chosen[model.id] = model
    return list(chosen.values())


def _names(models: Sequence[Model]) -> str:
    names = list(dict.fromkeys(model.id for model in models))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _there(available: Sequence[Model]) -> str:
    return f"available: {_names(available)}" if available else "the backend has none"


def _nearest(requested: str, available: Sequence[Model]) -> str:
    by_name = {model.id.casefold(): model.id for model in available}
    near = get_close_matches(requested.casefold(), by_name, _NEAREST)
    return f" (nearest: {', '.join(by_name[name] for name in near)})" if near else ""


def _not_found(message: str) -> Exception:
    return error_for(End("error", Failure("model_not_found", message)))
