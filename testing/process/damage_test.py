"""A byte of a node's log changes on the disk: the others send it again what it lost."""

import glob
import unittest

from testing.process import ctl, nodes, resp

CLEAN, DAMAGED = 0, 2
HEADER = 4096  # FORMAT.md


def spoil(segment, at=3000):
    """More bytes than a mark has, so some of a batch are among them."""
    for offset in range(HEADER + at, HEADER + at + 120):
        nodes.flip(segment, offset)


class DamageTest(unittest.TestCase):

    def setUp(self):
        self.cluster = nodes.three_nodes(self)
        for i in range(200):
            self.assertEqual(self.cluster[0].call('SET', f'k{i}', f'v{i}'), 'OK')
        nodes.await_same_log(self, self.cluster)

    def damage(self, node, at=3000):
        """While it is down; how the node itself is told of it when it starts again."""
        node.kill()
        segment, = glob.glob(f'{node.data_dir()}/log/*.segment')
        spoil(segment, at)
        code, _, said = ctl.run(0, 'verify', node.data_dir())
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
        code, _, said = ctl.run(0, 'verify', node.data_dir())
        self.assertEqual(code, CLEAN, said)
        self.assertEqual(glob.glob(f'{node.data_dir()}/log/*.lost'), [])

    def test_a_follower_is_given_what_it_lost(self):
        leader = nodes.await_leader(self.cluster)
        follower = next(node for node in self.cluster if node is not leader)
        self.damage(follower)
        self.assertEqual(leader.call('SET', 'more', 'x'), 'OK')
        self.expect_whole(follower)

    def test_a_leader_is_given_what_it_lost(self):
        leader = nodes.await_leader(self.cluster)
        self.damage(leader)
        self.expect_whole(leader)

    def test_two_nodes_make_each_other_whole_when_the_third_is_gone(self):
        *damaged, gone = self.cluster
        self.cluster = damaged
        for node in (*damaged, gone):
            node.kill()
        for at, node in zip((3000, 9000), damaged):
            self.damage(node, at)
        nodes.await_leader(damaged)
        self.assertEqual(damaged[0].call('GET', 'k199'), 'v199')
        self.assertEqual(damaged[1].call('SET', 'more', 'x'), 'OK')
        nodes.await_same_log(self, damaged)
        for node in damaged:
            self.expect_whole(node)
            node.start()

    def test_what_nobody_has_is_told(self):
        *damaged, gone = self.cluster
        for node in (*damaged, gone):
            node.kill()
        for node in damaged:
            self.damage(node)
        for node in damaged:
            node.await_said('nobody who answers has the last of them; no answer from 3')


class LostVoteTest(unittest.TestCase):

    def test_a_node_that_lost_its_vote_says_how_to_come_back(self):
        node = nodes.one_node(self).start()
        node.kill()
        for slot in (0, 4096):
            nodes.flip(f'{node.data_dir()}/vote', slot + 40)
        self.assertEqual(node.launch().process.wait(timeout=20), 2)
        for words in ('vote at offset 0', '`ctl remove 1`', '--join'):
            self.assertIn(words, node.log())


class LoneNodeTest(unittest.TestCase):

    def test_it_waits_and_is_recovered_with_what_is_left(self):
        node = nodes.one_node(self).start()
        for i in range(200):
            nodes.await_until('a write', lambda: node.call('SET', f'k{i}', f'v{i}') == 'OK')
        node.kill()
        segment, = glob.glob(f'{node.data_dir()}/log/*.segment')
        spoil(segment)
        code, _, said = ctl.run(0, 'recover', node.data_dir(), '--yes')
        self.assertEqual(code, ctl.REFUSED)
        self.assertIn(f'{segment} at offset ', said)
        self.assertIn('Start its node once', said)
        node.launch()
        node.await_said('has lost what its log held')
        nodes.await_until('it refuses', lambda: self.refuses(node))
        node.kill()
        code, _, said = ctl.run(0, 'recover', node.data_dir(), '--yes')
        self.assertEqual(code, ctl.DONE, said)
        self.assertIn('damage took some of that', said)
        node.start()
        nodes.await_until('a read', lambda: node.call('GET', 'k0') == 'v0')
        self.assertIsNone(node.call('GET', 'k199'))
        self.assertEqual(node.call('SET', 'more', 'x'), 'OK')

    def refuses(self, node):
        try:
            node.call('GET', 'k0')
        except resp.Error as error:
            return error.word == 'NOLEADER'
        except OSError:
            return False
        return False


if __name__ == '__main__':
    unittest.main()
