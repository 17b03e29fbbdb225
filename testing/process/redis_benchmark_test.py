"""redis-benchmark, as people run it, against the leader and against a follower."""

import subprocess
import unittest

from testing.process import nodes

REQUESTS = 20_000


class RedisBenchmarkTest(unittest.TestCase):

    def test_ends_without_error(self):
        cluster = nodes.three_nodes(self)
        leader = nodes.await_leader(cluster)
        follower = next(node for node in cluster if node is not leader)
        for name, node in (('leader', leader), ('follower', follower)):
            run = subprocess.run(
                ['redis-benchmark', '-p', str(node.client_port), '-t', 'set,get,incr', '-P', '16',
                 '-n', str(REQUESTS), '-c', '50', '--csv'],
                timeout=60, capture_output=True, check=False, text=True)
            said = run.stdout + run.stderr
            print(f'{name}:\n{said}')
            self.assertEqual(run.returncode, 0, said)
            self.assertNotRegex(said, '(?i)error|warning')
            for test in ('SET', 'GET', 'INCR'):
                self.assertIn(f'"{test}"', run.stdout)
        # Each increment happened once.
        self.assertEqual(int(leader.call('GET', 'counter:__rand_int__')), 2 * REQUESTS)
        nodes.await_same_log(self, cluster)


if __name__ == '__main__':
    unittest.main()
