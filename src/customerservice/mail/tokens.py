"""Reply tokens: derived from a thread with the caller's keys, never stored (R21)."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from uuid import UUID

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.errors import InvalidValue

#: The purpose of the token in a signed reply address or a subject marker.
REPLY = "reply"

_TOKEN_LENGTH = 26  # 128 bits in base32 without padding
_TOKEN = re.compile(r"[a-z2-7]{26}")
_SIGNED = re.compile(r"([1-9][0-9]{0,17})-([a-z2-7]{26})")
_PLACE = "{token}"


def _enough_keys(_instance: object, _attribute: object, keys: tuple[bytes, ...]) -> None:
    if not keys:
        raise InvalidValue("keys", "at least one key is needed")
    if any(len(key) < 16 for key in keys):
        raise InvalidValue("keys", "each key must have at least 16 bytes")


def _masked(keys: tuple[bytes, ...]) -> str:
    return f"<{len(keys)} hidden>"


def _as_keys(keys: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(bytes(key) for key in keys)


@attrs.frozen
class ReplyKeys:
    """The keys that sign reply tokens: the first signs, all verify, so that a key can be replaced without a break.

    A token is HMAC-SHA-256 over (purpose, thread id, generation), cut to 128 bits, as 26 characters of lower-case
    base32. It cannot be guessed, tells nothing about the thread, and is the same each time it is asked for. Raising a
    thread's generation makes all its earlier tokens wrong.

    Raises:
        InvalidValue: no key, or one shorter than 16 bytes.

    >>> from uuid import UUID
    >>> keys = ReplyKeys([b"an example, not a secret"])
    >>> token = keys.token(REPLY, UUID(int=57), 0)
    >>> keys.verifies(token, REPLY, UUID(int=57), 0), keys.verifies(token, REPLY, UUID(int=58), 0)
    (True, False)
    """

    keys: tuple[bytes, ...] = attrs.field(converter=_as_keys, validator=_enough_keys, repr=_masked)

    def token(self, purpose: str, thread_id: UUID, generation: int) -> str:
        """Give the token that the first key signs."""
        return _derive(self.keys[0], purpose, thread_id, generation)

    def verifies(self, token: str, purpose: str, thread_id: UUID, generation: int) -> bool:
        """Tell whether any key signed this token for just this purpose, thread and generation.

        Upper and lower case are the same, because mail programs and people change them. The comparison takes the same
        time whatever is wrong; a token of another shape is False.
        """
        lowered = token.lower()
        if _TOKEN.fullmatch(lowered) is None:
            return False
        # No early exit: which key fits must not show in the time taken.
        matches = [hmac.compare_digest(_derive(key, purpose, thread_id, generation), lowered) for key in self.keys]
        return any(matches)


def _derive(key: bytes, purpose: str, thread_id: UUID, generation: int) -> str:
    # The NUL and the fixed lengths after it keep two different triples from giving the same bytes.
    message = purpose.encode() + b"\0" + thread_id.bytes + generation.to_bytes(8, "big")
    digest = hmac.new(key, message, hashlib.sha256).digest()[:16]
    return base64.b32encode(digest).decode("ascii").lower()[:_TOKEN_LENGTH]


def check_pattern(pattern: str) -> EmailAddress:
    """Give a mailbox's pattern for signed reply addresses as an address, ``{token}`` still in place (R82).

    Raises:
        InvalidValue: it is no address, or does not have ``{token}`` exactly once, before the @.
    """
    address = EmailAddress(pattern)
    if address.local.count(_PLACE) != 1 or _PLACE in address.domain:
        raise InvalidValue("reply_address", "must have {token} once, before the @: support+{token}@shop.example")
    return address


def signed_address(pattern: str, number: int, token: str) -> EmailAddress:
    """Give the reply address of a thread: ``{token}`` of the pattern replaced by ``NUMBER-TOKEN``.

    Raises:
        InvalidValue: the pattern is unusable, or the local part would be longer than 64 bytes.

    >>> str(signed_address("support+{token}@shop.example", 57, "a" * 26))
    'support+57-aaaaaaaaaaaaaaaaaaaaaaaaaa@shop.example'
    """
    return EmailAddress(check_pattern(pattern).value.replace(_PLACE, f"{number}-{token}"))


def read_signed_address(pattern: str, address: EmailAddress) -> tuple[int, str] | None:
    """Give (thread number, token) of an address made after the pattern, or None; nothing is verified.

    Upper and lower case, and the two ways to write an international domain, are the same.
    """
    before, _, after = check_pattern(pattern).key.partition(_PLACE)
    key = address.key
    if not (key.startswith(before) and key.endswith(after)):
        return None
    match = _SIGNED.fullmatch(key[len(before) : len(key) - len(after)])
    return None if match is None else (int(match[1]), match[2])


def subject_marker(number: int, token: str | None = None) -> str:
    """Give the marker of a subject: ``[#NUMBER]``, which informs, or ``[#NUMBER TOKEN]``, which can join (R19).

    >>> subject_marker(57)
    '[#57]'
    """
    return f"[#{number}]" if token is None else f"[#{number} {token}]"
