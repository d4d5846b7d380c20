"""Shows the examples of docstrings as code in the documentation; plain Markdown takes their ``>>>`` for quotations."""

import re
from typing import Any

import griffe

# An example: a prompt, and all that follows until a blank line.
_EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)


class DoctestsAsCode(griffe.Extension):
    """Puts each example of a docstring into a code block."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute as it is loaded."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
