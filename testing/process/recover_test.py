"""A cluster that lost its quorum for good: `ctl recover` of the node that is left."""

import json
import os
import unittest

from testing.process import ctl, nodes, resp

WRITES = 50


class RecoverTest(unittest.TestCase):

    def setUp(self):
        self.nodes = nodes.three_nodes(self)
        leader = nodes.await_leader(self.nodes)
        for i in range(WRITES):
            self.assertEqual(leader.call('SET', f'k{i}', f'v{i}'), 'OK')
        self.assertEqual(leader.call('SESSION', 'me', 1, 'INCR', 'visits'), 1)
        self.assertEqual(leader.call('CAS', 'k0', 'v0', 'swapped'), 1)
        nodes.await_same_log(self, self.nodes)
        self.term = leader.status()['vote']['term']
        self.first, self.second, self.left = self.nodes
        self.dir = self.left.data_dir()

    def lose_the_quorum(self):
        self.first.kill()
        self.second.kill()
        self.second.wipe()

    def stop_the_one_that_is_left(self):
        self.lose_the_quorum()
        self.left.kill()

    def recover(self, *flags, typed=''):
        return ctl.run(0, 'recover', self.dir, *flags, typed=typed)

    def evidence(self):
        """What must stay as it is."""
        with open(f'{self.dir}/identity', 'rb') as identity:
            return (identity.read(), ctl.run(0, 'log', self.dir)[1],
                    sorted(os.listdir(os.path.dirname(self.dir))))

    def commands(self, directory):
        lines = ctl.run(0, '--json', 'log', directory)[1].splitlines()
        batches = [json.loads(line) for line in lines]
        return [(b['first'], b['bytes']) for b in batches if b['kind'] == 'commands']

    def test_what_is_left_serves_all_it_had_and_the_cluster_grows_again(self):
        self.stop_the_one_that_is_left()
        code, out, said = self.recover(typed='3\n')
        self.assertEqual(code, ctl.DONE, said)
        self.assertIn('node 3 is a cluster of its own', out)
        self.assertEqual(self.commands(self.dir), self.commands(f'{self.dir}.before-recovery'))
        with open(f'{self.dir}/RECOVERED', encoding='utf-8') as record:
            self.assertIn('majority(1,2,3)', record.read())

        self.left.start()
        nodes.await_leader([self.left])
        self.check(self.left)
        self.assertGreater(self.left.status()['vote']['term'], self.term)
        self.assertEqual(self.left.call('SET', 'after', 'recovery'), 'OK')
        fourth = nodes.joining(self, 4, self.left).start()
        nodes.await_same_log(self, [self.left, fourth])
        self.check(fourth)
        self.assertEqual(ctl.members(fourth)['configs'], ['majority(3,4)'])

        self.an_old_member_is_refused()
        # Without its data it is as welcome as anyone.
        self.first.kill()
        self.first.wipe()
        self.first.flags = [flag for flag in self.first.flags if '--cluster' not in flag] + [
            f'--raft_address=127.0.0.1:{self.first.raft_port}',
            f'--join=127.0.0.1:{self.left.raft_port}']
        self.first.start()
        nodes.await_same_log(self, [self.left, fourth, self.first])
        self.check(self.first)

    def check(self, node):
        for i in range(1, WRITES):
            self.assertEqual(node.call('GET', f'k{i}'), f'v{i}')
        self.assertEqual(node.call('GET', 'k0'), 'swapped')
        self.assertEqual(node.call('CAS', 'k0', 'v0', 'again'), 0)
        self.assertEqual(node.call('SESSION', 'me', 1, 'INCR', 'visits'), 1)
        self.assertEqual(node.call('GET', 'visits'), '1')

    def an_old_member_is_refused(self):
        """Although the new cluster is told to have it."""
        self.first.launch()
        nodes.await_until('it runs', lambda: self.first_status())
        before = self.first_status()
        ctl.do(self.left, 'add-learner', '1', f'127.0.0.1:{self.first.raft_port}')
        nodes.await_until('it refuses', lambda: (
            'refuses what it is sent' in ctl.do(self.left, 'members')))
        after = self.first_status()
        for key in ('last_log_index', 'applied_index', 'membership'):
            self.assertEqual(after[key], before[key], key)
        with self.assertRaises(resp.Error):
            self.first.call('SET', 'k', 'leaked')
        self.assertEqual(self.left.call('GET', 'k'), None)
        ctl.do(self.left, 'remove', '1')

    def first_status(self):
        try:
            return self.first.status()
        except OSError:
            return None

    def test_it_asks_and_changes_nothing_without_a_yes(self):
        self.lose_the_quorum()
        code, _, said = self.recover('--yes')
        self.assertEqual(code, ctl.REFUSED)
        self.assertIn('in use', said)
        self.left.kill()
        before = self.evidence()
        for typed in ('', '\n', 'no\n', 'y\n', '33\n'):
            code, out, said = self.recover(typed=typed)
            self.assertEqual((code, out), (ctl.REFUSED, ''), said)
            for part in ('NEW CLUSTER', f'1 127.0.0.1:{self.first.raft_port} voter', 'ARE LOST',
                         'type 3 to go on', 'nothing was changed'):
                self.assertIn(part, said)
        self.assertEqual(self.evidence(), before)

    def test_scripts_answer_beforehand_and_get_one_object(self):
        self.stop_the_one_that_is_left()
        code, out, said = self.recover('--yes', '--json')
        self.assertEqual(code, ctl.DONE, said)
        told = json.loads(out)
        self.assertEqual((told['node'], told['data_dir']), (3, self.dir))
        self.assertEqual(told['commands'], WRITES + 2)
        # What was put aside is the only copy of the old data.
        before = self.evidence()
        code, out, said = self.recover('--yes')
        self.assertEqual((code, out), (ctl.REFUSED, ''))
        self.assertIn(f'{self.dir}.before-recovery', said)
        self.assertEqual(self.evidence(), before)

    def test_an_interrupted_one_is_completed_by_the_next(self):
        self.stop_the_one_that_is_left()
        self.assertEqual(self.recover('--yes')[0], ctl.DONE)
        os.rename(f'{self.dir}.before-recovery', f'{self.dir}.recovering')
        os.rename(f'{self.dir}/RECOVERED', f'{self.dir}/RECOVERED.new')
        code, out, said = self.recover()
        self.assertEqual((code, said), (ctl.DONE, ''))
        self.assertIn('interrupted', out)
        self.assertTrue(os.path.exists(f'{self.dir}.before-recovery/identity'))
        self.assertTrue(os.path.exists(f'{self.dir}/RECOVERED'))


if __name__ == '__main__':
    unittest.main()
