"""Nodes are restarted one after the other, as for a new version, while clients write."""

import time
import unittest

from testing.process import load, nodes


class RestartTest(unittest.TestCase):

    def test_rolling_restart_under_load(self):
        cluster = nodes.three_nodes(self)
        running = load.Load('load', [node.client_port for node in cluster])
        start = time.monotonic()
        nodes.await_until('a second of load', lambda: time.monotonic() > start + 1)
        slack = running.longest_silence(start, time.monotonic())
        # The leader last, so that it is led away from once.
        leader = nodes.await_leader(cluster)
        order = [node for node in cluster if node is not leader] + [leader]
        for node in order:
            self.restart(node, node is leader, running, slack, [n for n in cluster if n is not node])
        running.finish()
        nodes.await_same_log(self, cluster)
        load.check_writes(self, cluster, running.writers)
        unknown = sum(len(w.unknown) + w.unknown_increments for w in running.writers)
        acks = sum(len(w.acks) for w in running.writers)
        print(f'{acks} writes, {unknown} of unknown outcome', flush=True)

    def restart(self, node, leads, running, slack, others):
        self.assertNotIn('--cluster does not change it', node.log())
        stopped = time.monotonic()
        code, seconds = node.stop()
        self.assertEqual(code, 0, node.log())
        # By itself the next one would be elected when the lease has run out.
        self.assertIn('leader', [other.status()['role'] for other in others])
        node.start()
        nodes.await_until('it serves again', lambda: node.status()['leader_id'])
        self.assertNotIn('--cluster does not change it', node.log())
        served = time.monotonic()
        nodes.await_until('a write after it', lambda: running.acks_between(served, time.monotonic()))
        silence = running.longest_silence(stopped, time.monotonic())
        print(f'{"leader" if leads else "follower"}: ended within {seconds:.3f} s, longest silence '
              f'{silence:.3f} s, slack {slack:.3f} s', flush=True)
        # No more than an election that nobody prepared; a leader that hands over is much quicker.
        allowed = nodes.ELECTION_TIMEOUT_MAX * nodes.ALLOWANCE + slack
        self.assertLess(silence, allowed)


if __name__ == '__main__':
    unittest.main()
