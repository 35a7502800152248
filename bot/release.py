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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path

from bot import articles, content, depot, history, safety, settings, trial

RASA = (sys.executable, "-m", "bot.rasa")  # the command that runs Rasa with our components
CONFIGURATION = ("config.yml", "domain.yml")
ARCHIVE = "model.tar.gz"
NET = "net.npz"  # the learned net of the screen, where a site has messages to teach it
CONTENT = "content.json"  # what data/ holds, as it was read and checked
# What Rasa does for us: a change in it wants a new training, like a change of content.
CODE = (
    "bot/rasa",
    "bot/articles.py",
    "bot/asked.py",
    "bot/content.py",
    "bot/encoder.py",
    "bot/spelling.py",
    "bot/terms.py",
    "requirements/app.txt",
)
# Of the test phrases of articles: answered with another question's answer; answered rightly;
# answered rightly, or asked back with the right question among those offered.
MOST_WRONG, LEAST_RIGHT, LEAST_FOUND = 0.02, 0.80, 0.95
# test phrases that may be answered wrongly however few there are: of a small site's hundred, two
# are no sign of anything
FEW_WRONG = 3
OFFERED = 3
KEPT = 3  # candidates, and archives whose answers to phrases are kept
FALLBACK = "nlu_fallback"
MOST_ALARMS = 0.002  # of the phrases of articles, taken for an emergency or a crisis
MOST_WARNINGS = 0.01  # of them, warned above their answer
TRAINED = re.compile(r"component train_(.+?)\d*$")


class ReleaseError(RuntimeError):
    """A release can't be made, published or read; the message says which, why, and what to do."""


class NoAnswer(RuntimeError):
    """Rasa is down, hangs, or gave something that is no reply."""


@dataclass(frozen=True)
class Report:
    """How a candidate did with the test phrases of its articles: how many it answered rightly,
    answered wrongly, asked back with the right question `offered`. `failures` block it; `missed`
    lists (phrase, expected, got, confidence)."""

    candidate: str
    failures: list
    missed: list
    right: int
    wrong: int
    offered: int
    total: int


def digest(config, folder=None):
    """A hash of all that a training depends on: content, configuration, our components, their
    versions."""
    root = settings.ROOT
    data = Path(folder or config.path("data"))
    files = sorted(
        path
        for path in data.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(data).parts)
    )
    files += [root / name for name in CONFIGURATION]
    for name in CODE:
        path = root / name
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    total = hashlib.sha256()
    for path in files:
        total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def live(config):
    """The id of the live release, or None."""
    try:
        return (config.path("models") / "live").read_text().strip() or None
    except FileNotFoundError:
        return None


def folder_of(config, id):
    """The folder of a release or candidate; raises ReleaseError where there is none."""
    for kind in ("releases", "candidates"):
        folder = config.path("models") / kind / id
        if re.fullmatch(r"[0-9a-z-]+", id) and folder.is_dir():
            return folder
    raise ReleaseError(
        f"there is no release or candidate {id!r} in {config.path('models')}; `bot releases` "
        f"lists them"
    )


def read_manifest(config, id):
    """The manifest of a release whose every file is as it was signed; raises ReleaseError."""
    return verify(config, folder_of(config, id))


def write_content(folder):
    """Write what the content of a release's folder was read as, for `read_content`."""
    (folder / CONTENT).write_bytes(content.dump(content.load(folder / "data")))


def read_content(config, id):
    """The content of a release; raises ReleaseError. Whoever must not trust its files calls
    `read_manifest` first."""
    folder = folder_of(config, id)
    try:
        return content.parse((folder / CONTENT).read_bytes(), folder / "data")
    except (OSError, ValueError) as error:
        raise ReleaseError(
            f"{folder / CONTENT} can't be read; it was made by another version of this code: "
            f"train again"
        ) from error


def verify(config, folder):
    """The manifest in `folder`, whose every file is as it was signed here, and whose archive stays
    in its place; raises ReleaseError."""
    try:
        text = (folder / "manifest.json").read_bytes()
        signature = (folder / "manifest.sig").read_text().strip()
    except FileNotFoundError:
        raise ReleaseError(f"{folder} has no signed manifest; train it again") from None
    if not hmac.compare_digest(signature.encode(), _signature(config, text).encode()):
        raise ReleaseError(
            f"{folder} was not signed by this site; train it here, or set SECRET to the site "
            f"that made it"
        )
    manifest = json.loads(text)
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


