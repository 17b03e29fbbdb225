"""tools/ctl, asked at a node's raft address."""

import json
import subprocess

from testing.process import nodes

DONE, REFUSED, USAGE, UNKNOWN = 0, 1, 2, 3


def run(port, *words, timeout='5s', typed=''):
    """What it exits with, prints, and says on stderr."""
    done = subprocess.run([nodes.CTL, f'--node=127.0.0.1:{port}', f'--timeout={timeout}', *words],
                          input=typed.encode(), timeout=60, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def do(node, *words):
    """What it prints, as soon as it is done: elections and other changes may be under way."""
    said = ''

    def attempt():
        nonlocal said
        code, out, said = run(node.raft_port, *words)
        return (out,) if code == DONE else None
    try:
        return nodes.await_until(f'ctl {" ".join(words)}', attempt, seconds=60)[0]
    except AssertionError as error:
        raise AssertionError(f'{error}: {said}') from None


def members(node):
    """As the leader sees them."""
    return json.loads(do(node, '--json', 'members'))
