"""The JSON that GitHub shows of each thing, in REST answers and in webhooks."""
