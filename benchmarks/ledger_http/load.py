"""The load generator: keep-alive connections on plain sockets, as cheap as they can be in Python.

    python -m benchmarks.ledger_http.load HOST PORT TOKEN BATCH SUBMITTERS SECONDS [--keyed]

It runs in a process of its own, prepares every request before the clock starts, and prints latencies (ms), its own
processor time (s) and the wall time (s) as JSON. Every reply must be a 201; anything else ends it with an error.
"""

from __future__ import annotations

import argparse
import json
import secrets
import socket
import threading
import time

PREPARED = 400


def request(token: str, batch: int, thread: int, number: int, *, keyed: bool) -> bytes:
    events = [
        {
            "name": "deployment.applied",
            "subject": f"chg-{(number * batch + at) % 5000}",
            "said": {"digest": f"sha256:{thread:08x}{number:056x}", "environment": "production", "step": at},
        }
        for at in range(batch)
    ]
    body = json.dumps({"events": events}).encode()
    key = f"idempotency-key: {secrets.token_hex(16)}\r\n" if keyed else ""
    head = (
        f"POST /v1/events HTTP/1.1\r\nhost: interlock\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\n{key}content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def exchange(connection: socket.socket, sent: bytes) -> None:
    """One request and its whole reply."""
    connection.sendall(sent)
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 201"):
        raise RuntimeError(received[:400].decode(errors="replace"))
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    have = len(body)
    while have < length:
        have += len(_some(connection))


def _some(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise RuntimeError("the server closed the connection")
    return part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("token")
    parser.add_argument("batch", type=int)
    parser.add_argument("submitters", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--keyed", action="store_true")
    given = parser.parse_args()
    latencies: list[list[float]] = [[] for _ in range(given.submitters)]
    failures: list[BaseException] = []
    begin = threading.Barrier(given.submitters + 1)

    def run(thread: int) -> None:
        try:
            connection = socket.create_connection((given.host, given.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready = [
                request(given.token, given.batch, thread, number, keyed=given.keyed) for number in range(PREPARED)
            ]
            exchange(connection, ready.pop())
            begin.wait()
            end = time.perf_counter() + given.seconds
            while (begun := time.perf_counter()) < end:
                sent = ready.pop() if ready else request(given.token, given.batch, thread, 0, keyed=given.keyed)
                begun = time.perf_counter()
                exchange(connection, sent)
                latencies[thread].append((time.perf_counter() - begun) * 1e3)
        except BaseException as error:
            failures.append(error)
            begin.abort()
            raise

    workers = [threading.Thread(target=run, args=(thread,)) for thread in range(given.submitters)]
    for worker in workers:
        worker.start()
    begin.wait()
    begun, busy = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.join()
    if failures:
        raise SystemExit(f"error: {failures[0]}")
    spent = time.perf_counter() - begun
    every = [latency for row in latencies for latency in row]
    print(json.dumps({"latencies": every, "busy": time.process_time() - busy, "seconds": spent}))


if __name__ == "__main__":
    main()