def train(config, progress, settle=None):
    """Check and train the content; the id of the candidate. `progress(step, done)` hears of each
    step, done from 0 to 1; `settle(config)` is called before the content is copied, which nobody
    changes meanwhile.

    Where the live release was taught the same, its archive is taken over: a change of answers alone
    needs no training. Raises articles.ContentError with the faults of the content, and ReleaseError
    where the training fails."""
    progress("checking the content", 0.0)
    source = config.path("data")
    faults = content.check(source)
    if faults:
        raise articles.ContentError(faults)
    hash = digest(config)
    id = f"{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S}-{hash[:8]}"
    candidates = config.path("models") / "candidates"
    candidates.mkdir(parents=True, exist_ok=True)
    folder = candidates / id
    try:
        with history.alone(config):
            if settle:
                settle(config)
            shutil.copytree(source, folder / "data", ignore=shutil.ignore_patterns(".*"))
        for name in CONFIGURATION:
            shutil.copy2(settings.ROOT / name, folder / name)
        write_content(folder)
        with ThreadPoolExecutor(1) as beside:
            netted = beside.submit(_train_net, config, folder)
            taught_by = _take_archive(config, folder)
            if taught_by is None:
                _run_training(config, folder, progress)
            progress("training the net of the screen", 0.9)
            netted.result()
        progress("signing", 0.95)
        _sign(config, folder, id, hash, taught_by or id)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _keep_newest(candidates, KEPT)
    progress("trained", 1.0)
    return id


def test(config, id, progress):
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
    progress("loading the candidate", 0.0)
    intents, understood = _understand_phrases(
        config,
        folder / ARCHIVE,
        manifest["files"][ARCHIVE],
        [phrase for phrase, _ in phrases],
        lambda done: progress("asking its test phrases", done),
    )
    failures = [
        f"the archive knows no question {name}" for name in loaded.questions if name not in intents
    ]
    failures += [
        f"{failure.name} can't be answered: {failure.why} (line {failure.line} of "
        f"{Path(failure.path).name})"
        for failure in trial.find_failures(loaded)
    ]
    failures += safety.check(folder / "data") + find_screen_failures(config, id)
    got = [result["intent"] for result in understood]
    missed = [
        (phrase, expected, intent["name"], round(intent["confidence"], 3))
        for (phrase, expected), intent in zip(phrases, got, strict=True)
        if intent["name"] != expected
    ]
    asked = [
        (expected, result)
        for (_, expected), result in zip(phrases, understood, strict=True)
        if expected in loaded.questions
    ]
    right = sum(result["intent"]["name"] == expected for expected, result in asked)
    wrong = sum(
        result["intent"]["name"] not in (expected, FALLBACK)
        and result["intent"]["name"] in loaded.questions
        for expected, result in asked
    )
    offered = sum(
        result["intent"]["name"] == FALLBACK and expected in result["offered"]
        for expected, result in asked
    )
    for count, share, what in (
        (right, LEAST_RIGHT, "are understood"),
        (right + offered, LEAST_FOUND, "are understood, or asked back rightly"),
    ):
        if count < share * len(asked):
            failures.append(
                f"{count} of {len(asked)} test phrases {what}; at least {share:.0%} must be"
            )
    if wrong > max(MOST_WRONG * len(asked), FEW_WRONG):
        failures.append(
            f"{wrong} of {len(asked)} test phrases get another question's answer; at most "
            f"{MOST_WRONG:.0%} may, or {FEW_WRONG}"
        )
    progress("tested", 1.0)
    return Report(
        candidate=id,
        failures=failures,
        missed=missed,
        right=right,
        wrong=wrong,
        offered=offered,
        total=len(asked),
    )


def phrases_of(loaded):
    """The phrases of all articles of a Content."""
    return [
        phrase
        for question in loaded.questions.values()
        for phrase in question.train + question.test
    ]


