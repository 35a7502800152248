"""The shared copy of the content: the branch of another repository that this one's branch follows,
as on a code hosting service. What is not there yet is sent, what is not here yet is fetched.

What is fetched becomes the content as a whole or not at all: merged beside the files, checked as
`bot check` does, and then put in their place by bot/content/tree_change.py. A merge in which both
sides changed the same passages leaves everything as it was."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.content import articles, history, sign_offs, site_content, tree_change, wording
from bot.content.git_commands import (
    REMOTE_SECONDS,
    TIMED_OUT,
    Author,
    Done,
    Named,
    find_repository,
    run_git,
)
from bot.content.git_commands import ask_remote as _ask_remote
from bot.domain.faults import Fault
from bot.runtime import settings
from bot.runtime.settings import Settings

MOST_LISTED = 50  # changes that a page lists of those that are not sent, or not fetched
TRIES = 5  # at fetching while editors save
SIGN = 37  # that many signs mark both sides' passages, so that no text looks like a mark
HERE, THERE = "here", "there"  # whose passages are taken, where both sides changed the same
UNREAD = "\ufffd"  # stands for what is no text
NO_RENAMES = ("-c", "merge.renames=false", "-c", "merge.directoryRenames=false")
ASK = "Ask who runs this site"
HANGS = (
    f"The shared copy did not answer within {REMOTE_SECONDS} s. Try again later; if it comes to "
    f"the same, ask who runs this site whether this machine reaches it."
)
NO_KEY = (
    f"The shared copy does not let this site in. {ASK} to give it a key or a token (their guide "
    f"tells how, under “A key or a token”), and try again."
)
UNREACHED = (
    f"The shared copy can't be reached. {ASK} whether its address and the network are right."
)
GONE = f"The shared copy has no such branch any more. {ASK} to look at the branch that is followed."
BEHIND = "There are changes that are not here yet. Fetch them first, then send."
REFUSES = (
    "The shared copy refuses what is sent to it. It may take changes by pull request alone; ask "
    "who looks after it. This service's log has its words."
)
UNKNOWN = f"git could not do it. {ASK} to look into this service's log, which says why."
UNRELATED = (
    f"The shared copy has a history of its own, which does not begin as the one here does. {ASK}: "
    f"a developer has to join them."
)
TANGLED = "Both sides changed what can't be chosen here: {name}. Leave it to a developer."
MOVED = (
    "Something was saved or sent since you looked. Look at both versions again, and choose anew; "
    "nothing was changed."
)
BUSY = "Editors saved again and again meanwhile. Try again; nothing was changed."
NO_COPY = (
    f"The content follows no shared copy. {ASK} to set one up (their guide tells how, under “A "
    f"shared copy”)."
)
WIDER = (
    "The content stands in a larger repository, together with other files: whoever looks after "
    "that one sends and fetches it."
)
# what git or the other side says (in lower case), and what it comes to
SAYINGS = (
    (r"\(fetch first\)|\(non-fast-forward\)|\(stale info\)", BEHIND),
    (r"\[remote rejected\]|hook declined|protected branch|\[rejected\]", REFUSES),
    (
        r"permission denied|authentication failed|could not read (username|password)|"
        r"terminal prompts disabled|host key verification failed|error: 40[13]|access denied",
        NO_KEY,
    ),
    (r"couldn't find remote ref", GONE),
    (
        r"could not (resolve|read from)|unable to (access|connect|look up)|connection |timed out|"
        r"does not appear to be a git repository|not found",
        UNREACHED,
    ),
)


class Refused(RuntimeError):
    """It can't be done; the message is a sentence for people. Nothing was changed."""


class Differs(Refused):
    """Both sides changed the same passages, and nobody chose yet. Nothing was changed."""


@dataclass(frozen=True)
class Followed:
    """The branch that the content's branch follows: its `name` as git shows it, the `remote`, the
    branch `there`, and the `ref` under which it is known here."""

    name: str
    remote: str
    there: str
    ref: str


@dataclass(frozen=True)
class Standing:
    """What differs between here and the shared copy as it was last seen. `here`, `there`: commits,
    "" where it was never seen; `unsent`, `unfetched`: the newest changes of so many."""

    followed: Followed
    here: str
    there: str
    unsent: list[history.Change]
    unsent_count: int
    unfetched: list[history.Change]
    unfetched_count: int


