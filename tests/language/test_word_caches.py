"""What is kept by word is emptied once somebody wants to be forgotten."""

from pathlib import Path

from bot.language import spelling, word_caches
from bot.safety import danger_screen

ROOT = Path(__file__).resolve().parents[2]
CANARY = "qzvxwolframite"


def test_no_word_of_a_visitor_stays_in_a_cache_once_one_is_forgotten():
    screen = danger_screen.load_screen(ROOT / "data")
    read = spelling.make_corrector({"jerk": 3}, {}, [], frozenset({"leg"}))
    danger_screen.find_danger(screen, f"my {CANARY} leg")
    read(f"my {CANARY} leg")
    caches = list(word_caches._caches)
    assert sum(kept.cache_info().currsize for kept in caches) > 2
    word_caches.clear_caches()
    assert [kept.cache_info().currsize for kept in caches] == [0] * len(caches)
