"""What ``make bench`` runs; see ``README.md`` beside this file."""

# The parts in the order in which they run; each is a module with `run(stack, quick)`.
PARTS = (
    "report",
    "fold",
    "hot",
    "click",
    "hang",
    "panel",
    "installed",
    "forms",
    "history",
    "servers",
    "recording",
    "soak",
)
