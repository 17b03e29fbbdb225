"""tools/ctl against real nodes: what it prints, and its exit codes."""

import json
import signal
import socket
import subprocess
import unittest

from testing.process import nodes

DONE, REFUSED, USAGE, UNKNOWN = 0, 1, 2, 3


class CtlTest(unittest.TestCase):

    def ctl(self, port, *words, code=DONE):
        """What it prints: on stdout when it is done, else its one line on stderr."""
        run = subprocess.run([nodes.CTL, f'--node=127.0.0.1:{port}', '--timeout=5s', *words],
                             timeout=30, capture_output=True, check=False)
        said = run.stderr.decode()
        self.assertEqual(run.returncode, code, f'{words}: {said}')
        if code == DONE:
            self.assertEqual(said, '')
            return run.stdout.decode()
        self.assertEqual(run.stdout, b'')
        self.assertRegex(said, r'\Actl: .*\n\Z')
        return said

    def test_asks_every_member(self):
        cluster = nodes.three_nodes(self)
        leader = nodes.await_leader(cluster)
        follower = next(node for node in cluster if node is not leader)
        leader_id = leader.status()['id']
        for node in cluster:
            status = json.loads(self.ctl(node.raft_port, '--json', 'status'))
            self.assertEqual(status['leader_id'], leader_id)
            self.assertEqual(self.ctl(node.raft_port, 'leader'), f'{leader_id}\n')
            self.assertIn(f'  3 127.0.0.1:{cluster[2].raft_port} voter',
                          self.ctl(node.raft_port, 'status'))
            # Whoever is asked: the leader knows what each lacks.
            members = self.ctl(node.raft_port, 'members')
            for i, other in enumerate(cluster):
                progress = ', leads' if other is leader else ', streaming, lacks '
                self.assertIn(f'{i + 1} 127.0.0.1:{other.raft_port} voter{progress}', members)
            self.assertRegex(members, r'\nmajority\(1,2,3\) since T\d+\.N\d/\d+\n\Z')
        self.assertIn('streaming', self.ctl(leader.raft_port, 'status'))
        self.data_through(follower)
        self.without_quorum(leader, cluster)

    def data_through(self, node):
        port = node.raft_port
        self.assertEqual(self.ctl(port, 'get', 'k'), '(nil)\n')
        self.assertEqual(self.ctl(port, 'put', 'k', 'ä b'), 'OK\n')
        self.assertEqual(self.ctl(port, 'get', 'k'), 'ä b\n')
        self.assertEqual(json.loads(self.ctl(port, '--json', 'get', 'k')), {'result': 'ä b'})
        for mode in ('linearizable', 'lease', 'follower'):
            self.assertEqual(self.ctl(port, 'get', f'--read={mode}', 'k'), 'ä b\n')
        self.assertEqual(self.ctl(port, 'cas', 'k', 'ä b', 'c'), '1\n')
        self.assertEqual(self.ctl(port, 'cas', 'k', 'ä b', 'd'), '0\n')
        self.assertEqual(self.ctl(port, 'put', '--', '--key', '-5'), 'OK\n')
        self.assertEqual(node.call('GET', '--key'), '-5')
        self.assertEqual(self.ctl(port, 'del', 'k'), '1\n')
        self.assertEqual(self.ctl(port, 'cas', 'k', 'NIL', 'e'), '1\n')
        self.assertIn('key', self.ctl(port, 'put', 'k' * 70_000, 'v', code=REFUSED))

    def without_quorum(self, leader, cluster):
        others = [node for node in cluster if node is not leader]
        for node in others:
            node.signal(signal.SIGSTOP)
        # It is in the leader's log, and nobody there can say whether it will be committed.
        self.assertIn('may or may not', self.ctl(leader.raft_port, 'put', 'k', 'v', code=UNKNOWN))
        nodes.await_until('no leader', lambda: leader.status()['leader_id'] == 0)
        for words in (('put', 'k', 'v'), ('get', 'k'), ('leader',), ('transfer',)):
            self.assertIn('the cluster has no leader right now',
                          self.ctl(leader.raft_port, '--timeout=300ms', *words, code=REFUSED))
        number = str(leader.status()['id'])
        self.assertIn('voters that do not answer', self.ctl(
            leader.raft_port, '--timeout=300ms', 'elect', number, code=UNKNOWN))
        self.ctl(leader.raft_port, 'status')
        # Only a stale read asks nobody; what it sees was committed.
        self.assertEqual(self.ctl(leader.raft_port, 'get', '--read=stale', 'k'), 'e\n')

    def test_nobody_there(self):
        self.assertIn('refused', self.ctl(nodes.free_ports(), 'status', code=REFUSED))

    def test_somebody_else_there(self):
        node = nodes.one_node(self)
        node.start()
        # Redis' protocol, and one who says nothing at all.
        self.assertIn('no Troupe node', self.ctl(node.client_port, '--timeout=300ms', 'status',
                                                 code=REFUSED))
        with socket.create_server(('127.0.0.1', 0)) as silent:
            self.assertIn('no Troupe node', self.ctl(silent.getsockname()[1], '--timeout=300ms',
                                                     'status', code=REFUSED))
        self.assertIn('node 1: leader', self.ctl(node.raft_port, 'status'))

    def test_a_quorum_that_does_not_meet_is_refused_before_anybody_is_asked(self):
        said = self.ctl(1, 'set-quorum', 'read 2 write 2 of (1,2,3,4)', code=REFUSED)
        self.assertIn('share no voter', said)

    def test_wrong_use(self):
        self.assertIn("did you mean 'members'?", self.ctl(1, 'memebrs', code=USAGE))
        for words in ((), ('frobnicate',), ('get',), ('get', 'a', 'b'), ('put', 'k'),
                      ('--bogus', 'status'), ('--timeout=x', 'status'), ('--timeout=0', 'status'),
                      ('--node=nowhere', 'status'), ('--read=fast', 'get', 'k'), ('--node',),
                      ('promote',), ('promote', '0'), ('remove', 'x'), ('set-voters', '1', '1'),
                      ('add-learner', '1'), ('add-learner', '1', 'nowhere'),
                      ('add-learner', '1', '0.0.0.0:7101'),
                      ('set-address', '1', ':1'), ('set-priority', '1', '-1'), ('elect',),
                      ('transfer', '1', '2'), ('set-quorum', 'three of four'),
                      ('--if_membership=5', 'remove', '1')):
            self.ctl(1, *words, code=USAGE)


if __name__ == '__main__':
    unittest.main()
