"""The small repository that the demo's agent works on."""

from pathlib import Path

ISSUE_TITLE = "initials() is not implemented"
ISSUE_BODY = """`names.initials` raises `NotImplementedError`.

    >>> initials("Ada Lovelace")
    'A.L.'

The tests in `tests/test_names.py` say what is expected.
"""

REVIEW = "Works for me. Two small things before this goes in:"
REVIEW_COMMENTS = (
    ("def initials", "Please say in the docstring what an empty name gives."),
    ("return", "Could the dot be a parameter?"),
)
COMMENT = "please also mention it in the README"

NEXT_TITLE = "surname() would be handy"
NEXT_BODY = '`surname("Ada Lovelace")` should give `Lovelace`.'
NEXT_COMMENT = "please add a test"

SCRIPT = Path(__file__).with_name("script.toml")

FILES = {
    ".gitignore": "__pycache__/\n",
    "README.md": "# names\n\nSmall functions for names of people.\n",
    "names.py": '''"""Small functions for names of people."""


def initials(full_name: str) -> str:
    """Return the initials of a name."""
    raise NotImplementedError
''',
    "tests/__init__.py": "",
    "tests/test_names.py": """import unittest

from names import initials


class Initials(unittest.TestCase):
    def test_two_words(self):
        self.assertEqual(initials("Ada Lovelace"), "A.L.")

    def test_lower_case(self):
        self.assertEqual(initials("grace hopper"), "G.H.")

    def test_spaces_between_and_around(self):
        self.assertEqual(initials(" Alan  Turing "), "A.T.")

    def test_empty_name_has_none(self):
        self.assertEqual(initials(""), "")
""",
    ".github/workflows/ci.yml": """name: CI
on: [push, pull_request]
jobs:
  tests:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: python3 -m unittest -v
""",
}
