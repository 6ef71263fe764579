import random

import pytest
from fuzz_targets import TARGETS

INPUTS = {"report": 1500, "history": 300, "number": 3000, "url": 3000}
SEED = 20


def mutated(target, chance):
    """Endless input: the seeds with bytes changed, cut, repeated, and pieces put in."""
    seeds = list(target.seeds())
    yield from seeds
    while True:
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 6)):
            place = chance.randint(0, len(data))
            end = min(len(data), place + chance.randint(0, 12))
            chance.choice((_insert_word, _insert_bytes, _cut, _repeat, _splice))(
                data, place, end, target.words, seeds, chance
            )
        yield bytes(data[:65536])


def _insert_word(data, place, end, words, seeds, chance):
    data[place : chance.choice((place, end))] = chance.choice(words)


def _insert_bytes(data, place, end, words, seeds, chance):
    data[place:end] = chance.randbytes(chance.randint(1, 4))


def _cut(data, place, end, words, seeds, chance):
    del data[place:end]


def _repeat(data, place, end, words, seeds, chance):
    data[place:place] = data[place:end] * chance.randint(1, 30)


def _splice(data, place, end, words, seeds, chance):
    data[place:] = chance.choice(seeds)[place:]


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input(name):
    target = TARGETS[name]
    for _, data in zip(range(INPUTS[name]), mutated(target, random.Random(SEED)), strict=False):
        try:
            target.check(data)
        except Exception as error:
            raise AssertionError(f"{name} does not hold for {data!r}") from error
