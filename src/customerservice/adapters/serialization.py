r"""Which values are kept as JSON, and how: the one policy for columns that hold a structure.

- frozen attrs values become objects, with every field; an unknown field refuses to be read;
- tuples become lists, frozen sets sorted lists;
- ids (UUIDs) become their text;
- text is written in ASCII with ``\u`` escapes, so that anything Python can hold in a `str` (NUL, lone surrogates)
  comes back equal from every database.
"""

import json
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import cattrs

from customerservice.errors import StorageError

T = TypeVar("T")


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(UUID, str)
    converter.register_structure_hook(UUID, lambda value, _: UUID(value))
    converter.register_unstructure_hook(frozenset, sorted)
    return converter


def dump(value: object, kind: Any = None) -> str:
    """Give a value as one line of JSON; `kind` says what it is where its class alone does not (``tuple[str, ...]``)."""
    return json.dumps(_converter().unstructure(value, unstructure_as=kind), separators=(",", ":"))


def load(text: str, kind: type[T]) -> T:
    """Give the value that `dump` wrote.

    Raises:
        StorageError: the text is not that of such a value.
    """
    try:
        return _converter().structure(json.loads(text), kind)
    except Exception as error:
        raise StorageError(f"a stored {getattr(kind, '__name__', kind)} cannot be read") from error
