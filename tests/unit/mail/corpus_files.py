"""The mails of ``tests/corpus`` with what stands beside them; the README there has the keys."""

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path

import attrs

from customerservice.mail import Correspondent, ReceivedMail
from customerservice.mail.html_safe import safe_html

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
#: How a .toml says that there is nothing: no subject, no address, no date.
NONE = "<none>"

_LANGUAGE = re.compile(r"[a-z]{2}")


@attrs.frozen(kw_only=True)
class CorpusMail:
    """One mail of the corpus with what is said about it."""

    path: Path
    form: str
    seen: str
    languages: tuple[str, ...]
    negative: bool
    expect: Mapping[str, object]

    @property
    def name(self) -> str:
        """Its folder and name, without suffix."""
        return self.path.relative_to(CORPUS).with_suffix("").as_posix()

    def raw(self) -> bytes:
        return self.path.read_bytes()


def corpus_paths() -> list[Path]:
    """Give every mail of the corpus, by folder and name."""
    return sorted(CORPUS.glob("*/*.eml"))


def read_corpus_mail(path: Path) -> CorpusMail:
    """Read what stands beside a mail; a ValueError says what is wrong with it."""
    table = tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8"))
    fields: dict[str, type] = {"form": str, "seen": str, "languages": list, "negative": bool, "expect": dict}
    _refuse_unknown("key", table, fields)
    for key, kind in fields.items():
        if not isinstance(table.get(key, False if key == "negative" else None), kind):
            raise ValueError(f"{key!r} is missing or not {_WORDS[kind]}")
    for key in ("form", "seen", "languages", "expect"):
        if not table[key]:
            raise ValueError(f"{key!r} is empty")
    if not all(isinstance(each, str) and _LANGUAGE.fullmatch(each) for each in table["languages"]):
        raise ValueError(f"'languages' are ISO 639-1 codes, not {table['languages']!r}")
    _refuse_unknown("expectation", table["expect"], EXPECTATIONS)
    return CorpusMail(
        path=path,
        form=table["form"].strip(),
        seen=table["seen"].strip(),
        languages=tuple(table["languages"]),
        negative=table.get("negative", False),
        expect=table["expect"],
    )


_WORDS = {str: "a text", list: "a list", bool: "true or false", dict: "a table"}


def _refuse_unknown(what: str, found: Mapping[str, object], known: Mapping[str, object]) -> None:
    if unknown := sorted(set(found) - set(known)):
        raise ValueError(f"unknown {what} {', '.join(unknown)}; known: {', '.join(known)}")


def differences(mail: ReceivedMail, expect: Mapping[str, object]) -> list[str]:
    """Give what a mail as read lacks of what is expected of it, each as some lines for a person."""
    found: list[str] = []
    for key, wanted in expect.items():
        difference = EXPECTATIONS[key](mail, wanted)
        if difference is not None:
            found.append(f"{key}: {difference}")
    return found


Check = Callable[[ReceivedMail, object], str | None]


def _is(read: Callable[[ReceivedMail], object]) -> Check:
    """Give the check that a value is exactly the one expected."""

    def check(mail: ReceivedMail, wanted: object) -> str | None:
        got = read(mail)
        got = NONE if got is None else got
        return None if type(got) is type(wanted) and got == wanted else f"expected {wanted!r}\n      read as {got!r}"

    return check


def _is_text(read: Callable[[ReceivedMail], str]) -> Check:
    """Give the check that a text is the one expected but for blanks and empty lines around it."""

    def check(mail: ReceivedMail, wanted: object) -> str | None:
        got, meant = read(mail).strip(), str(wanted).strip()
        return None if got == meant else f"expected\n{_shown(meant)}\n  read as\n{_shown(got)}"

    return check


def _has(read: Callable[[ReceivedMail], str]) -> Check:
    def check(mail: ReceivedMail, wanted: object) -> str | None:
        got = read(mail)
        lacking = [each for each in _texts(wanted) if each not in got]
        return f"lacks {lacking!r}:\n{_shown(got)}" if lacking else None

    return check


def _lacks(read: Callable[[ReceivedMail], str]) -> Check:
    def check(mail: ReceivedMail, wanted: object) -> str | None:
        got = read(mail)
        found = [each for each in _texts(wanted) if each in got]
        return f"must not have {found!r}:\n{_shown(got)}" if found else None

    return check


def _texts(wanted: object) -> Sequence[str]:
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, str) and each for each in wanted):
        raise ValueError(f"a list of texts is wanted, not {wanted!r}")
    return wanted


def _shown(text: str) -> str:
    return "\n".join(f"    |{line}" for line in text.split("\n"))


