"""Bounds that the interface and the command line share: what is refused by the one is not offered by the other."""

MOST_LISTED = 1000
"""Deliveries, records, or steps of a story in one answer."""

MOST_REPORTS = 200
"""Reports of each session in one answer."""

LONGEST_NOTE = 4000
"""Characters of what is reported with a state."""

LONGEST_WAIT = 86400
"""Seconds that a message may wait, or be waited for."""

LONGEST_START = 3600
"""Seconds that a start is waited for in one request."""
