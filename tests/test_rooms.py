"""The rooms keep their shape: what stands where, what may import what, and how large a file gets.

Law of this file: rules about the tree, read from the disk and from syntax trees, never by importing.
The tables at the top are the architecture; a rule changes there, with its reason.
"""

import ast
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LINKED = ("pipeline", "stages", "sinks")
"""Rooms that stand at the root and ship inside `tokenweir`."""

LEVELS: tuple[tuple[str, ...], ...] = (
    ("pipeline/events.py",),
    ("pipeline/errors.py",),
    (
        "pipeline/activity.py",
        "pipeline/assemble.py",
        "pipeline/clock.py",
        "pipeline/connection.py",
        "pipeline/core.py",
        "pipeline/deadlines.py",
        "pipeline/json_*.py",
        "pipeline/log.py",
        "pipeline/meter.py",
        "pipeline/phases.py",
        "pipeline/models.py",
        "pipeline/model_names.py",
        "pipeline/plugins.py",
        "pipeline/recording.py",
        "pipeline/request.py",
        "pipeline/retry.py",
        "pipeline/sink.py",
        "pipeline/stage.py",
        "pipeline/visible.py",
    ),
    ("stages/*", "pipeline/protocols/*", "sinks/*"),
    ("pipeline/transport.py", "pipeline/aiohttp_*.py", "pipeline/sources/*"),
    (
        "pipeline/inquiry.py",
        "pipeline/arrival.py",
        "pipeline/overdue.py",
        "pipeline/waiting.py",
        "pipeline/stream.py",
        "pipeline/iterate.py",
        "pipeline/race.py",
        "pipeline/keep_warm.py",
        "pipeline/run.py",
        "pipeline/warmth.py",
        "pipeline/__init__.py",
    ),
    ("tokenweir/*",),
)
"""A file may import from its own level and from those before it, and no level holds a circle."""

APART = ("stages/*", "pipeline/protocols/*", "sinks/*")
"""Rooms of one level that know nothing of each other: they meet only where a pipeline is built."""

HTTP = (
    "pipeline/transport.py",
    "pipeline/aiohttp_*.py",
    "tokenweir/simulator/*",
    "tokenweir/gateway/*",
    "tokenweir/record/server.py",
)
"""Where aiohttp may be imported: the one edge to its client, and the servers."""

PURE = (
    "stages/*",
    "pipeline/protocols/*",
    "pipeline/events.py",
    "pipeline/errors.py",
    "pipeline/json_*.py",
)
IMPURE = frozenset(
    {"aiohttp", "anyio", "asyncio", "datetime", "logging", "socket", "structlog", "threading", "time"}
)
"""What a pure file does not import: nothing that waits, tells the time, logs, or does I/O."""

LINES = 250

TESTED_ELSEWHERE: dict[str, str] = {
    "pipeline/aiohttp_connection.py": "tests/pipeline/test_transport*.py: it shows at the transport",
    "pipeline/aiohttp_faults.py": "tests/pipeline/test_transport_http.py: over sockets that break",
    "pipeline/arrival.py": "tests/pipeline/test_stream*.py: the inner half of Stream",
    "pipeline/core.py": "tests/pipeline/test_stage.py and tests/test_laws.py: cores are made by stages",
    "pipeline/connection.py": "tests/test_testing.py, test_transport*.py: by who keeps it",
    "tokenweir/gateway/chat.py": "tests/gateway/test_answer.py and test_setup.py: both wires",
    "tokenweir/gateway/endpoint.py": "tests/gateway/test_app.py: what the table of routes is made of",
    "tokenweir/gateway/form.py": "tests/gateway/test_answer.py and test_prompts.py: a type, and who uses it",
    "tokenweir/gateway/gateway.py": "tests/gateway/test_server.py: the state that a server steers",
    "tokenweir/doctor/judging.py": "its doctests, and tests/doctor/test_judge_*.py: the judges' common words",
    "pipeline/overdue.py": "tests/pipeline/test_stream_deadlines.py: the arithmetic of Stream's deadlines",
    "pipeline/waiting.py": "tests/pipeline/test_stream_deadlines.py and others: the waiting half of Stream",
}
"""Modules with no test module of their own name, and which tests prove them instead."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every file of the library, by its path from the root, parsed."""
    found: dict[str, ast.Module] = {}
    for room in (*LINKED, "tokenweir"):
        for path in sorted((ROOT / room).rglob("*.py")):
            here = path.relative_to(ROOT).as_posix()
            found[here] = ast.parse(path.read_text("utf-8"), here)
    return found


def import_name(path: str) -> str:
    """The one name under which a file is imported."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(parts if parts[0] == "tokenweir" else ["tokenweir", *parts])


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path fits one of the patterns."""
    return any(fnmatch(path, pattern) for pattern in patterns)


