"""``make fuzz``: feeds what reads text from outside with input that looks for new ways through it.

The targets and what must hold stand in ``ccp/tests/fuzz_targets.py``; atheris finds the input.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..machine.environment import install_apart
from ..machine.errors import ToolError
from ..machine.layout import Layout, Settings, chosen, whole_number
from ..machine.process import run_in_order
from . import setup

# Not among the requirements: most people never fuzz, and not every Python has a wheel of it.
ATHERIS = "atheris==3.0.0"
TARGETS_MODULE = "fuzz_targets"
SECONDS = 60
SEED = 1
MAX_BYTES = 65_536
MAX_SECONDS_EACH = 2
# After the time for fuzzing: for starting, and for writing down what was found
EXTRA_SECONDS = 60
_EXECUTIONS = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_DONE = re.compile(r"^Done (\d+) runs", re.MULTILINE)
_PROGRESS = re.compile(r"^#(\d+)\s", re.MULTILINE)
_EXCEPTION = re.compile(r"=== Uncaught Python exception: ===\n(.+)$", re.MULTILINE)
_SLOW = re.compile(r"^ALARM: working on the last Unit|ERROR: libFuzzer: timeout", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """The result of one target.

    :param finding: the first line of the error; empty if there was none
    """

    target: str
    executions: int
    seconds: int
    finding: str = ""


def main(layout: Layout, settings: Settings) -> int:
    """Fuzz each target for ``SECONDS`` from ``SEED``, or with ``ARGS`` that target alone.

    :return: 1 when something was found.
    :raises ToolError: when a variable is no whole number, or a target cannot run.
    """
    seconds, seed = (
        whole_number(os.environ, name, default)
        for name, default in (("SECONDS", SECONDS), ("SEED", SEED))
    )
    setup.prepare(layout, settings, with_browser=False)
    ensure_atheris(layout)
    tests = layout.root / "ccp" / "tests"
    outcomes = []
    for name in chosen(os.environ, target_names(layout, tests)):
        outcomes.append(fuzz(layout, tests, name, seconds, seed))
        print(describe(outcomes[-1]), flush=True)
    found = [outcome for outcome in outcomes if outcome.finding]
    executions = sum(outcome.executions for outcome in outcomes)
    print(f"{len(outcomes)} targets, {executions} executions, {len(found)} findings (seed {seed})")
    return 1 if found else 0


def ensure_atheris(layout: Layout) -> Path:
    """Install atheris in a folder of its own, or leave it when nothing changed.

    :return: the folder.
    :raises ToolError: when there is none for this Python or machine.
    """
    hint = "It needs Linux and Python 3.11 to 3.13."
    return install_apart(layout, "atheris", "--only-binary=:all:", ATHERIS, hint=hint)


def target_names(layout: Layout, folder: Path) -> list[str]:
    """Return the names of the targets.

    :param folder: where the module of the targets lies.
    """
    code = f"from {TARGETS_MODULE} import TARGETS; print(*TARGETS)"
    command = [str(layout.python), "-c", code]
    result = subprocess.run(command, env=_environ(layout, folder), capture_output=True, text=True)
    if result.returncode:
        raise ToolError(f"The targets cannot be imported:\n{result.stderr.rstrip()}")
    return result.stdout.split()


def fuzz(layout: Layout, folder: Path, name: str, seconds: int, seed: int) -> Outcome:
    """Fuzz one target, in a process of its own; the input that it finds is kept for the next time.

    :raises ToolError: when it ends otherwise than with a finding or in time.
    """
    place = layout.dev / "fuzz" / name
    corpus = place / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    command = [layout.python, "-m", "devtools.commands.fuzz", name]
    command += [*fuzzer_options(place, seconds, seed), corpus]
    log, most = place / "log.txt", seconds + EXTRA_SECONDS
    with log.open("wb") as output:
        try:
            code = run_in_order(command, _environ(layout, folder), layout.root, output, most)
        except subprocess.TimeoutExpired:
            return Outcome(name, 0, most, f"it hangs; see {log}")
    text = log.read_text(errors="replace")
    outcome = read_outcome(name, seconds, code, text)
    if outcome is None:
        tail = "\n".join(text.splitlines()[-15:])
        raise ToolError(f"The target {name} could not run; see {log}:\n{tail}")
    return outcome


def fuzzer_options(place: Path, seconds: int, seed: int) -> list[str]:
    """Return the fuzzer's options.

    :param place: the folder that gets the input of a finding.
    """
    return [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-timeout={MAX_SECONDS_EACH}",
        f"-max_len={MAX_BYTES}",
        f"-artifact_prefix={place}{os.sep}",
        "-print_final_stats=1",
    ]


def read_outcome(name: str, seconds: int, code: int, text: str) -> Outcome | None:
    """Read a target's result from the fuzzer's output.

    :param code: the fuzzer's exit code.
    :return: ``None`` if it did not fuzz at all.
    """
    counts = [*_EXECUTIONS.findall(text), *_DONE.findall(text), *_PROGRESS.findall(text)]
    executions = max(map(int, counts), default=0)
    if code == 0:
        return Outcome(name, executions, seconds) if executions else None
    exception = _EXCEPTION.search(text)
    if exception:
        return Outcome(name, executions, seconds, exception[1].strip() or "an exception")
    if _SLOW.search(text):
        finding = f"an input takes longer than {MAX_SECONDS_EACH} seconds"
        return Outcome(name, executions, seconds, finding)
    return Outcome(name, executions, seconds, f"exit code {code}") if executions else None


def describe(outcome: Outcome) -> str:
    """Return one line for a person."""
    result = f"FOUND: {outcome.finding}" if outcome.finding else "nothing found"
    line = f"{outcome.target:10} {outcome.executions:10} executions {outcome.seconds:5} s  {result}"
    return f"{line} (.dev/fuzz/{outcome.target})" if outcome.finding else line


def _environ(layout: Layout, folder: Path) -> Mapping[str, str]:
    path = os.pathsep.join(map(str, (layout.root, folder, layout.dev / "atheris")))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def run_target(words: Sequence[str]) -> None:
    """Fuzz in this process until the time is over or something is found; never returns.

    :param words: the target's name, the fuzzer's options, and the folder of its corpus, which gets
        the target's seeds.
    """
    import atheris

    # Before anything else imports it: only what is imported here tells atheris which way it went.
    with atheris.instrument_imports(include=["ccp"]):
        module = __import__(TARGETS_MODULE)
    name, *options, corpus = words
    target = module.TARGETS[name]
    for number, seed in enumerate(target.seeds()):
        Path(corpus, f"seed-{number}").write_bytes(seed)
    dictionary = Path(corpus).with_name("words.txt")
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    atheris.Setup([name, *options, f"-dict={dictionary}", corpus], target.check)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    run_target(sys.argv[1:])