@dataclass(frozen=True)
class BothChanged:
    """A file in which both sides changed the same passages. `passages`: [(here, there)], of text;
    `gone`: the side on which the whole file was taken away, or ""."""

    name: str
    passages: tuple[tuple[str, str], ...]
    gone: str
    # git's names of the texts, as they were before, are here, and are there; None: no file
    blobs: tuple[str | None, str | None, str | None]


@dataclass(frozen=True)
class Merged:
    """What both sides' changes give: git's name of the `tree`, and what is to be chosen first."""

    tree: str
    both_changed: tuple[BothChanged, ...]


def find_followed(config: Settings) -> Followed:
    """The branch that is followed; raises Refused where there is none, or the content is only a
    part of its repository."""
    repository = find_repository(config)
    branch = run_git(config, "symbolic-ref", "-q", "HEAD", quiet=True).stdout.strip()
    form = (
        "--format=%(upstream:short)%00%(upstream:remotename)%00%(upstream:remoteref)%00%(upstream)"
    )
    said = (
        run_git(config, "for-each-ref", form, branch, quiet=True).stdout.strip() if branch else ""
    )
    name, remote, there, ref = said.split("\0") if said.count("\0") == 3 else ("", "", "", "")
    if not repository or not ref or remote == ".":
        raise Refused(NO_COPY)
    if repository.top != config.path("data").resolve():
        raise Refused(WIDER)
    return Followed(name, remote, there, ref)


def read_standing(config: Settings) -> Standing:
    """The Standing as far as is known here, without asking the shared copy. Raises Refused."""
    followed = find_followed(config)
    here, there = (_read_commit(config, name) for name in ("HEAD", followed.ref))
    unsent, unfetched = (
        (f"{there}..{here}" if there else here),
        f"{here}..{there}" if there else "",
    )
    return Standing(
        followed,
        here,
        there,
        _list_changes(config, unsent),
        _count_changes(config, unsent),
        _list_changes(config, unfetched),
        _count_changes(config, unfetched),
    )


def look(config: Settings) -> None:
    """Ask the shared copy what is there; changes nothing of the content. Raises Refused."""
    followed = find_followed(config)
    to = f"+{followed.there}:{followed.ref}"
    options = ("--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--quiet")
    _want(_ask_remote(config, "fetch", *options, followed.remote, to))


def send(config: Settings) -> int:
    """Send what is not in the shared copy yet; how many changes. Raises Refused."""
    standing = read_standing(config)
    to = f"{standing.here}:{standing.followed.there}"
    _want(_ask_remote(config, "push", "--porcelain", standing.followed.remote, to))
    return standing.unsent_count


def fetch(
    config: Settings,
    person: Named,
    seen: tuple[str, str] | None = None,
    choices: Mapping[str, str] | None = None,
) -> int:
    """Fetch what is not here yet, merge it, and make it the content, in the name of `person`; how
    many changes. `choices`: {file: HERE or THERE} for what both sides changed, as it stood at the
    commits `seen`, here and there.

    Raises Refused and Differs, and articles.ContentError with the faults that it would bring."""
    look(config)
    history.find_trouble(config)  # commits what waits
    for _ in range(TRIES):
        standing = read_standing(config)
        if not standing.unfetched_count:
            return 0
        if choices and seen != (standing.here, standing.there):
            raise Refused(MOVED)
        merged = merge(config, standing)
        if missing := [each for each in merged.both_changed if each.name not in (choices or {})]:
            count = wording.counted(len(missing), "file")
            raise Differs(f"Both sides changed the same passages of {count}. Choose below.")
        tree = _choose(config, merged, choices or {})
        if faults := find_faults(config, standing.here, tree):
            raise articles.ContentError(faults)
        if _take_over(config, standing, tree, person, choices or {}):
            return standing.unfetched_count
    raise Refused(BUSY)


