"""Releases: check -> train -> test -> publish -> roll back.

A candidate is a folder `models/candidates/<id>/`: a copy of the content and configuration that it
was made from, the archive trained from that copy, and a signed manifest. Publishing renames it to
`models/releases/<id>/` and writes its id to `models/live`, which the gateway watches. Nothing
outside a release's folder is read to serve it."""

import datetime
import functools
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

from bot.content import articles, history, reply_checks, sign_offs, site_content
from bot.content.site_content import SiteContent
from bot.releases import depot, steps
from bot.runtime import code_hash, settings
from bot.runtime.settings import Settings
from bot.safety import danger_screen
from bot.safety.rules_file import Screen

RASA = (sys.executable, "-m", "bot.rasa")  # the command that runs Rasa with our components
CONFIGURATION = ("config.yml", "domain.yml")
ARCHIVE = "model.tar.gz"
NET = "net.npz"  # the learned net of the screen, where a site has messages to teach it
SIGNATURE = "manifest.sig"  # the last file of a candidate that is written
CONTENT = "content.json"  # what data/ holds, as it was read and checked
# The programs that make an archive and the screen's net, and answer with them: a change of what
# they import wants a new training, like a change of content.
TRAINERS = ("bot.rasa", "bot.safety.net_training")
SCREENS = ("bot.safety.verdicts", "bot.safety.net_training")  # what hears dangers
# Of the test phrases of articles: answered with another question's answer; answered rightly;
# answered rightly, or asked back with the right question among those offered.
MOST_WRONG, LEAST_RIGHT, LEAST_FOUND = 0.02, 0.80, 0.95
# test phrases that may be answered wrongly however few there are: of a small site's hundred, two
# are no sign of anything
FEW_WRONG = 3
OFFERED = 3
KEPT = 3  # candidates, and archives whose answers to phrases are kept
MOST_ALARMS = 0.002  # of the phrases of articles, taken for an emergency or a crisis
MOST_WARNINGS = 0.01  # of them, warned above their answer
type Progress = Callable[[str, float], object]  # of a step, and how much is done, from 0 to 1
type Understood = dict[str, Any]  # what Rasa says of a message
TRAINED = re.compile(r"component train_")


class ReleaseError(RuntimeError):
    """A release can't be made, published or read; the message says which, why, and what to do."""


class NoAnswer(RuntimeError):
    """Rasa is down, hangs, or gave something that is no reply."""


class Manifest(TypedDict):
    """What is signed of a release: the hash of what it was trained of, the release whose archive it
    has, and {file: its hash}."""

    id: str
    digest: str
    made_at: str
    taught_by: str
    files: dict[str, str]


@dataclass(frozen=True)
class Report:
    """How a candidate did with the test phrases of its articles: how many it answered rightly,
    answered wrongly, asked back with the right question `offered`. `failures` block it; `missed`
    lists (phrase, expected, got, confidence)."""

    candidate: str
    failures: list[str]
    missed: list[tuple[str, str, str, float]]
    right: int
    wrong: int
    offered: int
    total: int


