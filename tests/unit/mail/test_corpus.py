"""Every mail of ``tests/corpus`` is read as the file beside it says."""

from pathlib import Path

import pytest
from corpus_files import CORPUS, corpus_paths, differences, read_corpus_mail

from customerservice.mail import parse

MAILS = corpus_paths()


@pytest.mark.parametrize("path", MAILS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_mail_is_read_as_told(path: Path) -> None:
    """What the file beside the mail expects is what is read."""
    if not path.with_suffix(".toml").is_file():
        pytest.fail(f"{path.name} has no {path.stem}.toml beside it", pytrace=False)
    try:
        told = read_corpus_mail(path)
        found = differences(parse(told.raw()), told.expect)
    except ValueError as error:
        pytest.fail(f"{path.stem}.toml: {error}", pytrace=False)

    if found:
        pytest.fail("\n".join([f"{told.name} ({told.form})", *found]), pytrace=False)


def test_nothing_stands_alone() -> None:
    """Every file of the corpus is a mail or stands beside one."""
    alone = [
        path.relative_to(CORPUS).as_posix()
        for path in CORPUS.glob("*/**/*")
        if path.suffix not in (".eml", ".toml") or (path.suffix == ".toml" and not path.with_suffix(".eml").exists())
    ]

    assert alone == []
