"""What a node cannot do, it refuses at once: one line on stderr, exit code 2, nothing changed."""

import hashlib
import os
import socket
import subprocess
import unittest

from testing.process import nodes


def snapshot(folder):
    """Every file below `folder` and what is in it."""
    found = {}
    for path, folders, names in os.walk(folder):
        found.update({f'{path}/{name}': None for name in folders})
        for name in names:
            with open(f'{path}/{name}', 'rb') as file:
                found[f'{path}/{name}'] = hashlib.sha256(file.read()).hexdigest()
    return found


class RefusalTest(unittest.TestCase):

    def setUp(self):
        self.home = nodes.make_dir()
        self.raft, self.client = nodes.free_ports(), nodes.free_ports()

    def refused(self, *flags, because=''):
        """The node says in one line, which holds `because`, why it does not start."""
        defaults = {'--raft_address': f'127.0.0.1:{self.raft}',
                    '--client_address': f'127.0.0.1:{self.client}'}
        given = {flag.split('=')[0] for flag in flags}
        line = [f'{name}={value}' for name, value in defaults.items() if name not in given]
        before = snapshot(self.home)
        run = subprocess.run([nodes.NODE, *line, *flags], env={'HOME': self.home}, timeout=20,
                             capture_output=True, check=False)
        said = run.stderr.decode()
        self.assertEqual(run.returncode, 2, f'{flags}: {said}')
        self.assertEqual(said.count('\n'), 1, f'{flags}: {said}')
        self.assertTrue(said.startswith('node: '), f'{flags}: {said}')
        self.assertIn(because, said, f'{flags}')
        self.assertEqual(run.stdout, b'')
        self.assertEqual(snapshot(self.home), before, f'{flags} changed something')

    def test_flags_that_do_not_exist(self):
        self.refused('--bogus=1', because='--bogus')
        self.refused('--nosync', because='--nosync')
        self.refused('--flagfile=x', because='--flagfile')
        self.refused('-x', because="'-x'")
        self.refused('word', because="'word'")
        self.refused('--', '--id=1', because="'--id=1'")

    def test_values_that_make_no_sense(self):
        bad = {
            'id': ['0', '-1', 'one', '', '18446744073709551616'],
            'raft_address': ['7101', ':7101', '127.0.0.1', '127.0.0.1:', '127.0.0.1:0',
                             '127.0.0.1:65536', '127.0.0.1:-1', '127.0.0.1:x', '0.0.0.0:7101', '[::]:7101'],
            'listen_address': ['7101', '127.0.0.1:0'],
            'client_address': ['', '6371', '127.0.0.1:99999', '127.0.0.1:0'],
            'cluster': ['x', '1', '1=', '1=127.0.0.1', '0=127.0.0.1:1', '2=127.0.0.1:1',
                        '1=127.0.0.1:0', '1=127.0.0.1:1,1=127.0.0.1:2', '-1=127.0.0.1:1', '1=0.0.0.0:1'],
            'local_cluster': ['-1', '10', 'x', '99999999999'],
            'sync': ['', 'maybe', 'ALWAYS'],
            'election_timeout_min': ['', 'x', '0', '-1s', '50ms', '300ms', '1h', 'inf'],
            'election_timeout_max': ['', 'x', '0', '150ms', '11m', 'inf'],
            'heartbeat_interval': ['', 'x', '0', '-1ms', '150ms', '1h', 'inf'],
            'clock_drift': ['', 'x', '0.9', '11', 'nan', 'inf', '-1'],
            'caught_up_within': ['', 'x', '-1'],
            'join': ['x', '127.0.0.1', ':7101', '127.0.0.1:0'],
            'log_level': ['', 'loud', '3'],
        }
        for name, values in bad.items():
            for value in values:
                self.refused(f'--{name}={value}', because='--')
        self.refused('--id', because='--id')
        self.refused('--local_cluster=3', '--cluster=1=127.0.0.1:1', because='--local_cluster')
        self.refused('--join=127.0.0.1:1', '--cluster=1=127.0.0.1:1', because='--cluster')
        self.refused('--join=127.0.0.1:1', '--local_cluster=3', because='--local_cluster')
        self.refused(f'--join=127.0.0.1:{self.raft}', because='own --raft_address')
        self.refused('--raft_address=0.0.0.0:7101', because='--listen_address=0.0.0.0:7101')
        self.refused('--heartbeat_interval=500ms', because='500ms, 150ms and 300ms')
        self.refused('--voter=false', because='--join')
        self.refused('--quorum=majority(1)', because='--cluster')
        four = '--cluster=' + ','.join(f'{i}=127.0.0.1:{self.raft + i - 1}' for i in range(1, 5))
        self.refused(four, '--quorum=2 of', because='column')
        self.refused(four, '--quorum=read 2 write 2 of (1,2,3,4)', because='share no voter')
        self.refused(four, '--quorum=majority(1,2,5)', because='voter 5 has no address')
        self.refused('--local_cluster=3', '--raft_address=127.0.0.1:65534', because='65535')
        self.refused('--id=18446744073709551614', '--local_cluster=3', because='ids')
        self.refused(f'--raft_address={"h" * 300}:7101', because='host:port')

    def test_addresses_that_cannot_be_listened_on(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            at = f'127.0.0.1:{taken.getsockname()[1]}'
            for flag in ('--raft_address', '--listen_address', '--client_address'):
                self.refused(f'{flag}={at}', because=f'{flag}: cannot listen on {at}')
        self.refused(f'--client_address=127.0.0.1:{self.raft}', because='in use')
        self.refused('--client_address=192.0.2.1:6371', because='192.0.2.1:6371')
        self.refused('--raft_address=no.such.host.invalid:7101', because='no.such.host.invalid')

    def test_data_directories_that_are_none(self):
        file = f'{self.home}/file'
        with open(file, 'w', encoding='ascii') as out:
            out.write('not a directory')
        self.refused(f'--data_dir={file}', because=file)
        self.refused(f'--data_dir={file}/below', because=file)
        self.refused(f'--data_dir={self.home}/' + 'a/' * 60_000, because='too long')

    def test_data_directory_of_another_node(self):
        node = nodes.one_node(self)
        node.start()
        node.call('SET', 'k', 'v')
        node.stop()
        self.home = node.directory
        of_node_1 = f'{node.directory}/.local/share/troupe/node-1'
        self.refused('--id=2', f'--data_dir={of_node_1}', because='1')
        self.assertEqual(node.start().call('GET', 'k'), 'v')

    def test_data_directory_in_use(self):
        node = nodes.one_node(self)
        node.start()
        node.call('SET', 'k', 'v')
        self.home = node.directory
        self.refused(because='in use')
        self.assertEqual(node.call('GET', 'k'), 'v')
        self.assertEqual(node.call('SET', 'k', 'w'), 'OK')

    def test_help_and_version(self):
        for flag, word in (('--help', '--client_address'), ('--version', 'troupe ')):
            run = subprocess.run([nodes.NODE, flag], timeout=20, capture_output=True, check=True)
            self.assertIn(word, run.stdout.decode())


if __name__ == '__main__':
    unittest.main()
