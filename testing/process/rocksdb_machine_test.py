"""Nodes whose state is in RocksDB: what holds for nodes in memory holds for them, they keep their
state over restarts, and a cluster that outgrows its memory moves."""

import glob
import os
import shutil
import unittest

from testing.process import nodes, snapshot_process_test

ON_ROCKSDB = ('--machine=rocksdb',)
# Several times its cache.
LARGE_MEGABYTES, LARGE_RESIDENT = 300, 200_000_000


class OneNodeOnRocksdbTest(snapshot_process_test.OneNodeTest):
    MACHINE = ON_ROCKSDB
    # Its smallest snapshot is larger, and none is made for less log than the last one was large.
    WRITES, SLACK = 500, 400


class ClusterOnRocksdbTest(snapshot_process_test.ClusterTest):
    MACHINE = ON_ROCKSDB
    # It has no need to read its snapshot at a start.
    test_a_damaged_snapshot_is_told_and_another_one_fetched = None
    test_a_node_that_is_alone_says_what_helps_against_a_damaged_snapshot = None


def held_at_start(node):
    """The last entry that its machine had when it was started last."""
    line = next(line for line in node.log().splitlines() if "machine's database has all" in line)
    return int(line.split()[-1])


def contents(node):
    """All that it has, itself."""
    connection, cursor, found = node.connect(), '0', {}
    while True:
        cursor, keys = connection.call('READ', 'stale', 'SCAN', cursor, 'COUNT', '1000')
        for key in keys:
            found[key] = connection.call('READ', 'stale', 'GET', key)
        if cursor == '0':
            connection.close()
            return found


def write(node, name, count):
    connection = node.connect()
    for i in range(count):
        connection.call('SET', f'{name}{i}', f'{name} {i}')
        connection.call('INCR', 'counter')
    connection.close()


class RocksdbMachineTest(unittest.TestCase):

    def alone(self):
        """A node of its own, started."""
        node = nodes.one_node(self)
        node.flags.extend(ON_ROCKSDB)
        return node.start()

    def test_what_was_acknowledged_outlives_a_kill_of_all_and_a_joiner_gets_it(self):
        cluster = nodes.three_nodes(self, *ON_ROCKSDB)
        leader = nodes.await_leader(cluster)
        self.assertEqual(leader.status()['machine'], 'rocksdb')
        write(leader, 'before', 300)
        for node in cluster:
            snapshot_process_test.compact(node, leader)
        leader.call('FLUSHALL')
        write(leader, 'after', 300)
        for node in cluster:
            node.kill()
        for node in cluster:
            node.launch()
        for node in cluster:
            node.await_ready()
        leader = nodes.await_leader(cluster)
        self.assertEqual(leader.call('GET', 'counter'), '300')
        for node in cluster:
            snapshot_process_test.compact(node, leader)
        joined = nodes.joining(self, 4, leader, *ON_ROCKSDB).start()
        self.assertIn('installs a snapshot', joined.log())
        leader.call('INCR', 'counter')
        nodes.await_same_log(self, [*cluster, joined])
        expected = {f'after{i}': f'after {i}' for i in range(300)} | {'counter': '301'}
        for node in [*cluster, joined]:
            self.assertEqual(contents(node), expected)

    def test_a_node_that_was_stopped_has_nothing_to_apply(self):
        node = self.alone()
        write(node, 'key', 100)
        applied = node.status()['applied_index']
        node.stop()
        node.start()
        self.assertEqual(held_at_start(node), applied)
        self.assertEqual(node.call('GET', 'counter'), '100')
        node.kill()
        shutil.rmtree(f'{node.data_dir()}/machine')
        node.start()
        self.assertEqual(held_at_start(node), 0)
        self.assertEqual(node.call('GET', 'counter'), '100')

    def test_a_damaged_state_is_made_anew_from_snapshot_and_log(self):
        node = self.alone()
        write(node, 'before', 100)
        snapshot_process_test.compact(node, node)
        write(node, 'after', 100)
        before = contents(node)
        node.stop()
        for manifest in glob.glob(f'{node.data_dir()}/machine/state/MANIFEST-*'):
            nodes.flip(manifest, os.path.getsize(manifest) // 2)
        node.start()
        self.assertIn("the machine's database is thrown away", node.log())
        self.assertEqual(node.call('GET', 'counter'), '200')
        self.assertEqual(contents(node), before)

    def test_a_cluster_moves_from_memory_one_node_after_another(self):
        cluster = nodes.three_nodes(self)
        leader = nodes.await_leader(cluster)
        write(leader, 'before', 200)
        for node in cluster:
            snapshot_process_test.compact(node, leader)
        write(leader, 'after', 50)
        before = contents(leader)
        for node in cluster:
            node.stop()
            node.flags.extend(ON_ROCKSDB)
            node.start()
            nodes.await_leader(cluster)
        nodes.await_same_log(self, cluster)
        for node in cluster:
            self.assertEqual(node.status()['machine'], 'rocksdb')
            self.assertEqual(contents(node), before)

    def test_a_node_in_memory_says_what_it_lacks_to_join_one_on_rocksdb(self):
        node = nodes.member(self, 1, *ON_ROCKSDB).start()
        write(node, 'key', 10)
        snapshot_process_test.compact(node, node)
        other = nodes.joining(self, 2, node).launch()
        nodes.await_until('it ends', lambda: other.process.poll() is not None)
        self.assertIn('start this node with --machine=rocksdb', other.log())

    def test_a_node_does_not_start_with_a_machine_that_cannot_take_its_snapshot(self):
        node = self.alone()
        write(node, 'key', 10)
        snapshot_process_test.compact(node, node)
        node.stop()
        node.flags.remove(*ON_ROCKSDB)
        node.launch()
        nodes.await_until('it ends', lambda: node.process.poll() is not None)
        self.assertEqual(node.process.poll(), 2)
        self.assertIn('start this node with --machine=rocksdb', node.log())
        self.assertNotIn('\nready\n', node.log())

    def test_a_state_that_is_larger_than_its_memory_is_served(self):
        node = self.alone()
        snapshot_process_test.fill(node, LARGE_MEGABYTES)
        snapshot_process_test.compact(node, node)
        connection = node.connect()
        for i in range(0, 10 * LARGE_MEGABYTES, 7):
            self.assertEqual(len(connection.call('GET', f'big{i}')), 100_000)
        connection.close()
        self.assertEqual(node.call('DBSIZE'), 10 * LARGE_MEGABYTES)
        self.assertLess(node.resident_bytes(), LARGE_RESIDENT * nodes.ALLOWANCE)


if __name__ == '__main__':
    unittest.main()
