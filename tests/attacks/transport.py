"""How attackers and well-behaved clients connect: in plain text, or over TLS if the environment variable
ATTACKS_TLS names a directory with what make_certificates() makes. As whom they come: as nobody, or as users that sign
if the environment variable ATTACKS_AUTH names a directory with what make_rules() makes."""

import hashlib
import hmac
import os
import shutil
import socket
import ssl
import subprocess

import grpc.aio


def _directory():
    return os.environ.get("ATTACKS_TLS", "")


def missing():
    """What TLS needs and is not installed; None if nothing."""
    return None if shutil.which("openssl") else "openssl"


def make_certificates(directory):
    """An authority, and one certificate by it, which the broker and all clients show. From now on TLS is used."""
    def openssl(*arguments):
        subprocess.run(("openssl", *arguments), cwd=directory, check=True, capture_output=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=attacks", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "own.key", "-out", "own.csr")
    with open(os.path.join(directory, "names"), "w", encoding="ascii") as names:
        names.write("subjectAltName=DNS:localhost")
    openssl("x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "own.pem")
    os.chmod(os.path.join(directory, "own.key"), 0o600)
    os.environ["ATTACKS_TLS"] = directory


# The secret of each user.
USERS = {"attacker": "attackers-secret", "victim": "victims-secret"}
DATE = "20231227T194619Z"


def make_rules(directory):
    """Rules by which both users may do everything, so that attacks reach as far as without. From now on they sign."""
    path = os.path.join(directory, "rules")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as rules:
        for user, secret in USERS.items():
            rules.write('users { name: "%s" secret: "%s" }\n' % (user, secret))
            rules.write('rules { user: "%s" resource: "*" action: ALL decision: ALLOW }\n' % user)
    os.environ["ATTACKS_AUTH"] = directory


def signature(user):
    """The metadata by which the broker knows the user; none without rules."""
    if not os.environ.get("ATTACKS_AUTH"):
        return []
    digest = hmac.new(USERS[user].encode(), DATE.encode(), hashlib.sha1).hexdigest()
    return [("x-mq-date-time", DATE),
            ("authorization", "MQv2-HMAC-SHA1 Credential=%s/x/RocketMQ, SignedHeaders=x-mq-date-time, Signature=%s" % (user, digest))]


def broker_flags():
    rules = os.environ.get("ATTACKS_AUTH")
    return _tls_flags() + (["--auth=on", "--auth_file=" + os.path.join(rules, "rules")] if rules else [])


def _tls_flags():
    if not _directory():
        return []
    path = os.path.join(_directory(), "")
    return ["--tls_cert=" + path + "own.pem", "--tls_key=" + path + "own.key", "--tls_client_ca=" + path + "ca.pem",
            "--tls_client_cert=required"]


class TlsSocket(ssl.SSLSocket):
    """One that tells as others do that it would block."""

    def recv(self, *arguments):
        try:
            return super().recv(*arguments)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise BlockingIOError from error

    def send(self, *arguments):
        try:
            return super().send(*arguments)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise BlockingIOError from error


_CONTEXTS = {}


def _context(directory):
    if directory not in _CONTEXTS:
        context = ssl.create_default_context(cafile=os.path.join(directory, "ca.pem"))
        context.load_cert_chain(os.path.join(directory, "own.pem"), os.path.join(directory, "own.key"))
        context.set_alpn_protocols(["h2"])
        context.sslsocket_class = TlsSocket
        _CONTEXTS[directory] = context
    return _CONTEXTS[directory]


def dial_plain(address, source, seconds=2):
    """A connection in plain text, whatever the broker speaks."""
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=seconds, source_address=(source, 0))


def dial(address, source, seconds=2):
    """A connection that is ready for HTTP/2."""
    plain = dial_plain(address, source, seconds)
    if not _directory():
        return plain
    try:
        return _context(_directory()).wrap_socket(plain, server_hostname="localhost")
    except OSError:
        plain.close()
        raise


def tls_hello():
    """What a client says first in a TLS handshake."""
    read, written = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(read, written, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return written.read()


def grpc_channel(address, options):
    """A channel of gRPC for asyncio."""
    if not _directory():
        return grpc.aio.insecure_channel(address, options=options)

    def read(name):
        with open(os.path.join(_directory(), name), "rb") as file:
            return file.read()
    credentials = grpc.ssl_channel_credentials(read("ca.pem"), read("own.key"), read("own.pem"))
    return grpc.aio.secure_channel(address, credentials, options=[*options, ("grpc.ssl_target_name_override", "localhost")])
