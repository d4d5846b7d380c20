"""Reading real folders: the IMAP source against Dovecot."""

import datetime as dt
import imaplib
import threading
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from customerservice.adapters.transports.connection import CLEAR_TEXT
from customerservice.adapters.transports.imap import ImapSession, ImapSource
from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import AfterFetch
from customerservice.errors import AuthenticationFailed, CertificateRejected, FolderUnavailable
from customerservice.ports.transports import (
    AccessToken,
    AckState,
    Fetched,
    FetchedMail,
    GoneMail,
    MailRef,
    MailSource,
    OversizeMail,
    Secret,
)
from customerservice.testing.transport_contract import (
    MOVE,
    DateContract,
    LiveContract,
    MailSourceContract,
    MarkingContract,
    MovingContract,
    Place,
    RemovalContract,
    UidContract,
    numbered,
)

pytestmark = pytest.mark.dovecot

DELETE = AfterFetch.parse("delete")


class OtherClient:
    """Another mail program at the same folder, by plain imaplib."""

    def __init__(self, dovecot: Any, user: str) -> None:
        self._client = imaplib.IMAP4("127.0.0.1", dovecot.imap_port)
        self._client.login(user, "pass")
        self._client.select("INBOX")

    def append(self, raw: bytes, received_at: dt.datetime | None = None) -> None:
        self._ok(self._client.append("INBOX", "", received_at, raw))

    def flag(self, uid: int, flag: str) -> None:
        self._ok(self._client.uid("STORE", str(uid), "+FLAGS.SILENT", f"({flag})"))

    def expunge(self) -> None:
        self._ok(self._client.expunge())

    def uids(self) -> list[int]:
        self._ok(self._client.noop())
        return [int(uid) for uid in self._client.uid("SEARCH", "ALL")[1][0].split()]

    def flags(self, uid: int) -> bytes:
        return b" ".join(line for line in self._client.uid("FETCH", str(uid), "(FLAGS)")[1] if isinstance(line, bytes))

    def close(self) -> None:
        self._client.logout()

    @staticmethod
    def _ok(answer: tuple[str, Any]) -> None:
        assert answer[0] == "OK"


@pytest.fixture
def user() -> str:
    """The name of somebody nobody used before."""
    return f"u{uuid.uuid4().hex[:12]}"


@pytest.fixture
def other(dovecot: Any, user: str) -> Iterator[OtherClient]:
    client = OtherClient(dovecot, user)
    yield client
    client.close()


def source(dovecot: Any, user: str, switches: str = "/notls", folder: str = "", **arguments: Any) -> ImapSource:
    """A folder of this user, reached as the switches say."""
    port = dovecot.imaps_port if "/ssl" in switches else dovecot.imap_port
    options = ImapOptions.parse(f"{{127.0.0.1:{port}/imap{switches}}}{folder}")
    return ImapSource(options, **({"user": user, "secret": Secret("pass"), "ssl_context": dovecot.trust} | arguments))


def refs(session: ImapSession, after: int = 0) -> list[MailRef]:
    return [ref for window in session.listing(after=after) for ref in window]


def fetch(session: ImapSession, asked: Sequence[MailRef], max_size: int = 10**8) -> list[Fetched]:
    return [mail for batch in session.fetch(asked, max_size=max_size) for mail in batch]


