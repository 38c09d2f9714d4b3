"""Signs evidence with an SSH key, and says who signed it: ``ssh-keygen -Y`` in a DSSE envelope.

The signature is over the envelope's pre-authentication encoding, so neither
the statement nor its type can be exchanged. Which signers count is the
caller's to say.
"""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import OrchestrateError
from orchestrator.plugins.spec import Json, dumps

__all__ = ["NAMESPACE", "PAYLOAD", "CannotSign", "Signature", "opened", "signed", "signers"]

PAYLOAD = "application/vnd.in-toto+json"
#: What a signature is for: one made for git or a file is none for evidence.
NAMESPACE = "orchestrate-evidence"
#: Seconds an agent, or somebody with a passphrase, may take.
_PATIENCE = 120


class CannotSign(OrchestrateError):
    """Evidence cannot be signed, or a signature cannot be looked at.

    Happens when ``ssh-keygen`` is missing or older than OpenSSH 8.2, or does
    not want the key: no such file, a wrong passphrase, a public key whose
    private half no agent holds. The message ends with what it said. Nothing
    was written.
    """

    code = "E444"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope. ``whole``: it is over exactly this statement.

    ``identity`` is who signed, from the file of allowed signers; None when that
    names nobody for the key.
    """

    key: str
    whole: bool
    identity: str | None


def signed(statement: Mapping[str, Json], key: Path) -> dict[str, Json]:
    """The statement in an envelope, signed with a key file (its public half: by the agent)."""
    payload = dumps(statement).encode()
    done = _keygen(["-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(key)], _encoded(payload))
    if done.returncode != 0 or b"BEGIN SSH SIGNATURE" not in done.stdout:
        said = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
        raise CannotSign(f"{key}: {said}", hint="name a key: --sign ~/.ssh/id_ed25519")
    return {
        "payloadType": PAYLOAD,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": _name(key), "sig": base64.b64encode(done.stdout).decode()}],
    }


def opened(envelope: Mapping[str, Json]) -> dict[str, Json]:
    """The statement in an envelope. Raises ``ValueError`` for what is none."""
    if envelope.get("payloadType") != PAYLOAD:
        raise ValueError(f"its payload is {envelope.get('payloadType')!r}, not {PAYLOAD}")
    try:
        statement = json.loads(base64.b64decode(envelope["payload"], validate=True))
    except (KeyError, TypeError, binascii.Error, ValueError) as error:
        raise ValueError(f"its payload cannot be read: {error}") from error
    if not isinstance(statement, dict):
        raise ValueError("its payload is not a statement")
    return statement


def signers(envelope: Mapping[str, Json], allowed: Path | None) -> list[Signature]:
    """Every signature of an envelope, with who made it according to ``allowed``."""
    payload = base64.b64decode(envelope["payload"])
    return [_look(_encoded(payload), each, allowed) for each in envelope.get("signatures", ())]


def _look(message: bytes, signature: Mapping[str, Json], allowed: Path | None) -> Signature:
    name = str(signature.get("keyid", ""))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sig"
        try:
            file.write_bytes(base64.b64decode(signature["sig"], validate=True))
        except (KeyError, TypeError, ValueError):
            return Signature(name, False, None)
        about = ["-n", NAMESPACE, "-s", str(file)]
        whole = _keygen(["-Y", "check-novalidate", *about], message).returncode == 0
        if not whole or allowed is None:
            return Signature(name, whole, None)
        found = _keygen(["-Y", "find-principals", "-s", str(file), "-f", str(allowed)], b"")
        for identity in found.stdout.decode(errors="replace").splitlines():
            known = ["-Y", "verify", "-f", str(allowed), "-I", identity, *about]
            if _keygen(known, message).returncode == 0:
                return Signature(name, True, identity)
        return Signature(name, True, None)


def _encoded(payload: bytes) -> bytes:
    """DSSE's encoding of type and payload with their lengths: what is signed."""
    kind = PAYLOAD.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _name(key: Path) -> str:
    """The key's fingerprint, ``SHA256:…``."""
    done = _keygen(["-l", "-f", str(key)], b"")
    words = done.stdout.decode(errors="replace").split()
    return words[1] if done.returncode == 0 and len(words) > 1 else ""


def _keygen(arguments: Sequence[str], message: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments], input=message, capture_output=True, timeout=_PATIENCE
        )
    except FileNotFoundError as error:
        raise CannotSign(
            "ssh-keygen is not installed",
            hint="it is part of OpenSSH; on Debian: apt-get install openssh-client",
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotSign(f"ssh-keygen: {error}") from error
