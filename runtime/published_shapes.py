"""The shapes of credentials that detect-secrets publishes, read from it in a process that ends when it is done.

The library takes 0.2 s and many megabytes to load, of which only these patterns are wanted.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

PLUGINS = (
    "aws", "azure_storage_key", "discord", "gitlab_token", "mailchimp", "npm", "openai", "pypi_token", "sendgrid",
    "slack", "square_oauth", "stripe", "telegram_token", "twilio",
)  # fmt: skip
_PATIENCE = 60.0


@cache
def published_shapes() -> tuple[re.Pattern[str], ...]:
    """Return the patterns; the first call takes a moment."""
    command = [sys.executable, "-m", __name__]
    ended = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, timeout=_PATIENCE, check=True)
    return tuple(re.compile(source, flags) for source, flags in json.loads(ended.stdout))


def _patterns() -> Iterator[re.Pattern[str]]:
    from detect_secrets.plugins.base import RegexBasedDetector

    for name in PLUGINS:
        for detector in vars(import_module(f"detect_secrets.plugins.{name}")).values():
            if isinstance(detector, type) and issubclass(detector, RegexBasedDetector):
                yield from () if detector is RegexBasedDetector else vars(detector)["denylist"]


if __name__ == "__main__":
    print(json.dumps([(found.pattern, found.flags) for found in _patterns()]))
