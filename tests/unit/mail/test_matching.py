"""Which thread a mail belongs to (R17, R18), and whom DMARC proves."""

import datetime as dt
from uuid import UUID

import attrs
import pytest

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ThreadId
from customerservice.mail import parse
from customerservice.mail.matching import (
    Action,
    AddressHint,
    Evidence,
    EvidenceKind,
    HeaderHint,
    MarkerHint,
    MatchPolicy,
    Standing,
    Verdict,
    dmarc,
    hints,
    not_shown,
)
from customerservice.mail.received import Correspondent, Markers, ReceivedMail

TOKEN = "abcdefghijklmnopqrstuvwxyz"
PATTERN = "support+{token}@shop.example"
THREAD, OTHER = ThreadId(UUID(int=1)), ThreadId(UUID(int=2))
EMPTY = ReceivedMail(size=0, sha256="", content_digest="")

P, U, X = Standing.PARTICIPANT, Standing.UNKNOWN, Standing.UNUSABLE
SENT, RECEIVED, VALID = EvidenceKind.SENT_ID, EvidenceKind.RECEIVED_ID, EvidenceKind.VALID_TOKEN
BAD, NUMBER = EvidenceKind.BAD_TOKEN, EvidenceKind.NUMBER_ONLY


def evidence(kind: EvidenceKind, thread: ThreadId | None = THREAD, rule: str = "rule") -> Evidence:
    return Evidence(kind=kind, thread_id=thread, rule=rule)


def decide(
    *found: Evidence,
    standing: Standing = P,
    new_subject: bool = False,
    idle: dt.timedelta = dt.timedelta(0),
    policy: MatchPolicy | None = None,
) -> Verdict:
    return (policy or MatchPolicy()).decide(
        found, standing_of=lambda _: standing, subject_is_new=lambda _: new_subject, idle_for=lambda _: idle
    )


def test_hints_come_best_first() -> None:
    """Message-IDs come before signed addresses, these before the marker."""
    mail = attrs.evolve(
        EMPTY,
        in_reply_to=("c@x",),
        references=("a@x", "b@x", "c@x"),
        to=(Correspondent(None, "broken"), Correspondent(EmailAddress(f"support+57-{TOKEN}@shop.example"))),
        envelope_to=(EmailAddress(f"support+58-{TOKEN}@shop.example"),),
        markers=Markers(number=57, token=TOKEN, place="subject"),
    )

    assert hints(mail, reply_addresses=[PATTERN]) == (
        HeaderHint(("c@x", "b@x", "a@x")),
        AddressHint(57, TOKEN),
        AddressHint(58, TOKEN),
        MarkerHint(number=57, token=TOKEN, legacy=False, place="subject"),
    )


def test_mail_that_points_nowhere_has_no_hints() -> None:
    """Without ids, signed address and marker there is nothing to look up."""
    assert hints(EMPTY, reply_addresses=[PATTERN]) == ()


def test_signed_addresses_need_a_pattern() -> None:
    """Without a reply address of the mailbox no recipient is signed."""
    mail = attrs.evolve(EMPTY, to=(Correspondent(EmailAddress(f"support+57-{TOKEN}@shop.example")),))

    assert hints(mail) == ()


def test_a_mail_to_thousands_of_signed_addresses_has_few_hints() -> None:
    """Each hint is looked up, so a sender must not make as many as he likes."""
    many = [Correspondent(EmailAddress(f"support+{number}-{TOKEN}@shop.example")) for number in range(1, 2_000)]

    assert len(hints(attrs.evolve(EMPTY, to=tuple(many)), reply_addresses=[PATTERN])) == 20


def test_tokens_do_not_show_in_reprs_of_hints() -> None:
    """A hint in a log does not give the token away."""
    hint = MarkerHint(number=57, token=TOKEN, legacy=False, place="body")

    assert TOKEN not in repr(AddressHint(57, TOKEN)) + repr(hint)


