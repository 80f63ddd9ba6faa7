"""What a restart of the service takes up again."""

import asyncio

from runtime.errors import GitFailed
from runtime.supervisor import Supervisor
from tests.fakes.hands import Deeds, until


async def test_session_that_cannot_be_taken_up_leaves_a_record_and_the_others_go_on(bot, tmp_path):
    await bot.starts()
    await bot.starts()

    async def open_gate(name):
        if name == "app-1":
            raise GitFailed("the gate is broken")

    deeds = Deeds(bot, tmp_path, open_gate=open_gate)
    running = asyncio.create_task(Supervisor(deeds.hands, asyncio.Queue()).run())
    await until(lambda: "watch app-2" in deeds.did)
    await until(lambda: bot.records("adopt_failed"))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    said = "app-1: could not be taken up again after the restart; the service's log says why"
    assert bot.records("adopt_failed") == [said]


async def test_agent_that_has_much_to_say_does_not_keep_the_others_waiting(bot, tmp_path):
    for _ in range(2):
        await bot.starts()
    deeds, pokes = Deeds(bot, tmp_path), asyncio.Queue()
    running = asyncio.create_task(Supervisor(deeds.hands, pokes).run())
    await until(lambda: {"watch app-1", "watch app-2"} <= set(deeds.did))
    much, little = (deeds.hands.place(name).pushes for name in ("app-1", "app-2"))
    before, turn = len(bot.records("fact")), b'{"kind":"prompt","text":"x"}\n{"kind":"turn_ended"}\n'
    for file, said in ((much, turn * 700), (little, turn)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(said)
        pokes.put_nowait(file.parent.name)
    await until(lambda: bot.sessions[0].push_offset == much.stat().st_size)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    order = [said.partition(":")[0] for said in bot.records("fact")[before:]]
    assert order[0] == order[-1] == "app-1"
    assert "app-2" in order
