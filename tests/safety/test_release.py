"""A release whose screen misses what it must hear, or hears dangers in its own articles, is not
published."""

import numpy as np
import pytest

from bot.releases import registry
from bot.runtime import settings
from bot.safety import net, net_training
from tests import conftest


@pytest.fixture
def republished(tmp_path):
    """A function that changes the live release's folder in a copy, and gives what blocks it."""
    (tmp_path / "models").mkdir()

    def find_failures(change):
        models = conftest.republish(tmp_path / "models", lambda data: change(data.parent))
        config = settings.read_settings({"MODELS": str(models)})
        return registry.find_screen_failures(config, registry.live_release(config))

    return find_failures


def test_the_live_release_is_blocked_by_nothing(republished):
    assert republished(lambda folder: None) == []


def test_a_must_message_that_rules_and_net_miss_is_named(republished):
    def change(folder):
        path = folder / "data" / "safety.yml"
        path.write_text(
            path.read_text("utf-8").replace("    - i want to die\n", "    - i like rye\n")
        )

    assert republished(change) == ["1 messages of 'must' are missed by rules and net: i like rye"]


def test_a_net_that_hears_dangers_in_the_articles_is_refused_and_the_phrases_are_named(republished):
    def change(folder):
        arrays = net.to_arrays(net.read_net(folder / registry.NET))
        thresholds = np.array([-1e9, -1e9], dtype=np.float32)
        net_training.vector_cache.save_arrays(
            folder / registry.NET, **arrays | {"thresholds": thresholds}
        )

    (failure,) = republished(change)
    assert "phrases of articles are taken for a danger: " in failure
