"""Every kind of fault once or a few times, and docs/reliability.md as the committed counts say."""

import signal

import pytest

from validation.reliability import app_faults, disk_faults, recorder_faults
from validation.reliability.document import DOCUMENT, FAULTS, document, read_results
from validation.reliability.harness import Row


def test_the_document_has_the_committed_counts() -> None:
    results = read_results()
    assert set(results) <= set(FAULTS)
    assert [name for name, row in results.items() if not row.held] == []
    assert DOCUMENT.read_text(encoding="utf-8") == document(results)


def assert_held(row: Row | None) -> None:
    if row is None:
        pytest.skip("this machine does not let it be done")
    assert row.held, row


def test_a_killed_recorder_loses_nothing_and_goes_on_as_if_undisturbed() -> None:
    assert_held(recorder_faults.killed(3))


def test_a_recording_outlives_its_app_and_leaves_other_viewers_alone() -> None:
    assert_held(app_faults.signalled(signal.SIGKILL, 1))


def test_a_recording_outlives_its_terminal() -> None:
    assert_held(app_faults.terminal_closed(1))


def test_of_recordings_that_are_given_one_name_one_is_made() -> None:
    assert_held(recorder_faults.same_name(1))


def test_a_read_only_folder_is_said_and_can_be_read() -> None:
    assert_held(disk_faults.read_only(1))
