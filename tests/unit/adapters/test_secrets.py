"""Where secrets come from."""

import os
from pathlib import Path

import pytest

from customerservice.adapters.secrets import LARGEST_SECRET, resolve_secret
from customerservice.domain.mailbox import SecretKind, SecretRef
from customerservice.errors import InvalidValue


def _file(path: Path, content: bytes) -> SecretRef:
    path.write_bytes(content)
    return SecretRef(SecretKind.FILE, str(path))


def _variable(name: str) -> SecretRef:
    return SecretRef(SecretKind.ENVIRONMENT, name)


def _callable(name: str) -> SecretRef:
    return SecretRef(SecretKind.CALLABLE, name)


class TestEnvironment:
    """Secrets in environment variables."""

    def test_a_variable_gives_its_value(self) -> None:
        """The value counts as it stands, blanks at its ends too."""
        secret = resolve_secret(_variable("MAIL_PASSWORD"), environment={"MAIL_PASSWORD": " open sesame "})

        assert secret.reveal() == " open sesame "

    def test_the_process_environment_is_the_default(self) -> None:
        """Without a mapping the variables of this process are read."""
        assert resolve_secret(_variable("PATH")).reveal() == os.environ["PATH"]

    def test_a_missing_variable_is_named(self) -> None:
        """A variable that is not set is an error with its name."""
        with pytest.raises(InvalidValue, match="MAIL_PASSWORD is not set"):
            resolve_secret(_variable("MAIL_PASSWORD"), environment={})

    def test_an_empty_variable_is_an_error(self) -> None:
        """An empty secret is never tried at a server."""
        with pytest.raises(InvalidValue, match="MAIL_PASSWORD is empty"):
            resolve_secret(_variable("MAIL_PASSWORD"), environment={"MAIL_PASSWORD": ""})


class TestFile:
    """Secrets in files."""

    @pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
    def test_one_line_end_is_not_part_of_it(self, tmp_path: Path, end: bytes) -> None:
        """The line end that editors leave is stripped; blanks are kept."""
        assert resolve_secret(_file(tmp_path / "f", b"p\xc3\xa4ss word " + end)).reveal() == "päss word "

    def test_a_byte_order_mark_is_not_part_of_it(self, tmp_path: Path) -> None:
        """The mark some editors put at the start is stripped."""
        assert resolve_secret(_file(tmp_path / "f", b"\xef\xbb\xbfsesame\r\n")).reveal() == "sesame"

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        """A file that cannot be read is an error with its path and the reason."""
        with pytest.raises(InvalidValue, match=r"absent cannot be read: No such file"):
            resolve_secret(SecretRef(SecretKind.FILE, str(tmp_path / "absent")))

    @pytest.mark.parametrize("content", [b"first\nsecond\n", b"a\x00b", b"two ends\n\n", b"\x7f"])
    def test_control_characters_are_refused(self, tmp_path: Path, content: bytes) -> None:
        """A secret that could end a line of a mail protocol is refused and not repeated."""
        with pytest.raises(InvalidValue, match="control character") as caught:
            resolve_secret(_file(tmp_path / "f", content))

        assert "first" not in str(caught.value)

    def test_other_bytes_than_text_are_refused_without_showing_them(self, tmp_path: Path) -> None:
        """A file that is not UTF-8 is refused; neither the error nor its cause holds the bytes."""
        with pytest.raises(InvalidValue, match="not UTF-8") as caught:
            resolve_secret(_file(tmp_path / "f", b"sesame\xff"))

        assert caught.value.__suppress_context__

    def test_a_huge_file_is_refused(self, tmp_path: Path) -> None:
        """A file larger than any secret is refused by its size."""
        with pytest.raises(InvalidValue, match="larger than"):
            resolve_secret(_file(tmp_path / "f", b"a" * (LARGEST_SECRET + 1)))


class TestCallable:
    """Secrets from callables of the host."""

    def test_a_callable_is_asked_each_time(self) -> None:
        """The secret is read anew at each call."""
        answers = iter(["first", "second"])
        callables = {"vault": lambda: next(answers)}

        assert [resolve_secret(_callable("vault"), callables=callables).reveal() for _ in range(2)] == [
            "first",
            "second",
        ]

    def test_an_unknown_name_is_an_error(self) -> None:
        """A name nobody registered is named."""
        with pytest.raises(InvalidValue, match="'vault'"):
            resolve_secret(_callable("vault"))

    def test_what_a_callable_raises_is_the_cause_only(self) -> None:
        """A failing callable is an error of ours that names the kind of failure and does not repeat its text."""

        def fail() -> str:
            raise OSError("sesame")

        with pytest.raises(InvalidValue, match="failed with OSError") as caught:
            resolve_secret(_callable("vault"), callables={"vault": fail})

        assert "sesame" not in str(caught.value)

    def test_the_secret_does_not_show(self) -> None:
        """The result is masked."""
        assert repr(resolve_secret(_callable("vault"), callables={"vault": lambda: "sesame"})) == "Secret(***)"
