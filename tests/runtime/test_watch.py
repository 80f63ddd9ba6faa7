"""The watch believes only repeated, certain absence."""

import asyncio
import os

import pytest

from runtime.errors import TmuxUnavailable
from runtime.facts import Killed, Process, Turn
from runtime.said import Restored
from runtime.store import facts, messages, sessions
from runtime.watch import Watch
from tests.fakes.hands import Deeds
from tests.waiting import until

GRACE = 30
OURS = os.getpid()


@pytest.fixture
def deeds(bot, tmp_path):
    return Deeds(bot, tmp_path)


@pytest.fixture
def watch(deeds):
    return watching(deeds, "gone")


def watching(deeds, life):
    """A watch that finds these lives, one for all or one for each number."""
    of = life if isinstance(life, dict) else {}
    return Watch(deeds.hands, life=lambda process: of.get(process.pid, "unknown") if of else life)


async def several(bot, deeds, count):
    for _ in range(count):
        await bot.starts()
        deeds.tmux.pane(bot.session.id)
    bot.clock.passes(GRACE)


async def looks(bot, watch, count, every=5):
    for _ in range(count):
        await watch.probe()
        bot.clock.passes(every)


def status(bot, name="app-1"):
    session = bot.store.read(lambda sql: sessions.get(sql, name))
    return session.announced_status, session.announced_reason


async def test_terminal_and_process_that_stay_gone_are_lost(bot, deeds):
    await several(bot, deeds, 2)
    await bot.learns(Process(state="running", pid=2), name="app-2")
    watch = watching(deeds, {OURS: "alive", 2: "gone"})
    del deeds.tmux.alive["app-2"]
    await watch.probe()
    assert bot.status == ("detecting", "tmux_missing")
    bot.clock.passes(4.9)
    await watch.probe()
    assert len(bot.live) == 2
    bot.clock.passes(0.1)
    await watch.probe()
    assert [one.id for one in bot.live] == ["app-1"]
    assert (bot.status, bot.facts.process.detail) == (
        ("killed", "runtime_lost"),
        "its terminal is missing, its process is gone",
    )
    assert status(bot) == ("working", "turn_finished")


async def test_terminal_alone_is_missed_three_times_before_it_is_lost(bot, deeds):
    await several(bot, deeds, 1)
    watch = watching(deeds, "unknown")
    deeds.tmux.alive.clear()
    for attempt in (1, 2, 3):
        await looks(bot, watch, 1)
        assert (bot.status[0], bot.facts.probe.attempts) == ("detecting", attempt)
    await watch.probe()
    assert bot.status == ("killed", "runtime_lost")


async def test_process_that_lives_without_its_terminal_is_never_taken_for_dead(bot, deeds):
    await several(bot, deeds, 1)
    watch = watching(deeds, "alive")
    deeds.tmux.alive.clear()
    await looks(bot, watch, 1)
    assert bot.status == ("detecting", "signals_disagree")
    await looks(bot, watch, 99)
    assert (bot.status, len(bot.live)) == (("stuck", "probe_failure"), 1)


async def test_terminal_whose_agent_has_vanished_is_lost_in_the_end(bot, deeds, watch):
    await several(bot, deeds, 1)
    await looks(bot, watch, 3)
    assert bot.status == ("detecting", "process_missing")
    await watch.probe()
    assert bot.status == ("killed", "runtime_lost")


async def test_terminal_that_comes_back_was_never_gone(bot, deeds):
    await several(bot, deeds, 1)
    watch = watching(deeds, "unknown")
    pane = deeds.tmux.alive.pop("app-1")
    await looks(bot, watch, 3)
    deeds.tmux.alive["app-1"] = pane
    await looks(bot, watch, 1)
    assert bot.status == ("working", "turn_finished")
    del deeds.tmux.alive["app-1"]
    await looks(bot, watch, 3)
    assert len(bot.live) == 1


async def test_nothing_speaks_against_a_session_that_is_starting(bot, deeds, watch):
    await bot.starts()
    await looks(bot, watch, 6)
    assert (bot.status[0], bot.facts.probe) == ("working", None)
    await watch.probe()
    assert bot.status[0] == "detecting"


