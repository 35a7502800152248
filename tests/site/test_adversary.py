"""A hostile visitor beside ordinary ones, in short: no message of anybody's is lost, and the others
are answered. `make soak` does it for half an hour, with figures."""

import asyncio
import os

from bot.runtime import settings
from tests.support import adversary, load, sites

OTHERS, EACH = 6, 4
LIMITS = {
    "CONVERSATIONS_PER_MINUTE": str(settings.read_settings({}).conversations_per_minute),
    "MESSAGES_PER_MINUTE": str(settings.read_settings({}).messages_per_minute),
}


async def ask_until_answered(visits, visitor, times):
    """Ask as a person does, who tries again after a polite refusal."""
    for _ in range(times):
        while (await load.ask(visits, visitor)).end() != "answered":
            await asyncio.sleep(2)


def test_beside_a_hostile_visitor_nothing_is_lost_and_the_others_are_answered(tmp_path):
    async def run(site):
        async with (
            load.visiting(site.url, load.addresses(OTHERS)) as visits,
            adversary.attacking(visits, site, turns=600) as hostile,
        ):
            over, dangers = asyncio.Event(), []
            attack = asyncio.create_task(adversary.attack(hostile, over))
            async with asyncio.timeout(600):
                others = [await load.come(visits) for _ in range(OTHERS)]
                asking = [ask_until_answered(visits, other, EACH) for other in others]
                waiting = asyncio.gather(*asking)
                while not waiting.done() or len(dangers) < 3:
                    dangers.append(await adversary.endangered(visits))
                    await asyncio.wait([waiting], timeout=3)
                await waiting
                over.set()
                await attack
            faults = await asyncio.to_thread(adversary.faults_of, site, visits, hostile)
            return faults, hostile.done, [message.end() for message in dangers]

    with sites.single(tmp_path, **LIMITS) as site:
        faults, done, dangers = asyncio.run(run(site))
        log = site.gateways[0].log.read_text()
        [gateway] = site.gateways
        assert gateway.process.poll() is None and os.path.exists(f"/proc/{gateway.process.pid}")
    assert faults == []
    assert set(done) == {act.__name__ for act in adversary.ACTS}
    assert set(dangers) == {"danger"}
    assert "Traceback" not in log and " has ended" not in log
