"""Real node processes on loopback, in directories of the test, and how tests wait for them."""

import ctypes
import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from testing.process import resp

# Bazel starts a test in the folder that its data are in.
NODE = os.path.abspath('tools/node/node')
CTL = os.path.abspath('tools/ctl/ctl')

# Twice the defaults: machines that run tests are slow.
ELECTION_TIMEOUT_MAX = 0.6
TIMING = ('--election_timeout_min=300ms', '--election_timeout_max=600ms',
          '--heartbeat_interval=100ms')

# Sanitizers cost time and memory: bounds on both are this much wider then (.bazelrc sets these).
_SANITIZERS = {k: v for k, v in os.environ.items() if k.endswith('SAN_OPTIONS')}
ALLOWANCE = 10 if _SANITIZERS else 1

_POLL_SECONDS = 0.01


def pause():
    """The one interval of all polling."""
    time.sleep(_POLL_SECONDS)


def await_until(what, condition, seconds=20):
    """What `condition` answers, as soon as that is true; fails when it is not in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {seconds} s: {what}')
        pause()


# Ports of one test process, all below those that outgoing connections get.
_FIRST_PORT, _LAST_PORT, _BLOCK = 10000, 32000, 1000


def _claim_block():
    """Listens at the first port of a block, as long as this process lives: the others are its own."""
    blocks = list(range(_FIRST_PORT, _LAST_PORT, _BLOCK))
    random.shuffle(blocks)
    for first in blocks:
        try:
            return socket.create_server(('127.0.0.1', first))
        except OSError:
            pass
    raise AssertionError('no block of ports is free')


def _tens():
    """The first of ten ports, each once."""
    claim = _claim_block()
    first = claim.getsockname()[1]
    yield from range(first + 10, first + _BLOCK, 10)


_TENS = _tens()


def _are_free(ports):
    try:
        for port in ports:
            socket.create_server(('127.0.0.1', port)).close()
        return True
    except OSError:
        return False


def free_ports(count=1):
    """The first of `count` ports in a row, at most 10, that nobody else is given: neither another
    test that runs beside this one, nor who asks next."""
    assert count <= 10
    for first in _TENS:
        if _are_free(range(first, first + count)):
            return first
    raise AssertionError('no ports are left')


def make_dir():
    return tempfile.mkdtemp(dir=os.environ.get('TEST_TMPDIR'))


def flip(path, offset):
    """One bit of the byte there changes."""
    with open(path, 'r+b') as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Node:
    """One process. `discard` (addCleanup) ends it whatever happens."""

    def __init__(self, flags, client_port, directory=None):
        self.directory = directory or make_dir()
        self.flags = list(flags)
        self.client_port = client_port
        self.process = None
        self._log = f'{self.directory}/log'

    def start(self):
        return self.launch().await_ready()

    def launch(self):
        """The process, which may never become ready."""
        with open(self._log, 'wb') as log:
            self.process = subprocess.Popen(
                [NODE, *self.flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={'HOME': self.directory, **_SANITIZERS}, preexec_fn=_die_with_parent)
        return self

    def await_ready(self):
        await_until(f'ready: {self.flags}', self._ready_or_over, seconds=60)
        if self.process.poll() is not None:
            raise AssertionError(f'ended with {self.process.returncode}:\n{self.log()}')
        return self

    def _ready_or_over(self):
        return self.process.poll() is not None or '\nready\n' in self.log()

    def log(self):
        """What it wrote since it was started last."""
        with open(self._log, encoding='utf-8', errors='replace') as log:
            return log.read()

    def await_said(self, *words):
        """All of `words`, since it was started last."""
        def said():
            over = self.process.poll()
            log = self.log()
            if all(word in log for word in words):
                return True
            if over is not None:
                raise AssertionError(f'ended with {over} before it said {words}:\n{log}')
            return False
        await_until(f'it says {words}', said)

    def kill(self):
        """SIGKILL; also of one that was ended already or never started."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def discard(self):
        """Nothing of it is left: each log begins with a file of 64 MiB."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self):
        """SIGTERM; its exit code and how long it took."""
        start = time.monotonic()
        self.process.terminate()
        return self.process.wait(timeout=30), time.monotonic() - start

    def wipe(self):
        """All that it keeps is lost, as with a new disk."""
        shutil.rmtree(f'{self.directory}/.local')

    def data_dir(self):
        """The only one that it has."""
        identity, = glob.glob(f'{self.directory}/.local/**/identity', recursive=True)
        return os.path.dirname(identity)

    def signal(self, number):
        self.process.send_signal(number)

    def connect(self):
        return resp.Connection(self.client_port)

    def call(self, *words):
        """One command on a connection of its own."""
        connection = self.connect()
        try:
            return connection.call(*words)
        finally:
            connection.close()

    def status(self):
        return json.loads(self.call('STATUS'))

    def resident_bytes(self):
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as file:
            line = next(line for line in file if line.startswith('VmRSS:'))
        return int(line.split()[1]) * 1024


def one_node(test, directory=None):
    """A cluster of one, not started; flags as few as its isolation needs."""
    raft, client = free_ports(), free_ports()
    node = Node([f'--raft_address=127.0.0.1:{raft}', f'--client_address=127.0.0.1:{client}'],
                client, directory)
    node.raft_port = raft
    test.addCleanup(node.discard)
    return node


def member(test, number, *more_flags):
    """Node `number` of some cluster, at addresses of its own, not started."""
    raft, client = free_ports(), free_ports()
    node = Node([f'--id={number}', f'--raft_address=127.0.0.1:{raft}',
                 f'--client_address=127.0.0.1:{client}', *TIMING, *more_flags], client)
    node.raft_port = raft
    test.addCleanup(node.discard)
    return node


def joining(test, number, door, *more_flags):
    """The same, of the cluster that `door` is in."""
    return member(test, number, f'--join=127.0.0.1:{door.raft_port}', *more_flags)


def three_nodes(test, *more_flags):
    """A cluster of three, started, with a leader."""
    return several_nodes(test, 3, *more_flags)


def several_nodes(test, count, *more_flags):
    raft, client = free_ports(count), free_ports(count)
    cluster = ','.join(f'{i + 1}=127.0.0.1:{raft + i}' for i in range(count))
    nodes = []
    for i in range(count):
        node = Node([f'--id={i + 1}', f'--cluster={cluster}',
                     f'--client_address=127.0.0.1:{client + i}', *TIMING, *more_flags], client + i)
        node.raft_port = raft + i
        nodes.append(node)
        test.addCleanup(node.discard)
        node.start()
    await_leader(nodes)
    return nodes


def await_leader(nodes):
    """The one of `nodes` that all of them agree leads."""
    def agreed():
        said = {node.status()['leader_id'] for node in nodes}
        flag = f'--id={said.pop()}'
        return None if said else next((node for node in nodes if flag in node.flags), None)
    return await_until('a leader', agreed)


def await_same_log(test, nodes):
    """Waits until all applied the same, and compares what that was."""
    def caught_up():
        statuses = [node.status() for node in nodes]
        indices = {s[key] for s in statuses for key in ('last_log_index', 'applied_index')}
        return indices.pop() if len(indices) == 1 else 0
    index = await_until('the same applied index everywhere', caught_up)
    hashes = {node.call('LOGHASH', index) for node in nodes}
    test.assertEqual(len(hashes), 1, f'logs differ up to {index}: {hashes}')
    test.assertNotIn(None, hashes)
    return index
