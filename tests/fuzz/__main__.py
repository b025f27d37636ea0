"""Coverage-guided fuzzing of every decoder: `python -m tests.fuzz`, or `make fuzz`.

Law of this file: which targets run for how long, and what is told of them. What is found is a small input
that breaks a law: it becomes a test of its module, and then the code is mended. Corpora stay in build/fuzz,
so that each run goes on where the last one ended. The exit code is 1 where something was found.
"""

import argparse
import base64
import binascii
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.growth import check_growth
from tests.fuzz.oracles import BrokenLawError
from tests.fuzz.shrink import shrunk
from tests.fuzz.targets import Target, check, targets
from tests.fuzz.words import dictionary, seeds

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "fuzz"
LONGEST = 4096
HANG, MEMORY = 60, 2048
"""Seconds for one input, and MiB of one process."""
SHRINK = 20.0
"""Seconds for making a found input smaller."""
_FIGURES = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


class Found(NamedTuple):
    """What came of one target: a line of figures, and what breaks it, if anything does."""

    line: str
    crash: str = ""


def fuzz(name: str, seconds: int) -> Found:
    """Fuzz one target for so long."""
    target, home = targets()[name], WORK / name
    for folder in ("seeds", "corpus", "crashes"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (home / "seeds" / f"{number:03}").write_bytes(seed)
    (home / "words").write_text(dictionary(target), "ascii")
    before = set((home / "crashes").iterdir())
    command = [sys.executable, "-m", "tests.fuzz.worker", name, f"{home}/corpus", f"{home}/seeds"]
    command += [f"-dict={home}/words", f"-artifact_prefix={home}/crashes/", f"-max_len={LONGEST}"]
    command += [f"-max_total_time={seconds}", f"-timeout={HANG}", f"-rss_limit_mb={MEMORY}"]
    command += [f"-report_slow_units={HANG}"]  # an input that is made large takes a while
    command += ["-len_control=50", "-print_final_stats=1"]  # short ones first: they are quick
    began = time.perf_counter()
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    figures = [found.groups() for found in _FIGURES.finditer(ran.stderr)] or [("?", "?", "?")]
    runs = _RUNS.search(ran.stderr)
    line = (
        f"{name:22} {time.perf_counter() - began:5.0f} s  {runs.group(1) if runs else '?':>9} inputs"
        f"  {figures[-1][0]:>6} edges  {figures[-1][1]:>6} features  {figures[-1][2]:>5} kept"
    )
    if not ran.returncode:
        return Found(line)
    fresh = sorted(set((home / "crashes").iterdir()) - before)
    told = "\n".join((ran.stdout + ran.stderr).splitlines()[-40:])
    return Found(line, told if not fresh else _told(name, target, fresh[0].read_bytes()))


def _told(name: str, target: Target, data: bytes) -> str:
    """What a person needs of a crash: what broke, the input, and how to try it again."""
    laws = (check,) if trouble(target, data, (check,)) else (check, check_growth)  # growth is slow
    broken = trouble(target, data, laws)
    if broken is None:
        how = "not broken when tried again: it took too long, or too much memory, in the fuzzer"
    else:
        wanted = _kind(broken)
        data = shrunk(data, lambda fewer: _kind(trouble(target, fewer, laws)) == wanted, SHRINK)
        broken = trouble(target, data, laws) or broken
        how = f"{type(broken).__name__}: {broken}"
    text = base64.b64encode(data).decode()
    return f"{how}\ninput: {data[:600]!r}\nagain: make fuzz TARGET={name} INPUT={text}"


def trouble(target: Target, data: bytes, laws: Iterable[Callable[[Target, bytes], None]]) -> Exception | None:
    """What an input breaks of some laws, if anything."""
    try:
        for law in laws:
            law(target, data)
    except Exception as broken:  # noqa: BLE001 - whatever it is, it is what was looked for
        return broken
    return None


def _kind(broken: Exception | None) -> tuple[object, object, object]:
    law = broken.law if isinstance(broken, BrokenLawError) else None
    return type(broken), law, type(broken.__cause__) if broken else None


def again(target: Target, text: str) -> int:
    """Try one input, given in base64, and let what it breaks be seen in full."""
    data = base64.b64decode(text, validate=True)
    print(repr(data))
    check(target, data)
    check_growth(target, data)
    print("breaks nothing")
    return 0


def main() -> int:
    """Fuzz what was asked for, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the decoders.")
    known = targets()
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="for each target (default 60)")
    parser.add_argument("--target", default="all", metavar="NAME", help=f"all, or one of {', '.join(known)}")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="targets at once (default 1)")
    parser.add_argument("--input", default="", metavar="BASE64", help="only try this input again")
    asked = parser.parse_args()
    if asked.target != "all" and asked.target not in known:
        parser.error(f"no such target: {asked.target}; there are: all, {', '.join(known)}")
    if asked.input and asked.target == "all":
        parser.error("an input needs its target: --target NAME")
    if asked.input:
        try:
            return again(known[asked.target], asked.input)
        except binascii.Error as bad:
            parser.error(f"--input is no base64: {bad}")
    names = list(known) if asked.target == "all" else [asked.target]
    failed = 0
    with ThreadPoolExecutor(asked.jobs) as pool:
        for found in pool.map(partial(fuzz, seconds=asked.seconds), names):
            print(found.line, flush=True)
            if found.crash:
                failed += 1
                print(f"\n{found.crash}\n", flush=True)
    print(f"{len(names)} targets, {failed} with a finding; corpora in {WORK.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
