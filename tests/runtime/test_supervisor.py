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