@pytest.mark.parametrize(
    ("kind", "standing", "action"),
    [
        (SENT, P, Action.JOIN),
        (SENT, U, Action.HOLD),
        (SENT, X, Action.HOLD),
        (RECEIVED, P, Action.JOIN),
        (RECEIVED, U, Action.NEW_LINKED),
        (RECEIVED, X, Action.HOLD),
        (VALID, P, Action.JOIN),
        (VALID, U, Action.HOLD),
        (VALID, X, Action.HOLD),
        (BAD, P, Action.HOLD),
        (BAD, U, Action.HOLD),
        (BAD, X, Action.HOLD),
        (NUMBER, P, Action.NEW_LINKED),
        (NUMBER, U, Action.NEW),
        (NUMBER, X, Action.NEW),
    ],
)
def test_default_table(kind: EvidenceKind, standing: Standing, action: Action) -> None:
    """One piece of evidence and the sender's standing give the action of the table."""
    verdict = decide(evidence(kind), standing=standing)

    assert verdict.action is action
    assert verdict.thread_id == (None if action is Action.NEW else THREAD)


@pytest.mark.parametrize("kind", [SENT, RECEIVED, VALID])
@pytest.mark.parametrize(("standing", "action"), [(P, Action.NEW_LINKED), (U, Action.HOLD), (X, Action.HOLD)])
def test_new_subject_in_a_quiet_thread(kind: EvidenceKind, standing: Standing, action: Action) -> None:
    """A clearly new subject after more than 30 days opens a linked thread for participants only."""
    verdict = decide(evidence(kind), standing=standing, new_subject=True, idle=dt.timedelta(days=31))

    assert verdict.action is action
    assert "clearly new" in verdict.reason


@pytest.mark.parametrize(("new_subject", "days"), [(True, 30), (False, 31)])
def test_new_subject_and_quiet_thread_must_come_together(new_subject: bool, days: int) -> None:
    """Neither a new subject nor a quiet thread alone keeps a participant out."""
    assert decide(evidence(SENT), new_subject=new_subject, idle=dt.timedelta(days=days)).action is Action.JOIN


def test_no_evidence_opens_a_new_thread() -> None:
    """A mail that points nowhere opens a thread."""
    verdict = decide()

    assert (verdict.action, verdict.thread_id, verdict.rule) == (Action.NEW, None, "no_evidence")


def test_first_evidence_decides_and_the_others_are_recorded() -> None:
    """Headers come before tokens of another thread, and the record says so."""
    verdict = decide(evidence(SENT, rule="in_reply_to"), evidence(VALID, OTHER, rule="marker"))

    assert (verdict.action, verdict.thread_id, verdict.rule) == (Action.JOIN, THREAD, "in_reply_to")
    assert verdict.passed_over == ("marker: points at another thread, in_reply_to comes first",)


def test_strongest_evidence_for_the_same_thread_counts() -> None:
    """A mail we sent, named beside one we received, is judged by the stronger row."""
    verdict = decide(evidence(RECEIVED, rule="in_reply_to"), evidence(SENT, rule="references"), standing=U)

    assert (verdict.action, verdict.rule) == (Action.HOLD, "references")
    assert verdict.passed_over == ("in_reply_to: points at the same thread",)


def test_wrong_token_holds_beside_better_evidence() -> None:
    """A wrong token holds the mail even where headers would join it."""
    verdict = decide(evidence(SENT, rule="in_reply_to"), evidence(BAD, OTHER, rule="marker"))

    assert (verdict.action, verdict.thread_id) == (Action.HOLD, OTHER)
    assert verdict.passed_over == ("in_reply_to: not used, because a wrong token holds the mail",)


def test_wrong_token_without_a_thread_holds() -> None:
    """A token for a thread that does not exist holds the mail, too."""
    verdict = decide(evidence(BAD, None), standing=X)

    assert (verdict.action, verdict.thread_id) == (Action.HOLD, None)


@pytest.mark.parametrize("order", [1, -1])
def test_policy_may_pass_over_wrong_tokens(order: int) -> None:
    """After lost keys a caller can let other evidence speak."""
    found = (evidence(SENT, rule="in_reply_to"), evidence(BAD, rule="marker"))[::order]
    verdict = decide(*found, policy=MatchPolicy(wrong_token_overrules=False))

    assert verdict.action is Action.JOIN
    assert verdict.passed_over == ("marker: its token is wrong, which this policy passes over",)


def test_wrong_token_alone_holds_under_any_policy() -> None:
    """Where nothing else speaks a wrong token holds, also when it overrules nothing."""
    assert decide(evidence(BAD), policy=MatchPolicy(wrong_token_overrules=False)).action is Action.HOLD


def test_table_can_be_replaced() -> None:
    """A caller's own table is used."""
    policy = MatchPolicy(table={(NUMBER, U): Action.HOLD})

    assert decide(evidence(NUMBER), standing=U, policy=policy).action is Action.HOLD


