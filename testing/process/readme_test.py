"""Runs the commands of the root README.md, and compares what they print with what it says."""

import os
import re
import subprocess
import unittest

from testing.process import nodes

_BLOCK = re.compile(r'<!-- run: (\w+) -->\n```sh\n(.*?)```', re.DOTALL)
_RESULT = re.compile(r'^(\S.*?) {2,}# (.+)$')

# A person who types tries again while a follower does not know the leader yet: nothing happened. What is
# pasted as a whole has to wait by itself.
_SHELL = '''
check() {
  wanted=$1
  for attempt in $(seq $attempts); do
    got=$(eval "$2" 2>&1)
    case $got in
      *NOLEADER*) sleep 0.05 ;;
      *) break ;;
    esac
  done
  if [[ $got != "$wanted" ]]; then
    printf 'README.md says that this prints %s, but it prints %s: %s\\n' "$wanted" "$got" "$2" >&2
    exit 1
  fi
}
'''


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
        # What a person sees at a terminal.
        text = text.replace('redis-cli', 'redis-cli --no-raw')
        text = re.sub(r'\b(710|637)(?=[\d$])', lambda match: at[match[1]], text)
        self.assertNotIn('tools/bazel', text)
        return text

    def run_script(self, text, attempts=1):
        lines = []
        for line in self.adapted(text).splitlines():
            result = _RESULT.match(line)
            lines.append(f'check {_quoted(result[2])} {_quoted(result[1])}' if result else line)
        run = subprocess.run(['bash', '-c', f'attempts={attempts}\n' + _SHELL + '\n'.join(lines)], env=self.environment,
                             timeout=60, capture_output=True, check=False, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)

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
            else:
                self.run_script(text, attempts=200 if kind == 'client' else 1)

    def test_results_are_compared(self):
        self.run_script('echo hello  # hello\n')
        with self.assertRaisesRegex(AssertionError, 'hello'):
            self.run_script('echo hello  # goodbye\n')


def _quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


if __name__ == '__main__':
    unittest.main()
