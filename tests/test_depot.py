"""Releases that hosts share: in a folder, and in an S3-compatible store; and what is refused,
whoever put it there."""

import dataclasses
import http.server
import io
import tarfile
import threading
import time
import uuid
from pathlib import Path

import conftest
import httpx
import pytest

from bot import release, settings

OURS = settings.secret(settings.read())


class S3(http.server.BaseHTTPRequestHandler):
    """As much of S3 as a depot needs: objects that are put and got, for who signs his requests."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.give(200 if self.signed() else 403, keep=body)

    def do_GET(self):
        found = self.server.objects.get(self.path)
        if not self.signed():
            self.give(403)
        elif found is None:
            self.give(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self.give(200, found)

    def signed(self):
        return "Credential=key/" in self.headers.get("Authorization", "")

    def give(self, status, body=b"", keep=None):
        if keep is not None and status == 200:
            self.server.objects[self.path] = keep
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def s3(monkeypatch):
    """The stand-in store; its `objects` are {path: bytes}."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), S3)
    server.objects = {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    yield server
    server.shutdown()
    server.server_close()


def host(folder, url):
    """The settings of a host of its own, without a release."""
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "encoder").symlink_to(settings.read().path("models") / "encoder")
    return dataclasses.replace(
        settings.read(),
        models=str(folder / "models"),
        var=str(folder),
        secret=OURS,
        releases_url=url,
    )


def published(folder, url, change=lambda data: None):
    """The settings of the host that made a release and published it."""
    config = dataclasses.replace(
        settings.read(),
        models=str(conftest.republish(folder / "maker", change)),
        secret=OURS,
        releases_url=url,
    )
    release.publish(config, release.live(config))
    return config


@pytest.fixture(params=["a folder", "S3"])
def depot(request, tmp_path):
    """The address of an empty depot."""
    if request.param == "S3":
        request.getfixturevalue("s3")
        return "s3://bucket/pamphlet"
    (tmp_path / "depot").mkdir()
    return f"file://{tmp_path / 'depot'}"


def test_what_one_host_publishes_another_fetches_verified_and_whole(depot, tmp_path):
    maker, other = published(tmp_path, depot), host(tmp_path / "other", depot)
    id = release.live(maker)
    assert release.fetch(other) is True and release.live(other) == id
    assert release.read_manifest(other, id)["files"] == release.read_manifest(maker, id)["files"]
    assert release.fetch(other) is False, "it is here already"
    assert [path.name for path in other.path("models").glob("fetching-*")] == []


def test_an_empty_depot_changes_nothing_and_one_that_does_not_answer_is_named(depot, tmp_path):
    other = host(tmp_path / "other", depot)
    assert release.fetch(other) is False and release.live(other) is None
    gone = dataclasses.replace(
        other,
        releases_url="s3://elsewhere/x" if depot.startswith("s3") else "file:///nonexistent/depot",
    )
    maker = published(tmp_path, "")
    if depot.startswith("file"):
        with pytest.raises(release.ReleaseError, match="can't be written.*RELEASES_URL"):
            release.publish(
                dataclasses.replace(maker, releases_url=gone.releases_url), release.live(maker)
            )


