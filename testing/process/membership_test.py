"""A cluster grows, shrinks, moves and is repaired while it serves."""

import unittest

from testing.process import ctl, load, nodes, resp


def voters(node):
    """Node ids; nothing while two configurations are in force."""
    configs = ctl.members(node)['configs']
    return configs[0] if len(configs) == 1 else None


def write(node, key, value):
    """As soon as there is a leader that takes it."""
    def written():
        try:
            return node.call('SET', key, value) == 'OK'
        except (resp.Error, OSError):
            return False
    nodes.await_until(f'{key} is written', written)


def serves(node):
    try:
        return node.call('SET', 'probe', 'x') == 'OK'
    except (resp.Error, OSError):
        return False


class JoinTest(unittest.TestCase):

    def test_a_cluster_grows_from_one_node(self):
        first = nodes.member(self, 1).start()
        for i in range(50):
            write(first, f'k{i}', f'v{i}')
        # Both at once: one change waits for the other.
        second, third = (nodes.joining(self, i, first).launch() for i in (2, 3))
        second.await_ready()
        third.await_ready()
        self.assertEqual(voters(third), 'majority(1,2,3)')
        nodes.await_same_log(self, [first, second, third])
        self.assertEqual(third.call('GET', 'k49'), 'v49')

        # The cluster is the three of them now, whoever is left.
        first.kill()
        write(second, 'k50', 'v50')
        # A node that is a member already takes no notice of --join.
        third.kill()
        first.start()
        third.start()
        self.assertIn('--join', third.log())
        self.assertNotIn('a second node', third.log())
        nodes.await_leader([first, second, third])
        nodes.await_same_log(self, [first, second, third])

    def test_a_learner_has_the_data_and_votes_when_it_is_promoted(self):
        first = nodes.member(self, 1).start()
        write(first, 'k', 'v')
        learner = nodes.joining(self, 2, first, '--voter=false').start()
        self.assertNotIn('waits to join', learner.log())
        self.assertEqual(learner.call('READ', 'stale', 'GET', 'k'), 'v')
        self.assertEqual(learner.status()['role'], 'learner')
        self.assertEqual(ctl.members(first)['learners'], [2])
        ctl.do(first, 'promote', '2')
        self.assertEqual(voters(first), 'majority(1,2)')
        nodes.await_until('it votes', lambda: learner.status()['role'] == 'follower')
        ctl.do(first, 'remove', '--retain', '2')
        self.assertEqual(ctl.members(first)['learners'], [2])
        ctl.do(first, 'remove', '2')
        self.assertEqual(list(ctl.members(first)['addresses']), ['1'])
        write(first, 'k', 'w')

    def test_a_node_waits_for_the_cluster_that_it_joins(self):
        door = nodes.member(self, 1)
        second = nodes.joining(self, 2, door).launch()
        second.await_said('waits to join')
        self.assertNotIn('ready', second.log())
        door.start()
        second.await_ready()
        self.assertEqual(voters(door), 'majority(1,2)')

    def test_it_ends_while_it_waits(self):
        door = nodes.member(self, 1)
        second = nodes.joining(self, 2, door).launch()
        second.await_said('waits to join')
        self.assertEqual(second.stop()[0], 0)


