import pytest
from pydantic import ValidationError

from capture_agent.settings import Settings

NEEDED = {"agent_id": "a", "store": "file:///raw", "spool_dir": "/spool"}


def test_the_environment_is_read_after_its_prefix(monkeypatch: pytest.MonkeyPatch):
    for name, value in {**NEEDED, "media_ports": "5000-5009", "agent_token": "secret"}.items():
        monkeypatch.setenv(f"ISOTRACK_{name.upper()}", value)
    settings = Settings()
    assert settings.agent_id == "a"
    assert settings.port_range == range(5000, 5010)
    assert settings.agent_token.get_secret_value() == "secret"
    assert "secret" not in repr(settings)
    assert settings.api_url is None


@pytest.mark.parametrize("ports", ["5000", "5000-4000", "0-10", "65000-65536", "a-b", "7-8"])
def test_a_port_range_with_no_room_for_a_track_is_refused(ports: str):
    with pytest.raises(ValidationError, match="media_ports"):
        Settings(**NEEDED, media_ports=ports)


def test_settings_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch):
    for name in NEEDED:
        monkeypatch.delenv(f"ISOTRACK_{name.upper()}", raising=False)
    with pytest.raises(ValidationError) as error:
        Settings()
    assert {e["loc"][0] for e in error.value.errors()} == set(NEEDED)
