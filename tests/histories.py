import json
import random
import time
import uuid

from ..sandbox import scripts
from ..sandbox.cdr import render_cdr, render_other_try
from ..sandbox.reports import Clock, Identity, render
from ..sandbox.settings import Settings
from ..sandbox.story import CDR, OTHER_TRY, deliveries, tell
from ..sandbox.validation import read_order

# What can happen in a call that Airtel accepted
SCRIPTS = tuple(script for script in scripts.CALL_SCRIPTS if script.calls and not script.silent)


def history(body, script, rng, speed=20):
    """Return what Airtel would post about a call, in the order in which it would.

    :param dict body: the request that placed the call
    :param sandbox.scripts.Script script: what happens in it
    :param random.Random rng: what the script leaves to chance
    :param int speed: by how much each duration is shorter than in a real call
    :rtype: list[bytes]
    """
    order = read_order(json.dumps(body).encode(), Settings(), lambda: Settings().agent_pool)
    story = tell(order, script, lambda number: script)
    identity = Identity(str(uuid.UUID(int=rng.getrandbits(128), version=4)))
    clock = Clock(time.time_ns() // 1_000_000 - 60_000, speed)
    dialect = script.dialect or rng.choice(("display", "camel"))
    url = "https://rec.airtel.in/a.wav?token=hidden-value" if story.recorded else None

    def post(moment):
        if moment.kind != CDR:
            return render(moment, story, identity, clock)
        cdr = render_cdr(story, identity, clock, dialect, url)
        return render_other_try(cdr) if moment.event == OTHER_TRY else cdr

    return [
        json.dumps(post(moment)).encode()
        for _at, moment in deliveries(story, random.Random(rng.getrandbits(32)))
    ]
