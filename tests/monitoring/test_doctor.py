"""`manage.py doctor`, with real servers, and its short list on Health."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import formatdate
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from messages.jobs.heartbeat import Heartbeat
from messages.simulator.certificate import make_context
from tests.mail.test_queue import mail_server, stay_silent
from tests.plugins.processes import ROOT, fresh_environment
from tests.plugins.receiver import Receiver, Reply, receiving

NOT_FOUND = Reply(404, {"Content-Type": "application/json"}, b'{"error": "Webhook not found."}')
Report = dict[str, list[tuple[str, str]]]

pytestmark = pytest.mark.usefixtures("spool_path")


def doctor(*arguments: str) -> tuple[int, Report]:
    """The exit status, and the level and text of each finding by check."""
    output, status = StringIO(), 0
    try:
        call_command("doctor", "--json", *arguments, stdout=output)
    except SystemExit as end:
        status = int(str(end.code))
    report: Report = {}
    for one in json.loads(output.getvalue())["checks"]:
        report.setdefault(one["check"], []).append((one["level"], one["text"]))
    return status, report


def only(name: str, *arguments: str) -> tuple[str, str]:
    (found,) = doctor(*arguments)[1][name]
    return found


Serve = Callable[..., tuple[Receiver, str]]


@pytest.fixture
def serve(settings: Any, tmp_path: Any) -> Iterator[Serve]:
    """Serve PUBLIC_BASE_URL over TLS; return the server and the file of its certificate."""
    opened = []

    def start(reply: Reply = NOT_FOUND, **options: timedelta) -> tuple[Receiver, str]:
        file = tmp_path / "certificate.pem"
        server = receiving(make_context(file, **options))
        opened.append(server)
        receiver = server.__enter__()
        receiver.reply = reply
        settings.PUBLIC_BASE_URL = f"https://127.0.0.1:{receiver.port}"
        settings.ZAPI_BASE_URL = settings.PUBLIC_BASE_URL
        settings.ZAPI_CA_FILE = str(file)
        return receiver, str(file)

    yield start
    for server in opened:
        server.__exit__(None, None, None)


def test_working_public_url_is_ok(serve):
    receiver, file = serve()
    _, report = doctor("--ca-file", file)
    found = {name: report[name][0][0] for name in ("certificate", "webhook", "clock", "zapi")}
    assert set(found.values()) == {"ok"}, report
    assert {one.path for one in receiver.received} == {"/webhooks/zapi/doctor/"}


def test_real_webhook_endpoint_is_recognised(page_server, settings):
    settings.PUBLIC_BASE_URL = page_server.url
    assert only("webhook")[0] == "ok"


def test_self_signed_certificate_is_a_problem(serve):
    serve()
    status, report = doctor()
    assert status == 1
    assert [(level, "self-signed" in text) for level, text in report["certificate"]] == [
        ("problem", True)
    ]
    assert report["webhook"][0][0] == "problem"


def test_expired_certificate_is_a_problem(serve):
    _, file = serve(lifetime=timedelta(minutes=-30))
    level, text = only("certificate", "--ca-file", file)
    assert (level, "has expired" in text) == ("problem", True)


def test_certificate_that_expires_soon_is_a_warning(serve):
    _, file = serve(lifetime=timedelta(minutes=12))
    assert only("certificate", "--ca-file", file)[0] == "warning"


def test_certificate_of_another_name_is_a_problem(serve, settings):
    receiver, file = serve()
    # Another name of this machine, which the certificate does not have.
    settings.PUBLIC_BASE_URL = f"https://0:{receiver.port}"
    level, text = only("certificate", "--ca-file", file)
    assert (level, "is not for 0." in text) == ("problem", True)


@pytest.mark.parametrize(
    ("reply", "level", "words"),
    [
        (Reply(404, body=b"<h1>Not found</h1>"), "problem", "Another answer"),
        (Reply(200, body=b"[" * 50_000), "problem", "Another answer"),
        (Reply(200, body=b"\xff\x00"), "problem", "Another answer"),
        (Reply(301, {"Location": "https://example.com/"}), "problem", "redirect"),
        (Reply(403), "problem", "refuses callers"),
        (Reply(429), "warning", "in a minute"),
        (Reply(502), "problem", "does not reach the web server"),
    ],
)
def test_wrong_answer_of_the_webhook_is_explained(serve, reply, level, words):
    _, file = serve(reply)
    found = only("webhook", "--ca-file", file)
    assert (found[0], words in found[1]) == (level, True)


def test_closed_port_is_a_problem(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings.PUBLIC_BASE_URL = f"https://127.0.0.1:{port}"
    _, report = doctor()
    assert "cannot be reached" in report["certificate"][0][1]
    assert "cannot be reached" in report["webhook"][0][1]


def test_port_without_tls_is_a_problem(receiver, settings):
    settings.PUBLIC_BASE_URL = f"https://127.0.0.1:{receiver.port}"
    assert "does not speak TLS" in only("certificate")[1]


def test_silent_server_does_not_block_the_other_checks(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.PUBLIC_BASE_URL = f"https://127.0.0.1:{server.getsockname()[1]}"
        _, report = doctor("--timeout", "2")
    assert "No result within 2 seconds" in report["webhook"][0][1]
    assert report["migrations"] == [("ok", "All migrations are applied.")]


def test_hanging_name_server_does_not_block_the_other_checks(monkeypatch):
    is_over = threading.Event()

    def hang(*_, **__):
        is_over.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    _, report = doctor("--timeout", "2")
    is_over.set()
    assert "No result within 2 seconds" in report["dns"][0][1]
    assert report["migrations"][0][0] == "ok"


@pytest.mark.parametrize(
    "url", ["", "https://", "https://[", "board", "https://a:b@c", "http://x\0"]
)
def test_unusable_public_url_is_a_problem(settings, url):
    settings.PUBLIC_BASE_URL = url
    status, report = doctor()
    assert status == 1
    assert "Set PUBLIC_BASE_URL=https://" in report["dns"][0][1]


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, "ok"), (30, "warning"), (-30, "warning"), (3600, "problem")]
)
def test_clock_is_compared_with_the_answers(serve, seconds, level):
    def answer(handler):
        date = formatdate(time.time() - seconds, usegmt=True)
        head = f"HTTP/1.1 404 Not Found\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n"
        handler.wfile.write(head.encode())

    receiver, file = serve()
    receiver.talk = answer
    assert only("clock", "--ca-file", file)[0] == level


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 01 Jan 99999999 00:00:00 GMT"])
def test_invalid_date_header_is_ignored(serve, settings, date):
    def answer(handler):
        head = f"HTTP/1.1 404 Not Found\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n"
        handler.wfile.write(head.encode())

    receiver, file = serve()
    receiver.talk = answer
    settings.ZAPI_BASE_URL = "http://127.0.0.1:9"
    assert only("clock", "--ca-file", file)[0] == "warning"


def test_missing_migration_is_a_problem():
    recorder = MigrationRecorder(connection)
    newest = max(name for app, name in recorder.applied_migrations() if app == "whatsapp")
    recorder.record_unapplied("whatsapp", newest)
    try:
        level, text = only("migrations")
    finally:
        recorder.record_applied("whatsapp", newest)
    assert (level, newest in text) == ("problem", True)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a setting of PostgreSQL")
def test_postgresql_without_synchronous_commit_is_a_problem(monkeypatch):
    options = f"{os.environ['PGOPTIONS']} -c synchronous_commit=off"
    monkeypatch.setenv("PGOPTIONS", options)
    assert ("problem", True) in [
        (level, "synchronous_commit" in text) for level, text in doctor()[1]["database"]
    ]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a setting of PostgreSQL")
def test_too_few_connections_give_a_warning(settings):
    settings.WEB_THREADS = 5000
    assert [level for level, text in doctor()[1]["database"] if "max_connections" in text] == [
        "warning"
    ]


def test_worker_is_a_problem_until_it_reports():
    assert only("worker")[0] == "problem"
    Heartbeat([]).beat()
    assert only("worker")[0] == "ok"


def test_full_disk_is_a_problem(settings):
    settings.SPOOL_MIN_FREE = 2**62
    assert only("disk")[0] == "problem"


def test_file_that_others_can_read_is_a_problem(settings, tmp_path):
    settings.DATA_DIR, settings.PRIVATE_DATABASES = tmp_path, [tmp_path / "spool.sqlite3"]
    tmp_path.chmod(0o700)
    (tmp_path / "secrets.env").touch(0o600)
    (tmp_path / "spool.sqlite3").touch(0o600)
    assert only("files")[0] == "ok"
    (tmp_path / "spool.sqlite3").chmod(0o644)
    level, text = only("files")
    assert (level, f"chmod go= {tmp_path}/spool.sqlite3" in text) == ("problem", True)


def test_weak_secret_is_a_problem_and_not_shown(settings):
    settings.SECRET_KEY = "weak-key"
    output = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=output)
    assert "SECRET_KEY is short" in output.getvalue()
    assert "weak-key" not in output.getvalue()


def test_generated_secrets_give_a_warning_in_production(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    assert only("secrets")[0] == "ok"
    (tmp_path / "secrets.env").write_text(f"SECRET_KEY={settings.SECRET_KEY}\n")
    assert only("secrets")[0] == "warning"


def greet(caller: socket.socket) -> None:
    """A mail server that knows one user."""
    caller.sendall(b"220 mail.example.com\r\n")
    for line in caller.makefile("rb"):
        if line.startswith(b"ehlo"):
            caller.sendall(b"250-mail.example.com\r\n250 AUTH PLAIN\r\n")
        elif line.startswith(b"AUTH"):
            is_known = line.split()[-1] == b"AGFuYQByaWdodA=="  # ana, right
            caller.sendall(b"235 ok\r\n" if is_known else b"535 ana: wrong\r\n")
        elif line.lower().startswith(b"quit"):
            caller.sendall(b"221 bye\r\n")
            return
        else:
            caller.sendall(b"250 ok\r\n")


@pytest.fixture
def smtp(settings: Any) -> Any:
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "127.0.0.1", 1
    settings.EMAIL_HOST_USER = "ana"
    return settings


@pytest.mark.parametrize(
    ("password", "level", "words"),
    [("right", "ok", "accepts the login"), ("wrong", "problem", "refuses the login")],
)
def test_login_at_the_mail_server_is_tried(smtp, password, level, words):
    with mail_server(greet) as smtp.EMAIL_PORT:
        smtp.EMAIL_HOST_PASSWORD = password
        found = only("e-mail")
        assert (found[0], words in found[1]) == (level, True)


def test_silent_mail_server_is_a_problem(smtp):
    with mail_server(stay_silent) as smtp.EMAIL_PORT:
        assert only("e-mail")[0] == "problem"


def test_mail_is_sent_only_when_asked_for(mailoutbox):
    doctor()
    assert mailoutbox == []
    doctor("--send-mail", "ana@example.com")
    assert [mail.to for mail in mailoutbox] == [["ana@example.com"]]


@pytest.mark.parametrize(
    "arguments",
    [("--timeout", "0"), ("--timeout", "nan"), ("--ca-file", "/none"), ("--send-mail", "ana")],
)
def test_wrong_option_ends_with_status_2(arguments):
    with pytest.raises(CommandError) as caught:
        call_command("doctor", *arguments)
    assert caught.value.returncode == 2


def run_doctor(folder: Any, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = fresh_environment(folder, **more)
    command = [sys.executable, "manage.py", "doctor", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_unavailable_database_is_reported_and_the_other_checks_go_on(tmp_path):
    run = run_doctor(
        tmp_path,
        "--json",
        DATABASE_URL="postgres://user:secret-password@127.0.0.1:9/board",
        STATUSBOARD_GENERATE_SECRETS="on",
    )
    checks = {one["check"]: one for one in json.loads(run.stdout)["checks"]}
    assert run.returncode == 1
    assert "does not answer" in checks["database"]["text"]
    assert checks["disk"]["level"] == "ok"
    assert "secret-password" not in run.stdout + run.stderr


def test_missing_settings_end_with_status_2(tmp_path):
    run = run_doctor(tmp_path, DATABASE_URL="postgres://user@127.0.0.1:9/board")
    assert run.returncode == 2
    assert "SECRET_KEY" in run.stderr


def test_database_without_tables_is_reported(tmp_path):
    run = run_doctor(tmp_path)
    assert run.returncode == 1
    assert "Run manage.py migrate" in run.stdout


def test_health_shows_the_local_checks(client, admin):
    page = client.get("/health/").text
    assert "All migrations are applied." in page
    assert "No worker has reported for a minute." in page
