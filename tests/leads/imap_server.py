"""A mailbox on loopback: just enough IMAP to be read, and ways to misbehave."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Mailbox:
    """What lies in it by UID, and how the server behaves."""

    mails: dict[int, bytes] = field(default_factory=dict)
    validity: int = 1
    password: str = "right"
    behaviour: str = "good"
    seen: set[int] = field(default_factory=set)
    port: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    def put(self, raw: bytes) -> int:
        """One more mail."""
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = raw
        return uid


class _Handler(socketserver.StreamRequestHandler):
    mailbox: Mailbox

    def handle(self) -> None:
        if self.mailbox.behaviour == "hang":
            self.mailbox.closing.wait(10)
            return
        self._say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, _blank, rest = line.partition(" ")
            if not self._do(tag, rest):
                return

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def _do(self, tag: str, rest: str) -> bool:
        word = rest.upper()
        if word.startswith("CAPABILITY"):
            self._say("* CAPABILITY IMAP4rev1")
        elif word.startswith("LOGIN") and f'"{self.mailbox.password}"' not in rest:
            self._say(f"{tag} NO [AUTHENTICATIONFAILED] Wrong password")
            return True
        elif word.startswith(("SELECT", "EXAMINE")):
            if "MISSING" in word:
                self._say(f"{tag} NO No such folder")
                return True
            self._say(f"* {len(self.mailbox.mails)} EXISTS")
            self._say(f"* OK [UIDVALIDITY {self.mailbox.validity}] valid")
            self._say(f"* OK [UIDNEXT {max(self.mailbox.mails, default=0) + 1}] next")
        elif word.startswith("UID SEARCH"):
            first = int(re.search(r"UID SEARCH UID (\d+)", word)[1])  # type: ignore[index]
            found = [uid for uid in self.mailbox.mails if uid >= first] or list(self.mailbox.mails)[-1:]
            self._say("* SEARCH " + " ".join(map(str, found)))
        elif word.startswith("UID FETCH"):
            return self._fetch(tag, word)
        elif word.startswith("UID STORE"):
            self.mailbox.seen.add(int(word.split()[2]))
        elif word.startswith("LOGOUT"):
            self._say(f"{tag} OK bye")
            return False
        self._say(f"{tag} OK done")
        return True

    def _fetch(self, tag: str, word: str) -> bool:
        uid = int(word.split()[2])
        raw = self.mailbox.mails[uid]
        if "SIZE" in word:
            size = 40_000_000 if self.mailbox.behaviour == "huge" else len(raw)
            self._say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {size})")
        elif self.mailbox.behaviour == "drop" and uid == max(self.mailbox.mails):
            self.wfile.write(f"* {uid} FETCH (UID {uid} BODY[] {{{len(raw)}}}\r\n".encode() + raw[: len(raw) // 3])
            return False
        else:
            self.wfile.write(f"* {uid} FETCH (UID {uid} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
        self._say(f"{tag} OK done")
        return True


@contextmanager
def running_mailbox() -> Iterator[Mailbox]:
    """A server on a free port until the block ends."""
    mailbox = Mailbox()
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"mailbox": mailbox}))
    server.daemon_threads = True
    mailbox.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield mailbox
    finally:
        mailbox.closing.set()
        server.shutdown()
        server.server_close()
