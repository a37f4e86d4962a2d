"""What stands between an adapter and its CRM: a proxy where there is a network, a wrapper where there is none."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from crmsync.adapters.base import Adapter
from crmsync.adapters.errors import AdapterError, Ambiguous, RateLimited, Unavailable
from crmsync.soak.proxy import Fault, Proxy, Request

# Share of the requests that each fault meets; of reads half as many.
SHARES = {"lost": 0.10, "late": 0.06, "500": 0.06, "429": 0.04, "half": 0.03, "reset": 0.03}
LATE_SECONDS = 0.4
WRITING = ("upsert", "set_stage", "associate", "archive")


class Dice:
    """Which request meets which fault, by a seed. ``is_open`` says whether any may strike."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._alone = Lock()
        self.is_open = True

    def throw(self, *, is_write: bool) -> str:
        """The name of a fault, empty for none."""
        if not self.is_open:
            return ""
        with self._alone:
            chance = self._random.random() * (1 if is_write else 2)
        for name, share in SHARES.items():
            if not is_write and name in ("lost", "late"):
                continue
            if chance < share:
                return name
            chance -= share
        return ""


class ProxyBend:
    """Over a network."""

    def __init__(self, address: str, is_write: Callable[[str, str, bytes], bool], dice: Dice) -> None:
        self.proxy = Proxy(address, is_write)
        self.proxy.dice = self._strike
        self._dice = dice

    @property
    def fired(self) -> Counter[str]:
        """Faults that struck."""
        return self.proxy.fired

    def config(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call the proxy."""
        bent = {**config, "address": self.proxy.address}
        return bent | {"login": self.proxy.address} if str(config.get("login", "")).startswith("http") else bent

    def adapter(self, adapter: Adapter) -> Adapter:
        """As it is."""
        return adapter

    def close(self) -> None:
        """Stop listening."""
        self.proxy.close()

    def _strike(self, request: Request) -> Fault | None:
        name = self._dice.throw(is_write=self.proxy.is_write(*request))
        if name == "500":
            return Fault("status", status=500, body=b"<html>", is_done=bool(request[2]) and len(request[2]) % 2 == 0)
        if name == "429":
            return Fault("status", status=429, headers=(("Retry-After", "1"),), body=b"{}")
        return Fault(name, seconds=LATE_SECONDS) if name else None


class LocalBend:
    """Where no network lies in between: the calls themselves fail, before or after the deed."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self.fired: Counter[str] = Counter()

    def config(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """As it is."""
        return config

    def adapter(self, adapter: Adapter) -> Adapter:
        """One whose calls fail."""
        return _Failing(adapter, self._dice, self.fired)

    def close(self) -> None:
        """Nothing is held."""


class _Failing:
    """Forwards every call, some of them in vain."""

    def __init__(self, adapter: Adapter, dice: Dice, fired: Counter[str]) -> None:
        self._adapter, self._dice, self._fired = adapter, dice, fired

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._adapter, name)
        if name not in (*WRITING, "get", "find_by_key", "changes"):
            return real
        is_write = name in WRITING

        def call(*args: Any, **kwargs: Any) -> Any:
            fault = self._dice.throw(is_write=is_write)
            if fault:
                self._fired[fault] += 1
            if fault in ("reset", "429"):
                raise self._error(fault, is_write)
            result = real(*args, **kwargs)
            if fault:
                raise self._error(fault, is_write)
            return result

        return call

    @staticmethod
    def _error(fault: str, is_write: bool) -> AdapterError:
        if fault == "429":
            return RateLimited(retry_after=1)
        return Ambiguous(f"soak: {fault}") if is_write else Unavailable(f"soak: {fault}")
