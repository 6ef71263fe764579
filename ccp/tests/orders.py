"""Tries many orders of the reports of made-up calls: the story is that of their set.

With the variable ``AIRTEL_CCP_LONG``, a million orders on all processors instead of some thousand.
"""

import multiprocessing
import os
import random
from dataclasses import replace
from datetime import timedelta

from ccp.call.timeline import fold

SEED = 20
SHORT, LONG = 5_000, 1_000_000
PARTS = 40
OPTIONS = (
    {"request": "accepted"},
    {"request": "accepted", "closed": True},
    {"request": "unknown"},
    {"request": "refused", "closed": True},
)


class Orders:
    """Tries orders of the histories; the story of each set of reports is folded in order once.

    :param histories: by name: the reports of a call
    :param dialled: by which they are read
    """

    def __init__(self, histories, dialled, seed=SEED):
        self._histories = histories
        self._dialled = dialled
        self._chance = random.Random(seed)
        self._stories = {}

    def in_order(self, name, chosen, number):
        """The story of some of a history's reports, by their places, in order."""
        key = name, chosen, number
        if key not in self._stories:
            reports = [self._histories[name][place] for place in sorted(chosen)]
            self._stories[key] = fold(reports, self._dialled, **OPTIONS[number])
        return self._stories[key]

    def try_one(self, name):
        """One order of a history's reports, of which at some time only the first ones are there."""
        chance, reports = self._chance, self._histories[name]
        arriving = list(range(len(reports)))
        arriving += chance.choices(arriving, k=chance.randint(0, 4))
        chance.shuffle(arriving)
        if chance.random() < 0.5:
            del arriving[chance.randint(0, len(arriving)) :]
        number = chance.randrange(len(OPTIONS))
        story = fold(self._delivered(reports, arriving), self._dialled, **OPTIONS[number])
        expected = self.in_order(name, frozenset(arriving), number)
        assert story == expected, f"{name}: {arriving}, {OPTIONS[number]}"

    def _delivered(self, reports, arriving):
        """The reports in this order; one delivery of each is the first, others may come later."""
        chance = self._chance
        shuffled = chance.sample(range(len(arriving)), len(arriving))
        firsts = {arriving[index]: index for index in shuffled}
        for index, place in enumerate(arriving):
            report = reports[place]
            if index != firsts[place] and chance.random() < 0.5:
                later = timedelta(seconds=chance.randint(0, 9))
                report = replace(report, received_at=report.received_at + later)
            yield report


def try_orders(histories, dialled, part, count):
    """Try this many orders, of each history in turn; return how many."""
    orders, names = Orders(histories, dialled, SEED + part), list(histories)
    for number in range(count):
        orders.try_one(names[number % len(names)])
    return count


def try_many(histories, dialled):
    """Try some thousand orders, a million in the long form; return whether that many were tried."""
    if not os.environ.get("AIRTEL_CCP_LONG"):
        return try_orders(histories, dialled, 0, SHORT) == SHORT
    shares = [(histories, dialled, part, LONG // PARTS) for part in range(PARTS)]
    with multiprocessing.get_context("spawn").Pool() as pool:
        return sum(pool.starmap(try_orders, shares, chunksize=1)) == LONG
