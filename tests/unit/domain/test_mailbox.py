"""Mailboxes: what they need, what contradicts, and what finds them again."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import (
    AfterFetch,
    AfterFetchKind,
    FirstSync,
    MailboxHealth,
    SecretKind,
    SecretRef,
    check_reply_address,
)
from customerservice.errors import InvalidValue
from customerservice.testing.builders import Builder
from customerservice.testing.clock import BEGINNING

LATER = BEGINNING + dt.timedelta(hours=1)


@pytest.fixture
def build() -> Builder:
    return Builder()


class TestAfterFetch:
    """What happens at the server to a mail that is stored."""

    @given(
        st.sampled_from([AfterFetch(kind) for kind in AfterFetchKind if kind is not AfterFetchKind.MOVE])
        | st.text(min_size=1, max_size=255)
        .filter(str.isprintable)
        .map(lambda folder: AfterFetch(AfterFetchKind.MOVE, folder))
    )
    def test_text_gives_it_back(self, choice: AfterFetch) -> None:
        """Also a folder whose name has a colon."""
        assert AfterFetch.parse(str(choice)) == choice

    def test_keeping_is_the_default(self) -> None:
        """Nothing is changed at a server nobody asked to change."""
        assert str(AfterFetch()) == "keep"

    @pytest.mark.parametrize("text", ["", "MOVE:x", "burn", "move", "move:", "keep:x", "delete:x", "seen:Trash"])
    def test_anything_else_is_refused(self, text: str) -> None:
        """A folder belongs to move, and to move only."""
        with pytest.raises(InvalidValue, match="after_fetch"):
            AfterFetch.parse(text)

    @pytest.mark.parametrize("folder", ["", "a\r\nb", "a\x00", "x" * 256])
    def test_folder_is_short_and_printable(self, folder: str) -> None:
        """Nothing that could become another command."""
        with pytest.raises(InvalidValue, match="1 to 255 printable"):
            AfterFetch(AfterFetchKind.MOVE, folder)


class TestFirstSync:
    """Where the first sync starts."""

    @given(st.just(FirstSync()) | st.just(FirstSync(everything=True)) | st.builds(FirstSync, since=st.dates()))
    def test_text_gives_it_back(self, choice: FirstSync) -> None:
        """Each choice has one text."""
        assert FirstSync.parse(str(choice)) == choice

    @pytest.mark.parametrize(
        "text", ["", "NOW", "yesterday", "2026-02-30", "2026-13-01", "20260101", "2026-W01-1", "2026-01-01T00:00"]
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        """The text names the choices."""
        with pytest.raises(InvalidValue, match="now, all, YYYY-MM-DD"):
            FirstSync.parse(text)

    def test_all_and_a_day_contradict(self) -> None:
        """One of them."""
        with pytest.raises(InvalidValue, match="either"):
            FirstSync(everything=True, since=BEGINNING.date())


@pytest.mark.parametrize("name", ["", "a\nb", "\x00"])
def test_secret_is_named(name: str) -> None:
    """A reference that names nothing is refused."""
    with pytest.raises(InvalidValue, match="secret"):
        SecretRef(SecretKind.FILE, name)


class TestHealth:
    """How the last syncs went."""

    def test_errors_are_counted_until_a_success(self) -> None:
        """The last text is kept on one line; a success clears all of it."""
        failed = MailboxHealth().succeeded(BEGINNING).failed(LATER, "no\nroute").failed(LATER, "refused\r\n")

        assert failed == MailboxHealth(
            last_success_at=BEGINNING, last_error="refused", last_error_at=LATER, errors_in_a_row=2
        )
        assert failed.succeeded(LATER) == MailboxHealth(last_success_at=LATER)


class TestMailbox:
    """A mailbox as a whole."""

    def test_every_missing_field_is_named(self, build: Builder) -> None:
        """User and secret, at once."""
        with pytest.raises(InvalidValue, match="still missing: user, secret"):
            build.mailbox(user="", secret=None)

    @pytest.mark.parametrize("text", ["{}INBOX", "{:993/imap}INBOX", "{/imap}"])
    def test_there_is_no_mailbox_without_host(self, text: str) -> None:
        """The mailbox string itself is refused."""
        with pytest.raises(InvalidValue, match="host"):
            ImapOptions.parse(text)

    @pytest.mark.parametrize(
        ("fields", "missing"), [({"user": ""}, "user"), ({"secret": None}, "secret")], ids=["user", "secret"]
    )
    def test_missing_field_is_named(self, build: Builder, fields: dict[str, object], missing: str) -> None:
        """Only that one."""
        with pytest.raises(InvalidValue, match=f"still missing: {missing}$"):
            build.mailbox(**fields)

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"user": "a\r\nb"}, "control characters"),
            ({"size_limit": 0}, "at least one byte"),
            ({"size_limit": 2**63}, "at most"),
            ({"reply_address": "help@shop.example"}, "token"),
        ],
        ids=["user", "no size", "too large a size", "reply address"],
    )
    def test_wrong_field_is_refused(self, build: Builder, fields: dict[str, object], reason: str) -> None:
        """With what is wrong about it."""
        with pytest.raises(InvalidValue, match=reason):
            build.mailbox(**fields)

    @pytest.mark.parametrize("kind", ["seen", "move:Done"])
    def test_pop3_knows_no_flags_and_folders(self, build: Builder, kind: str) -> None:
        """Only keep and delete."""
        options = ImapOptions.parse("{mail.example/pop3/ssl}")
        with pytest.raises(InvalidValue, match="POP3"):
            build.mailbox(options=options, after_fetch=AfterFetch.parse(kind))

        assert build.mailbox(options=options, after_fetch=AfterFetch.parse("delete")).options is options

    @pytest.mark.parametrize("kind", ["seen", "move:Done", "delete"])
    def test_readonly_mailbox_keeps_its_mail(self, build: Builder, kind: str) -> None:
        """Anything else contradicts ``/readonly`` (R54)."""
        options = ImapOptions.parse("{mail.example/imap/ssl/readonly}INBOX")
        with pytest.raises(InvalidValue, match="readonly"):
            build.mailbox(options=options, after_fetch=AfterFetch.parse(kind))

        assert build.mailbox(options=options).after_fetch == AfterFetch()

    def test_flags_port_and_password_do_not_make_another(self, build: Builder) -> None:
        """Service, host, user and folder find it again; the host in any case, INBOX in any case or left out."""
        strings = [
            "{mail.shop.example:993/imap/ssl}INBOX",
            "{MAIL.shop.example:143/imap/tls}inbox",
            "{mail.Shop.example/novalidate-cert}",
            "{mail.shop.example:10143/notls}Inbox",
        ]
        boxes = [
            build.mailbox(options=ImapOptions.parse(text), secret=SecretRef(SecretKind.FILE, str(at)))
            for at, text in enumerate(strings)
        ]

        assert len({box.finding_key for box in boxes}) == 1

    def test_service_host_user_and_folder_make_another(self, build: Builder) -> None:
        """Each of them, case of user and folder included."""
        boxes = [
            build.mailbox(),
            build.mailbox(user="Help@shop.example"),
            build.mailbox(options=ImapOptions.parse("{mail.shop.example/pop3/ssl}INBOX")),
            build.mailbox(options=ImapOptions.parse("{mail2.shop.example/imap/ssl}INBOX")),
            build.mailbox(options=ImapOptions.parse("{mail.shop.example/imap/ssl}Support")),
            build.mailbox(options=ImapOptions.parse("{mail.shop.example/imap/ssl}support")),
        ]

        assert len({box.finding_key for box in boxes}) == 6

    def test_doubtful_choices_warn(self, build: Builder) -> None:
        """An unchecked certificate, and mail that disappears for other programs."""
        careless = build.mailbox(
            options=ImapOptions.parse("{mail.shop.example/imap/ssl/novalidate-cert}INBOX"),
            after_fetch=AfterFetch.parse("move:Done"),
        )

        assert [text.split()[0] for text in careless.warnings[-1:]] == ["after-fetch"]
        assert any("certificate" in text for text in careless.warnings)
        assert len(build.mailbox(after_fetch=AfterFetch.parse("delete")).warnings) == 1
        assert build.mailbox(after_fetch=AfterFetch.parse("seen")).warnings == ()


class TestReplyAddress:
    """The pattern of signed reply addresses."""

    @pytest.mark.parametrize(
        "pattern", ["{token}@shop.example", "help+{token}@shop.example", "t-{token}-x@büro.example"]
    )
    def test_room_for_a_token_is_enough(self, build: Builder, pattern: str) -> None:
        """In the local part, wherever."""
        assert build.mailbox(reply_address=pattern).reply_address == pattern

    @pytest.mark.parametrize(
        ("pattern", "reason"),
        [
            ("help@shop.example", "once"),
            ("help@{token}.example", "once"),
            ("{token}{token}@shop.example", "once"),
            ("{token}@{token}.example", "once"),
            ("{token}", "once"),
            ("help+{token}", "once"),
            ("help {token}@shop.example", "plain"),
            ("help+{token}@", "plain"),
            ("x" * 26 + "{token}@shop.example", "longer"),
        ],
    )
    def test_pattern_must_give_an_address(self, pattern: str, reason: str) -> None:
        """Exactly once before the @, within 64 bytes, plain."""
        with pytest.raises(InvalidValue, match=reason):
            check_reply_address(pattern)

    def test_longest_local_part_is_taken(self) -> None:
        """39 characters of the token and 25 more."""
        check_reply_address("x" * 25 + "{token}@shop.example")
