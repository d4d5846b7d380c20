"""What a batch asks of the storage: so much for each mail, whatever is stored already."""

from collections import Counter

import pytest

from customerservice.application.queries import thread_view
from customerservice.domain.actor import Actor


def calls_of_a_pass(shop, storage, mails):
    """How often a pass over these mails calls each method of the storage, and how many rows it is given."""
    calls, rows = Counter(), Counter()
    storage.step_in = lambda name, _arguments: calls.update([name])
    storage.seen = lambda name, result: rows.update({name: len(result)}) if isinstance(result, list | tuple) else None
    shop.receive(*mails)
    storage.step_in = lambda _name, _arguments: None
    storage.seen = lambda _name, _result: None
    return calls, rows


def mails(shop, numbers, *, same=False):
    """Mails of fifty customers, or one mail again and again."""
    if same:
        return [shop.write("the same")] * len(numbers)
    return [
        shop.write(f"mail {number}", sender=f"c{number % 50}@customer.example", subject=f"{number}")
        for number in numbers
    ]


@pytest.mark.parametrize("same", [False, True], ids=["different", "the same again and again"])
def test_a_mail_costs_the_same_whatever_is_stored(make_shop, played_storage, same):
    """The calls and the rows of a batch do not grow with the mailbox."""
    shop = make_shop(storage=played_storage)
    calls_of_a_pass(shop, played_storage, mails(shop, range(50), same=same))

    early = calls_of_a_pass(shop, played_storage, mails(shop, range(100, 150), same=same))
    shop.receive(*mails(shop, range(1_000, 1_500), same=same))
    late = calls_of_a_pass(shop, played_storage, mails(shop, range(2_000, 2_050), same=same))

    assert late == early


def test_a_batch_costs_in_proportion(make_shop, played_storage):
    """Twice as many mails are at most twice as many calls; contacts and mailboxes are read once for a batch."""
    shop = make_shop(storage=played_storage)

    few, _ = calls_of_a_pass(shop, played_storage, mails(shop, range(50)))
    many, _ = calls_of_a_pass(shop, played_storage, mails(shop, range(100, 200)))

    assert many.total() <= 2 * few.total()
    assert many["contacts.all"] == few["contacts.all"] == 1
    assert many["figures.add"] == few["figures.add"] == 1


def test_a_pass_without_new_mail_costs_a_handful_of_calls(make_shop, played_storage):
    """However much was taken over before (R26)."""
    shop = make_shop(storage=played_storage)
    shop.receive(*mails(shop, range(500)))

    calls, _ = calls_of_a_pass(shop, played_storage, [])

    assert calls["deliveries.known"] == 0
    assert calls.total() < 15


def test_a_thread_is_shown_with_a_fixed_number_of_calls(make_shop, played_storage):
    """However long the conversation is."""
    shop = make_shop(storage=played_storage)
    counts = []
    for length in (1, 30):
        thread = shop.open_thread(shop.write(f"thread {length}", subject=f"{length}"))
        for _ in range(length):
            shop.answered(thread)
        calls = Counter()
        played_storage.step_in = lambda name, _arguments, calls=calls: calls.update([name])
        view = thread_view(shop.context, Actor.system(), thread.id)
        played_storage.step_in = lambda _name, _arguments: None
        counts.append((calls, len(view.messages)))

    assert counts[0][0] == counts[1][0]
    assert [length for _, length in counts] == [2, 31]