def bend(tar, **member):
    """The tar with one more member in it."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as old:
        parts = [(each, old.extractfile(each).read() if each.isfile() else b"") for each in old]
    added = tarfile.TarInfo(member.pop("name"))
    for key, value in member.items():
        setattr(added, key, value)
    added.size = 4 if added.isfile() else 0
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as new:
        for each, content in [*parts, (added, b"evil")]:
            new.addfile(each, io.BytesIO(content))
    return made.getvalue()


def without(tar, name):
    with tarfile.open(fileobj=io.BytesIO(tar)) as old, io.BytesIO() as made:
        with tarfile.open(fileobj=made, mode="w") as new:
            for each in old:
                if each.name != name:
                    new.addfile(each, old.extractfile(each))
        return made.getvalue()


ATTACKS = {
    "cut off": lambda tar: tar[: len(tar) // 2],
    "no archive at all": lambda tar: b"evil" * 1000,
    "empty": lambda tar: b"",
    "unsigned": lambda tar: without(tar, "manifest.sig"),
    "a file changed": lambda tar: tar.replace(b"greeting:", b"Greeting:", 1),
    "an absolute path": lambda tar: bend(tar, name="/tmp/pamphlet-evil"),
    "a path upwards": lambda tar: bend(tar, name="../../../../../../../../tmp/pamphlet-evil"),
    "a path upwards inside": lambda tar: bend(tar, name="data/../../../pamphlet-evil"),
    "a link": lambda tar: bend(tar, name="data/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": lambda tar: bend(
        tar, name="data/hard", type=tarfile.LNKTYPE, linkname="/etc/passwd"
    ),
    "a device": lambda tar: bend(tar, name="data/device", type=tarfile.CHRTYPE),
    "a file twice": lambda tar: bend(tar, name="manifest.json"),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("working", ["the project", "/"])
def test_a_bad_archive_is_refused_and_the_old_release_stays(attack, working, tmp_path, monkeypatch):
    url = f"file://{tmp_path / 'depot'}"
    (tmp_path / "depot").mkdir()
    maker, other = published(tmp_path, url), host(tmp_path / "other", url)
    (other.path("models") / "live").write_text("the-old-one")
    file = tmp_path / "depot" / f"{release.live(maker)}.tar"
    file.write_bytes(ATTACKS[attack](file.read_bytes()))
    if working == "/":
        monkeypatch.chdir("/")
    before = {path for path in Path("/tmp").glob("pamphlet-evil*")}
    with pytest.raises(release.ReleaseError) as refused:
        release.fetch(other)
    assert len(str(refused.value).splitlines()) == 1
    assert release.live(other) == "the-old-one"
    assert not list((other.path("models")).glob("releases/*")) and not list(
        other.path("models").glob("fetching-*")
    )
    assert {path for path in Path("/tmp").glob("pamphlet-evil*")} == before and not list(
        tmp_path.rglob("pamphlet-evil")
    )


def test_a_release_of_another_site_is_refused(tmp_path):
    url = f"file://{tmp_path / 'depot'}"
    (tmp_path / "depot").mkdir()
    published(tmp_path, url)
    with pytest.raises(release.ReleaseError, match="not signed by this site.*SECRET"):
        release.fetch(dataclasses.replace(host(tmp_path / "other", url), secret="another site's"))


@pytest.mark.parametrize("id", ["../../etc", "/etc/passwd", "a b", ""])
def test_a_live_name_that_is_no_release_is_refused(id, tmp_path):
    (tmp_path / "depot").mkdir()
    (tmp_path / "depot" / "live").write_text(id)
    other = host(tmp_path / "other", f"file://{tmp_path / 'depot'}")
    if not id:
        assert release.fetch(other) is False
        return
    with pytest.raises(release.ReleaseError, match="names no release"):
        release.fetch(other)


def test_a_model_whose_own_archive_escapes_is_refused_though_it_is_signed(tmp_path, monkeypatch):
    """Rasa's guard compares with the working directory, and takes everything for safe in /."""
    monkeypatch.chdir("/")
    models = conftest.republish(tmp_path / "models", lambda data: None)
    config = dataclasses.replace(settings.read(), models=str(models), secret=OURS)
    folder = release.folder_of(config, release.live(config))
    with tarfile.open(folder / release.ARCHIVE, "w:gz") as tar:
        evil = tarfile.TarInfo("../../../../tmp/pamphlet-evil-model")
        evil.size = 4
        tar.addfile(evil, io.BytesIO(b"evil"))
    conftest.sign(folder)
    with pytest.raises(release.ReleaseError, match="isn't a plain file inside it"):
        release.publish(config, release.live(config))


def reword(data):
    """An answer that tells this release from the one before."""
    path = data / "articles/myoclonus.md"
    head, mark, tail = path.read_text().partition("{#prevention}\n")
    path.write_text(f"{head}{mark}This is said by the second release. {tail}")


def test_a_release_is_rolled_out_to_every_host_without_a_lost_message_and_a_bad_one_is_not(
    tmp_path,
):
    depot = tmp_path / "depot"
    depot.mkdir()
    url = f"file://{depot}"
    maker = published(tmp_path, url)
    other = host(tmp_path / "other", url)
    with conftest.serving(tmp_path / "other", MODELS=other.models, RELEASES_URL=url) as service:
        token, answers, end = service.open(), [], threading.Event()

        def go_on_asking():
            while not end.is_set():
                answers.append(
                    service.post(
                        token, {"id": uuid.uuid4().hex, "text": "can myoclonus be prevented"}
                    )
                )

        asking = threading.Thread(target=go_on_asking)
        asking.start()
        try:
            (depot / "live").write_text("20990101-000000-aaaaaaaa")
            (depot / "20990101-000000-aaaaaaaa.tar").write_bytes(b"evil")
            wait_for(lambda: "is no whole archive" in service.log.read_text(), 30)
            new = conftest.republish(tmp_path / "second", reword)
            first = release.live(maker)
            second = f"{first[:-8]}{'b' * 8}"
            (new / "releases" / first).rename(new / "releases" / second)
            (new / "live").write_text(second)
            conftest.sign(new / "releases" / second, id=second)
            release.publish(dataclasses.replace(maker, models=str(new)), second)
            wait_for(lambda: "the second release" in answers[-1].text, 60)
        finally:
            end.set()
            asking.join()
        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["replies"][0]["kind"] for answer in answers} == {"answer"}
        wait_for(lambda: httpx.get(f"{service.url}/health/ready").json()["release"] == second, 5)


def wait_for(holds, seconds):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)