def find_screen_failures(config, id):
    """What the screen of a release, rules and net together, misses or takes for a danger: sentences
    that block it."""
    from bot.safety import encoding, net, training, verdicts

    folder, loaded, failures = folder_of(config, id), read_content(config, id), []
    screen = safety.load(folder / "data")
    encode = functools.partial(encoding.encode_all, _encoder(config))
    learned = net.read(folder / NET) if (folder / NET).is_file() else None

    def judge(texts):
        heard = [safety.screen(screen, text) for text in texts]
        if learned is None:
            return [verdicts.Verdict(danger) for danger in heard]
        read = training.read_all(learned, screen, texts, encode)
        return [verdicts.decide(screen, *each) for each in zip(texts, heard, read, strict=True)]

    must = [text for texts in screen.must.values() for text in texts]
    missed = {text for text, verdict in zip(must, judge(must), strict=True) if not verdict.danger}
    if missed:
        failures.append(
            f"{len(missed)} messages of 'must' are missed by rules and net: "
            + "; ".join(sorted(missed))
        )
    phrases = phrases_of(loaded)
    judged = list(zip(phrases, judge(phrases), strict=True))
    for most, taken, said in (
        (MOST_ALARMS, [text for text, verdict in judged if verdict.danger], "taken for a danger"),
        (MOST_WARNINGS, [text for text, verdict in judged if verdict.warning], "warned of one"),
    ):
        if len(taken) > most * len(phrases):
            failures.append(f"{len(taken)} phrases of articles are {said}: " + "; ".join(taken[:5]))
    return failures


def understand(config, archive, messages, progress=lambda done: None):
    """(intents, results): what an archive knows, and {intent, intent_ranking, entities} for each
    message {text, metadata?}; `metadata` holds the conversation's topic, the turn's number and the
    page's article."""
    with _rasa(["understand", str(archive)], stdin=subprocess.PIPE) as process:
        try:
            first = process.stdout.readline()
            if not first:
                raise ReleaseError(f"{archive} can't be loaded:\n{process.stderr.read()[-2000:]}")
            results = []
            for i, message in enumerate(messages, 1):
                process.stdin.write(json.dumps(message) + "\n")
                process.stdin.flush()
                results.append(json.loads(process.stdout.readline()))
                progress(i / len(messages))
            process.stdin.close()
        except BaseException:
            process.kill()
            raise
    return set(json.loads(first)["intents"]), results