def merge(config: Settings, standing: Standing) -> Merged:
    """What both sides' changes give together, without touching a file. Raises Refused."""
    both = (standing.here, standing.there)
    if not run_git(config, "merge-base", "--is-ancestor", *both, quiet=True).returncode:
        return Merged(f"{standing.there}^{{tree}}", ())
    arguments = ("merge-tree", "-z", "--write-tree", "--no-messages", *both)
    done = run_git(config, *NO_RENAMES, *arguments, quiet=True)
    if done.returncode not in (0, 1):
        raise Refused(UNRELATED if "unrelated" in done.stderr else UNKNOWN)
    tree, *rows = done.stdout.rstrip("\0").split("\0")
    blobs: dict[str, list[str | None]] = {}
    for row in rows:
        (mode, blob, stage), name = row.partition("\t")[0].split(), row.partition("\t")[2]
        if mode in tree_change.NO_FILES:
            raise Refused(TANGLED.format(name=name))
        blobs.setdefault(name, [None, None, None])[int(stage) - 1] = blob
    return Merged(tree, tuple(_read_both(config, standing, *each) for each in blobs.items()))


def find_faults(config: Settings, here: str, tree: str) -> list[Fault]:
    """What is wrong with the content of a tree, and not with that of the commit `here`: what
    `bot check` finds, links and other repositories among the files, and reviews that nobody signed
    at this site."""
    modes = tree_change.list_differing(config, f"{here}^{{tree}}", tree)
    data = config.path("data")
    faults = [
        Fault(str(data / name), 1, (), "this is no file of its own; leave it out")
        for name, mode in modes.items()
        if mode in tree_change.NO_FILES
    ]
    if found := _check(config, tree):
        known = {_key(fault) for fault in _check(config, here)}
        faults += [fault for fault in found if _key(fault) not in known]
    return faults


def _check(config: Settings, tree: str) -> list[Fault]:
    """The faults of the content of a commit or tree, as those of files below DATA."""
    data, secret = config.path("data"), settings.site_secret(config)
    with tree_change.exported(config, tree) as folder:
        faults = _find_no_texts(folder) or site_content.check_content(folder, secret)
        if faults:  # in which case it did not come to the seals
            faults += sign_offs.find_unsealed(folder, _read_signed(folder), secret)
        found = [
            replace(fault, path=fault.path.replace(str(folder), str(data))) for fault in faults
        ]
    return list(dict.fromkeys(found))


def _read_signed(folder: Path) -> dict[str, tuple[sign_offs.SignOff, ...]]:
    """{article: its sign-offs} of a folder, also of an article that has a fault."""
    files = articles.list_files(folder, f"{sign_offs.FOLDER}/*.yml")
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in files}
    return {path.stem: sign_offs.read_sign_offs(text, path)[0] for path, text in texts.items()}


def _find_no_texts(folder: Path) -> list[Fault]:
    """A fault for each file of content that is no text."""
    faults = []
    for path in sorted(folder.rglob("*")):
        try:
            if path.suffix in history.CONTENT and path.is_file():
                path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            said = "this is not UTF-8 text; save the file as UTF-8"
            faults.append(Fault(str(path), 1, (), said))
    return faults


def _key(fault: Fault) -> tuple[object, ...]:
    """What tells a fault from others, wherever its line is."""
    return fault.path, fault.field, fault.text


def _read_both(
    config: Settings, standing: Standing, name: str, blobs: Sequence[str | None]
) -> BothChanged:
    """A file that both sides changed; raises Refused where one is to be chosen that can't be."""
    sides = {
        run_git(
            config, "rev-parse", "-q", "--verify", f"{commit}:{name}", quiet=True
        ).stdout.strip()
        for commit in (standing.here, standing.there)
    }
    if not {blob for blob in blobs[1:] if blob} <= sides:
        raise Refused(TANGLED.format(name=name))
    before, here, there = blobs
    if here and there:
        marked = _merge_texts(config, (before, here, there), ()).stdout
        passages, gone = tuple(_split_passages(marked)), ""
    else:
        passages = ((_read_blob(config, here), _read_blob(config, there)),)
        gone = THERE if here else HERE
    return BothChanged(name, passages, gone, (before, here, there))


def _split_passages(marked: str) -> Iterator[tuple[str, str]]:
    """The passages between the marks of a merge, (here, there) each."""
    parts = re.findall(
        rf"^<{{{SIGN}}}[^\n]*\n(.*?)^={{{SIGN}}}\n(.*?)^>{{{SIGN}}}",
        marked,
        re.MULTILINE | re.DOTALL,
    )
    yield from parts


