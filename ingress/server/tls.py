"""HTTPS in the ingress: certificate and key, checked before the port is opened and reloaded when they are renewed."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import structlog

from config.model import Configuration
from config.problems import ConfigurationError, Problem

LOOK_S = 10.0  # Certificates are renewed days before they expire.
CERTIFICATE, KEY = b"-----BEGIN CERTIFICATE-----", b"PRIVATE KEY-----"

log = structlog.get_logger("ingress")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the certificate with its chain, and its key without a password."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return the context for connections, TLS 1.2 or later; raise `ConfigurationError` if the files cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996; all providers support it
        self._load(context)
        return context

    def contents(self) -> tuple[bytes, bytes]:
        """Return the contents of both files; raise `ConfigurationError` if one is not a PEM file of its kind."""
        certificate = _read(self.certificate, "certificate", CERTIFICATE)
        return certificate, _read(self.key, "key", KEY)

    def _load(self, context: ssl.SSLContext) -> None:
        self.contents()
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except _PasswordAsked as error:
            raise _fault(self.key, "the key has a password; expected one without: openssl pkey -in … -out …") from error
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise _fault(self.key, f"is not the key of the certificate {self.certificate}") from error
            raise _fault(self.certificate, f"OpenSSL cannot use it with {self.key}: {error.reason}") from error

    async def follow(self, context: ssl.SSLContext, every_s: float = LOOK_S) -> None:
        """Use renewed files for new connections. Ends only when cancelled.

        They are tried on another context first: half a renewal would leave this one with a certificate and no matching key.
        """
        seen = self.contents()
        while True:
            await asyncio.sleep(every_s)
            try:
                now = await asyncio.to_thread(self.contents)
                if now == seen:
                    continue
                self.context()
                self._load(context)
            except ConfigurationError as error:
                log.error("certificate_refused", problem=str(error), advice="the one before is used")
                continue
            seen = now
            log.info("certificate_renewed", file=str(self.certificate))


def tls_files(configuration: Configuration, certificate: Path | None, key: Path | None) -> TlsFiles | None:
    """Return the paths of certificate and key, from the command line or else from `[ingress]`; None for plain HTTP.

    If no key file is given, the certificate's file holds both.
    """
    configured = configuration.ingress
    if certificate is None and key is None:
        certificate, key = _path(configured.tls_certificate), _path(configured.tls_key)
    if certificate is None:
        if key is not None:
            raise ConfigurationError([Problem("", "--keyfile", f"{key} needs --certfile, the certificate it is for")])
        return None
    return TlsFiles(certificate, key or certificate)


class _PasswordAsked(Exception):
    """The key has a password, for which OpenSSL would prompt on the terminal."""


def _no_password() -> bytes:
    raise _PasswordAsked


def _read(path: Path, what: str, mark: bytes) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _fault(path, f"the TLS {what} cannot be read: {(error.strerror or 'no such file').lower()}") from error
    if mark not in content:
        raise _fault(path, f"expected a TLS {what} in PEM, with a line that has {mark.decode()}")
    return content


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)


def _fault(path: Path, message: str) -> ConfigurationError:
    return ConfigurationError([Problem(str(path), "", message)])
