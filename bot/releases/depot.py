"""Where hosts share releases: a folder that they all mount, or an S3-compatible store. Nothing in
it is trusted.

It holds `<id>.tar`, a release's folder as it was signed, and `live`, the id of the one that all
shall serve. What is fetched is unpacked beside the releases, held to its signature by `release`,
and only then renamed."""

import contextlib
import io
import os
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast
from urllib.parse import SplitResult, urlsplit

LARGEST = 2 * 1024**3  # bytes of a release, unpacked
LIVE = "live"


class DepotError(RuntimeError):
    """The depot can't be reached, or holds something that is no release; the message says where and
    what."""


def put_release(url: str, folder: Path) -> None:
    """Bring the release in `folder` into the depot at `url`, where it isn't there."""
    name = f"{folder.name}.tar"
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    tar.add(path, str(path.relative_to(folder)), recursive=False)
        file.seek(0)
        _write(url, name, file)


def put_live(url: str, id: str) -> None:
    """Let all hosts serve release `id`."""
    _write(url, LIVE, io.BytesIO(id.encode()))


def live_in_depot(url: str) -> str | None:
    """The id of the release that all hosts shall serve, or None."""
    with contextlib.closing(_open(url, LIVE) or io.BytesIO()) as file:
        return file.read(200).decode("ascii", "replace").strip() or None


def fetch_release(url: str, id: str, folder: Path) -> None:
    """Unpack release `id` into `folder`; raises DepotError where it is missing, broken, or would
    write anywhere else."""
    found = _open(url, f"{id}.tar")
    if found is None:
        raise DepotError(f"{url} holds no {id}.tar; publish the release again where it was made")
    with contextlib.closing(found), tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(found, copy)
        copy.seek(0)
        unpack_release(copy, folder, f"{url}/{id}.tar")


def unpack_release(file: IO[bytes], folder: Path, name: str) -> None:
    """Unpack a tar of plain files into `folder`, a new one; raises DepotError for anything else in
    it."""
    left = LARGEST
    try:
        with tarfile.open(fileobj=file, mode="r:*") as tar:
            for member in tar:
                check_member(member, name)
                left -= member.size
                if left < 0:
                    raise DepotError(f"{name} holds more than {LARGEST:,} bytes")
                if member.isdir():
                    continue
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                source = tar.extractfile(member)
                assert source  # a plain file has one
                with source, target.open("xb") as made:
                    shutil.copyfileobj(source, made)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise DepotError(
            f"{name} is no whole archive ({type(error).__name__}); publish the release again "
            f"where it was made"
        ) from error


def check_member(member: tarfile.TarInfo, name: str | Path) -> None:
    """Nothing, or DepotError: every member is a plain file or a folder inside the archive's own,
    whatever the working directory."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
        raise DepotError(
            f"{name} holds {member.name!r}, which isn't a plain file inside it; it is refused"
        )


def _open(url: str, name: str) -> IO[bytes] | None:
    """The file of that name in the depot, to be read; None where there is none."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "file":
            return (Path(parts.path) / name).open("rb")
        found = _s3().get_object(Bucket=parts.netloc, Key=_key(parts, name))
        return cast("IO[bytes]", found["Body"])
    except FileNotFoundError:
        return None
    except Exception as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code") in ("NoSuchKey", "404"):
            return None
        raise DepotError(
            f"{url} can't be read ({type(error).__name__}); is RELEASES_URL right, and may this "
            f"host read it?"
        ) from error


def _write(url: str, name: str, file: IO[bytes]) -> None:
    parts = urlsplit(url)
    try:
        if parts.scheme == "file":
            beside = Path(parts.path) / f".{name}.{os.getpid()}"
            with beside.open("wb") as made:
                shutil.copyfileobj(file, made)
                made.flush()
                os.fsync(made.fileno())
            os.replace(beside, beside.with_name(name))
        else:
            _s3().put_object(Bucket=parts.netloc, Key=_key(parts, name), Body=file)
    except Exception as error:
        raise DepotError(
            f"{url} can't be written ({type(error).__name__}); is RELEASES_URL right, and may "
            f"this host write to it?"
        ) from error


def _key(parts: SplitResult, name: str) -> str:
    return f"{parts.path.strip('/')}/{name}".lstrip("/")


def _s3() -> Any:
    """A client of the store; boto3 reads AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and the others of its
    usual settings."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        config=Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"max_attempts": 2},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
