"""What the corpus as a whole has: enough mails, each with a form of its own, in every language, for every rule."""

from collections import defaultdict
from pathlib import Path

import pytest
from corpus_files import CORPUS, corpus_paths, read_corpus_mail
from mail_samples import mail
from mail_shapes import line_shape, shape_of

from customerservice.mail import MailKind, parse
from customerservice.mail.kinds import RULES, Rule

MAILS = [read_corpus_mail(path) for path in corpus_paths()]
LANGUAGES = "en de fr es it pt nl pl sv da nb fi cs ru uk tr el he ar fa ja zh ko".split()
READ = {each.name: parse(each.raw()) for each in MAILS}


def test_there_are_enough() -> None:
    """At least 180 mails, 75 of them look like something that they are not."""
    assert len(MAILS) >= 180
    assert sum(each.negative for each in MAILS) >= 75


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_has_a_mail(language: str) -> None:
    """Each of the languages that the reader knows is there."""
    assert any(language in each.languages for each in MAILS)


def test_forms_are_unique() -> None:
    """No two mails claim the same form."""
    forms = defaultdict(list)
    for each in MAILS:
        forms[each.form.casefold()].append(each.name)

    assert {form: names for form, names in forms.items() if len(names) > 1} == {}


def test_shapes_are_unique() -> None:
    """No two mails differ in language, names and numbers only."""
    shapes = defaultdict(list)
    for each in MAILS:
        shapes[shape_of(each.raw())].append(each.name)

    assert [names for names in shapes.values() if len(names) > 1] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_gives_the_reason_for_a_mail(rule: Rule) -> None:
    """Every rule about the kind of a mail decides one of the corpus."""
    given = [reason for read in READ.values() if read.kind is rule.kind for reason in read.kind_reasons]

    assert any(reason == rule.says or reason.startswith(f"{rule.says}: ") for reason in given)


@pytest.mark.parametrize("kind", [kind for kind in MailKind if kind is not MailKind.OWN], ids=lambda kind: kind.value)
def test_kind_has_a_mail(kind: MailKind) -> None:
    """Every kind that the bytes of a mail can show is there; that a mail is our own is known to a help desk only."""
    assert any(read.kind is kind for read in READ.values())


def test_every_address_is_invented() -> None:
    """No domain of the corpus can belong to anybody (RFC 2606), but for those of standards and programs in headers."""
    strange = {
        entry.address.domain
        for read in READ.values()
        for entry in (*([read.sender] if read.sender else []), *read.to, *read.cc, *read.reply_to)
        if entry.address and not entry.address.domain.lower().endswith((".example", ".test", ".invalid"))
    }

    assert strange == set()


def test_same_mail_in_another_language_has_the_same_shape() -> None:
    """Translating a mail or renaming its people gives no new shape; another form does."""
    english = mail("Hello Anna,\n\nmy parcel 12 is late.\n\n> On 2.1.2026 you wrote:\n> Good day\n", Subject="Order 12")
    german = mail(
        "Guten Tag Bo,\n\nmein kleines Paket 345 ist spät!\n\n> Am 3.12.2025 schrieben Sie:\n> Tag, Bo\n",
        Subject="Die Bestellung 7",
        From="Bo Weber <bo@firma.example>",
    )

    assert shape_of(english) == shape_of(german)
    assert shape_of(english) != shape_of(english.replace(b"> On", b"On"))
    assert shape_of(english) != shape_of(english.replace(b"Subject:", b"Cc: a@b.example\nSubject:"))


def test_shape_of_a_line() -> None:
    """Words, numbers and encoded words lose what is language in them."""
    assert line_shape("Re: =?utf-8?B?w7w=?= 12 déjà vu, Łódź") == "a: =utf-8\x01b= 0 a"


def test_corpus_has_nothing_but_folders_of_pairs() -> None:
    """A mail in the wrong place would never be read."""
    assert [path.name for path in Path(CORPUS).iterdir() if path.is_file()] == ["README.md"]
