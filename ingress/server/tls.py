"""HTTPS by the ingress itself: certificate and key, checked before the port is opened, and followed when they are renewed."""

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
    """PEM files: the certificate with what the authority gave along with it (its chain), and its key, without password."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return what connections are made with, TLS 1.2 at least; raise `ConfigurationError` where that cannot be."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996; all providers speak it
        self._load(context)
        return context

    def contents(self) -> tuple[bytes, bytes]:
        """Return both files; raise `ConfigurationError` where they are none of what they have to be."""
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

        Tried on another context first: one half of a renewal would leave this one with a certificate and no key to it.
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
    """Return where certificate and key are, None for plain HTTP: on the command line, else in `[ingress]`.

    Without a key of its own the certificate's file holds both.
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
    """OpenSSL would ask on the terminal."""


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
