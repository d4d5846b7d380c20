"""The tables of the documentation that are made from the code.

``python -m tests.unit.docs.generated_tables`` writes them anew, between the comments that name them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from customerservice.mail.kinds import RULES
from customerservice.mail.languages import LANGUAGES
from customerservice.mail.matching import DEFAULT_DRIFTED, DEFAULT_TABLE, Action, EvidenceKind, Standing
from customerservice.mail.openings import _WROTE

DOCS = Path(__file__).resolve().parents[3] / "docs"
PLACE = re.compile(r"(<!-- made from the code: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_EVIDENCE = {
    EvidenceKind.SENT_ID: "names a Message-ID we sent",
    EvidenceKind.RECEIVED_ID: "names a Message-ID we only received",
    EvidenceKind.VALID_TOKEN: "signed address, or marker with a token, that is right",
    EvidenceKind.BAD_TOKEN: "the same, but wrong, revoked or of another thread",
    EvidenceKind.NUMBER_ONLY: "`[#number]` alone",
}
_ACTIONS = {Action.JOIN: "join", Action.HOLD: "hold", Action.NEW: "new", Action.NEW_LINKED: "new, linked"}
_STANDINGS = (Standing.PARTICIPANT, Standing.UNKNOWN, Standing.UNUSABLE)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def kind_rules() -> str:
    """The rules about the kind of a mail, in their order."""
    rows = []
    for rule in RULES:
        says = f"{rule.says} ..." if rule.says.endswith(("says", "called")) else rule.says
        rows.append([f"`{rule.kind.value}`", says, rule.seen])
    return table(["kind", "when", "seen in"], rows)


def matching() -> str:
    """The default policy, cell by cell."""
    rows = [
        [f"`{kind.value}`: {_EVIDENCE[kind]}", *(_ACTIONS[DEFAULT_TABLE[kind, who]] for who in _STANDINGS)]
        for kind in EvidenceKind
    ]
    drifted = [_ACTIONS[DEFAULT_DRIFTED[who]] for who in _STANDINGS]
    rows.append(["the first three, with a clearly new subject, in a thread quiet for 30 days", *drifted])
    return table(["evidence", "the sender takes part", "unknown sender", "no usable or proven From"], rows)


def openings() -> str:
    """The languages in which the line above a quotation is known."""
    return " ".join(f"`{language}`" for language, _, _ in _WROTE) + "\n"


def languages() -> str:
    """The languages that are told apart."""
    return " ".join(f"`{language}`" for language in LANGUAGES) + "\n"


TABLES: Mapping[str, Callable[[], str]] = {
    "kind-rules": kind_rules,
    "matching": matching,
    "openings": openings,
    "languages": languages,
}


def written(text: str) -> str:
    """Give a page with its tables as the code makes them now."""
    return PLACE.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)


def main() -> None:
    """Write the tables of all pages."""
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (new := written(text)) != text:
            path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
