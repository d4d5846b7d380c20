"""Passes over a mailbox into a database: interrupted at every moment, and several workers and people at once."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from customerservice.adapters.transports.memory import MemoryMailbox, MemorySender
from customerservice.bootstrap import HelpDesk
from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ShopId
from customerservice.domain.mailbox import AfterFetch, FirstSync, SecretKind, SecretRef
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import EmployeeRef
from customerservice.domain.status import ThreadStatus
from customerservice.errors import LeaseLost, Refused
from customerservice.ports.storage import DeliveryFilter
from customerservice.testing.clock import BEGINNING
from customerservice.testing.failpoints import FailAction, FailpointReached, FailurePlan, armed

KEYS = (b"the key that signs all reply addresses",)
ANNA = EmployeeRef("anna")
POINTS = [
    "sync.opened",
    "sync.cursor-saved",
    "sync.listed",
    "sync.fetched",
    "sync.raw-written",
    "sync.raw-committed",
    "sync.parsed",
    "sync.outcome-written",
    "sync.outcome-committed",
    "sync.before-acknowledge",
    "sync.acknowledged",
    "sync.acknowledgement-noted",
]


def mail(number: int, *, answers: int | None = None) -> bytes:
    """A mail of a customer of her own, or of the one whose mail it answers."""
    author = number if answers is None else answers
    lines = [
        f"From: customer{author}@mail.example",
        "To: help@shop.example",
        f"Subject: Question {author}",
        f"Message-ID: <{number}@mail.example>",
    ]
    if answers is not None:
        lines.append(f"In-Reply-To: <{answers}@mail.example>")
    return ("\r\n".join(lines) + f"\r\n\r\ntext {number}\r\n").encode()


class Shop:
    """A shop of a database, and a server with twelve mails in five conversations, two of them delivered twice."""

    def __init__(self, url: str, mode: str = "keep") -> None:
        self.url, self.name = url, ShopId(uuid.uuid4().hex)
        self.server = MemoryMailbox()
        with self.open() as desk:
            contact = desk.contacts.add("Help", addresses=[EmailAddress("help@shop.example")])
            self.box, _ = desk.mailboxes.find_or_add(
                "{mail.shop.example/imap/ssl}INBOX",
                user="help@shop.example",
                secret=SecretRef(SecretKind.ENVIRONMENT, "SHOP_MAIL_PASSWORD"),
                contact_id=contact.id,
                first_sync=FirstSync(everything=True),
                after_fetch=AfterFetch.parse(mode),
            )
        raws = [mail(number) for number in range(5)] + [mail(number, answers=number - 5) for number in range(5, 10)]
        for raw in (*raws, raws[0], raws[7]):
            self.server.deliver(raw, received_at=BEGINNING)

    def open(self) -> HelpDesk:
        """The help desk, as a program that was started anew opens it; other shops of the database are none of its."""
        return HelpDesk.open(self.url, keys=KEYS, shop=self.name).as_actor(Actor.system(ShopScope.of(self.name)))

    def anna(self, desk: HelpDesk) -> HelpDesk:
        """The same for an employee."""
        return desk.as_employee(ANNA, scope=desk.actor.scope)

    def sync(self) -> Any:
        """One pass in a program of its own."""
        with self.open() as desk:
            return desk.sync(self.box.id, source=self.server)

    def is_complete(self) -> bool:
        """Whether each mail is there once, in its conversation, and everything stored is in order."""
        with self.open() as desk:
            threads = [desk.threads.view(thread.id) for thread in desk.threads.page().items]
            texts = [[one.message.text.strip() for one in view.messages] for view in threads]
            outcomes = Counter(one.outcome for one in desk.mail.page().items)
            return (
                sorted(texts) == [[f"text {number}", f"text {number + 5}"] for number in range(5)]
                and outcomes == {Outcome.OPENED: 5, Outcome.JOINED: 5, Outcome.DUPLICATE: 2}
                and list(desk.check()) == []
            )


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mysql", marks=pytest.mark.mysql),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The URL of a database of each kind there is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'helpdesk.db'}"
    return request.getfixturevalue(f"{request.param}_url")


@pytest.mark.parametrize("mode", ["keep", "delete"])
@pytest.mark.parametrize("point", POINTS)
def test_a_pass_interrupted_at_any_moment_is_finished_by_the_next_program(url: str, mode: str, point: str) -> None:
    """What was committed is there; another program goes on from it."""
    shop = Shop(url, mode)
    with armed(FailurePlan(point, FailAction.RAISE)) as hits:
        try:
            shop.sync()
        except FailpointReached:
            pass

    shop.sync()

    assert hits[point] == (0 if mode == "keep" and "acknowledge" in point else 1)
    assert shop.is_complete()
    assert len(shop.server.mails) == (12 if mode == "keep" else 0)


def at_once(*works: Callable[[], None]) -> list[BaseException]:
    """Run these in threads that begin together; gives what they raised."""
    raised: list[BaseException] = []
    begin = threading.Barrier(len(works))

    def guarded(work: Callable[[], None]) -> None:
        begin.wait()
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_workers_that_sync_at_once_take_each_mail_once(url: str) -> None:
    """Four programs over one mailbox: one works, the others say so (F32)."""
    shop = Shop(url, "delete")
    reports: list[Any] = []

    raised = at_once(*[lambda: reports.append(shop.sync())] * 4)

    assert raised == []
    assert sum(report.fetched for report in reports) == 12
    assert shop.is_complete()


def test_workers_that_lose_their_lease_to_each_other_take_each_mail_once(url: str) -> None:
    """Even where every worker is thought dead at any moment, only one's work is stored."""

    class AllDead:
        def __init__(self) -> None:
            self.number = 0

        def name(self) -> str:
            self.number += 1
            return f"{id(self)}-{self.number}"

        def is_gone(self, _name: str) -> bool:
            return True

    shop = Shop(url)

    def sync() -> None:
        with shop.open() as desk:
            reckless = HelpDesk(attrs.evolve(desk._context, workers=AllDead()), shop=shop.name)
            reckless.sync(shop.box.id, source=shop.server)

    raised = at_once(*[sync] * 4)
    shop.sync()

    assert all(isinstance(error, LeaseLost) for error in raised)
    assert shop.is_complete()