async def test_looks_that_find_all_alive_write_nothing(bot, deeds):
    await several(bot, deeds, 3)
    bot.store.write = None
    await looks(bot, watching(deeds, "alive"), 3)


@pytest.mark.parametrize(("all_of_them", "missing", "dead"), [(5, 5, 0), (8, 5, 0), (12, 5, 5), (4, 4, 4), (1, 1, 1)])
async def test_many_at_once_are_an_outage(bot, deeds, caplog, all_of_them, missing, dead):
    await several(bot, deeds, all_of_them)
    watch = watching(deeds, "unknown")
    gone = {name: deeds.tmux.alive.pop(name) for name in list(deeds.tmux.alive)[:missing]}
    await looks(bot, watch, 6)
    assert len(bot.live) == all_of_them - dead
    if dead:
        assert not bot.records("outage")
        return
    assert status(bot) == ("detecting", "tmux_missing")
    deeds.tmux.alive |= gone
    await looks(bot, watch, 2)
    assert {status(bot, one.id)[0] for one in bot.live} == {"working"}
    said = [f"{missing} of {all_of_them} terminals are missing at once: no death is concluded from it"]
    said += [f"tmux shows {missing} of {missing} terminals again"]
    assert bot.records("outage") == said
    assert [record.message for record in caplog.records if record.name == "runtime.watch"] == said[:1]


async def test_outage_that_lasts_is_shown_and_kills_nobody(bot, deeds):
    await several(bot, deeds, 6)
    deeds.tmux.alive.clear()
    await looks(bot, watching(deeds, "unknown"), 3, every=299)
    await bot.store.write(lambda tx: tx.touched.add("app-1"))
    assert (status(bot), len(bot.live)) == (("stuck", "probe_failure"), 6)


async def test_in_an_outage_only_those_whose_processes_are_gone_too_are_lost(bot, deeds):
    await several(bot, deeds, 6)
    await bot.learns(Process(state="running", pid=2), name="app-3")
    watch = watching(deeds, {OURS: "gone", 2: "alive"})
    deeds.tmux.alive.clear()
    await watch.probe()
    assert len(bot.live) == 6
    bot.clock.passes(5)
    await watch.probe()
    assert [one.id for one in bot.live] == ["app-3"]
    assert status(bot) == ("killed", "runtime_lost")


async def test_outage_in_which_all_are_lost_ends_with_their_number(bot, deeds, caplog):
    await several(bot, deeds, 5)
    deeds.tmux.alive.clear()
    await looks(bot, watching(deeds, "gone"), 9)
    said = ["5 of 5 terminals are missing at once: no death is concluded from it", "5 agents died with tmux"]
    assert (bot.records("outage"), bot.live) == (said, [])
    told = [record for record in caplog.records if record.name == "runtime.watch"]
    assert [(record.message, record.levelname) for record in told] == [(text, "ERROR") for text in said]


async def test_outage_that_only_some_survive_says_how_many_are_shown_again(bot, deeds):
    await several(bot, deeds, 6)
    await bot.learns(Process(state="running", pid=2), name="app-3")
    watch = watching(deeds, {OURS: "gone", 2: "alive"})
    pane = deeds.tmux.alive["app-3"]
    deeds.tmux.alive.clear()
    await looks(bot, watch, 1)
    deeds.tmux.alive["app-3"] = pane
    await looks(bot, watch, 2)
    assert bot.records("outage")[1:] == ["tmux shows 1 of 6 terminals again; 5 agents died with tmux"]


async def test_outage_is_not_over_while_nobody_knows_what_became_of_the_rest(bot, deeds):
    await several(bot, deeds, 5)
    deeds.tmux.alive.clear()
    watch = watching(deeds, "gone")
    await looks(bot, watch, 1, every=1)
    await bot.learns(Process(state="exited", exit_code=1), name="app-1")
    await looks(bot, watch, 1)
    assert (len(bot.live), len(bot.records("outage"))) == (4, 1)
    await looks(bot, watch, 2)
    assert bot.records("outage")[1:] == ["4 agents died with tmux"]


