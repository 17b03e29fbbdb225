"""Runs the commands of the root README.md, and compares what they print with what it says."""

import os
import re
import subprocess
import unittest

from testing.process import nodes

_BLOCK = re.compile(r'<!-- run: (\w+) -->\n```sh\n(.*?)```', re.DOTALL)
_RESULT = re.compile(r'^(\S.*?) {2,}# (.+)$')

def blocks():
    with open('README.md', encoding='utf-8') as file:
        return _BLOCK.findall(file.read())


class ReadmeTest(unittest.TestCase):

    def setUp(self):
        self.home = nodes.make_dir()
        self.environment = {**os.environ, 'HOME': self.home, 'TMPDIR': self.home}
        # 7101 to 7104 and 6371 to 6374 become free ports with the same last digits.
        self.ports = {'710': str(nodes.free_ports(5) // 10), '637': str(nodes.free_ports(5) // 10)}

    def adapted(self, text):
        """The commands, on the binaries at hand and on free ports."""
        at = self.ports
        defaults = (f'--raft_address=127.0.0.1:{at["710"]}1 '
                    f'--client_address=127.0.0.1:{at["637"]}1')
        text = re.sub(r'^tools/bazel build .*\n', '', text, flags=re.MULTILINE)
        text = re.sub(r'tools/bazel run //tools:node( --)?', f'{nodes.NODE} {defaults}', text)
        text = text.replace('bazel-bin/tools/node/node', nodes.NODE)
        text = text.replace('bazel-bin/tools/ctl/ctl', nodes.CTL)
        text = re.sub(r'\b(710|637)(?=[\d$])', lambda match: at[match[1]], text)
        self.assertNotIn('tools/bazel', text)
        return text

    def on_a_terminal(self, lines):
        """What a person sees who pastes `lines`: programs ask whether they write to a terminal."""
        script, said = f'{self.home}/pasted', f'{self.home}/said'
        with open(script, 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines))
        run = subprocess.run(['script', '-qec', f'bash {script} 2>{said}', '/dev/null'], timeout=60,
                             env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                             check=False)
        with open(said, encoding='utf-8') as file:
            self.assertEqual(run.returncode, 0, file.read())
        return run.stdout.decode().replace('\r', '')

    def run_shell(self, text):
        """As it stands; what the commands with a result print is marked."""
        lines, wanted = [], []
        for line in self.adapted(text).splitlines():
            if result := _RESULT.match(line):
                lines += ['echo "<<<"', line, 'echo ">>>"']
                wanted.append(result[2])
            else:
                lines.append(line)
        self.assertEqual(re.findall('<<<\n(.*?)\n>>>', self.on_a_terminal(lines), re.DOTALL), wanted)

    def run_client(self, text):
        """A person who types tries again while a follower does not know the leader yet."""
        for line in self.adapted(text).splitlines():
            command, wanted = _RESULT.match(line).groups()
            told = nodes.await_until(f'a leader for {command}', lambda: next(
                (out for out in [self.on_a_terminal([command])] if 'NOLEADER' not in out), None))
            self.assertEqual(told, wanted + '\n', command)

    def start_server(self, text):
        command = self.adapted(text).split()
        self.assertEqual(command[0], nodes.NODE)
        node = nodes.Node(command[1:], None, self.home)
        self.addCleanup(node.kill)
        return node.start()

    def test_the_commands_do_what_it_says(self):
        found = blocks()
        self.assertEqual([kind for kind, _ in found],
                         ['server', 'client', 'server', 'client', 'shell', 'shell'])
        server = None
        for kind, text in found:
            if kind != 'client' and server:
                self.assertEqual(server.stop()[0], 0)
            if kind == 'server':
                server = self.start_server(text)
            elif kind == 'client':
                self.run_client(text)
            else:
                self.run_shell(text)

    def test_results_are_compared(self):
        self.run_shell('echo hello  # hello\n')
        with self.assertRaisesRegex(AssertionError, 'goodbye'):
            self.run_shell('echo hello  # goodbye\n')


if __name__ == '__main__':
    unittest.main()
