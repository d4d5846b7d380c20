"""Mails to begin with that no file holds: examples of every strategy, and of the mails that the benchmarks read."""

import importlib.util
import itertools
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from customerservice.testing.mails import automatic_mails, bounces, hostile_mails, ordinary_mails, replies

_LARGEST = 20_000  # bytes; a mail of the benchmarks that is larger shows nothing that a smaller one does not


def examples(each: int = 60) -> Iterator[bytes]:
    """Give the same mails in every run, with the same hypothesis."""
    written = (ordinary_mails(), replies(), automatic_mails(), bounces())
    strategies = [*(strategy.map(lambda mail: mail.raw) for strategy in written), hostile_mails()]
    for strategy in strategies:
        yield from _examples(strategy, each)
    yield from itertools.islice((raw for raw in _benchmarked() if len(raw) <= _LARGEST), each)


def _examples(strategy: st.SearchStrategy[bytes], count: int) -> list[bytes]:
    found: list[bytes] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(raw: bytes) -> None:
        found.append(raw)

    collect()
    return found


def _benchmarked() -> Iterator[bytes]:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "mail_corpus.py"
    spec = importlib.util.spec_from_file_location("mail_corpus", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield from module.mails(300)
