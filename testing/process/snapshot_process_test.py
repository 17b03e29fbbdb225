"""Snapshots of real nodes: restarts, nodes that were away for long, and kills at any moment."""

import glob
import json
import os
import unittest

from testing.process import ctl, nodes

OFTEN = ('--snapshot_after_entries=50', '--keep_entries=0')
# A transfer takes about two seconds.
SLOW = ('--keep_entries=0', '--send_rate=10000000')
# More than a leader has in memory for who is behind, and more than one file of its log.
MORE_THAN_MEMORY, MORE_THAN_A_SEGMENT = 20, 70


def fill(node, megabytes):
    """Values of 100 kB."""
    connection = node.connect()
    for i in range(10 * megabytes):
        assert connection.call('SET', f'big{i}', os.urandom(50_000).hex()) == 'OK'
    connection.close()


def compact(node, by):
    """Has it make a snapshot, and forget all of its log that this covers."""
    number = node.status()['id']
    end = json.loads(ctl.do(by, '--json', 'snapshot', str(number)))['snapshot_index']
    ctl.do(by, 'purge', str(number), str(end))
    nodes.await_until('its log is purged', lambda: node.status()['purged_index'] == end)
    return end


def await_same_state(test, cluster):
    """All have applied the same, and the state looks the same."""
    def applied():
        indices = {node.status()['applied_index'] for node in cluster}
        return len(indices) == 1
    nodes.await_until('the same applied index everywhere', applied, seconds=60)
    states = {tuple(node.call('READ', 'stale', 'GET', key) for key in ('counter', 'big0', 'big7'))
              + (node.call('READ', 'stale', 'DBSIZE'),) for node in cluster}
    test.assertEqual(len(states), 1)


class OneNodeTest(unittest.TestCase):
    MACHINE = ()  # flags
    # As many in a run, of which the newest snapshot may lack so many.
    WRITES, SLACK = 130, 60

    def setUp(self):
        self.node = nodes.one_node(self)
        self.node.flags.extend(OFTEN + self.MACHINE)
        self.node.start()

    def await_snapshot(self, beyond):
        def made():
            status = self.node.status()
            return min(status['snapshot_index'], status['purged_index']) > beyond
        nodes.await_until('a snapshot, and a log without what it covers', made)

    def test_counters_are_right_after_a_snapshot_and_a_restart(self):
        for run in range(1, 5):
            for _ in range(self.WRITES):
                self.node.call('INCR', 'counter')
            self.await_snapshot(self.WRITES * run - self.SLACK)
            self.node.kill() if run % 2 else self.node.stop()
            self.node.start()
            self.assertEqual(self.node.call('GET', 'counter'), str(self.WRITES * run))
        self.node.stop()
        self.assertEqual(ctl.run(0, 'verify', self.node.data_dir())[0], 0)

    def test_a_session_goes_on_over_a_snapshot(self):
        session = self.node.call('SESSION', 'NEW')
        self.assertEqual(self.node.call('SESSION', session, 1, 'INCR', 'counter'), 1)
        compact(self.node, self.node)
        self.node.kill()
        self.node.start()
        self.assertEqual(self.node.call('SESSION', session, 1, 'INCR', 'counter'), 1)
        self.assertEqual(self.node.call('SESSION', session, 2, 'INCR', 'counter'), 2)

    def test_a_purge_of_what_no_snapshot_covers_is_refused(self):
        code, _, said = ctl.run(self.node.raft_port, 'purge', '1', '1000000')
        self.assertEqual(code, ctl.REFUSED)
        self.assertIn('it has no snapshot; `ctl snapshot 1` makes one', said)
        code, _, said = ctl.run(self.node.raft_port, 'snapshot', '7')
        self.assertEqual(code, ctl.REFUSED)
        self.assertIn('node 7 is no member', said)