def training_digest(config: Settings, folder: Path | None = None) -> str:
    """A hash of all that a training depends on: content, configuration, our components, their
    versions."""
    data = Path(folder or config.path("data"))
    files = [
        path
        for path in data.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(data).parts)
    ]
    parts = (
        code_hash.hash_files(files, data),
        code_hash.hash_files([settings.ROOT / name for name in CONFIGURATION], settings.ROOT),
        code_digest(),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def live_release(config: Settings) -> str | None:
    """The id of the live release, or None; raises ReleaseError where what is there names none."""
    path = config.path("models") / "live"
    try:
        said = path.read_bytes()
    except FileNotFoundError:
        return None
    id = said.decode("utf-8", "replace").strip()
    if id and not re.fullmatch(r"[0-9a-z-]+", id):
        raise ReleaseError(
            f"{path} names no release, but {said[:40]!r}; name one that `bot releases` lists: "
            f"`bot rollback --release ID`"
        )
    return id or None


def live_release_or_none(config: Settings) -> str | None:
    """As `live`; None too where what is there names none."""
    try:
        return live_release(config)
    except ReleaseError:
        return None


def folder_of(config: Settings, id: str) -> Path:
    """The folder of a release or candidate; raises ReleaseError where there is none."""
    for kind in ("releases", "candidates"):
        folder = config.path("models") / kind / id
        if re.fullmatch(r"[0-9a-z-]+", id) and folder.is_dir():
            return folder
    raise ReleaseError(
        f"there is no release or candidate {id!r} in {config.path('models')}; `bot releases` "
        f"lists them"
    )


def read_manifest(config: Settings, id: str) -> Manifest:
    """The manifest of a release whose every file is as it was signed; raises ReleaseError."""
    return verify_release(config, folder_of(config, id))


def write_content(folder: Path) -> None:
    """Write what the content of a release's folder was read as, for `read_content`."""
    (folder / CONTENT).write_bytes(
        site_content.dump_content(site_content.load_content(folder / "data"))
    )


def read_content(config: Settings, id: str) -> SiteContent:
    """The content of a release; raises ReleaseError. Whoever must not trust its files calls
    `read_manifest` first."""
    folder = folder_of(config, id)
    try:
        return site_content.parse_content((folder / CONTENT).read_bytes(), folder / "data")
    except (OSError, ValueError) as error:
        raise ReleaseError(
            f"{folder / CONTENT} can't be read; it was made by another version of this code: "
            f"train again"
        ) from error


def verify_release(config: Settings, folder: Path) -> Manifest:
    """The manifest in `folder`, whose every file is as it was signed here, and whose archive stays
    in its place; raises ReleaseError."""
    try:
        text = (folder / "manifest.json").read_bytes()
        signature = (folder / SIGNATURE).read_text().strip()
    except FileNotFoundError:
        raise ReleaseError(f"{folder} has no signed manifest; train it again") from None
    if not hmac.compare_digest(signature.encode(), _signature(config, text).encode()):
        raise ReleaseError(
            f"{folder} was not signed by this site; train it here, or set SECRET to the site "
            f"that made it"
        )
    manifest: Manifest = json.loads(text)
    for name, expected in manifest["files"].items():
        path = folder / name
        if not path.is_file() or _hash(path) != expected:
            raise ReleaseError(
                f"{path} is not as it was signed; publish another release, or train again"
            )
    try:
        # Rasa takes any path for safe where it works in /
        with tarfile.open(folder / ARCHIVE) as tar:
            for member in tar:
                depot.check_member(member, folder / ARCHIVE)
    except (tarfile.TarError, EOFError, OSError, depot.DepotError) as error:
        raise ReleaseError(f"{folder / ARCHIVE} can't be loaded: {error}") from error
    return manifest


def train_candidate(
    config: Settings, progress: Progress, settle: Callable[[Settings], object] | None = None
) -> str:
    """Check and train the content; the id of the candidate. `progress(step, done)` hears of each
    step, done from 0 to 1; `settle(config)` is called before the content is copied, which nobody
    changes meanwhile.

    Where the live release was taught the same, its archive is taken over: a change of answers alone
    needs no training. Raises articles.ContentError with the faults of the content, and ReleaseError
    where the training fails."""
    progress(steps.CHECKING, 0.0)
    source = config.path("data")
    secret = settings.kept_secret(config)
    # where there was none, as in checks of a content repository, no seal can be held: nothing made
    # there says that anybody reviewed anything
    left_out = (".*",) if secret else (".*", sign_offs.FOLDER)
    faults = site_content.check_content(source, secret)
    if faults:
        raise articles.ContentError(faults)
    hash = training_digest(config)
    id = f"{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S}-{hash[:8]}"
    candidates = config.path("models") / "candidates"
    candidates.mkdir(parents=True, exist_ok=True)
    folder = candidates / id
    try:
        with history.one_at_a_time(config):
            if settle:
                settle(config)
            shutil.copytree(source, folder / "data", ignore=shutil.ignore_patterns(*left_out))
        for name in CONFIGURATION:
            shutil.copy2(settings.ROOT / name, folder / name)
        write_content(folder)
        with ThreadPoolExecutor(1) as beside:
            netted = beside.submit(_train_net, config, folder)
            taught_by = _take_archive(config, folder)
            if taught_by is None:
                _run_training(config, folder, progress)
            progress(steps.DANGERS, 0.9)
            netted.result()
        progress(steps.SEALING, 0.95)
        _sign(config, folder, id, hash, taught_by or id)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _keep_newest(candidates, KEPT)
    progress(steps.SEALING, 1.0)
    return id


def remove_candidate(config: Settings, id: str) -> None:
    """Take a candidate away, where there is one of this id."""
    shutil.rmtree(config.path("models") / "candidates" / id, ignore_errors=True)


def test_candidate(config: Settings, id: str, progress: Progress) -> Report:
    """The Report of a candidate: every question is in its archive and has an answer, the test
    phrases, the safety lists."""
    manifest = read_manifest(config, id)
    folder = folder_of(config, id)
    loaded = read_content(config, id)
    phrases = [
        (phrase, question.name)
        for question in loaded.questions.values()
        for phrase in question.test
    ]
    phrases += [(phrase, intent) for intent, talk in loaded.talk.items() for phrase in talk.test]
    progress(steps.STARTING, 0.0)
    intents, understood = _understand_phrases(
        config,
        folder / ARCHIVE,
        manifest["files"][ARCHIVE],
        [phrase for phrase, _ in phrases],
        lambda done: progress(steps.PHRASES, done),
    )
    failures = [
        f"the archive knows no question {name}" for name in loaded.questions if name not in intents
    ]
    failures += [
        f"{failure.name} can't be answered: {failure.why} (line {failure.line} of "
        f"{Path(failure.path).name})"
        for failure in reply_checks.find_failures(loaded)
    ]
    failures += map(str, danger_screen.check_rules(folder / "data"))
    failures += find_screen_failures(config, id)
    report = _judge(id, loaded, phrases, understood)
    progress(steps.PHRASES, 1.0)
    return replace(report, failures=failures + report.failures)


def _judge(
    id: str,
    loaded: SiteContent,
    phrases: Sequence[tuple[str, str]],
    understood: Sequence[Understood],
) -> Report:
    """The Report of how a candidate understood the test phrases, [(phrase, expected)]; its failures
    are those of the phrases alone."""
    missed = [
        (phrase, expected, result["intent"]["name"], round(result["intent"]["confidence"], 3))
        for (phrase, expected), result in zip(phrases, understood, strict=True)
        if result["intent"]["name"] != expected
    ]
    asked = [
        (expected, result["intent"]["name"], result["offered"])
        for (_, expected), result in zip(phrases, understood, strict=True)
        if expected in loaded.questions
    ]
    right = sum(got == expected for expected, got, _ in asked)
    wrong = sum(
        got not in (expected, site_content.FALLBACK) and got in loaded.questions
        for expected, got, _ in asked
    )
    offered = sum(
        got == site_content.FALLBACK and expected in choices for expected, got, choices in asked
    )
    return Report(
        candidate=id,
        failures=_find_too_few(right, wrong, offered, len(asked)),
        missed=missed,
        right=right,
        wrong=wrong,
        offered=offered,
        total=len(asked),
    )


def _find_too_few(right: int, wrong: int, offered: int, total: int) -> list[str]:
    """What keeps a candidate from going live that so many of its test phrases were understood."""
    failures = [
        f"{count} of {total} test phrases {what}; at least {share:.0%} must be"
        for count, share, what in (
            (right, LEAST_RIGHT, "are understood"),
            (right + offered, LEAST_FOUND, "are understood, or asked back rightly"),
        )
        if count < share * total
    ]
    if wrong > max(MOST_WRONG * total, FEW_WRONG):
        failures.append(
            f"{wrong} of {total} test phrases get another question's answer; at most "
            f"{MOST_WRONG:.0%} may, or {FEW_WRONG}"
        )
    return failures


def phrases_of(loaded: SiteContent) -> list[str]:
    """What teaches and tests the questions of a Content."""
    return [
        phrase
        for question in loaded.questions.values()
        for phrase in question.taught + question.test
    ]


def find_screen_failures(config: Settings, id: str) -> list[str]:
    """What the screen of a release, rules and net together, misses or takes for a danger: sentences
    that block it."""
    from bot.safety import net

    folder, failures = folder_of(config, id), []
    screen = danger_screen.load_screen(folder / "data")
    must = [text for texts in screen.must.values() for text in texts]
    phrases = phrases_of(read_content(config, id))
    heard = _screen_texts(config, folder, screen, [*must, *phrases])
    missed = {text for text in must if heard[text] != net.ALARM}
    if missed:
        failures.append(
            f"{len(missed)} messages of 'must' are missed by rules and net: "
            + "; ".join(sorted(missed))
        )
    for most, tier, said in (
        (MOST_ALARMS, net.ALARM, "taken for a danger"),
        (MOST_WARNINGS, net.WARNING, "warned of one"),
    ):
        taken = [text for text in phrases if heard[text] == tier]
        if len(taken) > most * len(phrases):
            failures.append(f"{len(taken)} phrases of articles are {said}: " + "; ".join(taken[:5]))
    return failures


def _screen_texts(
    config: Settings, folder: Path, screen: Screen, texts: Sequence[str]
) -> dict[str, str | None]:
    """{text: net.ALARM, net.WARNING or None} of rules and net together. What the same ones said
    before isn't asked again: of 8,900 phrases that takes some 15 s."""
    from bot.language import vector_cache
    from bot.safety import net, net_training, verdicts

    files = [folder / NET, *(folder / "data" / name for name in danger_screen.FILES)]
    key = code_hash.hash_files([path for path in files if path.is_file()], folder)
    key += f"-{code_hash.hash_programs(*SCREENS)}-{vector_cache.encoder_hash(_encoder(config))}"
    known: dict[str, str | None] = read_kept(config, "screened", key) or {}
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    if not missing:
        return known
    rules = [danger_screen.find_danger(screen, text) for text in missing]
    if (folder / NET).is_file():
        encode = functools.partial(vector_cache.encode_all, _encoder(config))
        read = net_training.read_all(net.read_net(folder / NET), screen, missing, encode)
        found = [
            verdicts.decide_verdict(screen, *each)
            for each in zip(missing, rules, read, strict=True)
        ]
    else:
        found = [verdicts.Verdict(danger) for danger in rules]
    known |= {
        text: net.ALARM if verdict.danger else net.WARNING if verdict.warning else None
        for text, verdict in zip(missing, found, strict=True)
    }
    keep_result(config, "screened", key, known)
    return known


def understand_messages(
    config: Settings,
    archive: Path,
    messages: Sequence[Mapping[str, Any]],
    progress: Callable[[float], object] = lambda done: None,
) -> tuple[set[str], list[Understood]]:
    """(intents, results): what an archive knows, and {intent, intent_ranking, entities} for each
    message {text, metadata?}; `metadata` holds the conversation's topic, the turn's number and the
    page's article."""
    with _rasa(["understand", str(archive)], stdin=subprocess.PIPE) as process:
        try:
            asked, said, faults = process.stdin, process.stdout, process.stderr
            assert asked and said and faults  # all are pipes
            first = said.readline()
            if not first:
                raise ReleaseError(f"{archive} can't be loaded:\n{faults.read()[-2000:]}")
            results = []
            for i, message in enumerate(messages, 1):
                asked.write(json.dumps(message) + "\n")
                asked.flush()
                results.append(json.loads(said.readline()))
                progress(i / len(messages))
            asked.close()
        except BaseException:
            process.kill()
            raise
    return set(json.loads(first)["intents"]), results


def _understand_phrases(
    config: Settings,
    archive: Path,
    hash: str,
    phrases: list[str],
    progress: Callable[[float], object],
) -> tuple[set[str], list[Understood]]:
    """(intents, [{intent, offered}]) of an archive with that hash, for phrases of the content. What
    it said before isn't asked again: after a change of answers alone, which takes the archive over,
    that is everything."""
    key = f"{hash[:16]}-{code_digest()}"
    known = read_kept(config, "understood", key) or {"intents": [], "phrases": {}}
    missing = [phrase for phrase in dict.fromkeys(phrases) if phrase not in known["phrases"]]
    if missing:
        intents, results = understand_messages(
            config, archive, [{"text": phrase} for phrase in missing], progress
        )
        said = {
            phrase: {
                "intent": {key: result["intent"][key] for key in ("name", "confidence")},
                "offered": [other["name"] for other in result["intent_ranking"][1 : OFFERED + 1]],
            }
            for phrase, result in zip(missing, results, strict=True)
        }
        known = {"intents": sorted(intents), "phrases": {**known["phrases"], **said}}
        keep_result(config, "understood", key, known)
    return set(known["intents"]), [known["phrases"][phrase] for phrase in phrases]


def read_kept(config: Settings, kind: str, key: str) -> Any:
    """What was found out about an archive before, as `keep` got it; None where it is not known."""
    path = config.path("var") / kind / f"{key}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def keep_result(config: Settings, kind: str, key: str, found: object) -> None:
    """Keep what was found out about an archive, and about the KEPT latest of its kind."""
    folder = config.path("var") / kind
    folder.mkdir(parents=True, exist_ok=True)
    articles.save_text(folder / f"{key}.json", json.dumps(found))
    for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        old.unlink(missing_ok=True)


def publish_release(config: Settings, id: str) -> None:
    """Make a tested candidate, or an earlier release, the live one."""
    read_manifest(config, id)
    folder = folder_of(config, id)
    releases = config.path("models") / "releases"
    releases.mkdir(parents=True, exist_ok=True)
    if folder.parent != releases:
        os.replace(folder, releases / id)
    if config.releases_url:
        try:
            depot.put_release(config.releases_url, releases / id)
            depot.put_live(config.releases_url, id)
        except depot.DepotError as error:
            raise ReleaseError(str(error)) from error
    articles.save_text(config.path("models") / "live", id + "\n")


def fetch_live(config: Settings) -> bool:
    """Make live here what is live in the depot, verified; True where that is another release than
    before. Raises ReleaseError."""
    if not config.releases_url:
        return False
    try:
        id = depot.live_in_depot(config.releases_url)
        if id is None or id == live_release_or_none(config):
            return False
        if not re.fullmatch(r"[0-9a-z-]+", id):
            raise ReleaseError(f"{config.releases_url} names no release, but {id[:40]!r}")
        releases = config.path("models") / "releases"
        releases.mkdir(parents=True, exist_ok=True)
        if not (releases / id).is_dir():
            with tempfile.TemporaryDirectory(
                dir=config.path("models"), prefix="fetching-"
            ) as beside:
                folder = Path(beside) / id
                folder.mkdir()
                depot.fetch_release(config.releases_url, id, folder)
                if verify_release(config, folder)["id"] != id:
                    raise ReleaseError(f"{config.releases_url}/{id}.tar holds another release")
                os.rename(folder, releases / id)
        read_manifest(config, id)
    except depot.DepotError as error:
        raise ReleaseError(str(error)) from error
    articles.save_text(config.path("models") / "live", id + "\n")
    return True


def list_releases(config: Settings) -> list[tuple[str, str]]:
    """[(id, state)] of all releases and candidates, newest first; state: live, release or
    candidate. A candidate that is still being made, or whose making was broken off, is none yet: it
    has no signature."""
    now = live_release_or_none(config)
    found = [
        (folder.name, "live" if folder.name == now else kind.removesuffix("s"))
        for kind in ("releases", "candidates")
        for folder in (config.path("models") / kind).glob("*")
        if folder.is_dir() and (kind == "releases" or (folder / SIGNATURE).is_file())
    ]
    return sorted(found, reverse=True)


def taught_digest(loaded: SiteContent) -> str:
    """A hash of what a content teaches: questions with their phrases, what they are
    about and what their sections name, terms, talk, what others asked, rules, stories. The
    sentences of leads teach a little as well (`text_weight` of config.yml) and are left out: they
    count from the next training on."""
    questions = [
        (
            q.name,
            q.about,
            q.facets,
            q.taught,
            loaded.article_of(q.name).about,
            loaded.mentions[q.name],
        )
        for q in loaded.questions.values()
    ]
    talk = [(intent, both.train) for intent, both in loaded.talk.items()]
    asked = [astuple(row) for row in site_content.read_asked(loaded)]
    rules_and_stories = [
        Path(loaded.folder, name).read_text(encoding="utf-8")
        for name in ("rules.yml", "stories.yml")
    ]
    return hashlib.sha256(
        json.dumps([questions, talk, asked, loaded.kinds, loaded.names, rules_and_stories]).encode()
    ).hexdigest()


def _take_archive(config: Settings, folder: Path) -> str | None:
    """Give `folder` the live release's archive where a training would teach the same; the id that
    it was trained as, or None."""
    now = live_release(config)
    try:
        manifest = read_manifest(config, now) if now else None
    except ReleaseError:
        return None
    # its digest, taken anew, differs where our code or the configuration has changed since
    if (
        not now
        or not manifest
        or manifest["digest"] != training_digest(config, folder_of(config, now) / "data")
    ):
        return None
    made = site_content.parse_content((folder / CONTENT).read_bytes(), folder / "data")
    if taught_digest(read_content(config, now)) != taught_digest(made):
        return None
    shutil.copy2(folder_of(config, now) / ARCHIVE, folder / ARCHIVE)
    return manifest.get("taught_by", now)


def _encoder(config: Settings) -> Path:
    return (config.path("models") / "encoder").resolve()


def _train_net(config: Settings, folder: Path) -> None:
    """Teach the screen's net of `folder` in a process of its own. Raises ReleaseError."""
    loaded = site_content.parse_content((folder / CONTENT).read_bytes(), folder / "data")
    phrases = phrases_of(loaded) + [
        phrase for talk in loaded.talk.values() for phrase in talk.train + talk.test
    ]
    asked = [(row.text, row.hand) for row in site_content.read_all_asked(loaded)]
    done = subprocess.run(
        [sys.executable, "-m", "bot.safety.net_training", str(folder), str(_encoder(config))],
        input=json.dumps({"phrases": phrases, "asked": asked}),
        cwd=settings.ROOT,
        capture_output=True,
        text=True,
        # With a second thread of its products on a busy machine each waits for both to get their
        # turn: that took five times as long.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise ReleaseError(f"the net of the screen can't be taught:\n{done.stderr[-2000:]}")


def _run_training(config: Settings, folder: Path, progress: Progress) -> None:
    """Train `folder` in Rasa's own process; each trained component is a part of what is done."""
    config_text = (folder / "config.yml").read_text()
    parts, begun = len(re.findall(r"^\s+- name: ", config_text, re.MULTILINE)), 0
    progress(steps.LEARNING, 0.1)
    with _rasa(
        ["train", str(folder), str(folder / ARCHIVE)],
        stderr=subprocess.STDOUT,
        env={**os.environ, "RASA_CACHE_DIRECTORY": str(_cache(config))},
    ) as process:
        tail: list[str] = []
        try:
            for line in process.stdout or ():
                tail = [*tail[-30:], line]
                if TRAINED.match(line.strip()):
                    begun += 1
                    progress(steps.LEARNING, min(0.9, 0.1 + 0.8 * begun / parts))
        except BaseException:
            process.kill()
            raise
    if process.returncode or not (folder / ARCHIVE).is_file():
        raise ReleaseError("the training failed; Rasa said:\n" + "".join(tail))


def _cache(config: Settings) -> Path:
    """The folder of what Rasa has trained before. Rasa knows a component by its class and options
    alone, so each state of our code has one of its own."""
    own = code_digest()
    caches = config.path("var") / "rasa-cache"
    caches.mkdir(parents=True, exist_ok=True)
    for old in caches.iterdir():
        if old.name != own:
            shutil.rmtree(old, ignore_errors=True)
    return caches / own


def code_digest() -> str:
    """A hash of our code that an archive is trained and asked with."""
    return code_hash.hash_programs(*TRAINERS)


def _rasa(
    arguments: list[str],
    stdin: int | None = None,
    stderr: int = subprocess.PIPE,
    env: dict[str, str] | None = None,
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*RASA, *arguments],
        cwd=settings.ROOT,
        text=True,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=env,
    )


def _sign(config: Settings, folder: Path, id: str, hash: str, taught_by: str) -> None:
    files = {
        str(path.relative_to(folder)): _hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps(
        {
            "id": id,
            "digest": hash,
            "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "taught_by": taught_by,
            "files": files,
        },
        indent=1,
    ).encode()
    (folder / "manifest.json").write_bytes(text)
    articles.save_text(folder / SIGNATURE, _signature(config, text))


def _signature(config: Settings, text: bytes) -> str:
    return hmac.new(settings.site_secret(config).encode(), text, hashlib.sha256).hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keep_newest(folder: Path, most: int) -> None:
    for old in sorted(folder.iterdir(), reverse=True)[most:]:
        shutil.rmtree(old, ignore_errors=True)
