"""Releases that hosts share: in a folder, and in an S3-compatible store; and what is refused,
whoever put it there."""

import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import uuid
from pathlib import Path

import boto3
import conftest
import httpx
import pytest

from bot.releases import registry
from bot.runtime import settings
from tests.support import servers

OURS = settings.site_secret(settings.read_settings())


@pytest.fixture(scope="module")
def s3_server():
    """A moto, which does what S3 does, in a process of its own: (address, key, secret) of somebody
    who may read and write in `bucket`, and nothing else."""
    port = servers.free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true"},
    )
    try:
        servers.wait_for(
            lambda: httpx.get(f"{address}/moto-api/data.json").raise_for_status(),
            httpx.HTTPError,
            process,
        )
        key = make_a_member(address)
        # from here on it verifies every signature, and what its key may do
        httpx.post(f"{address}/moto-api/reset-auth", content="0").raise_for_status()
        yield address, key["AccessKeyId"], key["SecretAccessKey"]
    finally:
        process.terminate()
        process.wait()


def make_a_member(address):
    """The bucket, and the access key of who may read and write in it."""
    how = {
        "endpoint_url": address,
        "region_name": "us-east-1",
        "aws_access_key_id": "founder",
        "aws_secret_access_key": "founder",
    }
    boto3.client("s3", **how).create_bucket(Bucket="bucket")
    members = boto3.client("iam", **how)
    members.create_user(UserName="pamphlet")
    statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"]}
    policy = {
        "Version": "2012-10-17",
        "Statement": [{**statement, "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]}],
    }
    members.put_user_policy(
        UserName="pamphlet", PolicyName="releases", PolicyDocument=json.dumps(policy)
    )
    return members.create_access_key(UserName="pamphlet")["AccessKey"]


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The address of an empty depot in S3, with the settings of who may use it."""
    address, key, secret = s3_server
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers another test's key
    return f"s3://bucket/{uuid.uuid4().hex}"


def host(folder, url):
    """The settings of a host of its own, without a release."""
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "encoder").symlink_to(settings.read_settings().path("models") / "encoder")
    return dataclasses.replace(
        settings.read_settings(),
        models=str(folder / "models"),
        var=str(folder),
        secret=OURS,
        releases_url=url,
    )


def published(folder, url, change=lambda data: None):
    """The settings of the host that made a release and published it."""
    config = dataclasses.replace(
        settings.read_settings(),
        models=str(conftest.republish(folder / "maker", change)),
        secret=OURS,
        releases_url=url,
    )
    registry.publish_release(config, registry.live_release(config))
    return config


@pytest.fixture(scope="module")
def first_depot(tmp_path_factory):
    """The folder of a depot in which a release is published: made once, to be copied."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "depot").mkdir()
    published(folder, f"file://{folder / 'depot'}")
    return folder / "depot"


@pytest.fixture
def published_depot(first_depot, tmp_path):
    """A copy of it, which a test may break."""
    return Path(shutil.copytree(first_depot, tmp_path / "depot"))


@pytest.fixture(params=["a folder", "S3"])
def depot(request, tmp_path):
    """The address of an empty depot."""
    if request.param == "S3":
        return request.getfixturevalue("s3")
    (tmp_path / "depot").mkdir()
    return f"file://{tmp_path / 'depot'}"


def test_what_one_host_publishes_another_fetches_verified_and_whole(depot, tmp_path):
    maker, other = published(tmp_path, depot), host(tmp_path / "other", depot)
    id = registry.live_release(maker)
    assert registry.fetch_live(other) is True and registry.live_release(other) == id
    assert registry.read_manifest(other, id)["files"] == registry.read_manifest(maker, id)["files"]
    assert registry.fetch_live(other) is False, "it is here already"
    assert [path.name for path in other.path("models").glob("fetching-*")] == []


def test_an_empty_depot_changes_nothing_and_one_that_does_not_answer_is_named(depot, tmp_path):
    other = host(tmp_path / "other", depot)
    assert registry.fetch_live(other) is False and registry.live_release(other) is None
    gone = dataclasses.replace(
        other,
        releases_url="s3://elsewhere/x" if depot.startswith("s3") else "file:///nonexistent/depot",
    )
    maker = published(tmp_path, "")
    if depot.startswith("file"):
        with pytest.raises(registry.ReleaseError, match="can't be written.*RELEASES_URL"):
            registry.publish_release(
                dataclasses.replace(maker, releases_url=gone.releases_url),
                registry.live_release(maker),
            )


@pytest.mark.parametrize(
    ("changed", "to"),
    [
        ("AWS_SECRET_ACCESS_KEY", "another secret"),
        ("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN"),
        ("bucket", "another-bucket"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ],
)
def test_whom_the_store_refuses_gets_a_sentence_and_changes_nothing(
    changed, to, s3, tmp_path, monkeypatch
):
    maker = published(tmp_path, s3)
    before = read_store(s3, "live")
    url = s3.replace("bucket", to) if changed == "bucket" else s3
    monkeypatch.setenv(changed, to)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    other = host(tmp_path / "other", url)
    with pytest.raises(registry.ReleaseError, match="can't be read .*RELEASES_URL") as refused:
        registry.fetch_live(other)
    assert "secret" not in str(refused.value) and registry.live_release(other) is None
    with pytest.raises(registry.ReleaseError, match="can't be written .*RELEASES_URL"):
        registry.publish_release(
            dataclasses.replace(maker, releases_url=url), registry.live_release(maker)
        )
    assert before == registry.live_release(maker)


def read_store(url, name):
    bucket, _, folder = url.removeprefix("s3://").partition("/")
    found = boto3.client("s3").get_object(Bucket=bucket, Key=f"{folder}/{name}")
    return found["Body"].read().decode().strip()


def test_what_s3_keeps_is_the_archive_byte_by_byte_and_a_bad_one_is_refused(s3, tmp_path):
    maker, other = published(tmp_path, s3), host(tmp_path / "other", s3)
    id, (bucket, _, folder) = registry.live_release(maker), s3.removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    body = client.get_object(Bucket=bucket, Key=f"{folder}/{id}.tar")["Body"].read()
    assert len(body) > 1_000_000
    for attack in ("cut off", "unsigned", "a path upwards"):
        client.put_object(Bucket=bucket, Key=f"{folder}/{id}.tar", Body=ATTACKS[attack](body))
        with pytest.raises(registry.ReleaseError):
            registry.fetch_live(other)
        assert registry.live_release(other) is None
    client.put_object(Bucket=bucket, Key=f"{folder}/{id}.tar", Body=body)
    assert registry.fetch_live(other) is True and registry.live_release(other) == id


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
def test_a_bad_archive_is_refused_and_the_old_release_stays(
    attack, working, published_depot, tmp_path, monkeypatch
):
    other = host(tmp_path / "other", f"file://{published_depot}")
    (other.path("models") / "live").write_text("the-old-one")
    [file] = published_depot.glob("*.tar")
    file.write_bytes(ATTACKS[attack](file.read_bytes()))
    if working == "/":
        monkeypatch.chdir("/")
    before = {path for path in Path("/tmp").glob("pamphlet-evil*")}
    with pytest.raises(registry.ReleaseError) as refused:
        registry.fetch_live(other)
    assert len(str(refused.value).splitlines()) == 1
    assert registry.live_release(other) == "the-old-one"
    assert not list((other.path("models")).glob("releases/*")) and not list(
        other.path("models").glob("fetching-*")
    )
    assert {path for path in Path("/tmp").glob("pamphlet-evil*")} == before and not list(
        tmp_path.rglob("pamphlet-evil")
    )


def test_a_release_of_another_site_is_refused(published_depot, tmp_path):
    url = f"file://{published_depot}"
    with pytest.raises(registry.ReleaseError, match="not signed by this site.*SECRET"):
        registry.fetch_live(
            dataclasses.replace(host(tmp_path / "other", url), secret="another site's")
        )


@pytest.mark.parametrize("id", ["../../etc", "/etc/passwd", "a b", ""])
def test_a_live_name_that_is_no_release_is_refused(id, tmp_path):
    (tmp_path / "depot").mkdir()
    (tmp_path / "depot" / "live").write_text(id)
    other = host(tmp_path / "other", f"file://{tmp_path / 'depot'}")
    if not id:
        assert registry.fetch_live(other) is False
        return
    with pytest.raises(registry.ReleaseError, match="names no release"):
        registry.fetch_live(other)


def test_a_model_whose_own_archive_escapes_is_refused_though_it_is_signed(tmp_path, monkeypatch):
    """Rasa's guard compares with the working directory, and takes everything for safe in /."""
    monkeypatch.chdir("/")
    models = conftest.republish(tmp_path / "models", lambda data: None)
    config = dataclasses.replace(settings.read_settings(), models=str(models), secret=OURS)
    folder = registry.folder_of(config, registry.live_release(config))
    with tarfile.open(folder / registry.ARCHIVE, "w:gz") as tar:
        evil = tarfile.TarInfo("../../../../tmp/pamphlet-evil-model")
        evil.size = 4
        tar.addfile(evil, io.BytesIO(b"evil"))
    conftest.sign(folder)
    with pytest.raises(registry.ReleaseError, match="isn't a plain file inside it"):
        registry.publish_release(config, registry.live_release(config))


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
            first = registry.live_release(maker)
            second = f"{first[:-8]}{'b' * 8}"
            (new / "releases" / first).rename(new / "releases" / second)
            (new / "live").write_text(second)
            conftest.sign(new / "releases" / second, id=second)
            registry.publish_release(dataclasses.replace(maker, models=str(new)), second)
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
