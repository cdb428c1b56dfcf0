#!/usr/bin/env python3
"""Files of TLS, made by openssl, that are wrong, or that change while the broker runs.

Right: wrong files end the start in one line that names the file; new files are taken without losing a connection, wrong
new ones change nothing and the log says so; a revoked certificate is refused, and an expired, a foreign or a missing one.
Wrong: a stream ends, a broker starts that refuses everybody, or somebody gets in.
"""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import grpc

from support.processes import Broker, Program, binary
from support.situations import CannotBeTried, run, situation
from support.wire import Stream, beat, becomes, consumer, heartbeat, members

ONE_LINE = "the broker said: %s"


class Site:
    """An authority, and the files of a broker that it issued."""

    def __init__(self):
        if shutil.which("openssl") is None:
            raise CannotBeTried("openssl is not installed")
        self._directory = tempfile.TemporaryDirectory()
        self.root = self._directory.name
        self.lists = self.path("lists")
        os.mkdir(self.lists)
        open(self.path("index.txt"), "w").close()
        with open(self.path("crlnumber"), "w") as number:
            number.write("01\n")
        with open(self.path("ca.cnf"), "w") as config:
            config.write(
                "[ca]\ndefault_ca=here\n[here]\ndatabase=%s/index.txt\ncrlnumber=%s/crlnumber\n"
                "certificate=%s/ca.pem\nprivate_key=%s/ca.key\ndefault_md=sha256\ndefault_crl_days=30\n"
                % ((self.root,) * 4)
            )
        self._serial = 1
        self.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=site", "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"),
        )  # fmt: skip
        self.issue("broker")
        self.issue("client")

    def path(self, name):
        return os.path.join(self.root, name)

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.root, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError("openssl %s: %s" % (" ".join(arguments), done.stderr))

    def issue(self, name, names="DNS:localhost", days=10):
        """Makes NAME.pem and NAME.key, each in one step. `days` may be negative: the certificate has expired."""
        self._serial += 1
        with open(self.path("names"), "w") as extensions:
            extensions.write("subjectAltName=" + names)
        self.openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
            "-keyout", "new.key", "-out", "new.csr",
        )  # fmt: skip
        self.openssl(
            "x509", "-req", "-in", "new.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", str(self._serial),
            "-days", str(days), "-extfile", "names", "-out", "new.pem",
        )  # fmt: skip
        os.chmod(self.path("new.key"), 0o600)
        os.rename(self.path("new.pem"), self.path(name + ".pem"))
        os.rename(self.path("new.key"), self.path(name + ".key"))

    def revoke(self, *names):
        for name in names:
            self.openssl("ca", "-config", "ca.cnf", "-revoke", name + ".pem")
        self.openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", os.path.join(self.lists, "site.pem"))
        self.openssl("rehash", self.lists)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, content):
        with open(self.path(name + ".new"), "wb") as file:
            file.write(content)
        os.chmod(self.path(name + ".new"), 0o600)
        os.rename(self.path(name + ".new"), self.path(name))

    def flags(self):
        return [
            "--tls_cert=" + self.path("broker.pem"),
            "--tls_key=" + self.path("broker.key"),
            "--tls_client_ca=" + self.path("ca.pem"),
            "--tls_client_cert=required",
            "--tls_crl_directory=" + self.lists,
        ]

    def credentials(self, name="client", authority=None):
        """Those of a client with NAME.pem; without a certificate if that is None."""
        own = (None, None) if name is None else (self.read(name + ".key"), self.read(name + ".pem"))
        return grpc.ssl_channel_credentials((authority or self).read("ca.pem"), *own)

    def shown(self, address):
        """The certificate that the broker shows on a new connection, in PEM."""
        host, port = address.rsplit(":", 1)
        context = ssl.create_default_context(cadata=self.read("ca.pem").decode())
        context.load_cert_chain(self.path("client.pem"), self.path("client.key"))
        with socket.create_connection((host, int(port)), 5) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                return ssl.DER_cert_to_PEM_cert(secure.getpeercert(True)).encode()


def answers(address, credentials):
    try:
        beat(address, heartbeat("c@1", [consumer("orders")]), 5, credentials)
        return True
    except grpc.RpcError:
        return False


@situation
def who_gets_in():
    site, other = Site(), Site()
    site.issue("expired", days=-1)
    site.revoke()
    with Broker(*site.flags()) as broker:
        tried = {
            "with a certificate": answers(broker.address, site.credentials()),
            "without one": answers(broker.address, site.credentials(None)),
            "with an expired one": answers(broker.address, site.credentials("expired")),
            "of another authority": answers(broker.address, other.credentials("client", authority=site)),
            "in plain text": answers(broker.address, None),
        }
        told = broker.wait_for("TLS handshake failed error=", 5) is not None
    right = [who for who, got_in in tried.items() if got_in] == ["with a certificate"] and told
    return right, "let in: %s; failures are logged: %s" % ([who for who, got_in in tried.items() if got_in], told)


