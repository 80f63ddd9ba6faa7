"""What a check of `ao doctor` found, and how it reads."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["PASS", "WARN", "FAIL"]


@dataclass(frozen=True)
class Finding:
    """The outcome of one check; `fix` says what to do unless it passed."""

    level: Level
    check: str
    detail: str
    fix: str = ""
    fixed: bool = False

    def as_dict(self) -> dict[str, object]:
        """Return it for `--json`."""
        return asdict(self)


def passed(check: str, detail: str, *, fixed: bool = False) -> Finding:
    """Return a check that passed, perhaps because it was repaired."""
    return Finding("PASS", check, detail, fixed=fixed)


def warning(check: str, detail: str, fix: str) -> Finding:
    """Return what works but deserves attention."""
    return Finding("WARN", check, detail, fix)


def failure(check: str, detail: str, fix: str) -> Finding:
    """Return what keeps the service from working."""
    return Finding("FAIL", check, detail, fix)


def failed(findings: Sequence[Finding]) -> bool:
    """Tell whether anything keeps the service from working."""
    return any(finding.level == "FAIL" for finding in findings)


def report(findings: Sequence[Finding]) -> list[str]:
    """Return the lines that `ao doctor` prints."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.level}  {finding.check:<13} {finding.detail}" + (" (fixed)" if finding.fixed else ""))
        if finding.fix:
            lines.append(f"      {'Fix:':<13} {finding.fix}")
    counts = [f"{sum(f.level == level for f in findings)} {level}" for level in ("PASS", "WARN", "FAIL")]
    if repaired := sum(finding.fixed for finding in findings):
        counts.append(f"{repaired} FIXED")
    return [*lines, "", f"Results: {', '.join(counts)}"]
