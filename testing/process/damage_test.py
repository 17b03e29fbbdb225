"""A byte of a node's log changes on the disk: the others send it again what it lost."""

import glob
import os
import unittest

from testing.process import ctl, nodes

CLEAN, DAMAGED = 0, 2
HEADER = 4096  # FORMAT.md


def flip(path, offset):
    with open(path, 'r+b') as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def data_dir(node):
    found, = glob.glob(f'{node.directory}/.local/**/identity', recursive=True)
    return os.path.dirname(found)


class DamageTest(unittest.TestCase):

    def setUp(self):
        self.cluster = nodes.three_nodes(self)
        for i in range(200):
            self.assertEqual(self.cluster[0].call('SET', f'k{i}', f'v{i}'), 'OK')
        nodes.await_same_log(self, self.cluster)

    def damage(self, node):
        """While it is down; how the node itself is told of it when it starts again."""
        node.kill()
        segment, = glob.glob(f'{data_dir(node)}/log/*.segment')
        flip(segment, HEADER + 3000)
        code, _, said = ctl.run(0, 'verify', data_dir(node))
        self.assertEqual(code, DAMAGED, said)
        self.assertIn(f'{segment} at offset ', said)
        node.start()
        self.assertIn(f'{segment} at offset ', node.log())
        self.assertIn('has lost what its log held', node.log())

    def expect_whole(self, node):
        nodes.await_same_log(self, self.cluster)
        self.assertEqual(node.call('READ', 'stale', 'GET', 'k199'), 'v199')
        self.assertIn('as long again', node.log())
        node.stop()
        code, _, said = ctl.run(0, 'verify', data_dir(node))
        self.assertEqual(code, CLEAN, said)
        self.assertEqual(glob.glob(f'{data_dir(node)}/log/*.lost'), [])

    def test_a_follower_is_given_what_it_lost(self):
        leader = nodes.await_leader(self.cluster)
        follower = next(node for node in self.cluster if node is not leader)
        self.damage(follower)
        self.assertEqual(leader.call('SET', 'more', 'x'), 'OK')
        self.expect_whole(follower)

    def test_a_leader_is_given_what_it_lost_by_its_successor(self):
        leader = nodes.await_leader(self.cluster)
        self.damage(leader)
        self.assertIsNot(nodes.await_leader(self.cluster), leader)
        self.expect_whole(leader)


if __name__ == '__main__':
    unittest.main()