async def test_each_outage_is_told_of_anew(bot, deeds):
    await several(bot, deeds, 5)
    watch, gone = watching(deeds, "unknown"), dict(deeds.tmux.alive)
    for _ in range(2):
        deeds.tmux.alive.clear()
        await looks(bot, watch, 1)
        deeds.tmux.alive |= gone
        await looks(bot, watch, 1)
    assert bot.records("outage")[1::2] == ["tmux shows 5 of 5 terminals again"] * 2


HUNG_UP = Process(state="exited", signal=1)


async def test_tmux_that_goes_with_its_agents_is_said_once_all_are_accounted_for(bot, deeds, caplog):
    await several(bot, deeds, 3)
    watch = watching(deeds, "unknown")
    await looks(bot, watch, 1)
    deeds.tmux.alive.clear()
    await bot.learns(HUNG_UP, name="app-1")
    await bot.learns(HUNG_UP, name="app-2")
    await looks(bot, watch, 1)
    assert not bot.records("outage")
    await bot.learns(HUNG_UP, name="app-3")
    await looks(bot, watch, 3)
    said = ["tmux has gone, and 3 agents with it"]
    assert bot.records("outage") == said
    assert [record.message for record in caplog.records if record.name == "runtime.watch"] == said


async def test_terminals_that_people_close_are_no_loss_of_tmux(bot, deeds):
    await several(bot, deeds, 2)
    watch = watching(deeds, "alive")
    await looks(bot, watch, 1)
    for name in ("app-1", "app-2"):
        await bot.learns(Killed(by="me"), HUNG_UP, name=name)
    deeds.tmux.alive.clear()
    await looks(bot, watch, 2)
    assert not bot.records("outage")


async def test_tmux_that_shows_others_has_not_gone(bot, deeds):
    await several(bot, deeds, 2)
    watch = watching(deeds, "alive")
    await looks(bot, watch, 1)
    await bot.learns(HUNG_UP, name="app-1")
    del deeds.tmux.alive["app-1"]
    await looks(bot, watch, 2)
    assert not bot.records("outage")


async def test_tmux_that_does_not_answer_kills_nobody_and_is_said_once(bot, deeds, caplog):
    await several(bot, deeds, 2)
    caplog.set_level("INFO")
    deeds.tmux.broken = TmuxUnavailable("no answer")
    watch = watching(deeds, "gone")
    await looks(bot, watch, 1)
    assert (bot.status[0], bot.facts.probe) == ("working", None)
    await looks(bot, watch, 1)
    assert bot.status == ("detecting", "probe_error")
    await looks(bot, watch, 99)
    assert (bot.status, len(bot.live)) == (("stuck", "probe_failure"), 2)
    deeds.tmux.broken = None
    await looks(bot, watching(deeds, "alive"), 1)
    assert (bot.status[0], len(bot.live)) == ("idle", 2)
    await looks(bot, watch, 1)
    said = ["tmux does not answer: no death is concluded from it", "tmux answers again"]
    assert bot.records("outage") == said
    assert [record.message for record in caplog.records if record.name == "runtime.watch"] == said


async def test_watch_goes_on_after_a_look_that_failed(bot, deeds, caplog):
    await several(bot, deeds, 1)
    deeds.tmux.broken = ZeroDivisionError("what?")
    task = asyncio.create_task(Watch(deeds.hands).run())
    await until(lambda: sum(record.message == "terminals not looked for" for record in caplog.records) > 2)
    task.cancel()
    assert len(bot.live) == 1


