"""Each kind of reply as each platform gets it, beside the files that were read by eye."""

from bot.domain.reply_kinds import ReplyKind
from tests.channels import golden


def test_every_kind_of_reply_is_among_those_that_are_reviewed():
    assert {reply["kind"] for reply in golden.GIVEN["replies"].values()} == set(ReplyKind)


def test_every_kind_of_reply_is_what_was_reviewed_on_every_channel(platform):
    found = golden.take(platform)
    again = "run `.venv/bin/python -m tests.channels.golden`, and read the difference"
    kept = {
        tuple(path.relative_to(golden.HOME).with_suffix("").parts)
        for path in golden.HOME.glob("*/*.yml")
    }
    assert kept == set(found), again
    changed = [
        f"{channel}/{kind}"
        for (channel, kind), written in found.items()
        if golden.path_of(channel, kind).read_text() != written
    ]
    assert not changed, again
    assert not platform.refused
