"""How long the fuzzing goes on. `FUZZ_TIMES=20` makes a campaign of it, each with requests of its own (`make fuzz`)."""

import os

TIMES = int(os.environ.get("FUZZ_TIMES", "0"))
DERANDOMIZE = TIMES == 0  # the suite's own run is the same each time; a campaign is there to find what that does not


def examples(usual: int) -> int:
    return usual * max(1, TIMES)