def level_of(path: str) -> int:
    """The place of a file in LEVELS; -1 where it has none."""
    return next((number for number, level in enumerate(LEVELS) if matches(path, level)), -1)


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of each import, wherever it stands: under TYPE_CHECKING and in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def imports_of_ours(path: str) -> Iterator[tuple[int, str]]:
    """Line and path of each file of the library that a file imports from."""
    paths = {import_name(other): other for other in modules()}
    for line, name in imported(modules()[path]):
        if name.split(".")[0] == "tokenweir":
            parent = name.rpartition(".")[0]
            assert name in paths or parent in paths, f"{path}:{line}: there is no {name}"
            yield line, paths.get(name) or paths[parent]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_package_is_declared(project: dict[str, Any]) -> None:
    """What is missing in `packages` would be missing in the wheel."""
    on_disk = [import_name(path) for path in modules() if path.endswith("/__init__.py")]

    assert project["tool"]["setuptools"]["packages"] == sorted(on_disk)


def test_every_folder_with_code_is_a_package() -> None:
    """A folder without `__init__.py` would be left out of the wheel."""
    folders = {path.rpartition("/")[0] for path in modules()}

    assert {folder for folder in folders if f"{folder}/__init__.py" not in modules()} == set()


@pytest.mark.parametrize("room", LINKED)
def test_the_rooms_are_linked_under_the_import_name(room: str, project: dict[str, Any]) -> None:
    """The symlink is what editors, type checkers and an editable install go by."""
    link = ROOT / "tokenweir" / room

    assert link.is_symlink(), f"tokenweir/{room} is no symlink: was the checkout made without symlinks?"
    assert link.readlink() == Path("..", room)
    assert project["tool"]["setuptools"]["package-dir"][f"tokenweir.{room}"] == room
    assert f"tokenweir/{room}" in project["tool"]["pyright"]["include"], "pyright does not follow symlinks"


def test_no_relative_imports() -> None:
    """A file is found by one full name, wherever its room stands."""
    relative = [
        f"{path}:{node.lineno}"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert not relative, "\n".join(relative)


def test_every_file_has_a_level() -> None:
    """A new file in `pipeline/` gets its place in LEVELS before anything may import it."""
    lost = [path for path in modules() if level_of(path) < 0]

    assert not lost, "\n".join(lost)


def test_imports_point_downwards() -> None:
    """No file imports from a level above its own: not for a type either, and not inside a function."""
    upward = [
        f"{path}:{line} imports {other}, which stands above it"
        for path in modules()
        for line, other in imports_of_ours(path)
        if level_of(other) > level_of(path)
    ]

    assert not upward, "\n".join(upward)


def test_no_circles() -> None:
    """Within a level too, every file can be read after those that it imports."""
    graph = {path: {other for _, other in imports_of_ours(path)} for path in modules()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" <- ".join(circle.args[1]))


def test_rooms_of_one_level_stand_apart() -> None:
    """Stages, protocols and sinks are found by name, not imported by each other."""
    across = [
        f"{path}:{line} imports {other}"
        for room in APART
        for path in modules()
        if matches(path, (room,))
        for line, other in imports_of_ours(path)
        if matches(other, APART) and not matches(other, (room,))
    ]

    assert not across, "\n".join(across)


def test_aiohttp_stays_at_the_edges() -> None:
    """Its defaults lose bytes and forward keys: few files may meet it, and they know."""
    elsewhere = [
        f"{path}:{line}"
        for path, tree in modules().items()
        for line, name in imported(tree)
        if name.split(".")[0] == "aiohttp" and not matches(path, HTTP)
    ]

    assert not elsewhere, "\n".join(elsewhere)


def test_the_heart_is_pure() -> None:
    """Cores and protocols can be tested with lists because nothing in them waits or looks outside."""
    impure = [
        f"{path}:{line} imports {name}"
        for path, tree in modules().items()
        for line, name in imported(tree)
        if matches(path, PURE) and name.split(".")[0] in IMPURE
    ]

    assert not impure, "\n".join(impure)


def test_files_stay_short() -> None:
    """A file holds one thing: what needs more lines is two things, or says one thing twice."""
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in modules()}
    long = {path: lines for path, lines in lengths.items() if lines > LINES}

    assert long == {}, f"over {LINES} lines, a file is no longer read in one go: split it by concept"


def test_every_file_says_its_law() -> None:
    """A file begins with a docstring: what may live in it, and why. An empty `__init__` needs none."""
    silent = [path for path, tree in modules().items() if tree.body and not ast.get_docstring(tree)]

    assert not silent, "\n".join(silent)


def proof_of(path: str) -> str:
    """Tests stand as the import names do: `tests/stages/test_throttle.py`, `tests/cli/test_chat.py`."""
    folder, _, name = path.removeprefix("tokenweir/").rpartition("/")
    return "/".join(filter(None, ("tests", folder, f"test_{name}")))


def test_every_module_has_its_tests() -> None:
    """`stages/throttle.py` is proved by `tests/stages/test_throttle.py`, or the table says by what."""
    tested = {path for path in modules() if (ROOT / proof_of(path)).is_file()}
    unproved = [
        f"{path}: no {proof_of(path)}"
        for path in sorted(modules().keys() - tested - TESTED_ELSEWHERE.keys())
        if modules()[path].body and not path.endswith("/__init__.py")
    ]
    stale = sorted(TESTED_ELSEWHERE.keys() - (modules().keys() - tested))

    assert not unproved, "\n".join(unproved)
    assert stale == [], "these are gone, or have their own test module now: take them out of the table"
