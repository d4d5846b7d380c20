"""The mails as sources handed them over."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from customerservice.domain.actor import ALL_SHOPS
from customerservice.domain.delivery import Delivery, DeliveryKey
from customerservice.domain.ids import DeliveryId, MailboxId
from customerservice.domain.outcome import Outcome
from customerservice.errors import Conflict
from customerservice.ports.storage import DeliveryFilter, Storage
from customerservice.testing.builders import Builder, digest_of
from customerservice.testing.clock import BEGINNING
from customerservice.testing.storage_contract._basis import (
    EARLIER,
    GREATEST_UID,
    ONE,
    ONE_SHOP,
    OTHER_SHOP,
    ContractBase,
    ids_of,
    together,
)
from customerservice.testing.storage_contract._samples import full_delivery


class DeliveryPromises(ContractBase):
    """The mails as sources handed them over."""

    def test_new_deliveries_are_stored_and_named(self, storage: Storage, build: Builder) -> None:
        """`add` gives the ids of what it stored, in order."""
        deliveries = [build.delivery() for _ in range(3)]
        with storage.unit() as unit:
            assert list(unit.deliveries.add(deliveries[::-1])) == ids_of(deliveries[::-1])
        with storage.unit() as unit:
            assert [unit.deliveries.find(delivery.key) for delivery in deliveries] == deliveries

    def test_known_key_is_left_out_and_unchanged(self, storage: Storage, build: Builder) -> None:
        """A second delivery of a key is not stored, in a later unit or within one call, and changes nothing."""
        first, new = build.delivery(subject="first"), build.delivery()
        again, twice = build.delivery(key=first.key, subject="again"), build.delivery(key=new.key)
        with storage.unit() as unit:
            unit.deliveries.add([first])
        with storage.unit() as unit:
            assert list(unit.deliveries.add([again, new, twice])) == [new.id]

        with storage.unit() as unit:
            assert unit.deliveries.find(first.key) == first
            assert (unit.deliveries.get(again.id), unit.deliveries.get(twice.id)) == (None, None)

    def test_changes_of_one_delivery_at_once_are_all_kept(self, storage: Storage, build: Builder) -> None:
        """Six threads count up a mail they took for change: each sees what those before it made of it."""
        delivery = build.delivery()
        with storage.unit() as unit:
            unit.deliveries.add([delivery])

        def count() -> None:
            for _ in range(5):
                with storage.unit() as unit:
                    found = unit.deliveries.get(delivery.id, for_change=True)
                    assert found is not None
                    unit.deliveries.save([attrs.evolve(found, attempts=found.attempts + 1)])

        together(*[count] * 6)

        with storage.unit() as unit:
            found = unit.deliveries.get(delivery.id)
            assert found is not None
            assert found.attempts == 30
            assert unit.deliveries.get(build.delivery().id, for_change=True) is None

    def test_key_added_by_two_units_at_once_is_stored_once(self, storage: Storage, build: Builder) -> None:
        """Six threads add the same ten keys: each key has one winner, and nobody gets an exception."""
        keys = [DeliveryKey(source="box", epoch=1, uid=uid) for uid in range(1, 11)]

        def add(order: int) -> Callable[[], Sequence[DeliveryId]]:
            mine = [build.delivery(key=key) for key in (keys if order % 2 else keys[::-1])]

            def act() -> Sequence[DeliveryId]:
                with storage.unit() as unit:
                    return unit.deliveries.add(mine)

            return act

        won = [found for ids in together(*(add(order) for order in range(6))) for found in ids]

        assert len(won) == 10
        with storage.unit() as unit:
            stored = [unit.deliveries.find(key) for key in keys]
        assert {delivery.id for delivery in stored if delivery is not None} == set(won)

    def test_unit_that_lost_a_key_works_on(self, storage: Storage, build: Builder) -> None:
        """Leaving out a known key does not spoil the unit: what it writes besides is stored."""
        first, second = build.delivery(), build.delivery()
        contact = build.contact()
        with storage.unit() as unit:
            unit.deliveries.add([first])
        with storage.unit() as unit:
            unit.deliveries.add([build.delivery(key=first.key), second])
            unit.contacts.add(contact)

        with storage.unit() as unit:
            assert unit.deliveries.get(second.id) == second
            assert unit.contacts.get(contact.id) == contact

    @pytest.mark.parametrize(
        "other",
        [
            {"source": "BOX"},
            {"source": "box "},
            {"source": "böx"},
            {"epoch": 2**31 + 1},
            {"epoch": GREATEST_UID},
            {"uid": 2**31},
            {"uid": GREATEST_UID},
            {"name": "UIDL-1"},
            {"name": "uidl-1 "},
            {"name": "uidl-é"},
            {"name": "uidl-e\u0301"},
            {"name": "folder/" * 500 + "1"},
            {"name": "folder/" * 500 + "2"},
            {"name": "mail-\udcff"},
        ],
        ids=str,
    )
    def test_keys_are_told_apart_exactly(self, storage: Storage, build: Builder, other: dict[str, Any]) -> None:
        """Numbers up to 2**32 - 1; names of any length and any bytes, compared exactly."""
        key = DeliveryKey(source="box", epoch=1, uid=1, name="uidl-1")
        first, second = build.delivery(key=key), build.delivery(key=attrs.evolve(key, **other))
        with storage.unit() as unit:
            assert list(unit.deliveries.add([first, second])) == [first.id, second.id]

        with storage.unit() as unit:
            assert (unit.deliveries.find(first.key), unit.deliveries.find(second.key)) == (first, second)
            assert list(unit.deliveries.add([build.delivery(key=second.key)])) == []
            assert set(unit.deliveries.known("box", [key])) == {key}

    def test_parts_of_a_key_do_not_run_together(self, storage: Storage, build: Builder) -> None:
        """Epoch 1 and UID 23 is not epoch 12 and UID 3; a name is not a piece of the source."""
        keys = [
            DeliveryKey(source="box", epoch=1, uid=23),
            DeliveryKey(source="box", epoch=12, uid=3),
            DeliveryKey(source="box1", epoch=2, uid=3),
            DeliveryKey(source="box", epoch=1, uid=2, name="3"),
            DeliveryKey(source="bo", epoch=1, uid=23, name="x"),
        ]
        with storage.unit() as unit:
            added = unit.deliveries.add([build.delivery(key=key) for key in keys])

        assert len(added) == 5

    def test_ten_thousand_keys_are_looked_up(self, storage: Storage, build: Builder) -> None:
        """`known` gives exactly those that are stored, of that source."""
        keys = [DeliveryKey(source="box", epoch=GREATEST_UID, uid=2**31 + at) for at in range(10_000)]
        stored = keys[::2500]
        elsewhere = attrs.evolve(keys[1], source="other")
        with storage.unit() as unit:
            unit.deliveries.add([build.delivery(key=key) for key in [*stored, elsewhere]])

        with storage.unit() as unit:
            assert set(unit.deliveries.known("box", keys)) == set(stored)
            assert set(unit.deliveries.known("box", [])) == set()
            assert set(unit.deliveries.known("nowhere", [attrs.evolve(stored[0], source="nowhere")])) == set()

    def test_saved_delivery_is_replaced_as_a_whole(self, storage: Storage, build: Builder) -> None:
        """Several at once, values set and values taken away."""
        bare, full = build.delivery(), full_delivery(build)
        with storage.unit() as unit:
            unit.deliveries.add([bare, full])
        filled = attrs.evolve(full, id=bare.id, key=bare.key)
        emptied = build.delivery(id=full.id, key=full.key, sha256=None)
        with storage.unit() as unit:
            unit.deliveries.save([filled, emptied])

        with storage.unit() as unit:
            assert (unit.deliveries.get(bare.id), unit.deliveries.get(full.id)) == (filled, emptied)

    def test_saving_an_unknown_delivery_is_a_conflict(self, storage: Storage, build: Builder) -> None:
        """What was never added cannot be replaced, also beside one that can."""
        stored = build.delivery()
        with storage.unit() as unit:
            unit.deliveries.add([stored])
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.deliveries.save([attrs.evolve(stored, attempts=1), build.delivery()])

        with storage.unit() as unit:
            assert unit.deliveries.get(stored.id) == stored

    def test_unread_mails_come_by_place_at_the_source(self, storage: Storage, build: Builder) -> None:
        """By epoch, UID and id, at most `limit`; without outcome, with bytes, of that source."""
        places = [(1, 5), (1, 2**31 + 1), (2, 3), (2, 0), (2, 0)]
        waits = [
            build.delivery(key=DeliveryKey(source="box", epoch=epoch, uid=uid, name=f"n{at}"))
            for at, (epoch, uid) in enumerate(places)
        ]
        waits[3], waits[4] = build.delivery(key=waits[4].key), build.delivery(key=waits[3].key)
        others = [
            build.delivery(key=DeliveryKey(source="box", uid=1), outcome=Outcome.OPENED),
            build.delivery(key=DeliveryKey(source="box", uid=2), raw_kept=False),
            build.delivery(key=DeliveryKey(source="Box", uid=3)),
        ]
        expected = [waits[0], waits[1], waits[3], waits[4], waits[2]]
        with storage.unit() as unit:
            unit.deliveries.add([*others, *waits[::-1]])

        with storage.unit() as unit:
            assert list(unit.deliveries.unread("box", limit=10)) == expected
            assert list(unit.deliveries.unread("box", limit=3)) == expected[:3]
            assert list(unit.deliveries.unread("nowhere", limit=3)) == []

    def test_mail_that_was_read_is_no_longer_unread(self, storage: Storage, build: Builder) -> None:
        """An outcome takes a mail off the list; taking the outcome back puts it there again."""
        delivery = build.delivery()
        source = delivery.key.source
        with storage.unit() as unit:
            unit.deliveries.add([delivery])
        with storage.unit() as unit:
            unit.deliveries.save([attrs.evolve(delivery, outcome=Outcome.HELD)])
            assert list(unit.deliveries.unread(source, limit=9)) == []
        with storage.unit() as unit:
            unit.deliveries.save([delivery])
        with storage.unit() as unit:
            assert list(unit.deliveries.unread(source, limit=9)) == [delivery]

    def test_unacknowledged_mails_come_by_id(self, storage: Storage, build: Builder) -> None:
        """With an outcome, still to be told to their source, of that epoch, from behind a place."""

        def mail(uid: int, **fields: Any) -> Delivery:
            told = {"outcome": Outcome.OPENED, "acknowledge": True, "key": DeliveryKey(source="box", epoch=7, uid=uid)}
            return build.delivery(**told | fields)

        waits = [mail(9), mail(8), mail(7)]
        others = [
            mail(6, acknowledge=False),
            mail(5, outcome=None),
            mail(0, key=DeliveryKey(source="box", epoch=8, uid=1)),
            mail(0, key=DeliveryKey(source="Box", epoch=7, uid=1)),
        ]
        with storage.unit() as unit:
            unit.deliveries.add([*others, *waits[::-1]])

        with storage.unit() as unit:
            assert list(unit.deliveries.unacknowledged("box", 7, limit=9)) == waits
            assert list(unit.deliveries.unacknowledged("box", 7, limit=2)) == waits[:2]
            assert list(unit.deliveries.unacknowledged("box", 7, limit=9, after=waits[0].id)) == waits[1:]
            unit.deliveries.save([attrs.evolve(waits[0], acknowledge=False)])
            assert list(unit.deliveries.unacknowledged("box", 7, limit=9)) == waits[1:]

    def test_mails_are_found_by_their_bytes(self, storage: Storage, build: Builder) -> None:
        """Those of a source with that digest, by id."""
        digest = digest_of("mail")
        found = [build.delivery(sha256=digest) for _ in range(2)]
        others = [
            build.delivery(sha256=digest_of("other")),
            build.delivery(sha256=None),
            build.delivery(sha256=digest, key=DeliveryKey(source="A mailbox", uid=1)),
        ]
        with storage.unit() as unit:
            unit.deliveries.add([*others, *found[::-1]])

        with storage.unit() as unit:
            assert list(unit.deliveries.by_bytes("a mailbox", digest)) == found
            assert list(unit.deliveries.by_bytes("a mailbox", digest, limit=1)) == found[:1]
            assert list(unit.deliveries.by_bytes("nowhere", digest)) == []

    def test_first_mail_of_equal_content_is_found(self, storage: Storage, build: Builder) -> None:
        """The first by id of the shop, in a thread or held, stored at or after the moment."""
        digest = digest_of("content")

        def mail(outcome: Outcome | None, **fields: Any) -> Delivery:
            return build.delivery(**{"content_digest": digest, "shop": ONE_SHOP, "outcome": outcome} | fields)

        useless = [mail(outcome) for outcome in (None, *Outcome) if outcome is None or _is_no_original(outcome)]
        useless.append(mail(Outcome.OPENED, shop=OTHER_SHOP))
        useless.append(mail(Outcome.OPENED, content_digest=digest_of("other")))
        old = mail(Outcome.OPENED, stored_at=EARLIER)
        originals = [mail(outcome) for outcome in Outcome if not _is_no_original(outcome)]
        with storage.unit() as unit:
            unit.deliveries.add(useless)
            assert unit.deliveries.by_content(ONE_SHOP, digest, since=EARLIER) is None
            unit.deliveries.add([*originals[::-1], old])

        with storage.unit() as unit:
            assert unit.deliveries.by_content(ONE_SHOP, digest, since=EARLIER) == old
            for at, original in enumerate(originals):
                assert unit.deliveries.by_content(ONE_SHOP, digest, since=BEGINNING) == original
                unit.deliveries.save([attrs.evolve(original, outcome=Outcome.DUPLICATE)])
                assert len(originals) - at > 0
            assert unit.deliveries.by_content(ONE_SHOP, digest, since=BEGINNING) is None

    def test_mails_are_listed_by_the_version_of_their_reader(self, storage: Storage, build: Builder) -> None:
        """Those that an older one read, alone and with other conditions; what nobody read is not among them."""
        read = [build.delivery(reader_version=version, outcome=Outcome.HELD) for version in (1, 2, 3)]
        ignored = build.delivery(reader_version=1, outcome=Outcome.IGNORED)
        with storage.unit() as unit:
            unit.deliveries.add([*read, ignored, build.delivery(reader_version=None)])

            held = frozenset({Outcome.HELD})
            assert ids_of(unit.deliveries.page(DeliveryFilter(read_before=3)).items) == ids_of(
                [ignored, read[1], read[0]]
            )
            assert ids_of(unit.deliveries.page(DeliveryFilter(read_before=2, outcomes=held)).items) == ids_of(read[:1])
            assert unit.deliveries.page(DeliveryFilter(read_before=1)).items == ()

    def test_mails_are_found_by_message_id(self, storage: Storage, build: Builder) -> None:
        """All of the scope, by id."""
        mine = [build.delivery(header_id="1@x", shop=ONE_SHOP) for _ in range(2)]
        theirs = build.delivery(header_id="1@x", shop=OTHER_SHOP)
        with storage.unit() as unit:
            unit.deliveries.add([theirs, *mine[::-1], build.delivery(header_id="2@x"), build.delivery()])

        with storage.unit() as unit:
            assert list(unit.deliveries.by_header_id(ONE, "1@x")) == mine
            assert list(unit.deliveries.by_header_id(ALL_SHOPS, "1@x")) == [*mine, theirs]

    @pytest.mark.parametrize("limit", [1, 2, 3, 9])
    def test_mails_are_listed_newest_first(self, storage: Storage, build: Builder, limit: int) -> None:
        """By id, page by page, narrowed by shop, outcome and mailbox."""
        box = MailboxId(build.ids.new())
        mails = [
            build.delivery(
                shop=ONE_SHOP if at % 2 else OTHER_SHOP,
                outcome=Outcome.HELD if at % 3 else Outcome.IGNORED,
                mailbox_id=box if at % 4 else None,
            )
            for at in range(9)
        ]
        with storage.unit() as unit:
            unit.deliveries.add(mails)

        def listed(wanted: DeliveryFilter) -> list[Delivery]:
            found: list[Delivery] = []
            after = None
            while True:
                with storage.unit() as unit:
                    page = unit.deliveries.page(wanted, after=after, limit=limit)
                assert len(page.items) <= limit
                found += page.items
                after = page.next
                if after is None:
                    return found

        newest = mails[::-1]
        held = [mail for mail in newest if mail.outcome is Outcome.HELD]
        assert listed(DeliveryFilter()) == newest
        assert listed(DeliveryFilter(scope=ONE)) == [mail for mail in newest if mail.shop == ONE_SHOP]
        assert listed(DeliveryFilter(outcomes=frozenset({Outcome.HELD, Outcome.GONE}))) == held
        assert listed(DeliveryFilter(mailbox_id=box)) == [mail for mail in newest if mail.mailbox_id]
        assert listed(DeliveryFilter(outcomes=frozenset())) == []

    def test_mails_that_were_not_ours_can_be_forgotten(self, storage: Storage, build: Builder) -> None:
        """Only those of that mailbox with that outcome; the number is given, and their keys are free again."""
        box, other = MailboxId(build.ids.new()), MailboxId(build.ids.new())
        gone = [build.delivery(mailbox_id=box, outcome=Outcome.NOT_OURS) for _ in range(3)]
        stays = [
            build.delivery(mailbox_id=box, outcome=Outcome.IGNORED),
            build.delivery(mailbox_id=box),
            build.delivery(mailbox_id=other, outcome=Outcome.NOT_OURS),
        ]
        with storage.unit() as unit:
            unit.deliveries.add([*gone, *stays])
        with storage.unit() as unit:
            assert unit.deliveries.forget_not_ours(box) == 3
            assert unit.deliveries.forget_not_ours(box) == 0

        with storage.unit() as unit:
            assert unit.deliveries.page(DeliveryFilter()).items == tuple(stays[::-1])
            again = build.delivery(key=gone[0].key)
            assert list(unit.deliveries.add([again])) == [again.id]


def _is_no_original(outcome: Outcome) -> bool:
    return outcome not in (Outcome.OPENED, Outcome.JOINED, Outcome.ATTACHED, Outcome.HELD)