def _of_tables(read: Callable[[ReceivedMail], list[dict[str, object]]]) -> Check:
    """Give the check that there are exactly these things in this order, by the keys that each table has."""

    def check(mail: ReceivedMail, wanted: object) -> str | None:
        got = read(mail)
        if not isinstance(wanted, list) or not all(isinstance(each, dict) for each in wanted):
            raise ValueError(f"a list of tables is wanted, not {wanted!r}")
        for table in wanted:
            if got:
                _refuse_unknown("key", table, got[0])
        same = len(got) == len(wanted) and all(
            all(item[key] == value for key, value in table.items()) for item, table in zip(got, wanted, strict=True)
        )
        return None if same else "expected\n" + _listed(wanted) + "\n  read as\n" + _listed(got)

    return check


def _listed(tables: Sequence[Mapping[str, object]]) -> str:
    return "\n".join(f"    {dict(table)!r}" for table in tables) or "    nothing"


def _address(correspondent: Correspondent | None) -> str | None:
    return None if correspondent is None or correspondent.address is None else correspondent.address.value


def _addresses(name: str) -> Callable[[ReceivedMail], list[str]]:
    return lambda mail: [_address(each) or NONE for each in getattr(mail, name)]


def _date(mail: ReceivedMail, wanted: object) -> str | None:
    meant = None if wanted == NONE else dt.datetime.fromisoformat(str(wanted))
    if meant == mail.date and (meant is None or mail.date is None or meant.utcoffset() == mail.date.utcoffset()):
        return None
    return f"expected {wanted}\n      read as {mail.date and mail.date.isoformat()} from {mail.date_text!r}"


def _kind_reason(mail: ReceivedMail, wanted: object) -> str | None:
    if any(str(wanted) in reason for reason in mail.kind_reasons):
        return None
    return f"no reason has {wanted!r}: {mail.kind.value} because {mail.kind_reasons!r}"


def _defects(mail: ReceivedMail, wanted: object) -> str | None:
    lacking = [code for code in _texts(wanted) if code not in {defect.code for defect in mail.defects}]
    return f"lacks {lacking!r}: {mail.defects!r}" if lacking else None


def _attachments(mail: ReceivedMail) -> list[dict[str, object]]:
    return [
        {
            "name": item.filename or "",
            "media_type": item.media_type,
            "size": len(item.content),
            "inline": item.inline,
            "content_id": item.content_id or "",
        }
        for item in mail.attachments
    ]


def _bounced(mail: ReceivedMail) -> list[dict[str, object]]:
    recipients = mail.bounce.recipients if mail.bounce else ()
    return [
        {
            name: NONE if value is None else value.value if isinstance(value, Enum) else value
            for name, value in attrs.asdict(each, recurse=False).items()
        }
        | {"address": each.address.value}
        for each in recipients
    ]


def _original_message_id(mail: ReceivedMail) -> str | None:
    return mail.bounce.original_message_id if mail.bounce else None


def _forwarded_from(mail: ReceivedMail) -> str | None:
    forwarded = getattr(mail, "forwarded_from", "a ReceivedMail without this field")
    return _address(forwarded) if isinstance(forwarded, Correspondent | None) else str(forwarded)


def _safe_html(mail: ReceivedMail) -> str:
    return "" if mail.html is None else safe_html(mail.html, cid=lambda content_id: f"cid:{content_id}")


#: What can be expected of a mail, in the order of the README: key -> check.
EXPECTATIONS: Mapping[str, Check] = {
    "subject": _is(lambda mail: mail.subject),
    "from": _is(lambda mail: _address(mail.sender)),
    "from_name": _is(lambda mail: mail.sender.name if mail.sender else None),
    "to": _is(_addresses("to")),
    "cc": _is(_addresses("cc")),
    "reply_to": _is(_addresses("reply_to")),
    "date": _date,
    "message_id": _is(lambda mail: mail.message_id),
    "in_reply_to": _is(lambda mail: list(mail.in_reply_to)),
    "references": _is(lambda mail: list(mail.references)),
    "kind": _is(lambda mail: mail.kind.value),
    "kind_reason": _kind_reason,
    "text": _is_text(lambda mail: mail.text),
    "text_has": _has(lambda mail: mail.text),
    "text_lacks": _lacks(lambda mail: mail.text),
    "new_text": _is_text(lambda mail: mail.new_text),
    "new_text_has": _has(lambda mail: mail.new_text),
    "new_text_lacks": _lacks(lambda mail: mail.new_text),
    "quoted_text": _is_text(lambda mail: mail.quoted_text),
    "quoted_text_has": _has(lambda mail: mail.quoted_text),
    "quoted_text_lacks": _lacks(lambda mail: mail.quoted_text),
    "signature": _is_text(lambda mail: mail.signature),
    "signature_has": _has(lambda mail: mail.signature),
    "html_has": _has(_safe_html),
    "html_lacks": _lacks(_safe_html),
    "attachments": _of_tables(_attachments),
    "defects": _defects,
    "bounce": _of_tables(_bounced),
    "original_message_id": _is(_original_message_id),
    "report_about": _is(lambda mail: mail.report_about),
    "marker_number": _is(lambda mail: mail.markers.number),
    "marker_token": _is(lambda mail: mail.markers.token),
    "forwarded_from": _is(_forwarded_from),
}
