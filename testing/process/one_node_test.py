"""One node, no flags but for its ports: serves, ends, comes back with all it acknowledged."""

import os
import resource
import socket
import unittest

from testing.process import nodes, resp


class OneNodeTest(unittest.TestCase):

    def setUp(self):
        self.node = nodes.one_node(self)

    def test_serves_and_ends_promptly(self):
        self.node.start()
        self.assertEqual(self.node.call('PING'), 'PONG')
        self.assertEqual(self.node.call('SET', 'greeting', 'hello'), 'OK')
        self.assertEqual(self.node.call('GET', 'greeting'), 'hello')
        status = self.node.status()
        self.assertEqual(status['committed_membership'], status['membership'])
        self.assertEqual([self.node.call('INCR', 'visits') for _ in range(3)], [1, 2, 3])
        idle = self.node.connect()
        self.addCleanup(idle.close)
        code, seconds = self.node.stop()
        self.assertEqual(code, 0, self.node.log())
        self.assertLess(seconds, 2 * nodes.ALLOWANCE)

        self.node.start()
        self.assertEqual(self.node.call('GET', 'greeting'), 'hello')
        self.assertEqual(self.node.call('INCR', 'visits'), 4)

    def test_says_how_to_use_it(self):
        self.node.start()
        self.assertIn(f'redis-cli -h 127.0.0.1 -p {self.node.client_port} set', self.node.log())
        self.assertIn('--cluster=', self.node.log())

    def test_sizes_and_switches_reach_it(self):
        self.node.flags += ['--under_way=1']
        self.node.start()
        with self.assertRaisesRegex(resp.Error, '^BUSY'):
            self.node.call('SET', 'greeting', 'hello')
        self.node.stop()
        # What leads on would need no election, and what stands would hold it at once.
        self.node.flags += ['--elections=false', '--leader_restore=false']
        self.node.start()
        with self.assertRaisesRegex(resp.Error, '^NOLEADER'):
            self.node.call('GET', 'greeting')

    def test_listens_elsewhere_than_the_others_are_told(self):
        self.node.start()
        self.node.stop()
        told = f'127.0.0.1:{nodes.free_ports()}'
        self.node.flags += [f'--raft_address={told}', f'--listen_address=127.0.0.1:{self.node.raft_port}']
        self.node.start()
        socket.create_connection(('127.0.0.1', self.node.raft_port)).close()
        # The cluster was told before, and of another address.
        self.node.await_said(f'not at {told}')

    def test_all_acknowledged_survives_sigkill(self):
        for attempt in range(3):
            self.node.start()
            connection = self.node.connect()
            keys = [(f'{attempt}-{i}', f'v{i}') for i in range(300)]
            replies = connection.pipeline([('SET', *pair) for pair in keys])
            self.assertEqual(set(replies), {'OK'})
            # These are under way when the node dies: any of them may be there or not.
            for i in range(300):
                connection.send(b'INCR under-way\r\n')
            self.node.kill()
            connection.close()
            self.node.start()
            values = self.node.call('MGET', *(key for key, _ in keys))
            self.assertEqual(values, [value for _, value in keys])
            self.assertLessEqual(int(self.node.call('GET', 'under-way') or 0), 300 * (attempt + 1))
            self.assertEqual(self.node.stop()[0], 0)

    def test_a_client_that_sends_far_ahead_is_answered_to_the_end(self):
        """More than a node reads ahead, so it stops and goes on reading again and again."""
        self.node.start()
        client = self.node.connect()
        self.addCleanup(client.close)
        large = resp.encode(['MSET', *(word for i in range(100) for word in (i, bytes(1000)))])
        ahead, rounds = 16, 800
        for sent in range(rounds):
            client.send(large)
            if sent >= ahead:
                self.assertEqual(client.read(), 'OK')
        for _ in range(ahead):
            self.assertEqual(client.read(), 'OK')

    def test_a_bound_on_the_size_of_files_ends_it_as_a_full_disk_does(self):
        self.node.start()
        resource.prlimit(self.node.process.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        writer = self.node.connect()
        self.addCleanup(writer.close)
        writer.send(resp.encode(['SET', 'k', 'x' * (2 << 20)]))
        self.assertEqual(self.node.process.wait(timeout=20), 1, self.node.log())
        self.assertIn('File too large', self.node.log())


class LocalClusterTest(unittest.TestCase):

    def test_three_nodes_in_one_process_serve_on_three_ports(self):
        raft, client = nodes.free_ports(3), nodes.free_ports(3)
        node = nodes.Node([f'--raft_address=127.0.0.1:{raft}',
                           f'--client_address=127.0.0.1:{client}', '--local_cluster=3'], client)
        self.addCleanup(node.kill)
        node.start()
        for i in range(3):
            node.client_port = client + i
            self.assertEqual(node.call('INCR', 'n'), i + 1)
        self.assertEqual(os.listdir(f'{node.directory}/.local/share/troupe'), ['cluster-of-3'])
        self.assertEqual(sorted(node.status()['membership']['addresses']), ['1', '2', '3'])
        self.assertEqual(node.stop()[0], 0)
        node.start()
        self.assertEqual(node.call('GET', 'n'), '3')


if __name__ == '__main__':
    unittest.main()