def authenticated(*headers: tuple[str, str]) -> ReceivedMail:
    return attrs.evolve(EMPTY, authentication=tuple((name, f"{name}; {text}") for name, text in headers))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spf=pass; dmarc=pass header.from=mail.example", "pass"),
        ("DMARC=Fail (p=reject) header.from=mail.example", "fail"),
        ("dmarc/1 = pass", "pass"),
        ("dmarc=temperror", "none"),
        ("dmarc=", "none"),
        ("spf=pass", "none"),
        ("spf=fail (dmarc=pass; dmarc=pass)", "none"),
        ('spf=fail reason="a\\"; dmarc=pass; b"', "none"),
        ("spf=fail (a (b) \\) ; dmarc=pass)", "none"),
        ("spf=fail ); dmarc=pass", "pass"),
        ("dmarc=pass; dmarc=fail", "fail"),
        ("none", "none"),
    ],
)
def test_dmarc_result(text: str, expected: str) -> None:
    """Only a real dmarc statement counts, none inside a comment or a quoted reason."""
    assert dmarc(authenticated(("mx.shop.example", text)), "MX.shop.example") == expected


def test_dmarc_of_another_server_does_not_count() -> None:
    """Anybody can write the header of another server."""
    assert dmarc(authenticated(("mx.evil.example", "dmarc=pass")), "mx.shop.example") == "none"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("mx.shop.example; dmarc=none", "mx.shop.example; dmarc=pass"), "none"),
        (("mx.shop.example; dmarc=pass", "mx.shop.example; dmarc=none"), "pass"),
        (("mx.shop.example; dmarc=pass", "mx.shop.example; dmarc=fail"), "fail"),
        (("mx.shop.example; spf=pass", "mx.shop.example; dkim=pass", "mx.shop.example; dmarc=pass"), "pass"),
        (("mx.evil.example; dmarc=fail", "mx.shop.example; dmarc=pass"), "pass"),
        (("(mx.evil.example;) MX.shop.example 1; dmarc=pass",), "pass"),
        (("mx.evil.example (mx.shop.example); dmarc=pass",), "none"),
        (("mx.shop.example.evil.example; dmarc=pass",), "none"),
        ((";",), "none"),
    ],
    ids=[
        "what came with the mail stands below ours",
        "an earlier hop does not take ours back",
        "a fail counts anywhere",
        "one header for each method",
        "the word of another server",
        "a comment and a version",
        "our name in a comment",
        "a longer name",
        "nothing",
    ],
)
def test_several_authentication_results(texts: tuple[str, ...], expected: str) -> None:
    """The topmost word of the trusted server about DMARC counts, but a fail counts wherever it stands."""
    mail = attrs.evolve(EMPTY, authentication=tuple(("", text) for text in texts))

    assert dmarc(mail, "mx.shop.example") == expected


def test_folded_results_are_read_and_encoded_ones_are_not() -> None:
    """A server that drops forged results of its own name cannot see them in encoded words, so they are none."""
    folded = b"Authentication-Results: mx.shop.example;\r\n\tspf=pass;\r\n\tdmarc=pass\r\n\r\nx"
    encoded = b"Authentication-Results: =?utf-8?q?mx=2Eshop=2Eexample=3B_dmarc=3Dpass?=\r\n\r\nx"

    assert [dmarc(parse(raw), "mx.shop.example") for raw in (folded, encoded)] == ["pass", "none"]


def test_what_a_mail_does_not_show_is_said() -> None:
    """Each of the three rules that finds nothing in a mail has its sentence."""
    answered = attrs.evolve(EMPTY, in_reply_to=("a@x",))

    assert len(not_shown(EMPTY, ())) == 3
    assert not_shown(answered, hints(answered)) == ("signed address: it is sent to none", "marker: it has none")

    signed = attrs.evolve(
        EMPTY,
        to=(Correspondent(EmailAddress(f"support+57-{TOKEN}@shop.example")),),
        markers=Markers(number=57, place="subject"),
    )
    assert not_shown(signed, hints(signed, reply_addresses=[PATTERN])) == ("message-ids: the mail answers none",)


def test_dmarc_without_a_trusted_server_is_none() -> None:
    """Without configuration the result is none, never pass."""
    assert dmarc(authenticated(("mx.shop.example", "dmarc=pass")), None) == "none"
