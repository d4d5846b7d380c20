"""The scripted IMAP server, asked by the client of the standard library and by hand."""

import base64
import datetime as dt
import imaplib
import socket
from collections.abc import Iterator

import pytest

from customerservice.testing.imap_server import Folder, ScriptedImapServer
from customerservice.testing.scripted import Answer

MAIL = b"Subject: hello\r\nX: 1\r\n\r\nHello!\r\n"
DAY = dt.datetime(2026, 5, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def server() -> Iterator[ScriptedImapServer]:
    """A server where anna has two mails, of 2 and 3 May 2026."""
    with ScriptedImapServer(users={"anna": "pw"}) as server:
        server.deliver(MAIL, received_at=DAY)
        server.deliver(b"Subject: two\r\n\r\n2\r\n", received_at=DAY + dt.timedelta(days=1))
        yield server


@pytest.fixture
def client(server: ScriptedImapServer) -> Iterator[imaplib.IMAP4]:
    """A client that opened the INBOX."""
    with imaplib.IMAP4(server.host, server.port) as client:
        client.login("anna", "pw")
        client.select()
        yield client


class ByHand:
    """Lines to a server, and what it says to them."""

    def __init__(self, server: ScriptedImapServer) -> None:
        self._socket = socket.create_connection((server.host, server.port), 10)
        self._file = self._socket.makefile("rb")
        self.greeting = self._file.readline()

    def ask(self, line: str, tag: str = "a") -> list[bytes]:
        """Send a command with its tag and give the lines up to the tagged one, or to a request to go on."""
        self._socket.sendall(f"{tag} {line}\r\n".encode())
        return self.answer(tag)

    def say(self, line: str, tag: str = "a") -> list[bytes]:
        """Send a line that is no command."""
        self._socket.sendall(line.encode() + b"\r\n")
        return self.answer(tag)

    def answer(self, tag: str) -> list[bytes]:
        lines = []
        while True:
            lines.append(self._file.readline().rstrip(b"\r\n"))
            if lines[-1].startswith((tag.encode() + b" ", b"+")) or not lines[-1]:
                return lines

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def by_hand(server: ScriptedImapServer) -> Iterator[ByHand]:
    hand = ByHand(server)
    yield hand
    hand.close()


class TestReading:
    """What a client is told."""

    @pytest.mark.parametrize(
        ("criteria", "found"),
        [
            (("ALL",), b"1 2"),
            (("UID", "2:*"), b"2"),
            (("UID", "9:*"), b"2"),
            (("UID", "1,2"), b"1 2"),
            (("SINCE", "3-May-2026"), b"2"),
            (("UID", "1:5", "SINCE", "3-May-2026"), b"2"),
            (("SEEN",), b"2"),
            (("UNSEEN",), b"1"),
            (("DELETED",), b""),
            (("UNDELETED",), b"1 2"),
        ],
    )
    def test_search(
        self, server: ScriptedImapServer, client: imaplib.IMAP4, criteria: tuple[str, ...], found: bytes
    ) -> None:
        """The criteria that clients of mailboxes use; a range beyond the end finds the last mail, as the RFC says."""
        server.folder().change_flags(2, frozenset({"\\Seen"}))

        assert client.uid("SEARCH", *criteria) == ("OK", [found])

    def test_fetch_gives_what_was_asked(self, client: imaplib.IMAP4) -> None:
        """UID, flags, size, moment and parts of the body."""
        answer = client.uid("FETCH", "1", "(UID FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER]<0.10>)")[1]

        assert answer == [
            (
                b'1 (UID 1 FLAGS () RFC822.SIZE 32 INTERNALDATE " 2-May-2026 12:00:00 +0000" BODY[HEADER]<0> {10}',
                MAIL[:10],
            ),
            b")",
        ]

    def test_reading_a_body_marks_it_unless_peeked(self, server: ScriptedImapServer, client: imaplib.IMAP4) -> None:
        """BODY[] sets the flag, BODY.PEEK[] does not."""
        client.uid("FETCH", "1", "(BODY.PEEK[])")
        client.uid("FETCH", "2", "(BODY[])")

        assert [sorted(mail.flags) for mail in server.mails()] == [[], ["\\Seen"]]

    def test_folders_are_listed_made_and_filled(self, server: ScriptedImapServer, client: imaplib.IMAP4) -> None:
        """LIST, CREATE and APPEND with a literal; a mail for a missing folder is refused."""
        client.create("Done")
        client.append("Done", "\\Seen", None, MAIL)
        refused = client.append("Nowhere", "", None, MAIL)

        assert client.list()[1] == [b'() "/" "INBOX"', b'() "/" "Done"']
        assert [(mail.raw, mail.flags) for mail in server.mails(folder="Done")] == [(MAIL, frozenset({"\\Seen"}))]
        assert refused[0] == "NO"

    def test_copies_and_moves_keep_what_the_mail_is(self, server: ScriptedImapServer, client: imaplib.IMAP4) -> None:
        """COPY keeps the original, MOVE does not; a missing folder is named."""
        refused = client.uid("COPY", "1", "Nowhere")
        server.folder("Done")
        client.uid("COPY", "1", "Done")

        assert refused[0] == "NO"
        assert [mail.raw for mail in server.mails(folder="Done")] == [MAIL]
        assert len(server.mails()) == 2

    @pytest.mark.parametrize(
        ("how", "after"), [("+FLAGS", {"\\Seen", "x"}), ("-FLAGS", set()), ("FLAGS", {"x"}), ("FLAGS.SILENT", {"x"})]
    )
    def test_flags_are_added_taken_and_replaced(
        self, server: ScriptedImapServer, client: imaplib.IMAP4, how: str, after: set[str]
    ) -> None:
        """The three ways of STORE, and the answer unless it is silent."""
        server.folder().change_flags(1, frozenset({"\\Seen"}))
        answer = client.uid("STORE", "1", how, "(\\Seen)" if how == "-FLAGS" else "(x)")[1]

        assert server.mails()[0].flags == after
        assert (answer == [None]) is how.endswith("SILENT")

    @pytest.mark.parametrize("command", ["expunge", "close"])
    def test_expunge_and_close_remove_everything_flagged(
        self, server: ScriptedImapServer, client: imaplib.IMAP4, command: str
    ) -> None:
        """As at real servers, so that a client that uses them by mistake is found out."""
        server.folder().change_flags(1, frozenset({"\\Deleted"}))
        getattr(client, command)()

        assert [mail.uid for mail in server.mails()] == [2]

    def test_unselect_removes_nothing(self, server: ScriptedImapServer, client: imaplib.IMAP4) -> None:
        """The folder is left as it is."""
        server.folder().change_flags(1, frozenset({"\\Deleted"}))
        client.unselect()

        assert len(server.mails()) == 2

    def test_mail_that_comes_is_told_once(self, server: ScriptedImapServer, client: imaplib.IMAP4) -> None:
        """NOOP tells the new number of mails, and nothing the next time."""
        server.deliver(MAIL)
        client.response("EXISTS")
        client.noop()

        assert client.response("EXISTS")[1] == [b"3"]
        client.noop()
        assert client.response("EXISTS")[1] == [None]

    def test_a_new_epoch_numbers_the_mails_anew(self, server: ScriptedImapServer) -> None:
        """The mails stay, with UIDs from 1."""
        server.remove(1)
        server.folder().renumber(7)

        assert [(mail.uid, mail.raw[:12]) for mail in server.mails()] == [(1, b"Subject: two")]
        assert server.folder().uidvalidity == 7

    def test_uids_never_go_back(self) -> None:
        """A UID may skip numbers, not repeat them."""
        folder = Folder()
        folder.add(MAIL, received_at=DAY, uid=5)
        with pytest.raises(ValueError, match="6 or more"):
            folder.add(MAIL, received_at=DAY, uid=5)

    def test_the_verbs_are_remembered(self, server: ScriptedImapServer, client: imaplib.IMAP4) -> None:
        """What was asked, in order, without tags and arguments."""
        client.uid("SEARCH", "ALL")

        assert list(server.verbs) == ["CAPABILITY", "LOGIN", "SELECT", "UID SEARCH"]


class TestRefusing:
    """What a client may not do."""

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("SELECT INBOX", b"a BAD log in first"),
            ("UID FETCH 1 (FLAGS)", b"a BAD select a folder first"),
            ("NONSENSE", b"a BAD no such command"),
            ("", b"a BAD no such command"),
            ("STARTTLS", b"a BAD no TLS here"),
            ("LOGIN anna", b"a BAD cannot read that"),
            ("LOGIN anna wrong", b"a NO [AUTHENTICATIONFAILED] wrong user name or secret"),
            ("LOGIN {4}", b"+ go on"),
            ("AUTHENTICATE GSSAPI", b"a NO no such mechanism"),
            ("AUTHENTICATE PLAIN !!!", b"a BAD cannot read that"),
            ("NOOP", b"a OK done"),
        ],
    )
    def test_before_the_log_in(self, by_hand: ByHand, line: str, said: bytes) -> None:
        """Each with its answer, and the dialogue goes on."""
        assert by_hand.ask(line)[-1] == said

    @pytest.mark.parametrize(
        "line", ["UID SEARCH NEVER", "UID SEARCH UID", "UID FETCH x (FLAGS)", "UID FETCH 1 (BODYSTRUCTURE)"]
    )
    def test_what_it_does_not_know(self, by_hand: ByHand, line: str) -> None:
        """An argument it cannot read is BAD, as at real servers."""
        by_hand.ask("LOGIN anna pw")
        by_hand.ask("SELECT inbox")

        assert by_hand.ask(line)[-1] == b"a BAD cannot read that"

    def test_without_extensions_their_commands_are_unknown(self) -> None:
        """MOVE and UID EXPUNGE exist only where they are announced."""
        with ScriptedImapServer(users={"anna": "pw"}, extensions=()) as server:
            server.folder("Done")
            server.deliver(MAIL)
            hand = ByHand(server)
            hand.ask("LOGIN anna pw")
            hand.ask("SELECT INBOX")

            assert hand.ask("UID MOVE 1 Done") == [b"a BAD no such command"]
            assert hand.ask("UID EXPUNGE 1") == [b"a BAD no such command"]
            hand.close()

    def test_an_examined_folder_moves_nothing(self, server: ScriptedImapServer, by_hand: ByHand) -> None:
        """EXAMINE is read-only."""
        server.folder("Done")
        by_hand.ask("LOGIN anna pw")
        by_hand.ask("EXAMINE INBOX")

        assert by_hand.ask("UID MOVE 1 Done") == [b"a NO [READ-ONLY] the folder is read only"]

    def test_an_initial_answer_may_come_with_the_command(self, by_hand: ByHand) -> None:
        """AUTHENTICATE PLAIN with its answer in the same line, for a user to act for."""
        words = base64.b64encode(b"\0anna\0pw").decode()

        assert by_hand.ask(f"AUTHENTICATE PLAIN {words}")[-1].startswith(b"a OK")

    def test_idle_ends_with_done_only(self, by_hand: ByHand) -> None:
        """Anything else after IDLE is BAD."""
        by_hand.ask("LOGIN anna pw")
        by_hand.ask("SELECT INBOX")
        by_hand.ask("IDLE")

        assert by_hand.say("STOP") == [b"a BAD expected DONE"]

    def test_a_script_can_refuse_idle(self) -> None:
        """The answer takes the place of the invitation."""
        with ScriptedImapServer(users={"anna": "pw"}, script={"idle": Answer("{tag} NO no")}) as server:
            hand = ByHand(server)
            hand.ask("LOGIN anna pw")
            hand.ask("SELECT INBOX")

            assert hand.ask("IDLE") == [b"a NO no"]
            hand.close()

    @pytest.mark.parametrize("stage", ["create", "append", "starttls", "login"])
    def test_what_was_answered_otherwise_was_not_done(self, stage: str) -> None:
        """A scripted refusal leaves everything as it was."""
        with ScriptedImapServer(users={"anna": "pw"}, script={stage: Answer("{tag} NO no")}) as server:
            hand = ByHand(server)
            hand.ask("STARTTLS")
            logged_in = hand.ask("LOGIN anna pw")[-1]
            hand.ask("CREATE Done")
            refused = hand.ask("APPEND INBOX {3+}\r\nabc")[-1]

            assert logged_in.startswith(b"a NO") is (stage == "login")
            assert refused.startswith(b"a OK") is (stage not in ("append", "login"))
            hand.close()
