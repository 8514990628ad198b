"""HAProxy's runtime socket from a command line: what a user of the router `command` would write."""

import csv
import json
import os
import socket
import sys


def say(line):
    with socket.socket(socket.AF_UNIX) as plug:
        plug.connect(os.environ["SPLIT_SOCKET"])
        plug.sendall(line.encode() + b"\n")
        answer = b""
        while part := plug.recv(65536):
            answer += part
    return answer.decode()


def servers():
    rows = list(csv.DictReader(say("show stat shop 4 -1").removeprefix("# ").splitlines()))
    return {row["svname"]: row for row in rows if row["svname"]}


def main(verb, *rest):
    if verb == "set":
        ours = round(float(rest[0]))
        said = say(f"set server shop/canary weight {ours};set server shop/control-1 weight {100 - ours}").strip()
        if said:
            sys.exit(said)
        return
    found = servers()
    canary, control = found["canary"], found["control-1"]
    if verb == "get":
        ours, theirs = int(canary["weight"]), int(control["weight"])
        sys.stdout.write(json.dumps({"percent": 100 * ours / (ours + theirs)}))
    else:
        pid = next(line for line in say("show info").splitlines() if line.startswith("Pid"))
        counted = {"canary": int(canary["stot"]), "control": int(control["stot"]), "since": pid}
        sys.stdout.write(json.dumps(counted))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.stderr.write(str(error))
        sys.exit(75)
