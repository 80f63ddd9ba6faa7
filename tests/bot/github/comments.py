"""A GitHub that remembers what was written on it, played by respx."""

import asyncio
import json
import re

import httpx

NEVER_ARRIVED, LOST_ANSWER, BAD_GATEWAY = "never arrived", "lost answer", "bad gateway"


class Hang:
    """A write whose answer never comes; `reached` is set when GitHub has it, kept or not yet."""

    def __init__(self, *, kept):
        self.kept = kept
        self.reached = asyncio.Event()

    async def __call__(self):
        self.reached.set()
        await asyncio.Event().wait()


class Board:
    """Comments, review comments and pull requests of one repository; troubles happen to writes, in order."""

    def __init__(self, api, login="alice"):
        self.login = login
        self.comments, self.replies, self.pulls = {}, {}, {}
        self.troubles = []
        self.writes = []
        api.post(url__regex=r"/repos/o/r/issues/\d+/comments$").mock(side_effect=self._comment)
        api.get(url__regex=r"/repos/o/r/issues/\d+/comments\?").mock(side_effect=lambda _: self._list(self.comments))
        api.patch(url__regex=r"/repos/o/r/issues/comments/\d+$").mock(side_effect=self._edit)
        api.post(url__regex=r"/repos/o/r/pulls/\d+/comments/\d+/replies$").mock(side_effect=self._reply)
        api.get(url__regex=r"/repos/o/r/pulls/\d+/comments\?").mock(side_effect=lambda _: self._list(self.replies))
        api.post("/repos/o/r/pulls").mock(side_effect=self._pull)
        api.get(url__regex=r"/repos/o/r/pulls\?").mock(side_effect=self._open_pulls)

    @property
    def bodies(self):
        """The comments' texts, in order."""
        return [one["body"] for one in self.comments.values()]

    async def _written(self, request, keep):
        """Keep what was sent unless it never arrived; lose the answer if that is the trouble."""
        self.writes.append((request.method, request.url.path))
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, httpx.Response):
            return trouble
        if trouble is NEVER_ARRIVED:
            raise httpx.ReadTimeout("slow")
        if isinstance(trouble, Hang) and not trouble.kept:
            await trouble()
        answer = keep(json.loads(request.content))
        if isinstance(trouble, Hang):
            await trouble()
        if trouble is LOST_ANSWER:
            raise httpx.ReadError("lost")
        return httpx.Response(502) if trouble is BAD_GATEWAY else answer

    def _add(self, kept, body, **more):
        number = 100 + len(self.comments) + len(self.replies)
        one = {"id": number, "body": body, "user": {"login": self.login}, "html_url": f"https://x/{number}", **more}
        kept[number] = one
        return httpx.Response(201, json=one)

    async def _comment(self, request):
        return await self._written(request, lambda data: self._add(self.comments, data["body"]))

    async def _reply(self, request):
        thread = int(re.search(r"comments/(\d+)/replies", request.url.path)[1])
        return await self._written(request, lambda data: self._add(self.replies, data["body"], in_reply_to_id=thread))

    async def _edit(self, request):
        number = int(request.url.path.rsplit("/", 1)[1])
        if number not in self.comments:
            return httpx.Response(404)

        def edit(data):
            self.comments[number]["body"] = data["body"]
            return httpx.Response(200, json=self.comments[number])

        return await self._written(request, edit)

    async def _pull(self, request):
        def add(data):
            if any(one["head"]["ref"] == data["head"] for one in self.pulls.values()):
                return httpx.Response(422, json={"message": "Validation Failed", "errors": [{"message": "exists"}]})
            number = 10 + len(self.pulls)
            self.pulls[number] = {
                **data, "number": number, "html_url": f"https://x/pull/{number}",
                "head": {"ref": data["head"], "sha": "abc"},
            }  # fmt: skip
            return httpx.Response(201, json=self.pulls[number])

        return await self._written(request, add)

    def _open_pulls(self, request):
        head = request.url.params["head"].removeprefix("o:")
        return httpx.Response(200, json=[one for one in self.pulls.values() if one["head"]["ref"] == head])

    @staticmethod
    def _list(kept):
        return httpx.Response(200, json=list(kept.values()))