class ChangeTest(unittest.TestCase):

    def setUp(self):
        self.nodes = nodes.three_nodes(self)

    def others(self, node):
        return [other for other in self.nodes if other is not node]

    def test_the_leader_is_removed_under_load(self):
        leader = nodes.await_leader(self.nodes)
        staying = self.others(leader)
        running = load.Load('load', [node.client_port for node in self.nodes])
        number = str(leader.status()['id'])
        ctl.do(staying[0], 'remove', number)
        self.assertIsNot(nodes.await_leader(staying), leader)
        self.assertNotIn(number, ctl.members(staying[0])['addresses'])
        nodes.await_until('it serves no more', lambda: not serves(leader))
        said = ctl.run(leader.raft_port, 'get', 'k', timeout='300ms')[2]
        self.assertRegex(said, f'node {number} is no member of its cluster; ask one .*: 127')
        self.assertIn('was removed from the cluster', leader.log())
        for node in staying:
            write(node, 'after', 'the removal')
        running.finish()
        nodes.await_same_log(self, staying)
        load.check_writes(self, staying, running.writers)

    def test_a_node_that_is_gone_is_replaced(self):
        leader = nodes.await_leader(self.nodes)
        gone, stays = self.others(leader)
        number = str(gone.status()['id'])
        gone.kill()
        fourth = nodes.joining(self, 4, leader).start()
        ctl.do(leader, 'remove', number)
        self.assertEqual(sorted(ctl.members(leader)['addresses']),
                         sorted({'1', '2', '3', '4'} - {number}))
        stays.kill()
        write(fourth, 'k', 'v')
        self.assertEqual(leader.call('GET', 'k'), 'v')

    def test_a_node_moves_to_another_address(self):
        leader = nodes.await_leader(self.nodes)
        moving, other = self.others(leader)
        moving.kill()
        moving.raft_port = nodes.free_ports()
        at = f'127.0.0.1:{moving.raft_port}'
        ctl.do(leader, 'set-address', str(self.nodes.index(moving) + 1), at)
        moving.flags.append(f'--raft_address={at}')
        moving.start()
        nodes.await_same_log(self, self.nodes)
        other.kill()
        write(moving, 'k', 'v')
        self.assertNotIn('look for this one', moving.log())

    def lose_the_disk_of_a_follower(self):
        leader = nodes.await_leader(self.nodes)
        write(leader, 'k', 'v')
        lost = self.others(leader)[0]
        lost.number = str(lost.status()['id'])
        nodes.await_until('all data directories are known', lambda: (
            ctl.members(leader)['registered'] == [1, 2, 3]))
        lost.kill()
        lost.wipe()
        return leader, lost

    def test_a_node_that_lost_its_disk_is_refused_until_it_is_added_again(self):
        leader, lost = self.lose_the_disk_of_a_follower()
        lost.launch()
        lost.await_said('another data directory', f'`ctl remove {lost.number}`')
        self.assertIn('came back with another data directory', ctl.do(leader, 'members'))
        write(leader, 'k', 'w')
        self.assertEqual(lost.status()['applied_index'], 0)

        ctl.do(leader, 'remove', lost.number)
        ctl.do(leader, 'add-learner', '--wait', lost.number, f'127.0.0.1:{lost.raft_port}')
        ctl.do(leader, 'promote', lost.number)
        nodes.await_same_log(self, self.nodes)
        self.assertEqual(lost.call('GET', 'k'), 'w')
        self.others(leader)[1].kill()
        write(lost, 'k', 'x')

    def test_a_node_that_lost_its_disk_joins_when_the_operator_removed_it(self):
        leader, lost = self.lose_the_disk_of_a_follower()
        lost.flags = [flag for flag in lost.flags if not flag.startswith('--cluster')] + [
            f'--raft_address=127.0.0.1:{lost.raft_port}', f'--join=127.0.0.1:{leader.raft_port}']
        lost.launch()
        lost.await_said(f'remove {lost.number}`')
        ctl.do(leader, 'remove', lost.number)
        lost.await_ready()
        self.assertEqual(voters(leader), 'majority(1,2,3)')
        nodes.await_same_log(self, self.nodes)

    def test_leadership_goes_where_it_is_sent(self):
        for _ in range(3):
            leader = nodes.await_leader(self.nodes)
            other = self.others(leader)[0]
            number = other.status()['id']
            self.assertEqual(ctl.do(leader, 'transfer', str(number)), f'node {number} leads\n')
            self.assertIs(nodes.await_leader(self.nodes), other)
            write(leader, 'k', str(number))
        ctl.do(self.nodes[0], 'transfer')
        nodes.await_leader(self.nodes)

    def test_changes_that_are_refused_say_why(self):
        leader = nodes.await_leader(self.nodes)
        before = ctl.members(leader)
        follower = str(self.others(leader)[0].status()['id'])
        for words, why in ((('elect', follower), f'`ctl transfer {follower}`'),
                           (('elect', '9'), 'only a voter'),
                           (('promote', '9'), 'no address'),
                           (('add-learner', '9', f'127.0.0.1:{leader.raft_port}'), 'same address'),
                           (('add-learner', '1', '127.0.0.1:1'), 'set-address'),
                           (('set-address', '9', '127.0.0.1:1'), 'not a member'),
                           (('remove', '9'), 'not a member'),
                           (('remove', '1', '2', '3'), 'voter'),
                           (('set-quorum', '1 of (1,2,3)'), 'share no voter'),
                           (('transfer', '9'), 'no voter'),
                           (('abort-transfer',), 'no transfer'),
                           (('abort-change',), 'no change'),
                           (('--if_membership=T1.N1/77', 'remove', '1'), '--if_membership')):
            code, out, said = ctl.run(leader.raft_port, *words)
            self.assertEqual((code, out), (ctl.REFUSED, ''), f'{words}: {said}')
            self.assertIn(why, said)
            self.assertEqual(said.count('\n'), 1, said)
        self.assertEqual(ctl.members(leader), before)

    def test_who_shall_vote_must_run(self):
        leader = nodes.await_leader(self.nodes)
        at = f'127.0.0.1:{nodes.free_ports()}'
        code, _, said = ctl.run(leader.raft_port, 'promote', f'7={at}', timeout='1s')
        self.assertEqual(code, ctl.REFUSED, said)
        self.assertIn('needs node 7, which is unreachable', said)
        self.assertEqual(voters(leader), 'majority(1,2,3)')
        # It stays a learner, and the way is free for other changes.
        ctl.do(leader, 'remove', '7')

    def test_a_change_of_what_was_seen_and_of_nothing_else(self):
        leader = nodes.await_leader(self.nodes)
        seen = ctl.members(leader)['log_id']
        ctl.do(leader, f'--if_membership={seen}', 'set-priority', '2', '5')
        self.assertEqual(ctl.members(leader)['priorities'], {'2': 5})
        code, _, said = ctl.run(leader.raft_port, f'--if_membership={seen}', 'set-priority', '2', '6')
        self.assertEqual(code, ctl.REFUSED, said)
        self.assertEqual(ctl.members(leader)['priorities'], {'2': 5})


class QuorumTest(unittest.TestCase):

    def test_two_of_four_commit_when_three_elect(self):
        four = nodes.several_nodes(self, 4)
        leader = nodes.await_leader(four)
        quorum = 'read 3 write 2 of (1,2,3,4)'
        ctl.do(leader, 'set-quorum', quorum)
        self.assertEqual(voters(leader), quorum)
        leader = nodes.await_leader(four)
        for node in [node for node in four if node is not leader][:2]:
            node.kill()
        for i in range(20):
            write(leader, 'k', str(i))
        self.assertEqual(leader.call('GET', 'k'), '19')

    def test_a_cluster_begins_with_a_quorum(self):
        quorum = 'read 3 write 2 of (1,2,3,4)'
        four = nodes.several_nodes(self, 4, f'--quorum={quorum}')
        self.assertEqual(voters(four[0]), quorum)


if __name__ == '__main__':
    unittest.main()
