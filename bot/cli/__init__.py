"""The command line, a thin client of the service: it loads little, so that it answers at once."""


def main() -> int:
    """Run `ao` and return its exit code: 0 done, 1 failed, 2 wrong usage or configuration, 130 stopped."""
    try:
        from bot.cli.app import run

        return run()
    except KeyboardInterrupt:  # before the commands are there, which know what it means to them
        return 130
