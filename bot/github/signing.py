"""Signs what proves the App, in a process that ends when it is done.

The cryptography library takes nine megabytes that the service would keep for one signature every seven minutes at most.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import PIPE

from runtime.errors import ConfigError

NO_KEY = "AO_GITHUB_PRIVATE_KEY_FILE holds no RSA key: download a new one from the App's settings page"


async def sign(claims: Mapping[str, object], private_key: str) -> str:
    """Return the claims as a JWT; the key goes through a pipe, so that no list of processes shows it.

    Raises:
        ConfigError: the key is none.

    """
    command = (sys.executable, "-m", __name__)
    process = await asyncio.create_subprocess_exec(
        *command, cwd=Path(__file__).parents[2], stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    asked = json.dumps({"claims": dict(claims), "key": private_key}).encode()
    try:
        signed, _ = await process.communicate(asked)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise ConfigError(NO_KEY)
    return signed.decode()


def main() -> None:
    """Read claims and key, and write the JWT."""
    import jwt

    asked = json.load(sys.stdin)
    sys.stdout.write(jwt.encode(asked["claims"], asked["key"], algorithm="RS256"))


if __name__ == "__main__":
    main()
