"""How many inputs the tests generate: ten thousand in all, and INPUTS times as many where that is
set."""

import os

from hypothesis import HealthCheck, Phase, settings


def inputs(count):
    """So many inputs, the same in every run."""
    return settings(
        max_examples=count * int(os.environ.get("INPUTS") or 1),
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
