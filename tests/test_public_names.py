"""The names that people import: these, no others, and each says what it is.

Law of this file: it counts what is offered from outside. A name that comes or goes changes a table
here, on purpose, and the changelog with it.
"""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import tokenweir
import tokenweir.sinks
import tokenweir.stages

CONTRACT = frozenset(
    {
        "Delta",
        "Done",
        "End",
        "Event",
        "Extra",
        "Failure",
        "Finish",
        "Gap",
        "Phase",
        "Pipeline",
        "Revise",
        "Snapshot",
        "Stage",
        "Start",
        "TokenweirError",
        "ToolDelta",
        "Usage",
        "connect",
    }
)
"""Others rely on these: taking one away breaks them."""

ADDED = frozenset(
    {"Deadlines", "MisuseError", "Report", "Source", "Stats", "Stream", "StreamError"}
    | {"fallback", "first_token_wins", "keep_warm"}
)
"""Offered beside the contract, each because somebody cannot do without it."""

NOT_NEEDED = (
    "aiohttp.web",
    "aiostream",
    "click",
    "rich",
    "tokenweir.simulator",
    "tokenweir.gateway",
    "uvloop",
)
"""What `import tokenweir` must work without: servers, the command line, and every optional package."""

ROOMS = (tokenweir.stages, tokenweir.sinks)


def offered(room: ModuleType) -> set[str]:
    """What the modules of a room offer: their `__all__`, or else the one thing that has their name."""
    names: set[str] = set()
    for found in pkgutil.iter_modules(room.__path__):
        module = importlib.import_module(f"{room.__name__}.{found.name}")
        names.update(getattr(module, "__all__", {found.name} & vars(module).keys()))
    return names


def public_things() -> Iterator[tuple[str, Any]]:
    """Every class and function on offer, and the public methods and properties of the classes."""
    for home in (tokenweir, *ROOMS):
        for name in home.__all__:
            thing = getattr(home, name)
            if inspect.isclass(thing):
                yield from (
                    (f"{home.__name__}.{name}.{part}", member)
                    for part, member in vars(thing).items()
                    if not part.startswith("_")
                    and (inspect.isfunction(member) or isinstance(member, property))
                )
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield f"{home.__name__}.{name}", thing


def test_tokenweir_offers_the_contract_and_no_more() -> None:
    """`from tokenweir import ...` gives these names, sorted."""
    assert tokenweir.__all__ == sorted(CONTRACT | ADDED)


def test_the_contract_is_there() -> None:
    """Each name in `__all__` can be imported."""
    assert [name for name in tokenweir.__all__ if not hasattr(tokenweir, name)] == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_a_room_offers_what_its_files_are_named_for(room: ModuleType) -> None:
    """One verb or noun per file, and importing its name from the room finds the thing, not the file."""
    assert sorted(room.__all__) == sorted(offered(room))
    assert [name for name in room.__all__ if inspect.ismodule(getattr(room, name))] == []


def test_every_public_thing_says_what_it_is() -> None:
    """A docstring of its own, not one that it inherits."""
    things = dict(public_things())
    silent = [name for name, thing in things.items() if not thing.__doc__]

    assert len(things) >= len(CONTRACT - {"Event"})
    assert not silent, "\n".join(silent)


def test_importing_tokenweir_is_cheap() -> None:
    """A service that embeds the library loads no server, no command line and no extra, nor needs them."""
    program = f"import sys; sys.modules |= dict.fromkeys({NOT_NEEDED}); import tokenweir"
    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert imported.returncode == 0, imported.stderr
