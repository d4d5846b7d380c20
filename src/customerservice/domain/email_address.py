"""An e-mail address that means exactly one mailbox, or no value at all."""

import re
import unicodedata

import attrs

from customerservice.errors import InvalidValue

# RFC 5322 3.2.3 atext, widened by RFC 6531 to any non-ASCII character; quoted local parts, comments and routes are
# refused, because programs disagree about whom they mean (CVE-2023-27043).
_ATOM = r"[^\x00-\x20\x7f-\x9f()<>\[\]:;@\\,\".\u2028\u2029\s\ud800-\udfff]+"
_LABEL = r"[^\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\xa0\u2028\u2029\u3002\uff0e\uff61\s\ud800-\udfff]+"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")


def _check(_instance: object, _attribute: object, value: str) -> None:
    local, _, domain = value.rpartition("@")
    if len(local.encode("utf-8", "replace")) > 64 or len(domain.encode("utf-8", "replace")) > 253:
        raise InvalidValue("address", "longer than RFC 5321 4.5.3.1 allows")
    if _ADDRESS.fullmatch(value) is None:
        raise InvalidValue("address", "not a plain local@domain address")
    if not domain.isascii():
        # Signs such as U+2024 or U+2100 become "." or "a/c" on the way to DNS: another domain than the one shown
        # (CVE-2019-9636).
        meant = unicodedata.normalize("NFKC", domain)
        if meant.count(".") != domain.count(".") or _ADDRESS.fullmatch(f"x@{meant}") is None:
            raise InvalidValue("address", "the domain holds signs that stand for others")


def _folded(local: str) -> str:
    # The KELVIN SIGN is the one letter whose lower case is ASCII without being so itself: not the mailbox of a "k".
    return "\N{KELVIN SIGN}".join(part.lower() for part in local.split("\N{KELVIN SIGN}"))


@attrs.frozen
class EmailAddress:
    """One plain ``local@domain`` address (RFC 5322 3.4.1 dot-atom form, RFC 6531 letters), kept as written.

    Two addresses are the same person's when their `key` is equal. Making one from anything else than a plain address
    raises `InvalidValue`; nothing is guessed or repaired.

    >>> EmailAddress("Anna@Shop.example").key
    'anna@shop.example'
    """

    value: str = attrs.field(validator=_check)

    @property
    def local(self) -> str:
        """The part before the @."""
        return self.value.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """The part after the @, as written."""
        return self.value.rpartition("@")[2]

    @property
    def key(self) -> str:
        """The form to compare by: lower case, an international domain as A-labels (RFC 5890).

        ``+tags`` and dots stay: they are different mailboxes unless their own server says otherwise.
        """
        local, _, domain = self.value.rpartition("@")
        lowered = domain.lower()
        if not lowered.isascii():
            try:
                lowered = lowered.encode("idna").decode("ascii")
            except UnicodeError:
                pass  # not a name DNS could hold; compared as written
        return f"{_folded(local)}@{lowered}"

    def __str__(self) -> str:
        return self.value