def _merge_texts(
    config: Settings, blobs: tuple[str | None, str, str], how: tuple[str, ...]
) -> Done:
    """What git makes of three texts: before, here and there."""
    with tempfile.TemporaryDirectory() as folder:
        for name, blob in zip(("before", "here", "there"), blobs, strict=True):
            Path(folder, name).write_text(_read_blob(config, blob), encoding="utf-8")
        options = ("-p", *how, f"--marker-size={SIGN}", "here", "before", "there")
        return run_git(config, "merge-file", *options, folder=folder, quiet=True)


def _choose(config: Settings, merged: Merged, choices: Mapping[str, str]) -> str:
    """git's name of the tree with the chosen side's passages in it."""
    if not merged.both_changed:
        return merged.tree
    with tempfile.TemporaryDirectory() as folder:
        index, file = Path(folder, "index"), Path(folder, "text")
        done = [run_git(config, "read-tree", merged.tree, index=index)]
        for each in merged.both_changed:
            side = choices[each.name]
            if each.gone == side:
                done.append(
                    run_git(config, "update-index", "--force-remove", each.name, index=index)
                )
                continue
            before, here, there = each.blobs
            if here and there:
                how = ("--ours",) if side == HERE else ("--theirs",)
                text = _merge_texts(config, (before, here, there), how).stdout
            else:
                text = _read_blob(config, here or there)
            file.write_text(text, encoding="utf-8")
            blob = run_git(config, "hash-object", "-w", "--no-filters", str(file)).stdout.strip()
            put = ("--add", "--cacheinfo", f"100644,{blob},{each.name}")
            done.append(run_git(config, "update-index", *put, index=index))
        written = run_git(config, "write-tree", index=index)
    if any(each.returncode for each in (*done, written)):
        raise Refused(UNKNOWN)
    return written.stdout.strip()


def _take_over(
    config: Settings, standing: Standing, tree: str, person: Named, choices: Mapping[str, str]
) -> bool:
    """Whether the tree is the content now; not where somebody saved meanwhile. Raises Refused."""
    with history.one_at_a_time(config):
        if trouble := history.find_unsettled(config):
            raise Refused(trouble)
        if _read_commit(config, "HEAD") != standing.here:
            return False
        after = standing.there
        if standing.unsent_count:  # both sides have changes
            after = _commit_tree(config, standing, tree, history.clean_author(person), choices)
        try:
            tree_change.change_tree(config, standing.here, after)
        except tree_change.Failed:
            raise Refused(history.READ_ONLY) from None
    return True


def _commit_tree(
    config: Settings, standing: Standing, tree: str, author: Author, choices: Mapping[str, str]
) -> str:
    """The commit that joins both sides; its hash. Raises Refused."""
    count = wording.counted(standing.unfetched_count, "change")
    kept = {HERE: "as it was here", THERE: "as in the shared copy"}
    lines = [f"{name}: {kept[side]}, where both differed" for name, side in choices.items()]
    why = "\n".join((f"Fetched {count} of the shared copy", *([""] if lines else []), *lines))
    parents = ("-p", standing.here, "-p", standing.there)
    done = run_git(config, "commit-tree", tree, *parents, "-m", why, author=author)
    if done.returncode:
        raise Refused(UNKNOWN)
    return done.stdout.strip()


def _want(done: Done) -> None:
    """Raise Refused where git, or the other side, refused."""
    if done.returncode == TIMED_OUT:
        raise Refused(HANGS)
    if done.returncode:
        low = done.stdout.lower()
        raise Refused(next((said for sign, said in SAYINGS if re.search(sign, low)), UNKNOWN))


def _read_commit(config: Settings, name: str) -> str:
    """The hash of a commit; "" where there is none of this name."""
    done = run_git(config, "rev-parse", "-q", "--verify", f"{name}^{{commit}}", quiet=True)
    return done.stdout.strip()


def _list_changes(config: Settings, span: str) -> list[history.Change]:
    return history.read_log(config, f"-{MOST_LISTED}", span) if span else []


def _count_changes(config: Settings, span: str) -> int:
    counted = run_git(config, "rev-list", "--count", span, quiet=True).stdout if span else ""
    return int(counted or 0)


def _read_blob(config: Settings, blob: str | None) -> str:
    """A text by git's name of it; "" for None."""
    return run_git(config, "cat-file", "blob", blob).stdout if blob else ""
