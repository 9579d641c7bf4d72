from pathlib import Path

from subspacelens_tui.sessions.control import Requests, ask


def test_what_was_asked_of_an_earlier_recorder_is_passed_over(tmp_path: Path) -> None:
    assert Requests(tmp_path, heed_present=False).now() == "run"
    ask(tmp_path, "stop")
    heeding, fresh = Requests(tmp_path, heed_present=True), Requests(tmp_path, heed_present=False)
    assert (heeding.now(), fresh.now()) == ("stop", "run")
    ask(tmp_path, "pause")
    assert (heeding.now(), fresh.now()) == ("pause", "pause")
    ask(tmp_path, "stop")
    assert fresh.now() == "stop"
