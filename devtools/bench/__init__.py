"""What ``make bench`` runs; see ``docs/benchmarks.md``."""

# The parts in the order in which they run; each is a module with `run(stack, quick)`.
PARTS = (
    "report",
    "fold",
    "hot",
    "flood",
    "click",
    "hang",
    "panel",
    "installed",
    "forms",
    "history",
    "servers",
    "recording",
    "soak",
    "route",
)
