"""What every `MailSource` must do, as tests to inherit.

Give `MailSourceContract.place` a fixture of your own, and add the classes for what your source can do besides::

    class TestMySource(MailSourceContract, UidContract, RemovalContract):
        @pytest.fixture
        def place(self):
            return MyPlace()
"""

import abc
import datetime as dt
from collections.abc import Iterable, Sequence

import pytest

from customerservice.domain.mailbox import AfterFetch
from customerservice.errors import TransportError
from customerservice.ports.transports import (
    AckState,
    Fetched,
    FetchedMail,
    GoneMail,
    MailRef,
    MailSession,
    MailSource,
    OversizeMail,
)

#: The limits of the port: mails and bytes of a batch, bytes of an oversize mail's header.
BATCH_MAILS = 200
BATCH_BYTES = 8_000_000
MAX_HEADER = 256 * 1024

SEEN = AfterFetch.parse("seen")
DELETE = AfterFetch.parse("delete")
KEEP = AfterFetch()
MOVE = AfterFetch.parse("move:Done & dusted/Büro")

#: Mails that break sources which count lines, dots or characters; each ends with CRLF, as POP3 can give no other end.
AWKWARD_MAILS = (
    b"Subject: plain\r\n\r\nHello.\r\n",
    b"Subject: dots\r\n\r\n.\r\n..\r\n.one\r\n",
    b"Subject: 8 bit\r\n\r\nGr\xc3\xbc\xdfe \xff\x80\r\n",
    b"Subject: From\r\n\r\nFrom here\r\n>From there\r\nFrom a@b.example Sat Jan  3 01:05:34 1996\r\n",
    b"Subject: no body\r\n\r\n",
    b"no header at all\r\n",
    b"Subject: a literal\r\n\r\n{5}\r\n* 1 FETCH (UID 1 BODY[] {3}\r\n",
    b"Subject: a long line\r\n\r\n" + b"x" * 100_000 + b"\r\n",
)


def numbered(number: int, size: int = 0) -> bytes:
    """Give a small mail that differs from those of other numbers, with a body of about `size` bytes."""
    return f"Subject: mail {number}\r\nMessage-ID: <{number}@shop.example>\r\n\r\n".encode() + b"x" * size + b"\r\n"


class Place(abc.ABC):
    """A source under test, and the hands of others who put mail there and take it away."""

    @property
    @abc.abstractmethod
    def source(self) -> MailSource:
        """The source under test."""

    @abc.abstractmethod
    def put(self, raw: bytes, received_at: dt.datetime | None = None) -> None:
        """Let a mail arrive, after those that are there."""

    @abc.abstractmethod
    def take_away(self, position: int) -> None:
        """Let somebody else remove the mail at this position, from 0 in the order of arrival."""

    @abc.abstractmethod
    def left(self) -> Sequence[bytes]:
        """Give the mails that are there, in the order of arrival."""

    def seen(self) -> Sequence[bytes]:
        """Give those of them that are marked seen."""
        return []

    def moved(self) -> Sequence[bytes]:
        """Give the mails in the folder of `MOVE`, in the order they came there."""
        return []


