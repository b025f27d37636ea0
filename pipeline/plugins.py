"""Sources, stages and sinks of other distributions, found by name through their entry points.

Law of this file: a name in, what it stands for out. Nothing is read before somebody asks for a name
that is not one of ours, since finding out who offers what takes tens of milliseconds, and more where
more is installed; so a name of ours is never anybody else's. What cannot be loaded is told to whoever
asks for it, and to nobody else.
"""

from collections.abc import Collection
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from tokenweir.pipeline.errors import MisuseError

if TYPE_CHECKING:  # importing it takes tens of milliseconds
    from importlib.metadata import EntryPoint

Group = Literal["tokenweir.sources", "tokenweir.stages", "tokenweir.sinks"]
"""Each group's entry points name functions or classes that make one of what the group is called."""

_KINDS: dict[Group, str] = {
    "tokenweir.sources": "provider",
    "tokenweir.stages": "stage",
    "tokenweir.sinks": "sink",
}


def plugin(group: Group, name: str, ours: Collection[str]) -> Any:
    """What a distribution offers in `group` as `name`. `ours` are the names that tokenweir has itself.

    Raises MisuseError where nobody offers it (with the nearest name that there is), where more than
    one does, and where it cannot be loaded, naming the distribution.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - see the law of this file

    offered = entry_points(group=group)
    found = [entry for entry in offered if entry.name == name]
    if not found:
        raise MisuseError(no_such(_KINDS[group], name, {*ours, *offered.names}))
    if len(found) > 1:
        several = " and ".join(sorted(map(_whose, found)))
        raise MisuseError(f"the {_KINDS[group]} {name!r} is offered by {several}: only one can be installed")
    return _load(found[0], f"the {_KINDS[group]} {name!r} of {_whose(found[0])}")


def _load(entry: "EntryPoint", called: str) -> Any:
    try:
        made = entry.load()
    except Exception as broken:
        fault = f"{type(broken).__name__}: {broken}"
        raise MisuseError(f"{called} cannot be loaded from {entry.value!r}: {fault}") from broken
    if not callable(made):
        raise MisuseError(
            f"{called} is {made!r}: its entry point must name a function or class that makes it"
        )
    return made


def _whose(entry: "EntryPoint") -> str:
    return "an unknown distribution" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def no_such(kind: str, name: str, there_are: Collection[str]) -> str:
    """What to say of a name that does not exist.

    >>> no_such("provider", "olama", ["ollama", "mlx"])
    "no provider 'olama'; did you mean 'ollama'? There are: mlx, ollama"
    """
    near = get_close_matches(name, there_are, 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"no {kind} {name!r}{hint} There are: {', '.join(sorted(there_are)) or 'none'}"
