"""A stand-in for a service of two versions behind a splitter, for the pages about rollouts.

python quay.py PORT LOSES: both versions' counts on 127.0.0.1:PORT; the canary loses LOSES (0…1) of its bookings.
The weight is what ./split wrote to `weight`; requests assigned are in `assigned`, for ./split to show.
"""

import json
import random
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT, LOSES = int(sys.argv[1]), float(sys.argv[2])
RATE, SHARDS, EVERY = 400, 4, 0.02
WEIGHT, ASSIGNED = Path("weight"), Path("assigned")
LOCK = threading.Lock()
assigned = {"canary": 0, "control": 0}
booked = {"canary": 0, **{str(shard): 0 for shard in range(SHARDS)}}


def one(share):
    if random.random() < share:
        assigned["canary"] += 1
        booked["canary"] += random.random() >= LOSES
    else:
        assigned["control"] += 1
        booked[str(random.randrange(SHARDS))] += 1


def traffic():
    due = time.monotonic()
    while True:
        share = float(WEIGHT.read_text() or 0) / 100
        with LOCK:
            for _ in range(round(RATE * EVERY)):
                one(share)
            draft = ASSIGNED.with_suffix(".new")
            draft.write_text(json.dumps({**assigned, "since": "1"}))
            draft.replace(ASSIGNED)
        due += EVERY
        time.sleep(max(due - time.monotonic(), 0))


class Counts(BaseHTTPRequestHandler):
    def do_GET(self):
        with LOCK:
            value = booked[self.path.strip("/")]
        page = f"# TYPE berths_booked counter\nberths_booked_total {value}\n# EOF\n".encode()
        self.send_response(200)
        self.send_header("content-type", "application/openmetrics-text; version=1.0.0")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


threading.Thread(target=traffic, daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", PORT), Counts).serve_forever()
