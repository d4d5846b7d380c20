"""Where passwords and tokens come from: an environment variable, a file or a callable of the host."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from customerservice.domain.mailbox import SecretKind, SecretRef
from customerservice.errors import InvalidValue
from customerservice.ports.transports import Secret

#: No password or token is longer, in bytes; a file over this is surely something else.
LARGEST_SECRET = 65_536


def resolve_secret(
    ref: SecretRef,
    *,
    callables: Mapping[str, Callable[[], str]] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Secret:
    """Give the secret that `ref` names, read anew at each call, so that a changed file or variable counts at once.

    One line end at the end of a file is not part of the secret; everything else is, blanks too. `callables` are those
    the host registered, by name; `environment` is the process's own unless given.

    Raises:
        InvalidValue: there is no such variable, file or callable, it cannot be read, is empty, or holds a control
            character, which no mail protocol could carry. The text names the place, never what stands there.
    """
    if ref.kind is SecretKind.ENVIRONMENT:
        place, text = f"the environment variable {ref.name}", _from_environment(ref.name, environment)
    elif ref.kind is SecretKind.FILE:
        place, text = f"the file {ref.name}", _from_file(ref.name)
    else:
        place, text = f"the callable {ref.name!r}", _from_callable(ref.name, callables or {})
    if not text:
        raise InvalidValue("secret", f"{place} is empty")
    if any(character < " " or character == "\x7f" for character in text):
        raise InvalidValue("secret", f"{place} holds a control character, such as a second line")
    return Secret(text)


def _from_environment(name: str, environment: Mapping[str, str] | None) -> str:
    value = (os.environ if environment is None else environment).get(name)
    if value is None:
        raise InvalidValue("secret", f"the environment variable {name} is not set")
    return value


def _from_file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            content = file.read(LARGEST_SECRET + 1)
    except OSError as error:
        raise InvalidValue("secret", f"the file {name} cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_SECRET:
        raise InvalidValue("secret", f"the file {name} is larger than {LARGEST_SECRET} bytes")
    try:
        return content.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8-sig")
    except UnicodeDecodeError:
        # Without the cause: it would carry the bytes of the secret into a traceback.
        raise InvalidValue("secret", f"the file {name} is not UTF-8 text") from None


def _from_callable(name: str, callables: Mapping[str, Callable[[], str]]) -> str:
    try:
        callable_ = callables[name]
    except KeyError:
        raise InvalidValue("secret", f"no callable is registered under the name {name!r}") from None
    try:
        return callable_()
    except Exception as error:
        raise InvalidValue("secret", f"the callable {name!r} failed with {type(error).__name__}") from error
