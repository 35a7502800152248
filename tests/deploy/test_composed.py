"""The site of deploy/compose.yaml, started as tests/support/composed.py says: two gateways, nginx,
PostgreSQL and Redis, each with the environment, user, limits and networks that the file names."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import subprocess
import uuid
import warnings
from pathlib import Path

import httpx
import pytest
from conftest import left_out

from bot.runtime import settings
from tests.support import adversary, composed, load, servers, sites

VISITORS, HOSTILE = [f"10.213.0.{100 + number}" for number in range(6)], "10.213.0.99"


class Site(sites.Site):
    """A composed site, as loads and attacks know sites: its database is reached from `place`, and
    what was stored before counts for nothing."""

    place, earlier = "", frozenset()

    def within(self):
        return composed.inside(self.place)

    def stored(self):
        return [turn for turn in super().stored() if turn.token_hash not in self.earlier]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("composed", numbered=True)
    folder.parent.chmod(0o755)
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(
                composed.composed(folder, settings.site_secret(settings.read_settings()))
            )
        except servers.Missing as error:
            left_out(error.program, error.package)
        except composed.Impossible as error:
            pytest.skip(f"not on this machine: {error}")
        yield made


@pytest.fixture
def client(running):
    with (
        composed.inside(running.host),
        httpx.Client(
            base_url=f"https://{running.address('proxy')}",
            verify=False,
            headers={"Host": composed.NAME},
            timeout=30,
        ) as made,
    ):
        yield made


def ask(client, token, text="can myoclonus be prevented"):
    answer = client.post(
        "/api/messages",
        json={"id": uuid.uuid4().hex, "text": text},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["replies"][0]


def test_visitors_are_answered_over_https_and_go_on_where_a_gateway_ends(running, client):
    token = client.post("/api/conversations", json={}).json()["token"]
    assert ask(client, token)["question"] == "myoclonus.prevention"
    for name in ("gateway1", "gateway2"):
        running.running[name].stop()
        assert running.running[name].process.returncode == 0, "it ended as it was asked to"
        assert [ask(client, token)["kind"] for _ in range(3)] == ["answer"] * 3
        running.start(name)
        url = f"http://{running.address(name)}:8000/health/ready"
        running.wait_for(lambda url=url: running.healthy("proxy", "curl", "-sf", url), name)
    turns = client.get("/api/messages", headers={"Authorization": f"Bearer {token}"}).json()
    assert [turn["outcome"] for turn in turns["turns"]] == ["answer"] * 7


def test_what_is_killed_is_brought_back_and_nothing_is_left_behind(running, client):
    service = running.running["gateway1"]
    os.kill(service.pid, signal.SIGKILL)
    service.process.wait(30)
    assert not any((folder / "cgroup.procs").read_text() for folder in service.groups)
    token = client.post("/api/conversations", json={}).json()["token"]
    assert ask(client, token)["kind"] == "answer"
    running.start("gateway1")
    url = f"http://{running.address('gateway1')}:8000/health/ready"
    running.wait_for(lambda: running.healthy("proxy", "curl", "-sf", url), "gateway1")


@pytest.mark.parametrize("name", ["gateway1", "gateway2"])
def test_a_gateway_and_its_rasa_may_do_what_the_file_says_and_no_more(running, name):
    service = running.running[name]
    for folder, limit in zip(service.groups, (2 * 1024**3, 512), strict=True):
        bounds = ("memory.limit_in_bytes", "memory.max", "pids.max")
        [bound] = [folder / each for each in bounds if (folder / each).exists()]
        assert int(bound.read_text()) == limit
    inside = [
        pid
        for pid in Path(service.groups[0], "cgroup.procs").read_text().split()
        if "python" in os.readlink(f"/proc/{pid}/exe")
    ]
    assert len(inside) == 2  # the gateway and its Rasa
    for pid in inside:
        said = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        assert said["Uid"].split() == [str(composed.USER)] * 4
        assert {int(said[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
        assert said["NoNewPrivs"] == "1"
        mounts = [line.split() for line in Path(f"/proc/{pid}/mounts").read_text().splitlines()]
        [root] = [how for _, at, _, how, *_ in mounts if at == "/"]
        assert "ro" in root.split(",")
        shown = Path(f"/proc/{pid}/environ").read_text()
        assert "SHELL=" not in shown and "TRUSTED_PROXIES=10.213.0.0/24" in shown


def reaches(namespace, address, port):
    with composed.inside(namespace), socket.socket() as probe:
        probe.settimeout(3)
        return probe.connect_ex((address, port)) == 0


def test_the_stores_are_reached_by_the_gateways_alone(running):
    database, redis = (running.address(name, "inside") for name in ("database", "redis"))
    for name in ("gateway1", "gateway2"):
        assert reaches(f"{running.host}-{name}", database, 5432)
        assert reaches(f"{running.host}-{name}", redis, 6379)
    for name in (running.host, f"{running.host}-proxy"):
        assert not reaches(name, database, 5432) and not reaches(name, redis, 6379)
    assert not reaches(f"{running.host}-database", running.address("gateway1"), 8000)


def test_beside_a_hostile_visitor_nothing_is_lost_and_the_others_are_answered(running):
    """The adversary, on this site: through nginx, on PostgreSQL and Redis."""
    place = running.address("database", "inside")
    site = Site(
        f"https://{running.address('proxy')}",
        [],
        f"postgresql+psycopg://pamphlet:0123456789abcdef@{place}/pamphlet",
    )
    site.place = f"{running.host}-gateway1"
    site.earlier = {turn.token_hash for turn in site.stored()}
    for address in (*VISITORS, HOSTILE):
        command = ["ip", "-n", running.host, "addr", "add", f"{address}/24", "dev", "outside"]
        subprocess.run(command, check=True)

    async def go_on(visits, times):
        visitor = await load.come(visits)
        for _ in range(times):
            while (await load.ask(visits, visitor)).end() != "answered":
                await asyncio.sleep(2)

    async def run():
        async with (
            load.visiting(site.url, VISITORS, Host=composed.NAME) as visits,
            adversary.attacking(
                visits, site, turns=100, address=HOSTILE, Host=composed.NAME
            ) as hostile,
        ):
            over = asyncio.Event()
            attack = asyncio.create_task(adversary.attack(hostile, over))
            async with asyncio.timeout(500):
                await asyncio.gather(*(go_on(visits, 3) for _ in VISITORS))
                dangers = [(await adversary.endangered(visits)).end() for _ in range(2)]
                over.set()
                await attack
            return dangers, await asyncio.to_thread(adversary.faults_of, site, visits, hostile)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # who goes away while a connection opens
        with composed.inside(running.host):  # leaves its socket to the collector
            dangers, faults = asyncio.run(run())
        gc.collect()  # here, and not in another test
    assert (dangers, faults) == (["danger"] * 2, [])
    for name in ("gateway1", "gateway2", "proxy", "database", "redis"):
        assert running.running[name].process.poll() is None
