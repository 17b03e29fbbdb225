"""Clients that write all the time, and what they may conclude from the answers they got."""

import itertools
import threading
import time

from testing.process import nodes, resp


class Writer(threading.Thread):
    """Sets a new key and increments the common counter, in turn, at one node until that breaks,
    then at the next one."""

    def __init__(self, name, ports):
        super().__init__(daemon=True)
        self._prefix = name
        self._ports = itertools.cycle(ports)
        self._connection = None
        self._over = threading.Event()
        self.acknowledged = {}  # key: value
        self.unknown = {}  # sent, and no answer says what became of it
        self.increments = []  # the counter's values that this writer got
        self.unknown_increments = 0
        self.acks = []  # (sent, acknowledged)
        self.violations = []  # answers that no correct client should see

    def finish(self):
        self._over.set()
        self.join()

    def run(self):
        try:
            for n in itertools.count():
                if self._over.is_set():
                    break
                self._set(f'{self._prefix}-{n}', f'value-{n}')
                self._increment()
        except Exception as error:  # pylint: disable=broad-except
            self.violations.append(repr(error))
        if self._connection:
            self._connection.close()

    def _set(self, key, value):
        reply = self._write('SET', key, value)
        if reply is None:
            return
        if reply == 'OK':
            self.acknowledged[key] = value
        else:
            self.unknown[key] = value

    def _increment(self):
        reply = self._write('INCR', 'counter')
        if isinstance(reply, int):
            self.increments.append(reply)
        elif reply is not None:
            self.unknown_increments += 1

    def _write(self, *command):
        """The reply; 'unknown'; or None, where it surely did not happen."""
        try:
            # A node that ends closes connections where nobody waits for an answer.
            if self._connection and self._connection.closed():
                self._hang_up()
            if self._connection is None:
                self._connection = resp.Connection(next(self._ports))
        except OSError:
            nodes.pause()
            return None
        sent = time.monotonic()
        try:
            reply = self._connection.call(*command)
        except resp.Error as error:
            return self._refused(error)
        except OSError:
            self._hang_up()
            return 'unknown'
        self.acks.append((sent, time.monotonic()))
        return reply

    def _hang_up(self):
        self._connection.close()
        self._connection = None

    def _refused(self, error):
        nodes.pause()
        if error.word == 'UNKNOWN':
            return 'unknown'
        if error.word not in ('NOLEADER', 'BUSY'):
            self.violations.append(str(error))
        return None


class Load:
    """Several writers, each beginning at another node."""

    def __init__(self, name, ports, count=6):
        self.writers = []
        for i in range(count):
            first = i % len(ports)
            self.writers.append(Writer(f'{name}-{i}', ports[first:] + ports[:first]))
        for writer in self.writers:
            writer.start()

    def finish(self):
        for writer in self.writers:
            writer.finish()

    def acks_between(self, first, last):
        """When writes were acknowledged that were sent at `first` or later, up to `last`."""
        return sorted(acked for w in self.writers for sent, acked in list(w.acks)
                      if first <= sent and acked <= last)

    def longest_silence(self, first, last):
        times = [first, *self.acks_between(first, last), last]
        return max(b - a for a, b in zip(times, times[1:]))


def check_writes(test, cluster, writers):
    """Whether the nodes have all that the writers, which have finished, were told."""
    test.assertEqual([v for w in writers for v in w.violations], [])
    for i, writer in enumerate(writers):
        node = cluster[i % len(cluster)]
        _check_keys(test, node, writer.acknowledged)
        _check_keys(test, node, writer.unknown, may_be_absent=True)
    _check_counter(test, cluster[0], writers)


def _check_keys(test, node, expected, may_be_absent=False):
    if not expected:
        return
    values = node.call('MGET', *expected)
    for (key, value), found in zip(expected.items(), values):
        if not (may_be_absent and found is None):
            test.assertEqual(found, value, f'{key} at port {node.client_port}')


def _check_counter(test, node, writers):
    got = [value for w in writers for value in w.increments]
    test.assertEqual(len(got), len(set(got)), 'two increments with one result')
    counter = int(node.call('GET', 'counter'))
    test.assertLessEqual(max(got), counter)
    test.assertLessEqual(len(got), counter)
    test.assertLessEqual(counter, len(got) + sum(w.unknown_increments for w in writers))
