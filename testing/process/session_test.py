"""Writes in sessions are repeated blindly while leaders are killed, and each happens once."""

import itertools
import threading
import time
import unittest

from testing.process import nodes, resp

KILLS = 4
CLIENTS = 6


class Counter(threading.Thread):
    """Increments the common counter in one session. What gets no answer is sent again as it was, to the next
    node; some answers are not waited for."""

    def __init__(self, session, ports):
        super().__init__(daemon=True)
        self.session = session
        self.answers = []  # of sequence 1, 2, …
        self.repeated = 0
        self.acked = 0.0  # when
        self.violations = []
        self._ports = itertools.cycle(ports)
        self._connection = None
        self._over = threading.Event()

    def finish(self):
        self._over.set()
        self.join()

    def run(self):
        try:
            while not self._over.is_set():
                self._increment(len(self.answers) + 1)
        except Exception as error:  # pylint: disable=broad-except
            self.violations.append(repr(error))
        self._hang_up()

    def _increment(self, sequence):
        command = ('SESSION', self.session, sequence, 'INCR', 'counter')
        if sequence % 10 == 0:
            self._try(command, wait=False)
        answer = self._try(command)
        while answer is None:
            self.repeated += 1
            nodes.pause()
            answer = self._try(command)
        self.answers.append(answer)
        self.acked = time.monotonic()
        if sequence % 7 == 0 and self._try(command) not in (None, answer):
            self.violations.append(f'{command} has two answers')

    def _try(self, command, wait=True):
        """The answer, or None when whether it happened is not known or it did not."""
        try:
            if self._connection is None:
                self._connection = resp.Connection(next(self._ports))
            if not wait:
                self._connection.send(resp.encode(command))
                self._hang_up()
                return None
            return self._connection.call(*command)
        except resp.Error as error:
            if error.word not in ('UNKNOWN', 'NOLEADER', 'BUSY'):
                raise
        except OSError:
            pass
        self._hang_up()
        return None

    def _hang_up(self):
        if self._connection:
            self._connection.close()
        self._connection = None


class SessionTest(unittest.TestCase):

    def setUp(self):
        self.nodes = nodes.three_nodes(self)

    def test_what_is_repeated_over_leader_kills_happens_once(self):
        ports = [node.client_port for node in self.nodes]
        counters = [Counter(f'client-{i}', ports[i % 3:] + ports[:i % 3]) for i in range(CLIENTS)]
        for counter in counters:
            counter.start()
        for _ in range(KILLS):
            self.kill_leader(counters)
        for counter in counters:
            counter.finish()
        self.check(counters)
        # The same from nothing but the disks.
        for node in self.nodes:
            node.kill()
        for node in self.nodes:
            node.start()
        nodes.await_leader(self.nodes)
        self.check(counters)

    def kill_leader(self, counters):
        leader = nodes.await_leader(self.nodes)
        self.await_answers(counters)
        leader.kill()
        self.await_answers(counters)
        leader.start()

    def await_answers(self, counters):
        start = time.monotonic()
        nodes.await_until('an answer for each client', lambda: all(
            c.acked > start or c.violations for c in counters))

    def check(self, counters):
        self.assertEqual([v for c in counters for v in c.violations], [])
        answers = sorted(answer for c in counters for answer in c.answers)
        print(f'{len(answers)} increments, {sum(c.repeated for c in counters)} tries in vain',
              flush=True)
        # Each distinct sequence is one step of the counter.
        self.assertEqual(answers, list(range(1, len(answers) + 1)))
        for counter in counters:
            last = len(counter.answers)
            again = self.call('SESSION', counter.session, last, 'INCR', 'counter')
            self.assertEqual(again, counter.answers[-1])
        self.assertEqual(self.call('GET', 'counter'), str(len(answers)))
        nodes.await_same_log(self, self.nodes)

    def call(self, *command):
        """At any node; what is not known yet after a restart is the leader."""
        def answer():
            try:
                return self.nodes[1].call(*command)
            except resp.Error as error:
                self.assertEqual(error.word, 'NOLEADER')
                return None
        return nodes.await_until(f'an answer to {command}', answer)

    def test_modes_of_reading_keep_the_order_of_a_pipeline(self):
        leader = nodes.await_leader(self.nodes)
        for node in self.nodes:
            connection = node.connect()
            replies = connection.pipeline([
                ('SET', 'k', '1'), ('READ', 'lease', 'GET', 'k'), ('READ', 'follower', 'GET', 'k'),
                ('SET', 'k', '2'), ('READ', 'linearizable', 'GET', 'k'), ('GET', 'k'),
                ('READ', 'lease', 'SET', 'k', '3'), ('READ', 'follower', 'STRLEN', 'k'),
                ('READ', 'stale', 'EXISTS', 'k')])
            self.assertEqual(replies[:6], ['OK', '1', '1', 'OK', '2', '2'])
            self.assertEqual(replies[6].word, 'ERR')
            self.assertEqual(replies[7], 1)
            if node is leader:
                self.assertEqual(replies[8], 1)
            connection.close()


if __name__ == '__main__':
    unittest.main()
