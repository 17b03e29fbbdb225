"""A request id follows a write from a client's connection through the actors of all nodes."""

import re
import unittest

from testing.process import nodes


class TraceTest(unittest.TestCase):

    def test_a_request_id_follows_a_write_through_actors_and_nodes(self):
        cluster = nodes.three_nodes(self, '--log_level=trace')
        leader = nodes.await_leader(cluster)
        follower = next(node for node in cluster if node is not leader)
        self.assertEqual(follower.call('SET', 'traced', 'yes'), 'OK')
        nodes.await_same_log(self, cluster)
        request = re.search(r'forwards request=(\d+)', follower.log()).group(1)
        for where in ('leader.propose', 'leader.seal', 'replicator.send'):
            self.assertRegex(leader.log(), rf'{re.escape(where)}{{[^}}]*request={request}\b')
        for node in cluster:
            self.assertRegex(node.log(), rf'log_store.append{{[^}}]*request={request}\b')
            self.assertRegex(node.log(), rf'applies [^\n]*request={request}\b')


if __name__ == '__main__':
    unittest.main()