@pytest.mark.parametrize(
    ("code", "signal", "status", "evidence"),
    [(0, None, "terminated", 0), (3, None, "errored", 3), (None, 9, "errored", None)],
)
async def test_dead_pane_ends_the_session_with_its_code(bot, deeds, watch, code, signal, status, evidence):
    await bot.starts()
    add = {"kind": "person", "author": "me", "parts": {"body": "x"}}
    await bot.store.write(lambda tx: messages.add(tx, "app-1", source_key="k", **add))
    deeds.tmux.pane("app-1", dead=True, code=code, signal=signal)
    await watch.probe()
    assert (bot.status[0], bot.facts.process.exit_code, bot.facts.process.signal) == (status, evidence, signal)
    assert [message.state for message in bot.messages] == ["failed"]


async def test_what_the_agent_said_itself_of_its_end_comes_before_what_tmux_shows(bot, deeds, watch):
    await bot.starts()
    place = deeds.hands.place("app-1")
    place.open()
    place.pushes.write_text('{"kind":"exited","code":"3"}\n')
    deeds.tmux.pane("app-1", dead=True, code=0)
    await watch.probe()
    assert (bot.status, bot.facts.process.exit_code) == (("errored", "agent_process_exited"), 3)


async def test_lost_session_whose_terminal_is_seen_again_lives_on(bot, deeds):
    await several(bot, deeds, 1)
    add = {"kind": "person", "author": "me", "parts": {"body": "x"}}
    await bot.store.write(lambda tx: messages.add(tx, "app-1", source_key="k", **add))
    pane = deeds.tmux.alive.pop("app-1")
    await looks(bot, watching(deeds, "gone"), 3)
    assert (bot.live, [message.state for message in bot.messages]) == ([], ["failed"])
    await looks(bot, watching(deeds, "gone"), 3)
    deeds.tmux.alive["app-1"] = pane
    await looks(bot, watching(deeds, "alive"), 2)
    assert ([one.id for one in bot.live], bot.status) == (["app-1"], ("working", "turn_finished"))
    assert [message.state for message in bot.messages] == ["queued"]
    del deeds.tmux.alive["app-1"]
    await looks(bot, watching(deeds, "alive"), 1)
    assert bot.status == ("detecting", "signals_disagree")


async def test_lost_session_that_is_found_dead_gets_its_code(bot, deeds, watch):
    await several(bot, deeds, 1)
    deeds.tmux.alive.clear()
    await looks(bot, watch, 2)
    assert bot.status == ("killed", "runtime_lost")
    deeds.tmux.pane("app-1", dead=True, code=4)
    await watch.probe()
    assert (bot.status, bot.live) == (("errored", "agent_process_exited"), [])


async def test_session_that_was_brought_back_is_looked_at_afresh(bot, deeds, watch):
    await several(bot, deeds, 1)
    deeds.tmux.alive.clear()
    await looks(bot, watch, 2)
    await bot.learns(Restored(by="me"))
    bot.clock.passes(1)
    await bot.spawned("app-1")
    deeds.tmux.pane("app-1")
    await looks(bot, watching(deeds, "alive"), 2)
    assert bot.status == ("working", "turn_finished")


async def test_killed_session_is_not_looked_for(bot, deeds, watch):
    await several(bot, deeds, 1)
    await bot.learns(Turn(state="ready"), Killed(by="me"))
    deeds.tmux.broken = AssertionError("nobody has to be asked")
    await watch.probe()
    assert bot.store.read(lambda sql: facts.of_session(sql, "app-1", 0.0)).probe is None


async def test_sessions_without_an_agent_are_not_looked_for(bot, github, deeds, watch):
    await bot.receives(github.label(github.open_issue()))
    deeds.tmux.broken = AssertionError("nobody has to be asked")
    await watch.probe()
    assert len(bot.live) == 1


async def test_session_that_is_brought_back_while_it_is_looked_for_does_not_end_again(bot, deeds):
    await several(bot, deeds, 1)
    deeds.tmux.pane("app-1", dead=True, code=1)
    panes = deeds.tmux.panes

    async def late():
        found = await panes()
        bot.clock.passes(0.1)
        await bot.learns(Restored(by="me"))
        bot.clock.passes(0.1)
        return found

    deeds.tmux.panes = late
    await watching(deeds, "alive").probe()
    assert (bot.facts.process, len(bot.live)) == (None, 1)
