"""From a label to an agent that runs in a checkout made ahead, against the least that git and tmux must do for that."""

from bench.figure import Figure, median
from bench.ground import Ground, ground, until
from bench.spawning import FILES, Floor, files, labelled
from bot.demo.stage import REPO

ROUNDS = 12


async def warm(rounds: int = ROUNDS) -> list[Figure]:
    """Label issues when a checkout is ready, and name branches in bare worktrees in turns."""
    async with ground(files=files(), warm=1) as place:
        ours: list[float] = []
        bare: list[float] = []
        async with Floor.of(place) as floor:
            await place.session()
            await floor.once()
            for _ in range(rounds):
                ready = await floor.ahead()
                await _checkout_ready(place)
                await place.silence()
                bare.append(await floor.name(ready))
                ours.append(await labelled(place))
    note = f"{FILES} files, medians of {rounds}; slowest {max(ours) * 1e3:.0f}, floor's {max(bare) * 1e3:.0f} ms"
    return [Figure("spawn, warm", median(ours) * 1e3, "ms", 3.0, floor=median(bare) * 1e3, note=note)]


async def _checkout_ready(place: Ground) -> None:
    marks = place.data / "repos" / f"{REPO}.control" / "warm"
    await until("a checkout is ready", lambda: list(marks.glob("*/ready")) or None, every=0.05)
