"""The script: rules whose first match with the newest prompt decides what is done."""

import re

Action = tuple[str, object]


class Rule:
    """One rule: an expression, how often it may be used, and what it does."""

    def __init__(self, table: dict[str, object]) -> None:
        self.match = re.compile(str(table.get("match", "")), re.IGNORECASE | re.DOTALL)
        times = table.get("times")
        self.left = times if isinstance(times, int) else None
        listed = table.get("actions", [])
        self.actions = [action(entry) for entry in (listed if isinstance(listed, list) else [listed])]


class Script:
    """All rules and the misbehaviour of the idle composer."""

    def __init__(self, table: dict[str, object], names: dict[str, str]) -> None:
        rules, self.misbehave = table.get("rule", []), table.get("misbehave", {})
        self._rules = [Rule(rule) for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
        self._names = names
        self.last = -1
        """The rule that was played last; -1 when none fitted."""

    def play(self, prompt: str) -> list[Action]:
        """Return the actions of the first rule that fits, with the places in their texts filled in."""
        self.last = -1
        for number, rule in enumerate(self._rules):
            found = rule.match.search(prompt)
            if found and rule.left != 0:
                self.last = number
                self.used(number)
                return [(name, _filled(value, found, self._names)) for name, value in rule.actions]
        return [("say", "I have no instructions for this.")]

    def used(self, number: int) -> None:
        """Count one use of a rule."""
        if 0 <= number < len(self._rules) and self._rules[number].left is not None:
            self._rules[number].left = max(0, (self._rules[number].left or 0) - 1)


def load(path: str, names: dict[str, str]) -> Script:
    """Read a script, TOML or JSON by the name of its file."""
    with open(path, "rb") as file:  # noqa: PTH123  # pathlib alone would cost a tenth of the start-up
        if path.endswith(".json"):
            import json  # start-up, as above

            return Script(json.load(file), names)
        import tomllib  # start-up, as above

        return Script(tomllib.load(file), names)


def action(entry: object) -> Action:
    """Return name and value of one entry: `{say = "done"}`, or `"stuck"` for one without a value."""
    if isinstance(entry, str):
        return entry, {}
    if not isinstance(entry, dict) or len(entry) != 1:
        raise ValueError(f"one action has one name: {entry!r}")
    return next(iter(entry.items()))


def _filled(value: object, found: re.Match[str], names: dict[str, str]) -> object:
    if isinstance(value, dict):
        return {key: _filled(inner, found, names) for key, inner in value.items()}
    if not isinstance(value, str):
        return value

    def place(match: re.Match[str]) -> str:
        if match[2]:
            return names[match[2]]
        group = int(match[1])
        return (found[group] or "") if group <= (found.re.groups) else match[0]

    return re.sub(r"\{\{(\d+)\}\}|\{(session|issue)\}", place, value)