class MailSourceContract(abc.ABC):
    """Inherit this, override `place`, and every promise of `MailSource` and `MailSession` is tested."""

    @pytest.fixture
    @abc.abstractmethod
    def place(self) -> Place:
        """Give a fresh, empty place."""

    def test_an_empty_source_lists_nothing(self, place: Place) -> None:
        """Nothing there is no window at all."""
        with place.source.open() as session:
            assert list(session.listing(after=0)) == []

    def test_each_mail_is_listed_once_in_order(self, place: Place) -> None:
        """The windows together hold every mail once, ascending, and none is empty."""
        fill(place, (numbered(number) for number in range(7)))
        with place.source.open() as session:
            windows = list(session.listing(after=0))

        refs = [ref for window in windows for ref in window]
        assert len(set(refs)) == 7
        assert [(ref.uid, ref.name) for ref in refs] == sorted((ref.uid, ref.name) for ref in refs)
        assert all(windows)

    def test_a_mail_has_the_same_name_in_every_session(self, place: Place) -> None:
        """The identity of a mail does not change when another one came."""
        fill(place, [numbered(1), numbered(2)])
        before = listed(place)
        place.put(numbered(3))

        assert listed(place)[:2] == before

    @pytest.mark.parametrize("raw", AWKWARD_MAILS, ids=lambda raw: raw[:20].decode())
    def test_the_bytes_are_those_of_the_source(self, place: Place, raw: bytes) -> None:
        """Nothing is added, taken away or decoded."""
        place.put(raw)
        with place.source.open() as session:
            (mail,) = fetched(session, flat(session.listing(after=0)))

        assert isinstance(mail, FetchedMail)
        assert (mail.raw, mail.size_differs) == (raw, False)

    def test_mails_are_given_in_the_order_asked_for(self, place: Place) -> None:
        """Each ref is answered once, at its place."""
        fill(place, (numbered(number) for number in range(5)))
        with place.source.open() as session:
            refs = flat(session.listing(after=0))
            asked = [refs[3], refs[0], refs[4]]
            mails = fetched(session, asked)

        assert [mail.ref for mail in mails] == asked
        assert [mail.raw for mail in mails if isinstance(mail, FetchedMail)] == [numbered(3), numbered(0), numbered(4)]

    def test_nothing_asked_is_nothing_given(self, place: Place) -> None:
        """No refs, no batch."""
        place.put(numbered(1))
        with place.source.open() as session:
            assert list(session.fetch([], max_size=100)) == []

    def test_a_batch_holds_few_mails(self, place: Place) -> None:
        """Many small mails come in batches of at most 200."""
        fill(place, (numbered(number) for number in range(BATCH_MAILS + 50)))
        with place.source.open() as session:
            refs = flat(session.listing(after=0))
            sizes = [len(batch) for batch in session.fetch(refs, max_size=10_000)]

        assert max(sizes) <= BATCH_MAILS
        assert sum(sizes) == BATCH_MAILS + 50

    def test_a_batch_holds_few_bytes(self, place: Place) -> None:
        """Large mails come in batches of at most 8 MB."""
        fill(place, (numbered(number, BATCH_BYTES // 3) for number in range(4)))
        with place.source.open() as session:
            refs = flat(session.listing(after=0))
            batches = [
                sum(len(mail.raw) for mail in batch if isinstance(mail, FetchedMail))
                for batch in session.fetch(refs, max_size=BATCH_BYTES)
            ]

        assert max(batches) <= BATCH_BYTES
        assert sum(batches) == sum(len(numbered(number, BATCH_BYTES // 3)) for number in range(4))

    def test_a_mail_over_the_limit_gives_its_header_only(self, place: Place) -> None:
        """The header block, the size, and the mails beside it as usual."""
        large = b"Subject: large\r\nX: 1\r\n\r\n" + b"x" * 5_000 + b"\r\n"
        fill(place, [numbered(1), large, numbered(2)])
        with place.source.open() as session:
            first, second, third = fetched(session, flat(session.listing(after=0)), max_size=1_000)

        assert isinstance(second, OversizeMail)
        assert second.header == b"Subject: large\r\nX: 1\r\n\r\n"
        assert second.size >= 1_000
        assert isinstance(first, FetchedMail)
        assert isinstance(third, FetchedMail)

    def test_a_huge_header_is_cut(self, place: Place) -> None:
        """At most 256 kB of a header block are given."""
        place.put(b"Subject: " + b"x\r\n " * 100_000 + b"end\r\n\r\nbody\r\n")
        with place.source.open() as session:
            (mail,) = fetched(session, flat(session.listing(after=0)), max_size=1_000)

        assert isinstance(mail, OversizeMail)
        assert 0 < len(mail.header) <= MAX_HEADER

    def test_a_mail_at_the_limit_is_given_whole(self, place: Place) -> None:
        """The limit itself is allowed."""
        place.put(numbered(1, 500))
        with place.source.open() as session:
            (mail,) = fetched(session, flat(session.listing(after=0)), max_size=len(numbered(1, 500)))

        assert isinstance(mail, FetchedMail)

    def test_reading_changes_nothing(self, place: Place) -> None:
        """Listing and fetching neither mark nor remove."""
        fill(place, [numbered(1), numbered(2)])
        with place.source.open() as session:
            fetched(session, flat(session.listing(after=0)))

        assert list(place.left()) == [numbered(1), numbered(2)]
        assert list(place.seen()) == []

    def test_kept_mail_stays_as_it_is(self, place: Place) -> None:
        """To keep is to do nothing, and it is done."""
        states = acknowledged(place, KEEP)

        assert states == [AckState.DONE] * 2
        assert list(place.left()) == [numbered(1), numbered(2), numbered(3)]
        assert list(place.seen()) == []

    def test_the_state_agrees_with_the_listing(self, place: Place) -> None:
        """What the source says of itself fits what is there; None is allowed where it does not say."""
        fill(place, [numbered(1), numbered(2)])
        with place.source.open() as session:
            refs = flat(session.listing(after=0))
            state = session.state

        assert state.count in (None, 2)
        assert {ref.epoch for ref in refs} == {state.epoch}
        assert state.next_uid is None or state.next_uid > max(ref.uid for ref in refs)
        assert not state.read_only

    def test_waiting_no_time_is_over_at_once(self, place: Place) -> None:
        """With no seconds to wait and nothing new, the answer is no, and the session goes on."""
        place.put(numbered(1))
        with place.source.open() as session:
            flat(session.listing(after=0))
            news = session.wait(0)

            assert news is False
            assert len(flat(session.listing(after=0))) == 1

    def test_a_closed_session_does_nothing_more(self, place: Place) -> None:
        """Closing twice is fine; using it afterwards is an error of transport."""
        place.put(numbered(1))
        session = place.source.open()
        refs = flat(session.listing(after=0))
        session.close()
        session.close()

        with pytest.raises(TransportError):
            fetched(session, refs)


class UidContract:
    """For sources whose mails have UIDs."""

    def test_listing_starts_behind_a_known_uid(self, place: Place) -> None:
        """Only mails with a greater UID are listed, and none if the last is known."""
        fill(place, (numbered(number) for number in range(5)))
        refs = listed(place)
        with place.source.open() as session:
            assert flat(session.listing(after=refs[2].uid)) == refs[3:]
            assert flat(session.listing(after=refs[4].uid)) == []

    def test_a_mail_of_another_epoch_is_never_touched(self, place: Place) -> None:
        """A UID of another UIDVALIDITY is another mail: gone for reading, and for removing."""
        place.put(numbered(1))
        (ref,) = listed(place)
        stranger = MailRef(ref.epoch + 1, ref.uid)
        with place.source.open() as session:
            (mail,) = fetched(session, [stranger])
            (answer,) = session.acknowledge([stranger], DELETE)

        assert isinstance(mail, GoneMail)
        assert answer.state is AckState.GONE
        assert list(place.left()) == [numbered(1)]


class DateContract:
    """For sources that know when a mail was received, and can be told so by `Place.put`."""

    def test_listing_can_start_at_a_day(self, place: Place) -> None:
        """With `since`, mails received before that day are left out."""
        for day in (1, 2, 3):
            place.put(numbered(day), dt.datetime(2026, 5, day, 12, tzinfo=dt.UTC))
        refs = listed(place)
        with place.source.open() as session:
            assert flat(session.listing(after=0, since=dt.date(2026, 5, 2))) == refs[1:]

    def test_the_moment_of_receipt_is_aware(self, place: Place) -> None:
        """A moment that is given is aware UTC, and the one at which the mail came."""
        moment = dt.datetime(2026, 5, 1, 12, 30, 45, tzinfo=dt.UTC)
        place.put(numbered(1), moment)
        with place.source.open() as session:
            (mail,) = fetched(session, flat(session.listing(after=0)))

        assert isinstance(mail, FetchedMail)
        assert mail.received_at == moment
        assert mail.received_at.utcoffset() == dt.timedelta(0)


class LiveContract:
    """For sources that miss a mail at once when somebody else removes it, also in an open session."""

    def test_a_mail_somebody_removed_is_gone(self, place: Place) -> None:
        """A mail that went between listing and fetching is told as gone; those beside it come."""
        fill(place, [numbered(1), numbered(2), numbered(3)])
        with place.source.open() as session:
            refs = flat(session.listing(after=0))
            place.take_away(1)
            mails = fetched(session, refs)

        assert [type(mail) for mail in mails] == [FetchedMail, GoneMail, FetchedMail]


class MarkingContract:
    """For sources whose mails can be marked seen."""

    def test_marking_marks_only_what_was_named(self, place: Place) -> None:
        """Seen are exactly the mails that were named."""
        states = acknowledged(place, SEEN)

        assert states == [AckState.DONE] * 2
        assert list(place.left()) == [numbered(1), numbered(2), numbered(3)]
        assert list(place.seen()) == [numbered(1), numbered(3)]

    def test_marking_can_be_done_again(self, place: Place) -> None:
        """After a crash the same mail is acknowledged again, which is no failure and touches no other."""
        fill(place, [numbered(1), numbered(2)])
        refs = listed(place)
        states = twice(place, refs[0], SEEN)

        assert set(states) <= {AckState.DONE, AckState.GONE}
        assert list(place.seen()) == [numbered(1)]


class RemovalContract:
    """For sources whose mails can be removed."""

    def test_deleting_removes_only_what_was_named(self, place: Place) -> None:
        """Gone are exactly the mails that were named, once the session is closed."""
        states = acknowledged(place, DELETE)

        assert states == [AckState.DONE] * 2
        assert list(place.left()) == [numbered(2)]

    def test_deleting_can_be_done_again(self, place: Place) -> None:
        """After a crash the same mail is acknowledged again, which is no failure and touches no other."""
        fill(place, [numbered(1), numbered(2)])
        refs = listed(place)
        states = twice(place, refs[0], DELETE)

        assert set(states) <= {AckState.DONE, AckState.GONE}
        assert list(place.left()) == [numbered(2)]


class MovingContract:
    """For sources whose mails can be moved to a folder."""

    def test_moving_moves_only_what_was_named(self, place: Place) -> None:
        """The mails that were named are in the folder, which is made if needed; the others stay."""
        states = acknowledged(place, MOVE)

        assert states == [AckState.DONE] * 2
        assert list(place.left()) == [numbered(2)]
        assert sorted(place.moved()) == [numbered(1), numbered(3)]

    def test_moving_can_be_done_again(self, place: Place) -> None:
        """After a crash the same mail is acknowledged again, which is no failure and touches no other."""
        fill(place, [numbered(1), numbered(2)])
        refs = listed(place)
        states = twice(place, refs[0], MOVE)

        assert set(states) <= {AckState.DONE, AckState.GONE}
        assert (list(place.left()), list(place.moved())) == ([numbered(2)], [numbered(1)])


def acknowledged(place: Place, mode: AfterFetch) -> list[AckState]:
    """Acknowledge the third and the first of three mails, and give the states."""
    fill(place, [numbered(1), numbered(2), numbered(3)])
    with place.source.open() as session:
        refs = flat(session.listing(after=0))
        fetched(session, refs)
        answers = session.acknowledge([refs[2], refs[0]], mode)

    assert [answer.ref for answer in answers] == [refs[2], refs[0]]
    return [answer.state for answer in answers]


def twice(place: Place, ref: MailRef, mode: AfterFetch) -> list[AckState]:
    """Acknowledge a mail in two sessions, one after the other."""
    states = []
    for _ in range(2):
        with place.source.open() as session:
            states += [answer.state for answer in session.acknowledge([ref], mode)]
    return states


def fill(place: Place, mails: Iterable[bytes]) -> None:
    """Let these mails arrive, in order."""
    for raw in mails:
        place.put(raw)


def listed(place: Place) -> list[MailRef]:
    """Give every mail, by a session of its own."""
    with place.source.open() as session:
        return flat(session.listing(after=0))


def flat(windows: Iterable[Sequence[MailRef]]) -> list[MailRef]:
    """Give the refs of all windows."""
    return [ref for window in windows for ref in window]


def fetched(session: MailSession, refs: Sequence[MailRef], *, max_size: int = 1_000_000) -> list[Fetched]:
    """Give what these refs are, of all batches."""
    return [mail for batch in session.fetch(refs, max_size=max_size) for mail in batch]