class ClusterTest(unittest.TestCase):
    MACHINE = ()  # flags

    def left_behind(self, *flags, megabytes=MORE_THAN_MEMORY):
        """A cluster, its leader, and a node that needs what all others have purged."""
        self.cluster = nodes.three_nodes(self, *self.MACHINE, *flags)
        leader = nodes.await_leader(self.cluster)
        away = next(node for node in self.cluster if node is not leader)
        away.kill()
        self.rest = [node for node in self.cluster if node is not away]
        fill(leader, megabytes)
        for node in self.rest:
            compact(node, leader)
        return leader, away

    def await_sent(self, away, tenths):
        """The leader, when it has sent so much of the snapshot."""
        number = away.flags[0].split('=')[1]

        def sent():
            leader = nodes.await_leader(self.rest)
            sent = leader.status()['replication'].get(number, {}).get('snapshot')
            return leader if sent and sent['bytes'] * 10 >= sent['size'] * tenths else None
        return nodes.await_until(f'{tenths} tenths are sent', sent, seconds=60)

    def test_who_was_stopped_for_long_gets_a_snapshot_and_then_the_log(self):
        leader, away = self.left_behind()
        term = leader.status()['vote']['term']
        leader.call('INCR', 'counter')
        away.start()
        await_same_state(self, self.cluster)
        self.assertIn('installs a snapshot', away.log())
        self.assertEqual(leader.status()['vote']['term'], term, 'nobody stood for election')
        leader.call('INCR', 'counter')
        nodes.await_same_log(self, self.cluster)

    def test_the_transfer_is_seen_in_the_status_and_by_ctl(self):
        leader, away = self.left_behind(*SLOW)
        away.launch()
        number = str(away.flags[0].split('=')[1])

        def progress():
            return leader.status()['replication'][number].get('snapshot')
        sent = nodes.await_until('it is sent', progress)
        self.assertGreater(sent['size'], 20_000_000)
        nodes.await_until('it says so', lambda: 'is sent a snapshot, ' in
                          ctl.run(leader.raft_port, 'status')[1])
        await_same_state(self, self.cluster)
        nodes.await_until('nothing is sent any more', lambda: progress() is None)

    def test_a_damaged_snapshot_is_told_and_another_one_fetched(self):
        leader, away = self.left_behind()
        away.start()
        leader.call('INCR', 'counter')
        await_same_state(self, self.cluster)
        away.kill()
        file, = glob.glob(f'{away.data_dir()}/snapshots/*.snapshot')
        nodes.flip(file, 1_000_000)
        code, _, said = ctl.run(0, 'verify', away.data_dir())
        self.assertEqual(code, 2)
        self.assertIn(f'{file} at offset ', said)
        for node in self.rest:
            node.kill()
        away.launch()
        nodes.await_until('it says that its state is lost', lambda: "THE MACHINE'S STATE IS LOST" in
                          ctl.run(away.raft_port, 'status')[1])
        self.assertIn(f'{file} at offset ', away.status()['state_lost'])
        for node in self.rest:
            node.start()
        leader = nodes.await_leader(self.cluster)
        leader.call('INCR', 'counter')
        await_same_state(self, self.cluster)
        self.assertIn(f'{file} at offset ', away.log())
        self.assertIn('fetches the snapshot', away.log())
        away.stop()
        code, _, said = ctl.run(0, 'verify', away.data_dir())
        self.assertEqual(code, 0, said)
        self.assertEqual(glob.glob(f'{away.data_dir()}/snapshots/*.damaged'), [])

    def test_a_node_that_is_alone_says_what_helps_against_a_damaged_snapshot(self):
        alone = nodes.one_node(self)
        alone.start()
        fill(alone, MORE_THAN_A_SEGMENT)
        compact(alone, alone)
        alone.kill()
        file, = glob.glob(f'{alone.data_dir()}/snapshots/*.snapshot')
        nodes.flip(file, 1_000_000)
        alone.launch()
        nodes.await_until('it ends', lambda: alone.process.poll() is not None)
        self.assertEqual(alone.process.poll(), 1)
        self.assertIn(f'{file} at offset ', alone.log())
        self.assertIn('`ctl restore`', alone.log())
        code, _, said = ctl.run(0, 'recover', alone.data_dir(), '--yes')
        self.assertEqual(code, ctl.REFUSED)
        self.assertIn('it was found to be damaged', said)
        self.assertIn('`ctl restore`', said)

    def test_who_joins_needs_the_member_that_it_asked_only_to_become_one(self):
        leader, door = self.left_behind(*SLOW)
        door.start()
        await_same_state(self, self.cluster)
        joining = nodes.joining(self, 4, door, *self.MACHINE)
        joining.launch()
        nodes.await_until('it is sent a snapshot',
                          lambda: leader.status()['replication'].get('4', {}).get('snapshot'))
        door.kill()
        joining.await_ready()
        await_same_state(self, self.rest + [joining])

    def test_the_receiver_is_killed_at_any_point_of_a_transfer(self):
        leader, away = self.left_behind(*SLOW)
        for tenths in range(10):
            away.launch()
            self.await_sent(away, tenths)
            away.kill()
        away.start()
        leader.call('INCR', 'counter')
        await_same_state(self, self.cluster)

    def test_the_sender_is_killed_at_any_point_of_a_transfer(self):
        _, away = self.left_behind(*SLOW)
        away.launch()
        for tenths in range(10):
            leader = self.await_sent(away, tenths)
            leader.kill()
            leader.start()
            compact(leader, leader)  # the start of its newest file was there again
        leader = nodes.await_leader(self.rest)
        leader.call('INCR', 'counter')
        await_same_state(self, self.cluster)

    def start_from(self, file, directory):
        """A new cluster of node 7 with the backup, started."""
        node = nodes.member(self, 7, f'--data_dir={directory}', *self.MACHINE)
        code, out, said = ctl.run(0, 'restore', file, directory, f'7=127.0.0.1:{node.raft_port}')
        self.assertEqual(code, ctl.DONE, said)
        self.assertIn('node 7 is a cluster of its own', out)
        nodes.await_leader([node.start()])
        return node

    def test_a_backup_begins_a_new_cluster_with_all_that_was_written(self):
        leader, away = self.left_behind()
        away.start()
        for _ in range(7):
            leader.call('INCR', 'counter')
        session = leader.call('SESSION', 'NEW')
        self.assertEqual(leader.call('SESSION', session, 1, 'INCR', 'counter'), 8)
        place = nodes.make_dir()
        file, directory = f'{place}/backup', f'{place}/new'
        ctl.do(away, 'backup', file)
        for refused, why in ((file, 'it is there already'), ('', 'FILE: it is empty'),
                             (f'{leader.data_dir()}/log/x', 'in the data directory of a node')):
            code, _, said = ctl.run(away.raft_port, 'backup', refused)
            self.assertEqual(code, ctl.REFUSED if refused else ctl.USAGE)
            self.assertIn(why, said)

        node = self.start_from(file, directory)
        self.assertEqual(node.call('GET', 'counter'), '8')
        self.assertEqual(node.call('GET', 'big7'), leader.call('GET', 'big7'))
        self.assertEqual(node.call('SESSION', session, 1, 'INCR', 'counter'), 8)
        self.assertEqual(node.call('INCR', 'counter'), 9)
        joined = nodes.joining(self, 8, node, *self.MACHINE).start()
        self.assertEqual(joined.call('READ', 'stale', 'GET', 'big7'), node.call('GET', 'big7'))

        code, _, said = ctl.run(0, 'restore', file, directory, '7=127.0.0.1:1')
        self.assertEqual(code, ctl.REFUSED)
        self.assertIn('it is there already', said)
        nodes.flip(file, 1_000_000)
        header = f'{directory}/snapshots/beginning'
        for source, target, code, why in (
                (file, f'{place}/other', ctl.REFUSED, f'{file} at offset '),
                (header, f'{place}/other', ctl.REFUSED, 'it is a header without a state'),
                (header, f'{directory}/inside', ctl.REFUSED, 'in the data directory of a node'),
                (header, '', ctl.USAGE, 'DATA_DIR: it is empty')):
            told, _, said = ctl.run(0, 'restore', source, target, '7=127.0.0.1:1')
            self.assertEqual(told, code)
            self.assertIn(why, said)
        self.assertEqual(sorted(os.listdir(place)), ['backup', 'new'])

    def test_a_node_whose_log_was_purged_is_recovered_with_its_snapshot(self):
        leader, _ = self.left_behind(megabytes=MORE_THAN_A_SEGMENT)
        for _ in range(7):
            leader.call('INCR', 'counter')
        for node in self.rest:
            node.kill()
        code, _, said = ctl.run(0, 'recover', leader.data_dir(), '--yes')
        self.assertEqual(code, ctl.DONE, said)
        self.assertIn('behind a snapshot up to entry ', said)
        leader.start()
        nodes.await_leader([leader])
        self.assertEqual(leader.call('GET', 'counter'), '7')
        self.assertIsNotNone(leader.call('GET', 'big7'))
        joined = nodes.joining(self, 9, leader, *self.MACHINE).start()
        self.assertEqual(joined.call('READ', 'stale', 'GET', 'counter'), '7')

    def test_pieces_may_be_compressed(self):
        leader, away = self.left_behind('--compression=3')
        away.start()
        leader.call('INCR', 'counter')
        await_same_state(self, self.cluster)


if __name__ == '__main__':
    unittest.main()
