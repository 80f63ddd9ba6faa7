"""Random lives of a session, with the real rows, judgement and announcements: what holds at every moment."""

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runtime import restore
from runtime.announce import Announcer
from runtime.facts import Check, Killed, Paused, Process, Review, SpawnFailed, Turn
from runtime.judging.probes import Sight, fine, lost, next_probe
from runtime.look import look
from runtime.said import Acknowledged, Report
from runtime.status import ENDED, Status, judge
from runtime.store import facts, schema, sessions
from runtime.store.tx import Tx
from tests.fakes.bot import a_project
from tests.fakes.clock import NOW
from tests.fakes.sessions import SHA, pull_request

PROJECT = a_project()
NAME = "app-1"


class Life(RuleBasedStateMachine):
    """One session from its claim on; `over` is what only a restore takes back."""

    @initialize()
    def claimed(self):
        engine = sa.create_engine("sqlite://")
        schema.metadata.create_all(engine)
        self.sql, self.now, self.over, self.announce = engine.connect(), NOW, {}, Announcer({"app": PROJECT}, {})
        self.turn, self.merged = None, set()
        self.commit(self.claim)
        self.starts()

    def teardown(self):
        self.sql.close()

    def commit(self, job):
        tx = Tx(self.sql, self.now)
        done = job(tx)
        self.announce(tx)
        self.sql.commit()
        if (killed := self.seen.facts.killed) is not None:  # also by the service, when another one has its issue
            self.over.setdefault("killed", killed.reason)
        return done

    @staticmethod
    def claim(tx):
        return sessions.claim(
            tx, project="app", prefix="app", repo="octo/app", issue=1, title="t", task="t", agent="scripted",
            base="main", asked_by="maintainer",
        )  # fmt: skip

    def learn(self, fact):
        return self.commit(lambda tx: facts.learn(tx, NAME, fact, source="test"))

    @property
    def seen(self):
        return look(self.sql, NAME)

    @property
    def others(self):
        return [one.id for one in sessions.listing(self.sql) if one.id != NAME]

    @rule(seconds=st.sampled_from([0.5, 5.0, 31.0, 299.0, 301.0, 1000.0]))
    def time_passes(self, seconds):
        self.passes(seconds)

    def passes(self, seconds):
        """Let time pass, with the keeper's look when one is due."""
        self.now += seconds
        due = self.seen.session.recheck_at
        if due is not None and due <= self.now and self.seen.session.live:
            self.commit(lambda tx: tx.touched.add(NAME))

    @rule(state=st.sampled_from(["active", "ready", "waiting", "blocked"]), number=st.integers(0, 3))
    def agent_says(self, state, number):
        self.passes(0.1)
        before = self.seen
        self.turn = state
        self.learn(Turn(at=self.now, state=state, number=number))
        if before.session.announced_reason == "runtime_lost":
            assert self.seen.session.live is not bool(self.others)

    @rule(state=st.sampled_from(["working", "needs_input", "completed", "ready_for_review"]))
    def agent_reports(self, state):
        self.learn(Report(at=self.now, state=state))

    @rule()
    def agent_acknowledges(self):
        self.learn(Acknowledged(at=self.now))

    @rule()
    def agent_starts(self):
        self.passes(0.1)
        self.learn(Process(at=self.now, state="running", pid=1))

    @rule(code=st.sampled_from([0, 1]))
    def agent_ends(self, code):
        self.learn(Process(at=self.now, state="exited", exit_code=code))
        self.over.setdefault("exited", code)

    @rule(
        terminal=st.sampled_from(["alive", "missing", "unknown"]),
        process=st.sampled_from(["alive", "gone", "unknown"]), outage=st.booleans(), times=st.integers(1, 5),
    )  # fmt: skip
    def terminal_is_looked_for(self, terminal, process, outage, times):
        """As the watch does, some times in a row."""
        sight = Sight(terminal=terminal, process=process)
        was_live = self.seen.session.live
        for _ in range(times):
            self.passes(5)
            known = self.seen
            if not fine(sight) and not known.session.live:
                break
            probe = next_probe(known.facts.probe, sight, self.now, outage=outage)
            if probe is not None:
                self.learn(probe)
            probe = probe or known.facts.probe
            certain = sight.certain or not outage
            if not fine(sight) and certain and lost(probe, self.now, PROJECT.times) and self.seen.agent_runs:
                self.learn(Process(at=self.now, state="lost"))
        if terminal == "unknown" or process == "alive":
            assert self.seen.session.live or not was_live

    @rule(reason=st.sampled_from(["manually_killed", "issue_closed", "superseded"]))
    def person_ends_it(self, reason):
        self.learn(Killed(by="x", reason=reason))
        assert "killed" in self.over

    @rule(paused=st.booleans())
    def person_pauses(self, paused):
        self.learn(Paused(at=self.now, paused=paused, by="x"))

    @rule(
        state=st.sampled_from(["open", "open", "closed", "merged"]), number=st.integers(2, 3), late=st.booleans(),
        draft=st.booleans(),
    )  # fmt: skip
    def forge_says(self, state, number, late, draft):
        at = self.now - 40 if late else self.now
        learnt = self.learn(pull_request(at=at, number=number, state=state, draft=draft))
        back = self.seen.facts.restored
        if learnt and state == "merged" and (back is None or at > back.at):
            self.merged.add(number)

    @rule(conclusion=st.sampled_from(["", "success", "failure"]))
    def check_runs(self, conclusion):
        self.learn(Check(at=self.now, name="tests", head_sha=SHA, conclusion=conclusion))

    @rule(state=st.sampled_from(["approved", "changes_requested", "dismissed"]))
    def somebody_reviews(self, state):
        self.learn(Review(at=self.now, reviewer="r", state=state))

    @precondition(lambda self: not self.seen.session.live)
    @rule()
    def issue_is_taken(self):
        self.commit(self.claim)

    @precondition(lambda self: self.others)
    @rule()
    def other_one_ends(self):
        [other] = self.others
        self.commit(lambda tx: facts.learn(tx, other, Killed(by="x"), source="test"))

    @precondition(lambda self: not self.seen.session.live and not self.others)
    @rule(seconds=st.sampled_from([0.1, 5.0]))
    def person_restores(self, seconds):
        self.passes(0.1)
        self.commit(lambda tx: restore.bring_back(tx, self.seen.session, by="x"))
        self.over.clear()
        self.turn, self.merged = None, set()
        assert self.seen.session.live
        self.passes(seconds)

    @precondition(lambda self: not self.seen.facts.spawned and self.seen.session.live)
    @rule()
    def starts(self):
        self.passes(0.1)
        self.commit(lambda tx: sessions.step_done(tx, NAME, facts.SPAWNED, pane="%1"))

    @precondition(lambda self: not self.seen.facts.spawned and self.seen.session.live)
    @rule()
    def start_fails(self):
        self.learn(SpawnFailed(at=self.now, step="launch", error="e"))

    @invariant()
    def announced_is_what_the_facts_say(self):
        seen = self.seen
        judged = judge(seen.facts, self.now, PROJECT.times)
        announced = (seen.session.announced_status, seen.session.announced_reason)
        assert announced == (judged.status, judged.reason)
        assert seen.session.live is (judged.status not in ENDED)
        assert judged.recheck_at is None or judged.recheck_at > self.now

    @invariant()
    def what_is_final_stays_until_a_restore(self):
        seen = self.seen
        merged = seen.facts.pull_request is not None and seen.facts.pull_request.number in self.merged
        assert (seen.session.announced_status == Status.MERGED) is merged
        if merged:
            self.over["merged"] = True
            return
        assert "merged" not in self.over
        if "killed" in self.over:
            assert seen.session.announced_reason == self.over["killed"]
        elif "exited" in self.over:
            assert not seen.session.live

    @invariant()
    def decision_that_waits_wins_over_everything_but_death(self):
        seen = self.seen
        if seen.session.live and self.turn in ("waiting", "blocked"):
            assert seen.session.announced_status == Status.NEEDS_INPUT

    @invariant()
    def issue_has_one_live_session(self):
        assert len(sessions.listing(self.sql)) <= 1


TestLives = Life.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=25)


@pytest.mark.soak
class TestManyOtherLives(Life.TestCase):
    """Others each time; what fails is printed with how to play it again."""

    settings = settings(max_examples=2000, stateful_step_count=25, derandomize=False, print_blob=True)
