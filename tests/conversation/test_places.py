"""Places at Rasa: how many there are, whose they are, and in which order callers are served."""

import asyncio
import contextlib

import pytest

from bot.conversation import admission, limits

ANSWER_SECONDS = 4.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while it waits, and at once."""

    passed = 0.0

    def time(self):
        return self.passed

    def _run_once(self):
        if not self._ready and self._scheduled:
            self.passed = max(self.passed, self._scheduled[0].when())
        super()._run_once()


def run(coroutine):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


class Line:
    """Messages that stay at Rasa until they are let go, and what became of each."""

    def __init__(self):
        self.places = admission.Places(ANSWER_SECONDS)
        self.go, self.begun, self.refused, self.tasks = asyncio.Event(), [], [], []

    async def send(self, caller, count=1, patient=False):
        for _ in range(count):
            self.tasks.append(asyncio.create_task(self._pass(caller, patient)))
        await asyncio.sleep(0)

    async def _pass(self, caller, patient):
        try:
            async with self.places.one(admission.Caller(caller, patient)):
                self.begun.append(caller)
                await self.go.wait()
                await asyncio.sleep(0.02)
                self.places.count_answer()
        except limits.Refused as error:
            self.refused.append((caller, error.text))

    async def end(self):
        self.go.set()
        await asyncio.gather(*self.tasks)


def test_one_caller_gets_three_quarters_of_the_places_and_the_next_message_is_refused():
    async def scenario():
        line = Line()
        most = line.places.most()
        share = int(most * admission.SHARE)
        await line.send("a", share)
        assert line.refused == []
        await line.send("a")
        assert line.refused == [("a", "overloaded")]
        await line.send("b", most - share)
        assert len(line.refused) == 1
        await line.end()
        assert line.begun.count("a") == share and line.begun.count("b") == most - share

    run(scenario())


def test_who_waits_is_served_in_turn_however_much_another_sends():
    async def scenario():
        line = Line()
        await line.send("flood", 20)
        await line.send("b", 2)
        await line.send("c")
        await line.end()
        behind = line.begun[admission.AT_ONCE :]
        assert behind[:5] == ["b", "c", "flood", "b", "flood"]

    run(scenario())


def test_while_others_are_about_a_caller_has_one_message_at_work_and_alone_as_many_as_are_fast():
    async def scenario():
        line = Line()
        await line.send("b")
        await line.send("flood", 20)
        assert line.begun == ["b", "flood"]
        await line.send("c")
        assert line.begun == ["b", "flood", "c"], "who comes now waits for none that are in line"
        await line.end()
        await asyncio.sleep(admission.ABOUT + 1)
        line.go.clear()
        line.begun.clear()
        await line.send("flood", 20)
        assert line.begun == ["flood"] * admission.AT_ONCE
        await line.end()
        assert not line.places.working and not line.places.waiting

    run(scenario())


def test_where_no_place_is_left_who_has_most_loses_the_last_one_to_who_has_less():
    async def scenario():
        line = Line()
        most = line.places.most()
        share = int(most * admission.SHARE)
        await line.send("a", share)
        await line.send("b", most - share)
        await line.send("c")
        await asyncio.sleep(0)
        assert line.refused == [("a", "overloaded")]
        await line.end()
        assert line.begun.count("c") == 1

    run(scenario())


def test_where_all_have_the_same_nobody_loses_a_place():
    async def scenario():
        line = Line()
        for number in range(line.places.most()):
            await line.send(f"caller {number}")
        await line.send("one more")
        assert line.refused == [("one more", "overloaded")]
        await line.end()

    run(scenario())


def test_a_message_of_a_messaging_app_is_never_refused_and_served_in_turn():
    async def scenario():
        line = Line()
        most = line.places.most()
        share = int(most * admission.SHARE)
        await line.send("a", share)
        await line.send("b", most - share)
        for number in range(40):
            await line.send(f"conversation {number}", patient=True)
        await asyncio.sleep(3 * ANSWER_SECONDS)
        await line.end()
        assert sum(caller.startswith("conversation") for caller in line.begun) == 40
        assert {caller for caller, _ in line.refused} <= {"a", "b"}

    run(scenario())


def test_who_waits_too_long_is_refused_and_keeps_no_place():
    async def scenario():
        line = Line()
        await line.send("a", admission.AT_ONCE)
        await line.send("b")
        await asyncio.sleep(ANSWER_SECONDS)
        assert line.refused == [("b", "overloaded")]
        await line.end()
        await line.send("b")
        await line.end()
        assert line.begun[-1] == "b" and not line.places.held and not line.places.at_work

    run(scenario())


def test_who_leaves_while_waiting_gives_the_place_back():
    async def scenario():
        line = Line()
        await line.send("a", admission.AT_ONCE + 3)
        for task in line.tasks:
            task.cancel()
        await asyncio.gather(*line.tasks, return_exceptions=True)
        line.tasks.clear()
        await line.send("b", admission.AT_ONCE)
        await line.end()
        assert not line.places.held and not line.places.at_work and not line.places.waiting

    run(scenario())


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3, 1.0, 2.5])
def test_at_any_speed_of_rasa_who_is_let_in_is_answered_in_time_and_rasa_is_kept_busy(seconds):
    """64 visitors ask on and on; Rasa works on all its messages alike, as its event loop does."""

    async def scenario():
        served, core = admission.Places(ANSWER_SECONDS), Core()
        answered, late, waited = [], [], []

        async def ask(number):
            while True:
                begun = now()
                with contextlib.suppress(limits.Refused):
                    async with served.one(admission.Caller(f"visitor {number}")):
                        waited.append(now() - begun)
                        sent = now()
                        await core.work(seconds, ANSWER_SECONDS)
                        if now() - sent < ANSWER_SECONDS:
                            answered.append(now())
                            served.count_answer()
                        else:
                            late.append(now())
                            served.count_failure()
                    continue
                await asyncio.sleep(2)

        asking = [asyncio.create_task(ask(number)) for number in range(64)]
        length = 100 * seconds + 40
        await asyncio.sleep(length)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        learned = 20  # seconds in which a machine is found to be slow
        assert [at for at in late if at > learned] == []
        assert max(waited) <= ANSWER_SECONDS * admission.LONGEST
        alone = (length - learned) / seconds
        assert sum(at > learned for at in answered) >= 0.8 * alone

    run(scenario())


def now():
    return asyncio.get_running_loop().time()


class Core:
    """A processor that is shared alike by whatever it works on."""

    def __init__(self):
        self.left, self.changed = {}, asyncio.Event()
        self.worker = None

    async def work(self, seconds, patience):
        if self.worker is None:
            self.worker = asyncio.create_task(self._run())
        task = asyncio.get_running_loop().create_future()
        self.left[task] = seconds
        self.changed.set()
        try:
            async with asyncio.timeout(patience):
                await task
        except TimeoutError:
            pass
        finally:
            self.left.pop(task, None)

    async def _run(self):
        while True:
            if not self.left:
                self.changed.clear()
                await self.changed.wait()
            step = max(0.001, min(self.left.values()) / 4)
            await asyncio.sleep(step)
            for task in list(self.left):
                self.left[task] -= step / len(self.left)
            for task in [task for task, left in self.left.items() if left <= 1e-9]:
                del self.left[task]
                if not task.done():
                    task.set_result(None)
