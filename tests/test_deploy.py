"""What is shipped in `deploy/` for a machine without containers: the services of systemd and the proxy.

Where systemd and nginx are installed, they read the files themselves; what Casework needs of them is
held against the code everywhere.
"""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import get_args

import pytest

import worker
from api.http.sizes import MOST_BYTES_OF_A_LIST
from api.routes.drives import events
from casework.settings import Settings
from tests.test_compose import services

ROOT = Path(__file__).parent.parent
SYSTEMD = ROOT / "deploy" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
NGINX = (ROOT / "deploy" / "nginx" / "casework.conf").read_text(encoding="utf-8")
IN_COMPOSE = (ROOT / "deploy" / "nginx" / "compose.conf").read_text(encoding="utf-8")


class Unit(configparser.RawConfigParser):
    """A unit file; of a key that stands there twice, the last value."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, comment_prefixes=("#", ";"), delimiters=("=",))
        self.read(path, encoding="utf-8")

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def command_of(unit: Path) -> list[str]:
    return shlex.split(Unit(unit)["Service"]["ExecStart"])


# --- systemd --------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_service_runs_what_is_there(unit: Path):
    program, *arguments = command_of(unit)
    assert program.startswith("/opt/casework/.venv/bin/")
    assert (Path(sys.executable).parent / Path(program).name).exists()
    for argument in arguments:
        if argument.startswith("/opt/casework/"):
            assert (ROOT / Path(argument).relative_to("/opt/casework")).exists()


def test_the_services_work_on_every_queue_once():
    """As in the compose file, notices and drives are apart from the cases."""
    queues = [command_of(unit)[2:] for unit in UNITS if "worker.py" in command_of(unit)[1]]
    assert sorted(queues) == [["cases"], ["notices", "drives"]]
    assert sorted(chain.from_iterable(queues)) == sorted(get_args(worker.Queue))
    in_containers = [services()[name]["command"][3:] for name in ("worker", "bulk-worker")]
    assert sorted(queues) == in_containers


def test_the_api_is_reached_through_the_proxy_alone():
    words = command_of(SYSTEMD / "casework-api.service")
    assert words[words.index("--host") + 1] == "127.0.0.1"
    port = words[words.index("--port") + 1]
    assert f"server 127.0.0.1:{port};" in NGINX


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_service_has_no_more_rights_than_it_needs(unit: Path):
    service = Unit(unit)["Service"]
    assert service["User"] == "casework"
    assert service["CapabilityBoundingSet"] == ""
    assert service["ProtectSystem"] == "strict"
    for key in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome"):
        assert service[key] == "yes", key


@pytest.mark.parametrize("name", ["casework-worker", "casework-bulk-worker"])
def test_a_worker_is_given_the_time_to_finish(name: str):
    seconds = int(Unit(SYSTEMD / f"{name}.service")["Service"]["TimeoutStopSec"])
    assert timedelta(seconds=seconds) > 2 * worker.FINISH_WITHIN


def test_every_setting_in_the_example_of_the_services_exists():
    text = (SYSTEMD / "casework.env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))
    fields = {f"CASEWORK_{name.upper()}" for name in Settings.model_fields}
    assert named - fields == {"PGPASSWORD"}
    assert re.findall(r"^PGPASSWORD=.+$", text, re.MULTILINE) == [], "no secret has a default"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_reads_every_unit(tmp_path: Path):
    """With the paths of this checkout, as systemd looks whether the programs are there."""
    bin_folder = Path(sys.executable).parent
    for path in (*UNITS, *SYSTEMD.glob("*.timer")):
        text = path.read_text(encoding="utf-8")
        text = text.replace("/opt/casework/.venv/bin", str(bin_folder))
        (tmp_path / path.name).write_text(text.replace("/opt/casework", str(ROOT)))
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(
        ["systemd-analyze", "verify", *files],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "casework" in line]
    assert (done.returncode, said) == (0, [])


# --- nginx ----------------------------------------------------------------------------------------


def bytes_of(size: str) -> int:
    return int(size[:-1]) * {"k": 1024, "m": 1024**2}[size[-1]]


def test_the_proxy_lets_through_what_the_api_takes():
    (size,) = re.findall(r"client_max_body_size (\w+);", NGINX)
    most = max(Settings.model_fields["evidence_most_bytes"].default, MOST_BYTES_OF_A_LIST)
    assert most < bytes_of(size) < 2 * most


def test_the_proxy_waits_longer_than_the_stream_of_a_drive_lasts():
    stream = NGINX.split("location ~ ^/api/v1/drives/[^/]+/events$")[1].split("}")[0]
    assert "proxy_buffering off;" in stream
    (seconds,) = re.findall(r"proxy_read_timeout (\d+)s;", stream)
    assert timedelta(seconds=int(seconds)) > events.LONGEST_STREAM


def test_the_proxy_believes_no_address_that_a_client_claims():
    assert re.findall(r"X-Forwarded-For (\S+);", NGINX) == ["$remote_addr"]


def test_the_proxy_in_the_compose_file_is_as_careful():
    """Every bound, time limit and header that one sets, the other sets as well."""

    def rules(text: str) -> set[tuple[str, ...]]:
        named = (
            r"^ *((?:client|send|keepalive|large|limit|proxy)_[a-z_]+ [^;]+|deny all|return 404);"
        )
        return {tuple(rule.split()) for rule in re.findall(named, text, re.MULTILINE)}

    of_tls = {
        ("proxy_hide_header", "Strict-Transport-Security"),
        ("proxy_set_header", "Host", "$host"),
    }
    of_ports = {("proxy_set_header", "Host", "$http_host")}
    temporary = {rule for rule in rules(IN_COMPOSE) if rule[0].endswith("_temp_path")}
    assert rules(NGINX) - of_tls == rules(IN_COMPOSE) - of_ports - temporary
    assert len(rules(NGINX)) > 15


def test_the_api_in_the_compose_file_trusts_its_proxy_and_nobody_else():
    trusted = services()["api"]["environment"]["CASEWORK_TRUSTED_PROXIES"]
    address = services()["proxy"]["networks"]["front"]["ipv4_address"]
    assert trusted == f"${{CASEWORK_TRUSTED_PROXIES:-{address}}}"
    others = {name for name, s in services().items() if "front" in s.get("networks", {})}
    assert others == {"api", "proxy"}


def test_metrics_and_pages_for_demonstrations_are_for_nobody_outside():
    metrics = NGINX.split("location = /metrics")[1].split("}")[0]
    assert "deny all;" in metrics
    assert re.search(r"location /dev/ \{\s*return 404;", NGINX)


@pytest.mark.skipif(
    shutil.which("nginx") is None or shutil.which("openssl") is None,
    reason="nginx or openssl is not installed",
)
def test_nginx_reads_the_file(tmp_path: Path):
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    subject = ("-subj", "/CN=casework.example.go.th", "-days", "2", "-nodes")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", *subject)
    subprocess.run(
        [*made, "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    server = tmp_path / "casework.conf"
    server.write_text(NGINX.replace("/etc/ssl/casework", str(tmp_path)), encoding="utf-8")
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ include {server}; }}",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["nginx", "-t", "-c", str(whole), "-p", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
