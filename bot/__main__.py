"""`python -m bot` is `ao`."""

import sys

from bot.cli import main

sys.exit(main())
