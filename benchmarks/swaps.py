"""Releases of `make soak`: exchanged under load, and broken ones that must be refused while the old
one serves."""

import asyncio
import io
import json
import shutil
import tarfile
import time

import httpx

from benchmarks.faults import during
from benchmarks.loads import ms, result
from bot.releases import registry
from bot.runtime import settings

TIMES = 10
WAIT_SECONDS = 90


def twins(folder):
    """The address of a models folder with the live release twice, and their ids: the first is live.
    Their archives are written differently, or Rasa would stay."""
    config = settings.read_settings()
    source = registry.live_release(config)
    ids = [f"{source[:-8]}{each * 8}" for each in "ab"]
    (folder / "models").mkdir()
    (folder / "models" / "encoder").symlink_to(config.path("models") / "encoder")
    for id in ids:
        shutil.copytree(registry.folder_of(config, source), folder / "models" / "releases" / id)
        sign(folder / "models" / "releases" / id, id)
    _rewrite(folder / "models" / "releases" / ids[1], lambda name, body: body)
    (folder / "models" / "live").write_text(ids[0])
    return folder / "models", ids


def sign(folder, id):
    """Sign a release's files as they are now, as this site."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("manifest.json", "manifest.sig"):
        (folder / name).unlink(missing_ok=True)
    registry._sign(
        settings.read_settings(), folder, id, manifest["digest"], manifest.get("taught_by", id)
    )


async def swaps(load, site, models, ids, scale):
    """The release exchanged TIMES times."""
    gateway, memory = site.gateways[0], []

    async def swap():
        for i in range(max(2, round(TIMES * scale))):
            (models / "live").write_text(ids[(i + 1) % 2])
            await _served(gateway, ids[(i + 1) % 2])
            await asyncio.sleep(2)
            memory.append(await asyncio.to_thread(gateway.memory))

    got, back = await during(load, swap, rate=10)
    faults = await asyncio.to_thread(site.faults, load.journal)
    grown = memory[-1] / memory[0] - 1
    return [
        result(
            f"release swap under load, {len(memory)} times",
            "none lost, none slower than 1 s; memory flat",
            f"{got['answered']:,} of {got['offered']:,} answered, p95 {ms(got['p95'])}, the "
            f"slowest after {ms(got['longest'])}; {got['lost']} lost; "
            f"memory {memory[0]:.0f} MB after the first, {memory[-1]:.0f} MB after the last",
            got["answered"] == got["offered"] and got["longest"] <= 1 and grown < 0.05,
            {**got, "memory": memory},
            faults,
        )
    ]


async def _served(gateway, id):
    """Wait until the gateway serves release `id` and the one before has ended."""
    end = time.monotonic() + WAIT_SECONDS
    async with httpx.AsyncClient() as client:
        while time.monotonic() < end:
            if (await client.get(f"{gateway.url}/health/ready", timeout=10)).json()[
                "release"
            ] == id and len(gateway.children()["rasa"]) == 1:
                return
            await asyncio.sleep(0.2)
    raise RuntimeError(f"release {id} was not served within {WAIT_SECONDS} s")


def cut_off(folder):
    path = folder / registry.ARCHIVE
    path.write_bytes(path.read_bytes()[:5000])


def cut_off_and_signed(folder):
    cut_off(folder)
    sign(folder, folder.name)


def unsigned(folder):
    (folder / "manifest.sig").unlink()


def of_another_version(folder):
    _rewrite(
        folder,
        lambda name, body: (
            body.replace(b"3.6.21", b"2.0.00") if name.endswith("metadata.json") else body
        ),
    )


def with_paths_that_escape(folder):
    _rewrite(folder, lambda name, body: body, "../../../../../../tmp/pamphlet-escaped")


def _rewrite(folder, change, more=None):
    """Write the archive anew and sign it: what whoever has our secret could do."""
    path = folder / registry.ARCHIVE
    with tarfile.open(path) as old:
        parts = [
            (
                member,
                change(member.name, old.extractfile(member).read()) if member.isfile() else b"",
            )
            for member in old
        ]
    with tarfile.open(path, "w:gz") as new:
        for member, body in [*parts, *([(tarfile.TarInfo(more), b"evil")] if more else [])]:
            member.size = len(body)
            new.addfile(member, io.BytesIO(body))
    sign(folder, folder.name)


BROKEN = (cut_off, cut_off_and_signed, unsigned, of_another_version, with_paths_that_escape)


async def refusals(load, site, models, ids, scale):
    """Each broken release made live while visitors ask; the gateway's working directory is /."""
    gateway, refused = site.gateways[0], []

    async def publish():
        for i, break_it in enumerate(BROKEN):
            id = f"{ids[0][:-8]}{str(i) * 8}"
            bad = models / "releases" / id
            shutil.copytree(models / "releases" / ids[0], bad)
            sign(bad, id)
            break_it(bad)
            said = len(gateway.log.read_text())
            (models / "live").write_text(id)
            async with asyncio.timeout(WAIT_SECONDS):
                while "trying again" not in gateway.log.read_text()[said:]:
                    await asyncio.sleep(0.2)
            ready = httpx.get(f"{gateway.url}/health/ready", timeout=10).json()
            refused.append((break_it.__name__, ready["release"] == ids[0] and ready["ready"]))
            (models / "live").write_text(ids[0])
            shutil.rmtree(bad)

    got, _ = await during(load, publish, rate=10)
    faults = await asyncio.to_thread(site.faults, load.journal)
    names = ", ".join(name.replace("_", " ") for name, _ in refused)
    return [
        result(
            f"an archive {names} (with `/` as working directory)",
            "refused, the old one serves",
            f"{sum(good for _, good in refused)} of {len(BROKEN)} refused; {got['answered']:,} "
            f"of {got['offered']:,} answered meanwhile, {got['lost']} lost",
            all(good for _, good in refused) and got["answered"] == got["offered"],
            got,
            faults,
        )
    ]
