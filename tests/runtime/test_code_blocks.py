"""Which code blocks a text leaves open."""

import pytest

from runtime.code_blocks import closed


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("```python\nx = 1", "```"),
        ("```python\nx = 1\n", "```"),
        ("~~~\nx\n```", "~~~"),
        ("`````\nx\n```\n", "`````"),
        ("   ```\nx", "```"),
        ("```\nx\n    ```", "```"),
        ("```\nx\n``` not closed by this", "```"),
        ("- item\n  ```\n  x\n```\n", "```"),
        ("```", "```"),
    ],
)
def test_block_that_is_open_at_the_end_is_closed(text, closing):
    assert closed(text) == f"{text.rstrip()}\n{closing}"
    assert closed(closed(text)) == closed(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no code",
        "```\nx\n```",
        "```\nx\n  `````  ",
        "~~~ ```\nx\n~~~\n",
        "the end is ```open``` in a line, ``` and here",
        "``` a`b\nnot a block",
        "    ```\n    indented code",
        "- item\n\n  ```\n  ends with its item",
        "> ```\n> ends with its quotation",
    ],
)
def test_text_that_leaves_none_open_stays_as_it_is(text):
    assert closed(text) == text
