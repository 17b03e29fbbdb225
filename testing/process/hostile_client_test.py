"""Bytes that no client should send, on one connection, while another one goes on being served and
the node's memory stays bounded."""

import random
import threading
import unittest

from testing.process import nodes, resp

MOST_RESIDENT = (300 << 20) * nodes.ALLOWANCE
MIB = b'x' * (1 << 20)


class HostileClientTest(unittest.TestCase):

    def setUp(self):
        self.node = nodes.one_node(self)
        self.node.start()
        self.good = self.node.connect()
        self.addCleanup(self.good.close)
        self.served = 0

    def check(self, what):
        self.served += 1
        self.assertEqual(self.good.call('INCR', 'served'), self.served, what)
        self.assertLess(self.node.resident_bytes(), MOST_RESIDENT, what)

    def send(self, what, *pieces):
        """These bytes, on a connection of their own; the node may close it while they come."""
        bad = self.node.connect()
        try:
            for piece in pieces:
                bad.send(piece)
                self.check(what)
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            self.check(what)
            bad.close()
        self.check(what)

    def refused(self, data):
        """Answered by -ERR, and then the connection ends."""
        bad = self.node.connect()
        bad.send(data)
        reply = bad.read()
        self.assertEqual(getattr(reply, 'word', None), 'ERR', f'{data[:40]}: {reply}')
        with self.assertRaises(OSError, msg=f'{data[:40]}'):
            bad.read()
        bad.close()
        self.check(data[:40])

    def test_lengths_that_are_too_large_or_negative(self):
        for header in (b'*1000000000\r\n', b'*-5\r\n', b'*99999999999999999999\r\n', b'*x\r\n'):
            self.refused(header)
        for header in (b'$-5\r\n', b'$99999999999999999999\r\n', b'$\r\n', b':5\r\n',
                       b'$536870912\r\n', b'$4294967297\r\n'):
            self.refused(b'*2\r\n$4\r\nECHO\r\n' + header)

    def test_a_value_that_is_refused_and_comes_nevertheless(self):
        self.send('a bulk of 512 MiB', b'*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n',
                  *[MIB] * 64)

    def test_frames_that_end_in_the_middle(self):
        whole = b'*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$5\r\nvalue\r\n'
        for end in range(1, len(whole)):
            self.send(f'cut after {end}', whole[:end])
        self.assertIsNone(self.good.call('GET', 'half'))

    def test_many_connections_that_hold_a_large_unfinished_value(self):
        start = b'*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$32505856\r\n'
        held = []
        for _ in range(4):
            held.append(self.node.connect())
            self.addCleanup(held[-1].close)
            held[-1].send(start + MIB * 30)
            self.check('unfinished values')

    def test_binary_junk(self):
        dice = random.Random(1)
        for size in (1, 100, 10_000, 1_000_000):
            for first in (b'', b'*', b'$', b'*3\r\n', b'PING '):
                self.send(f'{size} junk bytes behind {first}', first + dice.randbytes(size))
        self.send('zeros', *[bytes(1 << 20)] * 8)
        self.send('a line without an end', b'PING ', *[b'y' * (1 << 20)] * 8)

    def test_a_client_that_never_reads(self):
        self.good.call('SET', 'large', 'x' * (1 << 20))
        lazy = self.node.connect()
        self.addCleanup(lazy.close)
        lazy.send(b'GET large\r\n' * 2000)
        for _ in range(50):
            self.check('two GiB of answers that nobody takes')
            nodes.pause()

    def test_many_clients_that_ask_for_much_and_leave(self):
        self.good.call('SET', 'large', 'x' * (1 << 20))
        held = []
        for _ in range(20):
            held.append(self.node.connect())
            held[-1].send((b'MGET' + b' large' * 60 + b'\r\n') * 20)
        for _ in range(50):
            self.check('24 GiB of answers that nobody takes')
            nodes.pause()
        for connection in held:
            connection.close()
        for _ in range(50):
            self.check('answers to clients that left')
            nodes.pause()
        self.assertEqual(len(self.good.call('GET', 'large')), 1 << 20)

    def test_large_answers_are_taken_in_turns(self):
        self.good.call('SET', 'large', 'x' * (1 << 20))
        taken = []

        def take(client):
            client.send((b'MGET' + b' large' * 40 + b'\r\nPING\r\n') * 2)
            for _ in range(2):
                values, pong = client.read(), client.read()
                taken.append(([len(value) for value in values], pong))

        # The last one waits for all others.
        clients = [resp.Connection(self.node.client_port, timeout=60) for _ in range(8)]
        takers = [threading.Thread(target=take, args=(client,)) for client in clients]
        for taker in takers:
            taker.start()
        for taker, client in zip(takers, clients):
            taker.join()
            client.close()
        self.assertEqual(taken, [([1 << 20] * 40, 'PONG')] * 16)
        self.check('40 MiB at a time')

    def test_deep_pipelines_are_answered_in_order(self):
        replies = self.good.pipeline([('INCR', 'deep')] * 20_000)
        self.assertEqual(replies, list(range(1, 20_001)))


if __name__ == '__main__':
    unittest.main()