class DovecotPlace(Place):
    """The INBOX of a fresh user."""

    def __init__(self, dovecot: Any, user: str, other: OtherClient) -> None:
        self._dovecot = dovecot
        self._user = user
        self._other = other

    @property
    def source(self) -> MailSource:
        return source(self._dovecot, self._user)

    def put(self, raw: bytes, received_at: dt.datetime | None = None) -> None:
        self._other.append(raw, received_at)

    def take_away(self, position: int) -> None:
        self._other.flag(self._other.uids()[position], "\\Deleted")
        self._other.expunge()

    def left(self) -> Sequence[bytes]:
        return [mail.raw for mail in self._read("") if isinstance(mail, FetchedMail)]

    def seen(self) -> Sequence[bytes]:
        uids = [uid for uid in self._other.uids() if b"\\Seen" in self._other.flags(uid)]
        return [mail.raw for mail in self._read("") if isinstance(mail, FetchedMail) and mail.ref.uid in uids]

    def moved(self) -> Sequence[bytes]:
        try:
            return [mail.raw for mail in self._read(MOVE.folder or "") if isinstance(mail, FetchedMail)]
        except FolderUnavailable:
            return []

    def _read(self, folder: str) -> list[Fetched]:
        with source(self._dovecot, self._user, folder=folder).open() as session:
            return fetch(session, refs(session))


class TestContract(
    MailSourceContract,
    UidContract,
    DateContract,
    LiveContract,
    MarkingContract,
    RemovalContract,
    MovingContract,
):
    """Everything a source can promise."""

    @pytest.fixture
    def place(self, dovecot: Any, user: str, other: OtherClient) -> Place:
        return DovecotPlace(dovecot, user, other)


@pytest.mark.parametrize(
    ("switches", "warnings"), [("/notls", (CLEAR_TEXT,)), ("", ()), ("/tls", ()), ("/ssl", ()), ("/ssl/secure", ())]
)
def test_every_way_in(dovecot: Any, user: str, switches: str, warnings: tuple[str, ...]) -> None:
    """Clear on loopback, STARTTLS and TLS read the same mail; only clear text warns."""
    dovecot.deliver(numbered(1), user)
    with source(dovecot, user, switches).open() as session:
        (mail,) = fetch(session, refs(session))

        assert isinstance(mail, FetchedMail)
        assert mail.raw == numbered(1)
        assert session.state.warnings == warnings


@pytest.mark.parametrize("switches", ["/tls", "/ssl"])
def test_an_unknown_authority_is_refused(dovecot: Any, user: str, switches: str) -> None:
    """With the system's trust store, the throw-away authority is nobody."""
    with pytest.raises(CertificateRejected):
        source(dovecot, user, switches, ssl_context=None).open()


def test_a_wrong_password_is_tried_once(dovecot: Any, user: str) -> None:
    """The server's log shows one attempt."""
    with pytest.raises(AuthenticationFailed):
        source(dovecot, user, secret=Secret("wrong")).open()

    attempts = [line for line in dovecot.log().splitlines() if f"static({user}," in line and "mismatch" in line]
    assert len(attempts) == 1


@pytest.mark.parametrize("tokens", [["good"], ["expired", "good"]])
def test_an_access_token_logs_in(dovecot: Any, user: str, tokens: list[str]) -> None:
    """XOAUTH2 with a good token, and with one that had to be refreshed once."""
    dovecot.tokens[user] = f"good-{user}"
    answers = iter(f"{token}-{user}" for token in tokens)

    class Provider:
        def token(self, *, refresh: bool = False) -> AccessToken:
            return AccessToken(Secret(next(answers)))

    with source(dovecot, user, "/tls", secret=None, token_provider=Provider()).open() as session:
        assert session.state.count == 0


def test_folders_with_umlauts_are_found(dovecot: Any, user: str) -> None:
    """A folder's name in Unicode finds the folder in modified UTF-7 on disk."""
    dovecot.deliver(numbered(1), user, "B&APw-cher &- mehr")
    with source(dovecot, user, folder="Bücher & mehr").open() as session:
        assert session.state.count == 1


def test_a_folder_that_is_not_there_is_named(dovecot: Any, user: str) -> None:
    """The error says so, at the stage select."""
    with pytest.raises(FolderUnavailable) as caught:
        source(dovecot, user, folder="Nowhere").open()

    assert caught.value.stage == "select"


