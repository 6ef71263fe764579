"""What the addon costs where nobody calls: a worker's memory, and any other request."""

from __future__ import annotations

from statistics import median

import psutil

from .figures import Figure
from .load import Generator, Job, request_bytes
from .measure import median_ratio, percentile
from .stack import MEGABYTE, NOT_SERVER_WIDE, Stack

WARM_UP = 300
# Without the addon, it is not in Odoo's server_wide_modules either
WITHOUT = NOT_SERVER_WIDE


def run(stack: Stack, quick: bool) -> list[Figure]:
    """Start Odoo with and without the addon in turn; then let both answer in turn."""
    starts, slices, count = (2, 20, 100) if quick else (5, 120, 300)
    memory = {"with": [], "without": []}
    private = {"with": [], "without": []}
    empty = [request_bytes("/bench/empty/x", b"{}")]
    with Generator() as generator:
        for _number in range(starts):
            for name, options in (("with", {}), ("without", _without(stack))):
                with stack.odoo(workers=1, **options) as odoo:
                    generator.send(Job(odoo.port, empty * WARM_UP))
                    (pid,) = odoo.http_pids()
                    used = psutil.Process(pid).memory_full_info()
                    memory[name].append(used.rss)
                    private[name].append(used.uss)
        latencies = {"with": [], "without": []}
        computed = {"with": 0.0, "without": 0.0}
        with stack.odoo(workers=1) as ours, stack.odoo(workers=1, **_without(stack)) as theirs:
            for number in range(-1, slices):
                pair = [("with", ours), ("without", theirs)]
                for name, odoo in pair if number % 2 else pair[::-1]:
                    cpu = odoo.cpu_seconds()
                    outcome = generator.send(Job(odoo.port, empty * count, connections=1))
                    if number >= 0:
                        latencies[name].append(percentile(outcome.latencies, 0.5))
                        computed[name] += odoo.cpu_seconds() - cpu
    ratio = median_ratio(list(zip(latencies["with"], latencies["without"], strict=True)))
    more = median(memory["with"]) - median(memory["without"])
    return [
        Figure(
            "installed: a worker's memory, more than without",
            more / MEGABYTE,
            "MB",
            2.5,
            note=f"resident; median of {starts} starts each",
        ),
        Figure("a worker's memory without the addon", median(memory["without"]) / MEGABYTE, "MB"),
        Figure(
            "installed: memory that only one worker has, more than without",
            (median(private["with"]) - median(private["without"])) / MEGABYTE,
            "MB",
        ),
        Figure(
            "installed: an empty route's time, more than without",
            (ratio - 1) * 100,
            "%",
            1,
            note=f"median of {slices} pairs of {count} requests",
        ),
        Figure(
            "installed: an empty route's worker CPU, more than without",
            (computed["with"] / computed["without"] - 1) * 100,
            "%",
        ),
    ]


def _without(stack):
    return {"database": stack.plain, "options": WITHOUT}