def test_mail_that_comes_while_people_work_is_lost_to_nobody(url: str) -> None:
    """A pass, and employees who note, move and answer the same threads: all of it is there at the end (F47-F49)."""
    shop = Shop(url)
    with shop.open() as desk:
        for uid in list(shop.server.mails)[5:]:
            shop.server.remove(uid)
        desk.sync(shop.box.id, source=shop.server)
        ids = [thread.id for thread in desk.threads.page().items]
    for number in range(5, 25):
        shop.server.deliver(mail(number, answers=number % 5), received_at=BEGINNING)

    def work() -> None:
        with shop.open() as own:
            anna = shop.anna(own)
            for thread_id in ids:
                anna.note(thread_id, "seen")
                anna.threads.set_status(thread_id, ThreadStatus.PENDING1)
                anna.reply(thread_id, text="It is on its way.")

    raised = at_once(lambda: shop.sync() and None, work, work)

    with shop.open() as desk:
        assert raised == []
        assert [desk.threads.view(one).thread.customer_messages for one in ids] == [5] * 5
        assert [desk.threads.view(one).thread.employee_messages for one in ids] == [2] * 5
        assert list(desk.check()) == []


def test_two_people_who_open_one_held_mail_make_one_thread_of_it(url: str) -> None:
    """The second is told that it is in a thread already."""
    shop = Shop(url)
    for number in range(100, 110):
        news = mail(number).replace(b"\r\n\r\n", b"\r\nList-Id: <news.elsewhere.example>\r\n\r\n")
        shop.server.deliver(news, received_at=BEGINNING)
    shop.sync()
    with shop.open() as desk:
        held = [one.id for one in desk.mail.page(DeliveryFilter(outcomes=frozenset({Outcome.HELD}))).items]
    refused: list[Any] = []

    def work() -> None:
        with shop.open() as own:
            for mail_id in held:
                try:
                    own.mail.open(mail_id)
                except Refused as error:
                    refused.append(error.rule)

    raised = at_once(work, work, work)

    assert raised == []
    assert refused == ["in-thread"] * 20
    with shop.open() as desk:
        assert desk.statistics().threads == 15
        assert list(desk.check()) == []


def test_workers_that_deliver_at_once_send_each_mail_once(url: str) -> None:
    """Three programs over one outbox."""
    shop = Shop(url)
    shop.sync()
    sender = MemorySender()
    with shop.open() as desk:
        for thread in desk.threads.page().items:
            shop.anna(desk).reply(thread.id, text="It is on its way.")

    def deliver() -> None:
        with shop.open() as own:
            own.deliver(sender)

    raised = at_once(*[deliver] * 3)

    assert raised == []
    assert len({one.raw for one in sender.sent}) == len(sender.sent) == 5
    with shop.open() as desk:
        assert desk.statistics().closed == 5
