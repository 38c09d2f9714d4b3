"""Has a secret been written into the repository?

Looks through every tracked text file for private keys, tokens of well-known
services and passwords assigned in plain text. It knows patterns, not intent:
a line that is meant to be there gets the words ``secret-scan: allow`` on it.
What it finds is shown shortened, so that a report does not spread it.

Writes SARIF.
"""

import math
import re

import checklib

PATTERNS = {
    "private-key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "aws-access-key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "github-token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b"),
    "gitlab-token": re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}\b"),
    "slack-token": re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{20,}\b"),
    "stripe-key": re.compile(r"\b[rs]k_live_[A-Za-z0-9]{20,}\b"),
    "google-api-key": re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b"),
    "npm-token": re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"),
    "url-password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s:/@'\"<>]+:([^\s/@'\"<>]{6,})@", re.I),
}
ASSIGNED = re.compile(
    r"""\b\w*(?:password|passwd|secret|token|api_?key|private_?key)\w*["']?\s*[:=]\s*"""
    r"""(["'])([^"'\s]{8,})\1""",
    re.I,
)
PLACEHOLDER = re.compile(r"^[<${%]|^pass([._-]?word)?$|\$\{|\{\{|example|changeme|placeholder|dummy|xxxx|\*{3}", re.I)
LARGEST = 1_000_000  # bytes; larger files are data, and said to be skipped


def entropy(text):
    """Bits per character: random keys are above 3, words below."""
    counts = [text.count(c) / len(text) for c in set(text)]
    return -sum(share * math.log2(share) for share in counts)


def examine(text):
    """The problems of one file: (message, line, rule)."""
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        if "secret-scan: allow" in line or len(line) > 5_000:
            continue
        for rule, pattern in PATTERNS.items():
            found = pattern.search(line)
            value = found and found.group(found.lastindex or 0)
            if found and not PLACEHOLDER.search(value):
                problems.append((f"{rule}: {value[:4]}…", number, rule))
        found = ASSIGNED.search(line)
        if found and not PLACEHOLDER.search(found.group(2)) and entropy(found.group(2)) > 3:
            problems.append((f"a secret in plain text: {found.group(2)[:2]}…", number,
                             "assigned-secret"))
    return problems


def main():
    options = checklib.arguments(__doc__)
    report = checklib.Report("secret-scan")
    for name in checklib.files("*"):
        with open(name, "rb") as file:
            content = file.read(LARGEST + 1)
        if b"\0" in content[:8000]:
            continue
        if len(content) > LARGEST:
            report.skip(name, f"larger than {LARGEST} bytes")
            continue
        report.case(name, examine(content.decode("utf-8", "replace")), file=name)
    report.finish(options.report, "sarif")


if __name__ == "__main__":
    main()
