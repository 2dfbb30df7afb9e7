"""A limit of requests per key, as OVHcloud has one that it does not document: 429 beyond it."""

from __future__ import annotations

import math
import time
from collections import deque

from ovh_api_mcp.limits import SIMULATOR_KEPT
from ovh_api_mcp.simulator.answers import Answer, No
from ovh_api_mcp.simulator.recording import RecordedRequest


class RateLimit:
    """At most `requests` in `window_s` for each key or token; `says_when` is whether Retry-After is told."""

    def __init__(self, requests: int, window_s: float, *, says_when: bool = True) -> None:
        self.requests = requests
        self.window_s = window_s
        self.says_when = says_when
        self._seen: dict[str, deque[float]] = {}

    def refuse(self, request: RecordedRequest) -> Answer | None:
        """Count a request and return the answer for one too many, else None."""
        who = request.headers.get("x-ovh-consumer") or request.headers.get("authorization")
        if not who:
            return None  # schemas, the clock and sign-ins are not counted
        now = time.monotonic()
        if len(self._seen) >= SIMULATOR_KEPT:
            self._seen.clear()
        seen = self._seen.setdefault(who, deque(maxlen=self.requests))
        while seen and seen[0] <= now - self.window_s:
            seen.popleft()
        if len(seen) < self.requests:
            seen.append(now)
            return None
        wait_s = math.ceil(seen[0] + self.window_s - now) if seen else math.ceil(self.window_s)
        answer = No(429, "Too many requests", kind="Client::TooManyRequests").to_answer()
        return Answer(429, answer.body, {"Retry-After": str(wait_s)} if self.says_when else {})
