"""Three nodes under load lose their leader, again and again, and no acknowledged write."""

import time
import unittest

from testing.process import load, nodes

ROUNDS = 3


class FailoverTest(unittest.TestCase):

    def setUp(self):
        self.nodes = nodes.three_nodes(self)
        self.ports = [node.client_port for node in self.nodes]
        self.writers = []

    def test_leader_is_killed_under_load(self):
        for number in range(ROUNDS):
            self.kill_leader_under_load(number)
            load.check_writes(self, self.nodes, self.writers)
        # The same once more, from nothing but the disks.
        for node in self.nodes:
            self.assertEqual(node.stop()[0], 0, node.log())
        for node in self.nodes:
            node.start()
        nodes.await_leader(self.nodes)
        nodes.await_same_log(self, self.nodes)
        load.check_writes(self, self.nodes, self.writers)

    def kill_leader_under_load(self, number):
        leader = nodes.await_leader(self.nodes)
        running = load.Load(f'round{number}', self.ports)
        self.writers += running.writers
        start = time.monotonic()
        nodes.await_until('a second of load', lambda: time.monotonic() > start + 1)

        killed = time.monotonic()
        leader.kill()
        first = nodes.await_until('a write after the leader was killed',
                                  lambda: running.acks_between(killed, time.monotonic()))[0]
        # How slow this machine is right now, measured where nothing was killed.
        slack = running.longest_silence(start, killed)
        resumed = first - killed
        print(f'round {number}: {len(running.acks_between(start, killed))} writes in a second, '
              f'writing again after {resumed:.3f} s, slack {slack:.3f} s', flush=True)
        allowed = 3 * nodes.ELECTION_TIMEOUT_MAX * nodes.ALLOWANCE + slack
        self.assertLess(resumed, allowed)

        leader.start()
        nodes.await_until('the restarted node serves', lambda: leader.status()['leader_id'])
        seen = time.monotonic()
        nodes.await_until('writes with all three',
                          lambda: running.acks_between(seen, time.monotonic()))
        running.finish()
        nodes.await_same_log(self, self.nodes)


if __name__ == '__main__':
    unittest.main()
