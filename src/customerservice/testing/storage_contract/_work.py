"""Bytes, leases, the outbox and figures: what several workers touch at once."""

import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any

import attrs
import pytest

from customerservice.domain.actor import ALL_SHOPS, ShopScope
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.figures import Figure, FigureKey
from customerservice.domain.ids import ContactId, MessageId, OutboxId
from customerservice.domain.outbox import OutboxState, RecipientState
from customerservice.errors import Conflict, LeaseLost, StoredBytesLost
from customerservice.ports.storage import BlobOwner, Storage, UnitOfWork
from customerservice.testing.builders import CUSTOMER_ADDRESS, Builder, digest_of, waiting
from customerservice.testing.clock import BEGINNING
from customerservice.testing.storage_contract._basis import (
    EARLIER,
    LATER,
    MINUTE,
    ONE,
    ONE_SHOP,
    OTHER_SHOP,
    ContractBase,
    failing,
    figure_key,
    ids_of,
    together,
)


class BlobPromises(ContractBase):
    """Bytes by their digest."""

    @pytest.mark.parametrize(
        "size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3_000_000, 20 * 2**20], ids=lambda size: f"{size} bytes"
    )
    def test_bytes_come_back_equal(self, storage: Storage, size: int) -> None:
        """Of any size, none included; the name is their hex SHA-256."""
        content = (bytes(range(256)) * (size // 256 + 1))[:size]
        with storage.unit() as unit:
            name = unit.blobs.put(content, BlobOwner("delivery", "1"))
        with storage.unit() as unit:
            found = unit.blobs.get(name)

        assert name == hashlib.sha256(content).hexdigest()
        assert type(found) is bytes
        assert found == content

    def test_missing_bytes_are_an_error(self, storage: Storage) -> None:
        """They were promised; that they are not there is never silent."""
        with pytest.raises(StoredBytesLost), storage.unit() as unit:
            unit.blobs.get(digest_of("never stored"))

    def test_bytes_stay_until_the_last_owner_lets_go(self, storage: Storage) -> None:
        """Owners are counted once each, told apart exactly, by kind and id."""
        owners = [
            BlobOwner("delivery", "a"),
            BlobOwner("delivery", "A"),
            BlobOwner("delivery", "a "),
            BlobOwner("attachment", "a"),
            BlobOwner("outbox", "a"),
            BlobOwner("delivery", "a" * 64),
        ]
        with storage.unit() as unit:
            names = {unit.blobs.put(b"shared", owner) for owner in owners + owners}
        (name,) = names
        for owner in owners:
            with storage.unit() as unit:
                assert unit.blobs.get(name) == b"shared"
                unit.blobs.release(name, owner)
                unit.blobs.release(name, owner)

        with pytest.raises(StoredBytesLost), storage.unit() as unit:
            unit.blobs.get(name)

    def test_release_by_a_stranger_does_nothing(self, storage: Storage) -> None:
        """Neither of bytes another owns, nor of bytes nobody stored."""
        with storage.unit() as unit:
            name = unit.blobs.put(b"mine", BlobOwner("delivery", "1"))
            unit.blobs.release(name, BlobOwner("delivery", "2"))
            unit.blobs.release(digest_of("never stored"), BlobOwner("delivery", "1"))

        with storage.unit() as unit:
            assert unit.blobs.get(name) == b"mine"

    def test_deleted_bytes_can_be_stored_again(self, storage: Storage) -> None:
        """In the same unit and in a later one."""
        owner = BlobOwner("delivery", "1")
        with storage.unit() as unit:
            name = unit.blobs.put(b"again", owner)
            unit.blobs.release(name, owner)
            assert unit.blobs.put(b"again", owner) == name
        with storage.unit() as unit:
            unit.blobs.release(name, owner)
        with storage.unit() as unit:
            unit.blobs.put(b"again", owner)

        with storage.unit() as unit:
            assert unit.blobs.get(name) == b"again"

    def test_failed_unit_leaves_no_bytes(self, storage: Storage) -> None:
        """Neither the bytes nor the note that somebody needs bytes others stored."""
        kept, failed = BlobOwner("delivery", "kept"), BlobOwner("delivery", "failed")
        with storage.unit() as unit:
            shared = unit.blobs.put(b"shared", kept)
        with failing(storage) as unit:
            alone = unit.blobs.put(b"alone", failed)
            unit.blobs.put(b"shared", failed)
        with pytest.raises(StoredBytesLost), storage.unit() as unit:
            unit.blobs.get(alone)

        with storage.unit() as unit:
            unit.blobs.release(shared, kept)
        with pytest.raises(StoredBytesLost), storage.unit() as unit:
            unit.blobs.get(shared)

    def test_failed_unit_deletes_no_bytes(self, storage: Storage) -> None:
        """Bytes whose last owner let go in a unit that failed are still there, and still owned."""
        owner, other = BlobOwner("delivery", "1"), BlobOwner("delivery", "2")
        with storage.unit() as unit:
            name = unit.blobs.put(b"needed", owner)
        with failing(storage) as unit:
            unit.blobs.release(name, owner)
        with storage.unit() as unit:
            unit.blobs.put(b"needed", other)
            unit.blobs.release(name, other)

        with storage.unit() as unit:
            assert unit.blobs.get(name) == b"needed"

    def test_bytes_put_by_many_at_once_are_counted_for_each(self, storage: Storage) -> None:
        """Six threads store the same bytes for owners of their own; the bytes go with the last."""
        owners = [BlobOwner("delivery", str(at)) for at in range(6)]

        def put(owner: BlobOwner) -> Callable[[], str]:
            def act() -> str:
                with storage.unit() as unit:
                    return unit.blobs.put(b"mailed to six", owner)

            return act

        def release(owner: BlobOwner) -> Callable[[], None]:
            def act() -> None:
                with storage.unit() as unit:
                    unit.blobs.release(name, owner)

            return act

        (name,) = set(together(*(put(owner) for owner in owners)))
        together(*(release(owner) for owner in owners[:5]))
        with storage.unit() as unit:
            assert unit.blobs.get(name) == b"mailed to six"
            unit.blobs.release(name, owners[5])

        with pytest.raises(StoredBytesLost), storage.unit() as unit:
            unit.blobs.get(name)

    def test_bytes_put_while_the_last_owner_lets_go_are_kept(self, storage: Storage) -> None:
        """Whoever comes first, who put them and did not release them finds them."""
        leaves, stays = BlobOwner("delivery", "leaves"), BlobOwner("delivery", "stays")

        def release() -> None:
            with storage.unit() as unit:
                unit.blobs.release(name, leaves)

        def put() -> None:
            with storage.unit() as unit:
                unit.blobs.put(content, stays)

        for turn in range(10):
            content = b"turn %d" % turn
            with storage.unit() as unit:
                name = unit.blobs.put(content, leaves)
            together(release, put)
            with storage.unit() as unit:
                assert unit.blobs.get(name) == content


class LeasePromises(ContractBase):
    """Who works on what."""

    def test_free_lease_is_taken(self, storage: Storage) -> None:
        """Its holder, name and end are those asked for."""
        with storage.unit() as unit:
            lease = unit.leases.acquire("mailbox:1", "worker", now=BEGINNING, until=LATER)

        assert lease is not None
        assert (lease.name, lease.owner, lease.until) == ("mailbox:1", "worker", LATER)

    def test_held_lease_is_not_given_to_another(self, storage: Storage) -> None:
        """None, as long as it lasts; leases of other names are free, and names are compared exactly."""
        with storage.unit() as unit:
            unit.leases.acquire("mailbox:a", "worker", now=BEGINNING, until=LATER)
        with storage.unit() as unit:
            assert unit.leases.acquire("mailbox:a", "other", now=BEGINNING, until=LATER) is None
            assert unit.leases.acquire("mailbox:a", "WORKER", now=BEGINNING, until=LATER) is None
            for name in ("mailbox:A", "mailbox:a ", "mailbox:á", "mailbox:a" + "x" * 150):
                assert unit.leases.acquire(name, "other", now=BEGINNING, until=LATER) is not None, name

    def test_owner_gets_its_lease_again(self, storage: Storage) -> None:
        """With the new end, and its older value still counts."""
        with storage.unit() as unit:
            first = unit.leases.acquire("sync", "worker", now=BEGINNING, until=LATER)
            second = unit.leases.acquire("sync", "worker", now=BEGINNING, until=LATER + MINUTE)
            assert first is not None
            assert second is not None

            assert second.until == LATER + MINUTE
            unit.leases.check(second)

    def test_expired_lease_is_taken_over(self, storage: Storage) -> None:
        """Its new holder has a higher fence; what the old one does with it is `LeaseLost`."""
        with storage.unit() as unit:
            old = unit.leases.acquire("sync", "old", now=BEGINNING, until=LATER)
            assert old is not None
        with storage.unit() as unit:
            new = unit.leases.acquire("sync", "new", now=LATER + MINUTE, until=LATER + 2 * MINUTE)
            assert new is not None
            assert new.fence > old.fence

        with pytest.raises(LeaseLost), storage.unit() as unit:
            unit.leases.check(old)
        with pytest.raises(LeaseLost), storage.unit() as unit:
            unit.leases.renew(old, until=LATER + 3 * MINUTE)
        with storage.unit() as unit:
            unit.leases.release(old)
            unit.leases.check(new)

    def test_expired_lease_nobody_took_is_still_its_holders(self, storage: Storage) -> None:
        """A slow worker whose lease nobody wanted may go on."""
        with storage.unit() as unit:
            lease = unit.leases.acquire("sync", "slow", now=BEGINNING, until=BEGINNING + dt.timedelta(seconds=1))
            assert lease is not None
        with storage.unit() as unit:
            unit.leases.check(lease)
            renewed = unit.leases.renew(lease, until=LATER)
            unit.leases.check(renewed)

        assert (renewed.until, renewed.fence) == (LATER, lease.fence)

    def test_renewed_lease_lasts_longer(self, storage: Storage) -> None:
        """Nobody else gets it before its new end."""
        with storage.unit() as unit:
            lease = unit.leases.acquire("sync", "worker", now=BEGINNING, until=LATER)
            assert lease is not None
            unit.leases.renew(lease, until=LATER + 2 * MINUTE)
        with storage.unit() as unit:
            assert unit.leases.acquire("sync", "other", now=LATER + MINUTE, until=LATER + 3 * MINUTE) is None

    def test_released_lease_is_free_and_lost(self, storage: Storage) -> None:
        """Anybody gets it, with a higher fence; who released it has it no more, even if it takes it again."""
        with storage.unit() as unit:
            first = unit.leases.acquire("sync", "worker", now=BEGINNING, until=LATER)
            assert first is not None
            unit.leases.release(first)
            unit.leases.release(first)
        with pytest.raises(LeaseLost), storage.unit() as unit:
            unit.leases.check(first)
        with pytest.raises(LeaseLost), storage.unit() as unit:
            unit.leases.renew(first, until=LATER)
        with storage.unit() as unit:
            second = unit.leases.acquire("sync", "worker", now=BEGINNING, until=LATER)
            assert second is not None
            assert second.fence > first.fence

        with pytest.raises(LeaseLost), storage.unit() as unit:
            unit.leases.check(first)

    def test_holder_is_told(self, storage: Storage) -> None:
        """The lease as it is held, also beyond its end; None before the first, and once it was given back."""
        with storage.unit() as unit:
            assert unit.leases.holder("sync") is None
            first = unit.leases.acquire("sync", "first", now=BEGINNING, until=LATER)
            assert first is not None
        with storage.unit(reading=True) as unit:
            assert unit.leases.holder("sync") == first
            assert unit.leases.holder("Sync") is None
        with storage.unit() as unit:
            second = unit.leases.acquire("sync", "second", now=LATER + MINUTE, until=LATER + 2 * MINUTE)
            assert second is not None
            assert unit.leases.holder("sync") == second
            unit.leases.release(first)
            assert unit.leases.holder("sync") == second
            unit.leases.release(second)

        with storage.unit() as unit:
            assert unit.leases.holder("sync") is None

    def test_fence_rises_with_every_holder(self, storage: Storage) -> None:
        """Also after the lease was given back and over units."""
        fences = []
        for worker in range(5):
            with storage.unit() as unit:
                lease = unit.leases.acquire("sync", f"worker {worker}", now=BEGINNING, until=LATER)
                assert lease is not None
                fences.append(lease.fence)
                unit.leases.release(lease)

        assert fences == sorted(set(fences))

    @pytest.mark.parametrize("expired", [False, True])
    def test_only_one_of_many_gets_a_lease(self, storage: Storage, expired: bool) -> None:
        """Eight workers ask at once, for a free lease or an expired one: one gets it, nobody gets an exception."""
        if expired:
            with storage.unit() as unit:
                unit.leases.acquire("sync", "dead", now=EARLIER - MINUTE, until=EARLIER)

        def acquire(worker: int) -> Callable[[], object]:
            def act() -> object:
                with storage.unit() as unit:
                    return unit.leases.acquire("sync", f"worker {worker}", now=BEGINNING, until=LATER)

            return act

        results = together(*(acquire(worker) for worker in range(8)))
        assert len([lease for lease in results if lease is not None]) == 1

    def test_checked_lease_is_not_taken_over_within_the_unit(self, storage: Storage) -> None:
        """A worker whose lease expired, but was checked, writes before another gets the lease, not after."""
        with storage.unit() as unit:
            lease = unit.leases.acquire("sync", "slow", now=EARLIER - MINUTE, until=EARLIER)
        assert lease is not None
        held = lease
        checked, taken = threading.Event(), threading.Event()

        def work() -> bool:
            with storage.unit() as unit:
                unit.leases.check(held)
                checked.set()
                return taken.wait(0.3)

        def take_over() -> None:
            assert checked.wait(60)
            with storage.unit() as unit:
                got = unit.leases.acquire("sync", "quick", now=BEGINNING, until=LATER)
            if got is not None:
                taken.set()

        taken_within, _ = together(work, take_over)
        assert taken_within is False


class OutboxPromises(ContractBase):
    """Mail on its way out."""

    def test_changes_of_one_entry_at_once_are_all_kept(self, storage: Storage, build: Builder) -> None:
        """Six threads count up a mail they took for change: each sees what those before it made of it."""
        entry = build.outbox_entry()
        with storage.unit() as unit:
            unit.outbox.add(entry)

        def count() -> None:
            for _ in range(5):
                with storage.unit() as unit:
                    found = unit.outbox.get(entry.id, for_change=True)
                    assert found is not None
                    unit.outbox.save(attrs.evolve(found, tries=found.tries + 1))

        together(*[count] * 6)

        with storage.unit() as unit:
            found = unit.outbox.get(entry.id)
            assert found is not None
            assert found.tries == 30
            assert unit.outbox.get(build.outbox_entry().id, for_change=True) is None

    def test_due_entries_come_by_id(self, storage: Storage, build: Builder) -> None:
        """Waiting ones whose next try is due; claimed and dot-sent ones whose claim ended; at most `limit`."""
        ended: dict[str, Any] = {"claimed_by": "dead", "claimed_until": EARLIER}
        running: dict[str, Any] = {"claimed_by": "alive", "claimed_until": LATER}
        due = [
            build.outbox_entry(state=OutboxState.DOT_SENT, **ended),
            build.outbox_entry(next_try_at=EARLIER),
            build.outbox_entry(state=OutboxState.CLAIMED, **ended),
            build.outbox_entry(next_try_at=BEGINNING),
        ]
        others = [
            build.outbox_entry(next_try_at=BEGINNING + dt.timedelta(microseconds=1)),
            build.outbox_entry(state=OutboxState.CLAIMED, **running),
            build.outbox_entry(state=OutboxState.DOT_SENT, **running),
            *(build.outbox_entry(state=state, **ended) for state in OutboxState if state.is_final),
        ]
        with storage.unit() as unit:
            for entry in [*others, *due[::-1]]:
                unit.outbox.add(entry)

        with storage.unit() as unit:
            assert list(unit.outbox.due(now=BEGINNING, limit=99)) == due
            assert list(unit.outbox.due(now=BEGINNING, limit=3)) == due[:3]
            assert list(unit.outbox.due(now=EARLIER - MINUTE, limit=3)) == []

    def test_due_entries_are_those_of_the_scope(self, storage: Storage, build: Builder) -> None:
        """Mail of other shops is left to those who send for them."""
        here, there = build.outbox_entry(shop=ONE_SHOP), build.outbox_entry(shop=OTHER_SHOP)
        with storage.unit() as unit:
            unit.outbox.add(there)
            unit.outbox.add(here)

        with storage.unit() as unit:
            assert list(unit.outbox.due(now=BEGINNING, limit=9, scope=ONE)) == [here]
            assert list(unit.outbox.due(now=BEGINNING, limit=9, scope=ShopScope.of(OTHER_SHOP))) == [there]
            assert list(unit.outbox.due(now=BEGINNING, limit=9, scope=ShopScope.of())) == []
            assert list(unit.outbox.due(now=BEGINNING, limit=9)) == [here, there]

    def test_saved_entry_is_replaced_as_a_whole(self, storage: Storage, build: Builder) -> None:
        """Recipients, claim and state; what was claimed is no longer due."""
        entry = build.outbox_entry(recipients=waiting(CUSTOMER_ADDRESS, EmailAddress("cc@customer.example")))
        with storage.unit() as unit:
            unit.outbox.add(entry)
        claimed = entry.claimed("worker", until=LATER)
        with storage.unit() as unit:
            unit.outbox.save(claimed)
        with storage.unit() as unit:
            assert unit.outbox.get(entry.id) == claimed
            assert list(unit.outbox.due(now=BEGINNING, limit=9)) == []
        sent = claimed.settled([attrs.evolve(each, state=RecipientState.SENT) for each in entry.recipients], at=LATER)
        with storage.unit() as unit:
            unit.outbox.save(sent)
        with storage.unit() as unit:
            assert unit.outbox.get(entry.id) == sent
            assert list(unit.outbox.due(now=LATER + MINUTE, limit=9)) == []

    def test_saving_an_unknown_entry_is_a_conflict(self, storage: Storage, build: Builder) -> None:
        """What was never added cannot be replaced."""
        entry = build.outbox_entry()
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.outbox.save(entry)

        with storage.unit() as unit:
            assert unit.outbox.get(entry.id) is None

    def test_due_entry_is_never_given_to_two_units(self, storage: Storage, build: Builder) -> None:
        """While a unit that got entries lasts, and after it claimed them, no other unit gets one of them."""
        entries = [build.outbox_entry() for _ in range(10)]
        with storage.unit() as unit:
            for entry in entries:
                unit.outbox.add(entry)
        first_has, second_has = threading.Event(), threading.Event()

        def claim(unit: UnitOfWork, worker: str) -> list[OutboxId]:
            found = unit.outbox.due(now=BEGINNING, limit=5)
            for entry in found:
                unit.outbox.save(entry.claimed(worker, until=LATER))
            return ids_of(found)

        def first() -> list[OutboxId]:
            with storage.unit() as unit:
                found = claim(unit, "first")
                first_has.set()
                second_has.wait(0.3)
            return found

        def second() -> list[OutboxId]:
            assert first_has.wait(60)
            with storage.unit() as unit:
                found = claim(unit, "second")
            second_has.set()
            return found

        of_first, of_second = together(first, second)
        assert of_first == ids_of(entries[:5])
        assert set(of_first).isdisjoint(of_second)

    def test_many_deliverers_share_the_outbox(self, storage: Storage, build: Builder) -> None:
        """Four threads claim until nothing is due: each entry is claimed once, none is left."""
        with storage.unit() as unit:
            for _ in range(24):
                unit.outbox.add(build.outbox_entry())

        def deliver(worker: str) -> Callable[[], list[OutboxId]]:
            def act() -> list[OutboxId]:
                claimed: list[OutboxId] = []
                while len(claimed) < 24:
                    with storage.unit() as unit:
                        found = unit.outbox.due(now=BEGINNING, limit=2)
                        for entry in found:
                            unit.outbox.save(entry.claimed(worker, until=LATER))
                    if not found:
                        break
                    claimed += ids_of(found)
                return claimed

            return act

        claimed = [found for ids in together(*(deliver(f"worker {at}") for at in range(4))) for found in ids]
        with storage.unit() as unit:
            left = unit.outbox.due(now=BEGINNING, limit=99)

        assert len(claimed) == len(set(claimed)) == 24 - len(left)
        assert list(left) == []

    def test_entries_are_found_by_message(self, storage: Storage, build: Builder) -> None:
        """Each message that has one; ten thousand may be asked for."""
        entries = [build.outbox_entry() for _ in range(3)]
        with storage.unit() as unit:
            for entry in entries:
                unit.outbox.add(entry)
        asked = [MessageId(build.ids.new()) for _ in range(9_998)] + [entry.message_id for entry in entries[:2]]

        with storage.unit() as unit:
            assert unit.outbox.of_messages(asked) == {entry.message_id: entry for entry in entries[:2]}
            assert unit.outbox.of_messages([]) == {}

    @pytest.mark.parametrize("limit", [1, 2, 9])
    def test_entries_are_listed_oldest_first(self, storage: Storage, build: Builder, limit: int) -> None:
        """By id, page by page, narrowed by shop and states."""
        states = [OutboxState.WAITING, OutboxState.FAILED, OutboxState.SENT]
        entries = [
            build.outbox_entry(shop=OTHER_SHOP if at % 4 == 3 else ONE_SHOP, state=states[at % 3]) for at in range(9)
        ]
        with storage.unit() as unit:
            for entry in entries[::-1]:
                unit.outbox.add(entry)

        def listed(scope: ShopScope, states: Collection[OutboxState]) -> list[OutboxId]:
            found: list[OutboxId] = []
            after = None
            while True:
                with storage.unit() as unit:
                    page = unit.outbox.page(scope, states, after=after, limit=limit)
                assert len(page.items) <= limit
                found += ids_of(page.items)
                after = page.next
                if after is None:
                    return found

        assert listed(ALL_SHOPS, list(OutboxState)) == ids_of(entries)
        assert listed(ALL_SHOPS, {OutboxState.FAILED, OutboxState.UNKNOWN}) == ids_of(entries[1::3])
        assert listed(ONE, states) == [entry.id for entry in entries if entry.shop == ONE_SHOP]
        assert listed(ALL_SHOPS, []) == []


class FigurePromises(ContractBase):
    """Kept figures."""

    def test_differences_add_up(self, storage: Storage) -> None:
        """Over days, contacts and units, upwards and downwards, over 2**31 too."""
        day = dt.date(2026, 1, 5)
        with storage.unit() as unit:
            unit.figures.add({figure_key(day, Figure.OPEN): 2, figure_key(day, Figure.RESPONSE_SECONDS): 2**40})
            unit.figures.add({figure_key(day, Figure.OPEN): 1})
        with storage.unit() as unit:
            unit.figures.add({figure_key(day + dt.timedelta(days=1), Figure.OPEN): 5, figure_key(day, Figure.OPEN): -2})

        with storage.unit() as unit:
            totals = unit.figures.totals(ALL_SHOPS)
        assert {figure: value for figure, value in totals.items() if value} == {
            Figure.OPEN: 6,
            Figure.RESPONSE_SECONDS: 2**40,
        }

    def test_nothing_kept_is_nothing(self, storage: Storage) -> None:
        """A new help desk has no figure but zero."""
        with storage.unit() as unit:
            assert set(unit.figures.totals(ALL_SHOPS).values()) <= {0}

    def test_totals_can_be_narrowed(self, storage: Storage, build: Builder) -> None:
        """By shop, contact and first day (inclusive); without a contact, threads without one count too."""
        contact, other = ContactId(build.ids.new()), ContactId(build.ids.new())
        day, later = dt.date(2026, 1, 31), dt.date(2026, 2, 1)
        kept = {
            figure_key(day, contact=contact): 1,
            figure_key(later, contact=contact): 10,
            figure_key(day, contact=other): 100,
            figure_key(day): 1_000,
            figure_key(day, shop=OTHER_SHOP): 10_000,
            figure_key(later, shop=OTHER_SHOP, contact=contact): 100_000,
        }
        with storage.unit() as unit:
            unit.figures.add(kept)

        def total(scope: ShopScope = ALL_SHOPS, **narrowed: Any) -> int:
            with storage.unit() as unit:
                return unit.figures.totals(scope, **narrowed).get(Figure.THREADS, 0)

        assert total() == 111_111
        assert total(ONE) == 1_111
        assert total(contact_id=contact) == 100_011
        assert total(ONE, contact_id=contact, since=later) == 10
        assert total(since=later) == 100_010
        assert total(since=later + dt.timedelta(days=1)) == 0
        assert total(ShopScope.of()) == 0

    def test_figures_added_at_once_all_count(self, storage: Storage) -> None:
        """Six threads add to the same new figures, in different orders: nothing is lost, nobody gets an exception."""
        days = [dt.date(2026, 1, 1) + dt.timedelta(days=at) for at in range(5)]
        keys = [figure_key(day, figure) for day in days for figure in (Figure.THREADS, Figure.OPEN, Figure.UNASSIGNED)]

        def add(order: Sequence[FigureKey]) -> Callable[[], None]:
            def act() -> None:
                for _ in range(5):
                    with storage.unit() as unit:
                        unit.figures.add(dict.fromkeys(order, 1))

            return act

        together(*(add(keys if worker % 2 else keys[::-1]) for worker in range(6)))

        with storage.unit() as unit:
            assert unit.figures.totals(ALL_SHOPS) == {
                Figure.THREADS: 150,
                Figure.OPEN: 150,
                Figure.UNASSIGNED: 150,
            }
