"""Percentiles, and ratios of what was measured in turn."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of all values does not exceed.

    :param share: between 0 and 1; 0.5 is the median.
    :raises ValueError: when there are no values.
    """
    if not values:
        raise ValueError("there are no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median_ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the median ratio of pairs that were measured one right after the other."""
    return statistics.median(ours / theirs for ours, theirs in pairs)


def milliseconds(seconds: float) -> float:
    """Return seconds as milliseconds."""
    return seconds * 1000