def test_mail_that_another_program_flagged_stays(dovecot: Any, user: str, other: OtherClient) -> None:
    """Our removal takes our mail only, although the other one is marked deleted."""
    other.append(numbered(1))
    other.append(numbered(2))
    other.flag(2, "\\Deleted")
    with source(dovecot, user).open() as session:
        (answer,) = session.acknowledge(refs(session)[:1], DELETE)

    assert answer.state is AckState.DONE
    assert dovecot.mails(user) == [numbered(2)]


def test_another_program_empties_the_folder_while_we_read(dovecot: Any, user: str, other: OtherClient) -> None:
    """Mails that go between two batches are gone; what came before is whole, and nothing hangs or breaks."""
    for number in range(300):
        other.append(numbered(number))
    with source(dovecot, user).open() as session:
        batches = session.fetch(refs(session), max_size=10**6)
        first = next(batches)
        for uid in other.uids():
            other.flag(uid, "\\Deleted")
        other.expunge()
        rest = [mail for batch in batches for mail in batch]

    assert all(isinstance(mail, FetchedMail) for mail in first)
    assert {type(mail) for mail in rest} <= {GoneMail, FetchedMail}
    assert any(isinstance(mail, GoneMail) for mail in rest)


def test_a_lost_index_is_a_new_epoch(dovecot: Any, user: str) -> None:
    """UIDVALIDITY changes with the index; a mail of the old epoch is neither read nor removed."""
    dovecot.deliver(numbered(1), user)
    with source(dovecot, user).open() as session:
        (old,) = refs(session)
    dovecot.lose_index(user)
    with source(dovecot, user).open() as session:
        (new,) = refs(session)
        (mail,) = fetch(session, [old])
        (answer,) = session.acknowledge([old], DELETE)

    assert new.epoch != old.epoch
    assert isinstance(mail, GoneMail)
    assert answer.state is AckState.GONE
    assert dovecot.mails(user) == [numbered(1)]


def test_readonly_changes_nothing(dovecot: Any, user: str) -> None:
    """A /readonly mailbox is read, and what would change it fails with the reason."""
    dovecot.deliver(numbered(1), user)
    with source(dovecot, user, "/notls/readonly").open() as session:
        asked = refs(session)
        fetch(session, asked)
        (answer,) = session.acknowledge(asked, DELETE)

    assert (answer.state, answer.reason) == (AckState.FAILED, "the folder is read only")
    assert dovecot.mails(user) == [numbered(1)]


def test_a_mail_over_the_limit_is_not_read(dovecot: Any, user: str) -> None:
    """60 MB over a limit of 50 MB: size and header come, the body does not."""
    dovecot.deliver(numbered(1, 60_000_000), user)
    with source(dovecot, user).open() as session:
        (mail,) = fetch(session, refs(session), max_size=50 * 1024 * 1024)

    assert isinstance(mail, OversizeMail)
    assert mail.size > 60_000_000
    assert mail.header == numbered(1).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def test_new_mail_ends_the_wait(dovecot: Any, user: str, other: OtherClient) -> None:
    """IDLE tells of a mail that arrives meanwhile, and it is listed afterwards."""
    other.append(numbered(1))
    with source(dovecot, user, "/ssl").open() as session:
        seen = refs(session)
        post = threading.Thread(target=other.append, args=(numbered(2),))
        post.start()
        news = session.wait(30)
        post.join()

        assert news is True
        assert len(refs(session, after=seen[-1].uid)) == 1


def test_a_thousand_old_mails_cost_one_search(dovecot: Any, user: str) -> None:
    """With nothing new behind many old mails, the listing is empty, and new mail is found behind them."""
    new = dovecot.maildir(user) / "new"
    for number in range(1_000):
        (new / f"{number:06}.test").write_bytes(numbered(number))
    dovecot.own_maildirs(user)
    with source(dovecot, user).open() as session:
        last = refs(session)[-1].uid
    dovecot.deliver(numbered(1_000), user)
    with source(dovecot, user).open() as session:
        later = refs(session, after=last)
        nothing = refs(session, after=last + 1)

    assert last == 1_000
    assert [ref.uid for ref in later] == [1_001]
    assert nothing == []
