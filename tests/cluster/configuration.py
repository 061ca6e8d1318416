"""The configuration files of etcd, Patroni, PgBouncer and HAProxy, with ports on loopback."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

# Seconds. If the primary's whole server dies, its lease ends after `ttl`; then Patroni promotes the
# replica. These are the smallest values that Patroni accepts.
TTL, LOOP_WAIT, RETRY_TIMEOUT = 20, 2, 3


def etcd(name: str, folder: Path, members: Mapping[str, tuple[int, int]]) -> list[str]:
    """The command line of one member; `members` has each one's client and peer port."""
    client, peer = (f"http://127.0.0.1:{port}" for port in members[name])
    cluster = ",".join(f"{one}=http://127.0.0.1:{ports[1]}" for one, ports in members.items())
    return [
        *("etcd", "--name", name, "--data-dir", str(folder), "--logger", "zap"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", cluster, "--log-level", "error"),
    ]


def patroni(
    name: str, folder: Path, *, rest: int, port: int, etcd_ports: Sequence[int], binaries: Path
) -> str:
    """Patroni reads YAML, of which JSON is a subset."""
    parameters = {
        "max_connections": 100,
        "shared_buffers": "64MB",
        "unix_socket_directories": str(folder),
        "wal_keep_size": "256MB",
        "log_min_messages": "fatal",
    }
    dynamic = {
        **{"ttl": TTL, "loop_wait": LOOP_WAIT, "retry_timeout": RETRY_TIMEOUT},
        # A commit is on both servers before a callback is answered, so a promotion loses nothing.
        "synchronous_mode": True,
        # Do not wait for a dead PostgreSQL to recover: promote the replica.
        "primary_start_timeout": 0,
        "postgresql": {"use_pg_rewind": True, "parameters": parameters},
    }
    return json.dumps(
        {
            "scope": "statusboard",
            "name": name,
            "log": {"level": "ERROR"},
            "restapi": {"listen": f"127.0.0.1:{rest}", "connect_address": f"127.0.0.1:{rest}"},
            "etcd3": {"hosts": [f"127.0.0.1:{one}" for one in etcd_ports]},
            "bootstrap": {
                "dcs": dynamic,
                "initdb": [{"encoding": "UTF8"}, {"auth": "trust"}, "no-sync"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{port}",
                "connect_address": f"127.0.0.1:{port}",
                "data_dir": str(folder / "data"),
                "bin_dir": str(binaries),
                "pgpass": str(folder / "pgpass"),
                "authentication": {
                    "superuser": {"username": "postgres"},
                    "replication": {"username": "replicator"},
                },
                "pg_hba": [
                    "local all all trust",
                    "host all all 127.0.0.1/32 trust",
                    "host replication all 127.0.0.1/32 trust",
                ],
            },
        },
        indent=2,
    )


def pgbouncer(port: int, folder: Path, *, primary: int) -> str:
    # Sessions, not transactions: prepared statements belong to a session.
    return f"""[databases]
* = host=127.0.0.1 port={primary} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
pool_mode = session
max_client_conn = 200
default_pool_size = 40
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
"""


def haproxy(
    *,
    http: int,
    primary: int,
    replica: int,
    webhooks: Sequence[int],
    dashboards: Sequence[int],
    databases: Sequence[tuple[int, int]],
) -> str:
    """`databases` has the PostgreSQL port and the port of Patroni's REST API of each server."""

    def servers(ports: Sequence[int]) -> str:
        return "\n".join(
            f"    server s{port} 127.0.0.1:{port} check inter 1s fall 2 rise 1" for port in ports
        )

    def postgresql(options: str) -> str:
        return "\n".join(
            f"    server s{port} 127.0.0.1:{port} check port {rest} inter 1s fall 3 rise 1 "
            f"on-marked-down shutdown-sessions {options}"
            for port, rest in databases
        )

    return f"""global
    maxconn 500
defaults
    timeout connect 1s
    # A busy server answers late, and is not down.
    timeout check 3s
    timeout client 1m
    timeout server 1m
    retries 3
    option redispatch
frontend site
    mode http
    bind 127.0.0.1:{http}
    use_backend webhooks if {{ path_beg /webhooks/ }}
    default_backend dashboards
backend webhooks
    mode http
    option httpchk GET /healthz
{servers(webhooks)}
backend dashboards
    mode http
    option httpchk GET /healthz
{servers(dashboards)}
listen primary
    mode tcp
    bind 127.0.0.1:{primary}
    option httpchk GET /primary
{postgresql("")}
listen replica
    mode tcp
    bind 127.0.0.1:{replica}
    option httpchk GET /replica
{postgresql("")}
"""
