"""The command before its extra is installed."""

import sys

import pytest

from customerservice.__main__ import main


def test_without_the_extra_the_command_exits_2_and_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where click is absent the command says what to install and reports wrong usage."""
    monkeypatch.setitem(sys.modules, "click", None)

    assert main(["stats"]) == 2
    assert "pip install 'customerservice[cli]'" in capsys.readouterr().err