def _understand_phrases(config, archive, hash, phrases, progress):
    """(intents, [{intent, offered}]) of an archive with that hash, for phrases of the content. What
    it said before isn't asked again: after a change of answers alone, which takes the archive over,
    that is everything."""
    key = f"{hash[:16]}-{code()}"
    known = read_kept(config, "understood", key) or {"intents": [], "phrases": {}}
    missing = [phrase for phrase in dict.fromkeys(phrases) if phrase not in known["phrases"]]
    if missing:
        intents, results = understand(
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
        keep(config, "understood", key, known)
    return set(known["intents"]), [known["phrases"][phrase] for phrase in phrases]


def read_kept(config, kind, key):
    """What was found out about an archive before, as `keep` got it; None where it is not known."""
    path = config.path("var") / kind / f"{key}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def keep(config, kind, key, found):
    """Keep what was found out about an archive, and about the KEPT latest of its kind."""
    folder = config.path("var") / kind
    folder.mkdir(parents=True, exist_ok=True)
    articles.save(folder / f"{key}.json", json.dumps(found))
    for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        old.unlink(missing_ok=True)


def publish(config, id):
    """Make a tested candidate, or an earlier release, the live one."""
    read_manifest(config, id)
    folder = folder_of(config, id)
    releases = config.path("models") / "releases"
    releases.mkdir(parents=True, exist_ok=True)
    if folder.parent != releases:
        os.replace(folder, releases / id)
    if config.releases_url:
        try:
            depot.put(config.releases_url, releases / id)
            depot.put_live(config.releases_url, id)
        except depot.DepotError as error:
            raise ReleaseError(str(error)) from error
    articles.save(config.path("models") / "live", id + "\n")


def fetch(config):
    """Make live here what is live in the depot, verified; True where that is another release than
    before. Raises ReleaseError."""
    if not config.releases_url:
        return False
    try:
        id = depot.live(config.releases_url)
        if id is None or id == live(config):
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
                depot.fetch(config.releases_url, id, folder)
                if verify(config, folder)["id"] != id:
                    raise ReleaseError(f"{config.releases_url}/{id}.tar holds another release")
                os.rename(folder, releases / id)
        read_manifest(config, id)
    except depot.DepotError as error:
        raise ReleaseError(str(error)) from error
    articles.save(config.path("models") / "live", id + "\n")
    return True


def listed(config):
    """[(id, state, made_at)] of all releases and candidates, newest first; state: live, release or
    candidate."""
    now = live(config)
    found = [
        (folder.name, "live" if folder.name == now else kind.removesuffix("s"))
        for kind in ("releases", "candidates")
        for folder in (config.path("models") / kind).glob("*")
        if folder.is_dir()
    ]
    return sorted(found, reverse=True)


def taught(folder):
    """A hash of what the content of `folder` teaches: questions with their phrases, what they are
    about and what their sections name, terms, talk, what others asked, rules, stories. The
    sentences of leads teach a little as well (`text_weight` of config.yml) and are left out: they
    count from the next training on."""
    loaded = content.load(folder)
    questions = [
        (
            q.name,
            q.about,
            q.facets,
            q.train,
            loaded.article_of(q.name).about,
            loaded.mentions[q.name],
        )
        for q in loaded.questions.values()
    ]
    talk = [(intent, both.train) for intent, both in loaded.talk.items()]
    asked = [astuple(row) for row in content.read_asked(loaded)]
    told = [
        (Path(folder) / name).read_text(encoding="utf-8") for name in ("rules.yml", "stories.yml")
    ]
    return hashlib.sha256(
        json.dumps([questions, talk, asked, loaded.kinds, loaded.names, told]).encode()
    ).hexdigest()


def _take_archive(config, folder):
    """Give `folder` the live release's archive where a training would teach the same; the id that
    it was trained as, or None."""
    now = live(config)
    try:
        manifest = now and read_manifest(config, now)
    except ReleaseError:
        return None
    # its digest, taken anew, differs where our code or the configuration has changed since
    if not now or manifest["digest"] != digest(config, folder_of(config, now) / "data"):
        return None
    if taught(folder_of(config, now) / "data") != taught(folder / "data"):
        return None
    shutil.copy2(folder_of(config, now) / ARCHIVE, folder / ARCHIVE)
    return manifest.get("taught_by", now)


def _encoder(config):
    return (config.path("models") / "encoder").resolve()


def _train_net(config, folder):
    """Teach the screen's net of `folder` in a process of its own. Raises ReleaseError."""
    loaded = content.parse((folder / CONTENT).read_bytes(), folder / "data")
    phrases = phrases_of(loaded) + [
        phrase for talk in loaded.talk.values() for phrase in talk.train + talk.test
    ]
    asked = [(row.text, row.hand) for row in content.read_asked(loaded)]
    done = subprocess.run(
        [sys.executable, "-m", "bot.safety.training", str(folder), str(_encoder(config))],
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


def _run_training(config, folder, progress):
    """Train `folder` in Rasa's own process; every trained component is a step."""
    steps = re.findall(r"^\s+- name: (\S+)", (folder / "config.yml").read_text(), re.MULTILINE)
    begun = 0
    with _rasa(
        ["train", str(folder), str(folder / ARCHIVE)],
        stderr=subprocess.STDOUT,
        env={**os.environ, "RASA_CACHE_DIRECTORY": str(_cache(config))},
    ) as process:
        tail = []
        try:
            for line in process.stdout:
                tail = [*tail[-30:], line]
                match = TRAINED.match(line.strip())
                if match:
                    begun += 1
                    progress(
                        f"training {match[1].rpartition('.')[2]}",
                        min(0.9, 0.1 + 0.8 * begun / len(steps)),
                    )
        except BaseException:
            process.kill()
            raise
    if process.returncode or not (folder / ARCHIVE).is_file():
        raise ReleaseError("the training failed; Rasa said:\n" + "".join(tail))


def _cache(config):
    """The folder of what Rasa has trained before. Rasa knows a component by its class and options
    alone, so each state of our code has one of its own."""
    own = code()
    caches = config.path("var") / "rasa-cache"
    caches.mkdir(parents=True, exist_ok=True)
    for old in caches.iterdir():
        if old.name != own:
            shutil.rmtree(old, ignore_errors=True)
    return caches / own


def code():
    """A hash of our code that an archive is trained and asked with."""
    files = [
        path
        for name in CODE
        for path in (sorted((settings.ROOT / name).rglob("*.py")) or [settings.ROOT / name])
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def _rasa(arguments, **pipes):
    return subprocess.Popen(
        [*RASA, *arguments],
        cwd=settings.ROOT,
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes},
    )


def _sign(config, folder, id, hash, taught_by):
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
    (folder / "manifest.sig").write_text(_signature(config, text))


def _signature(config, text):
    return hmac.new(settings.secret(config).encode(), text, hashlib.sha256).hexdigest()


def _hash(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keep_newest(folder, most):
    for old in sorted(folder.iterdir(), reverse=True)[most:]:
        shutil.rmtree(old, ignore_errors=True)
