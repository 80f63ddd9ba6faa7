"""One background thread that does blocking jobs in order, for callers that wait only so long."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
Job = tuple[Future[Any], Callable[[], Any]]


class OneThread:
    """Jobs run one after the other; one that hangs keeps neither the loop nor the end of the process waiting."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, job: Callable[[], T], *, within: float) -> T:
        """Return what `job` returns; TimeoutError after `within` seconds.

        A job that had not begun when its caller gave up is never done; one that had begun is not stopped.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        future: Future[T] = Future()
        self._jobs.put((future, job))
        async with asyncio.timeout(within):
            return await asyncio.wrap_future(future)

    def close(self) -> None:
        """End the thread after the jobs that are queued."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (next_job := self._jobs.get()) is not None:
            future, job = next_job
            if future.set_running_or_notify_cancel():
                _settle(future, job)


def _settle(future: Future[Any], job: Callable[[], Any]) -> None:
    try:
        result = job()
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(result)
