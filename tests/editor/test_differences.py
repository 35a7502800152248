"""What differs between two texts: which line stands beside which, and which words are marked."""

from bot.editor.shared.differences import Pair, compare_texts


def words(pieces):
    """The words of a line that are marked."""
    return [text for text, is_changed in pieces if is_changed]


def test_the_words_that_changed_are_marked():
    (pairs,) = compare_texts("a\nOften nobody can say why.\nb\n", "a\nOften nobody knows why.\nb\n")
    assert [pair.is_same for pair in pairs] == [True, False, True]
    assert words(pairs[1].before) == ["can say"] and words(pairs[1].after) == ["knows"]


def test_a_rewritten_line_stands_beside_the_line_that_is_most_like_it():
    old = "They come and go by themselves.\nA doctor may help."
    new = "Something quite new.\nThey come and go by night.\nAnother thing.\nA doctor may help you."
    (pairs,) = compare_texts(old, new)
    shown = [
        tuple(
            "".join(text for text, _ in side) if side else None
            for side in (each.before, each.after)
        )
        for each in pairs
    ]
    assert shown == [
        (None, "Something quite new."),
        ("They come and go by themselves.", "They come and go by night."),
        (None, "Another thing."),
        ("A doctor may help.", "A doctor may help you."),
    ]


def test_lines_that_share_nothing_stand_beside_each_other_as_wholes():
    assert compare_texts("red\n", "blue\n") == [[Pair([("red", False)], [("blue", False)])]]


def test_lines_that_only_came_or_went_have_nothing_beside_them():
    assert compare_texts("", "new\n") == [[Pair(None, [("new", False)])]]
    assert compare_texts("old\n", "") == [[Pair([("old", False)], None)]]


def test_a_whole_table_in_place_of_another_is_compared_in_a_moment():
    old, new = (
        "\n".join(f"{word} {n} of some rows" for n in range(3000)) for word in ("this", "that")
    )
    (pairs,) = compare_texts(old, new)
    assert len(pairs) == 3000


def test_equal_texts_differ_nowhere():
    assert compare_texts("a\nb\n", "a\nb\n") == []
