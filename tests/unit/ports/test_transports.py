"""The values that cross the mail ports."""

import copy
import pickle

import attrs
import pytest

from customerservice.ports.transports import AccessToken, FetchedMail, MailRef, OversizeMail, Secret

SECRET = Secret("hunter2")


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!s:>20}",
        "%s %r" % (SECRET, SECRET),  # noqa: UP031 - as old log calls format
        repr({"password": [SECRET]}),
        repr(AccessToken(SECRET)),
        repr(ValueError(SECRET)),
        repr(attrs.asdict(AccessToken(SECRET))),
        repr(pickle.dumps(SECRET)),
        repr(copy.deepcopy(SECRET).reveal()),
    ],
)
def test_secret_does_not_show_itself(shown: str) -> None:
    """In no representation, pickle or copy."""
    assert "hunter2" not in shown
    assert "***" in shown


def test_secret_is_revealed_where_it_is_asked_for() -> None:
    """By name, so that each place can be found."""
    assert SECRET.reveal() == "hunter2"


def test_pickled_secret_is_worthless() -> None:
    """What comes back is the mask."""
    assert pickle.loads(pickle.dumps(SECRET)).reveal() == "***"


def test_secret_takes_no_attributes() -> None:
    """There is no dictionary that a debugger or serializer would walk."""
    assert not hasattr(SECRET, "__dict__")


@pytest.mark.parametrize(
    "mail",
    [
        FetchedMail(ref=MailRef(1, 2), raw=b"a customer's words"),
        OversizeMail(ref=MailRef(1, 2), size=9, header=b"a customer's words"),
    ],
)
def test_bytes_of_a_mail_are_not_in_a_representation(mail: FetchedMail | OversizeMail) -> None:
    """A log that shows a mail shows where it was, not what it says."""
    assert "words" not in repr(mail)
    assert "uid=2" in repr(mail)