@situation
def rotated_under_load():
    site = Site()
    with Broker(*site.flags()) as broker:
        credentials = site.credentials()
        stream = Stream(broker.address, credentials)
        stream.state("s@1", [consumer("orders")])
        failed, stop = [], threading.Event()

        def load():
            while not stop.is_set():
                if not answers(broker.address, credentials):
                    failed.append(time.monotonic())

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        taken = 0
        for _ in range(3):
            site.issue("broker")
            wanted = site.read("broker.pem")
            taken += becomes(lambda: site.shown(broker.address).split(), wanted.split(), 10) == wanted.split()
        stop.set()
        for thread in threads:
            thread.join()
        stream.light()
        lives = stream.status is None
        return taken == 3 and not failed and lives, "%d of 3 taken, %d calls failed, the stream lives: %s" % (
            taken,
            len(failed),
            lives,
        )


@situation
def wrong_new_files():
    site = Site()
    with Broker(*site.flags()) as broker:
        first = site.read("broker.pem")
        site.write("broker.pem", first[: len(first) // 2])
        half = broker.wait_for(r"not reloaded.*tls_cert \S+broker.pem: certificate 1 of 1 is damaged", 10)
        site.issue("broker", days=-1)
        expired = broker.wait_for(r"not reloaded.*tls_cert \S+broker.pem: .* expired at", 10)
        same = site.shown(broker.address).split() == first.split()
        site.issue("broker")
        wanted = site.read("broker.pem").split()
        mended = becomes(lambda: site.shown(broker.address).split(), wanted, 10) == wanted
        lines = broker.text().count("not reloaded")
        return (
            bool(half and expired and same and mended) and lines < 10,
            "half written told: %s, expired told: %s, the first stays: %s, a good one is taken: %s, lines: %d"
            % (bool(half), bool(expired), same, mended, lines),
        )


@situation
def revoked():
    site = Site()
    site.issue("gone")
    site.revoke()
    with Broker(*site.flags()) as broker:
        before = answers(broker.address, site.credentials("gone"))
        stream = Stream(broker.address, site.credentials("gone"))
        stream.state("s@1", [consumer("orders")])
        site.revoke("gone")
        after = becomes(lambda: answers(broker.address, site.credentials("gone")), False, 10)
        stays = answers(broker.address, site.credentials())
        why = broker.wait_for('TLS handshake failed error="certificate revoked"', 5) is not None
        stream.light()
        return (
            before and not after and stays and why and stream.status is None,
            "got in before: %s, after: %s; another one does: %s; the log says why: %s" % (before, after, stays, why),
        )


@situation
def wrong_files_at_the_start():
    site, wrong = Site(), []
    other = Site()

    def refused(what, pattern):
        for more in (), ("--check_config",):
            with Program(binary("BROKER"), "--address=127.0.0.1:0", "--metrics_address=", *site.flags(), *more) as broker:
                code, lines = broker.exit_code(10), broker.text().splitlines()
                if code != 1 or broker.wait_for(pattern, 1) is None or len([x for x in lines if "broker: " in x]) != 1:
                    wrong.append((what, more, code, broker.last_line()))

    good = {name: site.read(name) for name in ("broker.pem", "broker.key", "ca.pem")}
    site.write("broker.pem", good["broker.pem"][:200])
    refused("half written", r"broker: tls_cert \S+broker.pem: certificate 1 of 1 is damaged")
    site.issue("broker", days=-1)
    refused("expired", r"broker: tls_cert \S+broker.pem: .* expired at")
    for name, content in good.items():
        site.write(name, content)
    site.write("broker.key", other.read("broker.key"))
    refused("another key", r"broker: tls_key \S+broker.key: .*does not fit it")
    site.write("broker.key", good["broker.key"])
    os.chmod(site.path("broker.key"), 0o644)
    refused("a key for all", r"broker: tls_key \S+broker.key: must have a mode .* and has 0644")
    os.chmod(site.path("broker.key"), 0o600)
    site.write("ca.pem", b"nothing")
    refused("no authority", r"broker: tls_client_ca \S+ca.pem: must have a certificate in PEM")
    site.write("ca.pem", good["ca.pem"])
    shutil.copy(other.path("ca.pem"), os.path.join(site.lists, "0123abcd.r0"))
    refused("no list", r"broker: tls_crl_directory \S+0123abcd.r0: must be a certificate revocation list")
    return not wrong, "all six are refused in one line" if not wrong else repr(wrong)


@situation
def several_addresses():
    site = Site()
    path = site.path("socket")
    with Broker(*site.flags(), "--address=unix:" + path, "--address=plaintext://127.0.0.1:0") as broker:
        addresses = broker.address.split(",")
        told = broker.wait_for(
            'security="TLS, client certificates required; Unix socket of this user; no TLS"', 1
        )
        got_in = (
            answers(addresses[0], site.credentials()),
            answers(addresses[1], None),
            answers(addresses[2], None),
            answers(addresses[0], None),
        )
        mode = os.stat(path).st_mode & 0o777
        seen = members("unix:" + path, "orders")
        broker.kill()
    # A dead broker's file is no obstacle.
    with Broker("--address=unix:" + path) as again:
        works = answers("unix:" + path, None)
        again.signal(15)
        code = again.exit_code(10)
    right = (
        bool(told)
        and got_in == (True, True, True, False)
        and mode == 0o600
        and seen == ["c@1"]
        and works
        and code == 0
        and not os.path.exists(path)
    )
    return right, "%s, got in: %s, mode %o, members %s, again: %s, exit code %s" % (
        addresses,
        got_in,
        mode,
        seen,
        works,
        code,
    )


run()
