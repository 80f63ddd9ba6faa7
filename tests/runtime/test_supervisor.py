"""What a restart of the service takes up again."""

import asyncio
import contextlib

from runtime.errors import GitFailed, StoreBusy
from runtime.supervisor import Supervisor
from tests.fakes.hands import Deeds
from tests.waiting import until

TURN = b'{"kind":"prompt","text":"x"}\n{"kind":"turn_ended"}\n'


@contextlib.asynccontextmanager
async def supervised(deeds, pokes=None):
    running = asyncio.create_task(Supervisor(deeds.hands, pokes or asyncio.Queue(), again=0.01).run())
    try:
        await until(lambda: "pushes" in {task.get_name() for task in asyncio.all_tasks()})  # the start is over
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_session_that_cannot_be_taken_up_leaves_a_record_and_comes_later(bot, tmp_path):
    await bot.starts()
    await bot.starts()

    broken = {"app-1"}

    async def open_gate(name):
        if name in broken:
            raise GitFailed("the gate is broken")

    deeds = Deeds(bot, tmp_path, open_gate=open_gate)
    async with supervised(deeds):
        await until(lambda: "watch app-2" in deeds.did)
        await until(lambda: bot.records("adopt_failed"))
        broken.clear()
        await until(lambda: "watch app-1" in deeds.did)
    said = "app-1 is not taken up again yet after the restart; the service's log says why"
    assert bot.records("adopt_failed") == [said]


async def test_agent_that_has_much_to_say_does_not_keep_the_others_waiting(bot, tmp_path):
    for _ in range(2):
        await bot.starts()
    deeds, pokes = Deeds(bot, tmp_path), asyncio.Queue()
    much, little = (deeds.hands.place(name).pushes for name in ("app-1", "app-2"))
    before = len(bot.records("fact"))
    async with supervised(deeds, pokes):
        await until(lambda: {"watch app-1", "watch app-2"} <= set(deeds.did))
        for file, said in ((much, TURN * 700), (little, TURN)):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(said)
            pokes.put_nowait(file.parent.name)
        await until(lambda: bot.sessions[0].push_offset == much.stat().st_size)
    order = [said.partition(":")[0] for said in bot.records("fact")[before:]]
    assert order[0] == order[-1] == "app-1"
    assert "app-2" in order


async def test_agent_whose_fifo_is_gone_is_heard_all_the_same(bot, tmp_path):
    await bot.starts()
    deeds = Deeds(bot, tmp_path)
    file = deeds.hands.place("app-1").pushes
    async with supervised(deeds):
        file.parent.mkdir(parents=True)
        file.write_bytes(TURN)
        await until(lambda: bot.session.push_offset == len(TURN))


async def test_what_could_not_be_stored_is_read_again_without_another_poke(bot, tmp_path, monkeypatch):
    await bot.starts()
    deeds, pokes = Deeds(bot, tmp_path), asyncio.Queue()
    file, tried, real = deeds.hands.place("app-1").pushes, [], bot.store.write

    async def write(job, **how):
        if file.exists():
            tried.append(job)
            if len(tried) < 3:
                raise StoreBusy("the disk is full")
        return await real(job, **how)

    async with supervised(deeds, pokes):
        await until(lambda: "watch app-1" in deeds.did)
        monkeypatch.setattr(bot.store, "write", write)
        file.parent.mkdir(parents=True)
        file.write_bytes(TURN)
        pokes.put_nowait("app-1")
        await until(lambda: bot.session.push_offset == len(TURN))


async def test_many_pokes_that_come_to_nothing_are_one_look_later(bot, tmp_path, monkeypatch):
    await bot.starts()
    deeds, pokes, tried, later = Deeds(bot, tmp_path), asyncio.Queue(), [], []
    file = deeds.hands.place("app-1").pushes

    real = asyncio.get_running_loop().call_later

    async def write(job, **how):
        tried.append(job)
        raise StoreBusy("the disk is full")

    def call_later(delay, call, *args):
        return later.append(args) if args == ("app-1",) else real(delay, call, *args)

    async with supervised(deeds, pokes):
        await until(lambda: "watch app-1" in deeds.did)
        monkeypatch.setattr(bot.store, "write", write)
        file.parent.mkdir(parents=True)
        file.write_bytes(TURN)
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", call_later)
        for _ in range(20):
            pokes.put_nowait("app-1")
        await until(lambda: len(tried) >= 20 and later)
        monkeypatch.undo()
    assert later == [("app-1",)]
