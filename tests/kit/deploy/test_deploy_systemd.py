"""The systemd unit and its environment file."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sectorkit.cli import _parser
from sectorkit.settings import Settings


@pytest.fixture
def unit(deploy: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((deploy / "sectorkit.service").read_text(encoding="utf-8"))
    return parser


def test_it_starts_a_command_of_ours(unit: configparser.RawConfigParser) -> None:
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "sectorkit"
    options = _parser().parse_args(arguments)
    assert options.no_browser is True


def test_it_is_confined(unit: configparser.RawConfigParser) -> None:
    service = unit["Service"]
    for key, value in {
        "User": "sectorkit",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
        "StateDirectory": "sectorkit",
        "IPAddressDeny": "any",
        "IPAddressAllow": "localhost",
        "RestrictSUIDSGID": "yes",
        "SystemCallFilter": "@system-service",
    }.items():
        assert service[key] == value, key
    assert f"SECTORKIT_HOME=/var/lib/{service['StateDirectory']}" in service["Environment"]


def test_systemd_understands_it(deploy: Path, tmp_path: Path) -> None:
    """Verified with this Python in the program's place, since /opt is empty here; where there is a systemd."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    text = (deploy / "sectorkit.service").read_text(encoding="utf-8")
    copy = tmp_path / "sectorkit.service"
    copy.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE))
    done = subprocess.run([program, "verify", str(copy)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "sectorkit.service" not in done.stderr, done.stderr


def test_the_environment_file_names_every_setting_and_no_other(deploy: Path) -> None:
    text = (deploy / "sectorkit.env.example").read_text(encoding="utf-8")
    named = re.findall(r"^#?(SECTORKIT_[A-Z_]+)=", text, re.MULTILINE)
    assert sorted(named) == sorted(f"SECTORKIT_{field.upper()}" for field in Settings.model_fields)


def test_the_environment_file_is_valid_with_every_line_in_force(deploy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (deploy / "sectorkit.env.example").read_text(encoding="utf-8")
    for key, value in re.findall(r"^#?(SECTORKIT_[A-Z_]+)=(.*)$", text, re.MULTILINE):
        if value:
            monkeypatch.setenv(key, value)
    settings = Settings(_env_file=None)
    defaults = Settings.model_fields
    for field in ("chat_model", "embed_model", "port", "host", "audit", "answer_timeout", "model_start_timeout"):
        assert getattr(settings, field) == defaults[field].default, field
