"""Mutation testing: `python -m tests.mutants [--only PATHS] [--jobs N]`, or `make mutants`.

Law of this file: each module is changed by mutmut, one small change at a time, and its own test module
must notice, or what `PROVED_WITH` names beside it: what only a test of another module sees was proved by
chance. Every run starts from a
fresh copy of the tree under build/, in which the rooms are real folders (mutmut knows no symlinks), so
that nothing in the checkout is ever changed. The exit code is 1 where a mutant lives that `EQUIVALENT`
does not explain.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from tests.mutants.equivalent import EQUIVALENT, EVERYWHERE

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "mutants"
MODULES = ("stages/*.py", "pipeline/protocols/*.py", "pipeline/json_*.py")
"""The modules that are pure, and fast to test."""

PROVED_WITH: Mapping[str, Sequence[str]] = {
    "pipeline/protocols/*": (
        "tests/contract/test_any_cut.py",
        "tests/contract/test_ends.py",
        "tests/contract/test_errors_inside.py",
        "tests/contract/test_other_types.py",
        "tests/contract/test_unknown_keys.py",
    ),
    "stages/cumulative_*": ("tests/stages/test_cumulative_detect.py",),
}
"""Modules -> the tests of what they make up together: the contract of a stream, over every protocol's bodies,
and the detector whose parts the others are."""

_SURVIVED, _NO_TESTS = 0, 33
_TIMEOUTS = (36, 24, -24, 152, 255)
_SPEECH = r"^\s*msg = "
"""Lines that only say what was wrong to a person: their wording is no promise."""


class Mutant(NamedTuple):
    """A change that no test noticed: its name for mutmut, what it changed, and why that is right."""

    name: str
    diff: str
    reason: str | None


class Score(NamedTuple):
    """What came of one module: how many mutants there are, how many ran out of time, and those alive."""

    path: str
    total: int
    timeouts: int
    alive: Sequence[Mutant]

    @property
    def unexplained(self) -> list[Mutant]:
        """The mutants that a test should have noticed."""
        return [mutant for mutant in self.alive if mutant.reason is None]

    def line(self) -> str:
        """The score in words; a mutant that changes nothing is not counted."""
        counted = self.total - (len(self.alive) - len(self.unexplained))
        killed = counted - len(self.unexplained)
        share = f"{killed / counted:7.1%}" if counted else "      -"
        return f"{share}  {killed:4} of {counted:4} noticed, {self.timeouts} by timeout  {self.path}"


def modules(only: Sequence[str]) -> Iterator[str]:
    """The paths of the modules that were asked for: all that have a test module of their own."""
    for pattern in MODULES:
        for path in sorted(ROOT.glob(pattern)):
            here = path.relative_to(ROOT).as_posix()
            if (ROOT / test_of(here)).is_file() and (not only or any(fnmatch(here, one) for one in only)):
                yield here


def test_of(path: str) -> str:
    """The test module of a module."""
    folder, _, name = path.rpartition("/")
    return f"tests/{folder}/test_{name}"


def tests_of(path: str) -> list[str]:
    """All that must notice a change of a module."""
    beside = [test for form, tests in PROVED_WITH.items() if fnmatch(path, form) for test in tests]
    return list(dict.fromkeys([test_of(path), *beside]))


def prepare(path: str) -> Path:
    """A fresh folder for one module, with all that its tests need, and mutmut's settings."""
    work = WORK / path.removesuffix(".py").replace("/", ".")
    shutil.rmtree(work, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", ".hypothesis", "fuzz", "mutants")
    for room in ("tokenweir", "tests"):
        shutil.copytree(ROOT / room, work / room, ignore=ignored)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pytest = project["tool"]["pytest"]["ini_options"]
    settings = {
        "source_paths": ["tokenweir/"],
        "only_mutate": [f"tokenweir/{path}"],
        "do_not_mutate_patterns": [_SPEECH],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "--hypothesis-seed=1"],
        "pytest_add_cli_args_test_selection": tests_of(path),
        "timeout_multiplier": 5.0,
        "timeout_constant": 1.0,
    }
    chosen = {"pythonpath": pytest["pythonpath"], "addopts": pytest["addopts"], "filterwarnings": ["error"]}
    lines = ["[tool.mutmut]", *map(_line, settings.items())]
    lines += ["[tool.pytest.ini_options]", *map(_line, chosen.items())]
    (work / "pyproject.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return work


def _line(setting: tuple[str, object]) -> str:
    """One setting as TOML, whose strings, lists and numbers are JSON's."""
    return f"{setting[0]} = {json.dumps(setting[1])}"


def mutmut(work: Path, *arguments: str) -> str:
    """What mutmut says. Raises CalledProcessError where it fails."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.stderr.write(f"{ran.stdout[-4000:]}\n{ran.stderr[-4000:]}\n")
        ran.check_returncode()
    return ran.stdout


def judge(path: str, jobs: int) -> Score:
    """Try all mutants of one module."""
    work = prepare(path)
    mutmut(work, "run", "--max-children", str(jobs))
    told = work / "mutants" / "tokenweir" / f"{path}.meta"
    codes: dict[str, int | None] = json.loads(told.read_text("utf-8"))["exit_code_by_key"]
    alive = [name for name, code in codes.items() if code in (_SURVIVED, _NO_TESTS)]
    timeouts = sum(code in _TIMEOUTS for code in codes.values())
    return Score(path, len(codes), timeouts, [_mutant(work, path, name) for name in alive])


def _mutant(work: Path, path: str, name: str) -> Mutant:
    diff = mutmut(work, "show", name)
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    place = name.rpartition(".")[2].removeprefix("x_").replace("ǁ", ".").removeprefix("x.")
    key = "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed)
    return Mutant(place, key, _reason(path, key))


def _reason(path: str, changed: str) -> str | None:
    forms = (reason for form, reason in EVERYWHERE.items() if re.search(form, changed))
    return next(forms, EQUIVALENT.get(path, {}).get(changed.rpartition("\n+ ")[2]))


def main() -> int:
    """Try what was asked for, and print scores and survivors."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--only", nargs="*", default=[], metavar="PATH", help="modules, as stages/take.py")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="mutants at once (default 1)")
    asked = parser.parse_args()
    chosen = list(modules(asked.only))
    if not chosen:
        parser.error(f"no module with tests of its own among: {' '.join(asked.only)}")
    unexplained = 0
    for path in chosen:
        try:
            score = judge(path, asked.jobs)
        except subprocess.CalledProcessError:
            print(f"not judged: without any mutant, {test_of(path)} must pass  {path}", flush=True)
            unexplained += 1
            continue
        print(score.line(), flush=True)
        for mutant in score.unexplained:
            print(f"\n  {mutant.name}\n    {mutant.diff.replace(chr(10), chr(10) + '    ')}", flush=True)
        unexplained += len(score.unexplained)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
