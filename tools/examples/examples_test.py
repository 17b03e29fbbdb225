"""The examples run, are short, and are what the READMEs show."""

import glob
import os
import re
import subprocess
import tempfile
import unittest

from testing.process import nodes

_PROGRAM = 'tools/examples/sum.cc'


def _text(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


class ExamplesTest(unittest.TestCase):

    def test_it_replicates_and_reads(self):
        run = subprocess.run(['tools/examples/sum'], timeout=60, check=True, capture_output=True, text=True)
        self.assertRegex(run.stdout, r'^40 is at [1-9]\d*, the sum is 42\n$')

    def test_three_processes_tally_and_find_it_on_disk_again(self):
        first = nodes.free_ports(3)
        cluster = [f'{i}=127.0.0.1:{first + i - 1}' for i in (1, 2, 3)]
        with tempfile.TemporaryDirectory() as dirs:
            for counted in ('1', '2'):
                tallies = [subprocess.Popen(['tools/examples/tally', str(i), os.path.join(dirs, str(i)), *cluster],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                           for i in (1, 2, 3)]
                self.assertEqual(self._ask(tallies[0], 'word'), counted)
                self.assertEqual(self._ask(tallies[1], '?word'), counted)
                for node in tallies:
                    node.communicate(timeout=60)
                    self.assertEqual(node.returncode, 0)

    def test_a_tally_goes_on_from_its_snapshot(self):
        with tempfile.TemporaryDirectory() as data:
            command = ['tools/examples/tally', '1', data, f'1=127.0.0.1:{nodes.free_ports()}']
            for run in range(3):
                lines = [f'line {i % 7}' for i in range(250)] + ['?line 3']
                told = subprocess.run(command, input='\n'.join(lines), timeout=60, check=True,
                                      capture_output=True, text=True).stdout.splitlines()
                self.assertEqual(told[-1], str(36 * (run + 1)))
            self.assertEqual(len(glob.glob(f'{data}/snapshots/*.snapshot')), 1)

    def _ask(self, node, line):
        node.stdin.write(line + '\n')
        node.stdin.flush()
        return node.stdout.readline().strip()

    def test_it_is_shorter_than_60_lines(self):
        self.assertLess(len(_text(_PROGRAM).splitlines()), 60)

    def test_the_readmes_show_them(self):
        for readme, source in [('README.md', _PROGRAM), ('actors/README.md', 'tools/examples/tally.cc'),
                               ('actors/README.md', 'tools/examples/BUILD.bazel')]:
            shown = re.findall(rf'<!-- from: {source} -->\n```\w+\n(.*?)```', _text(readme), re.DOTALL)
            self.assertTrue(shown)
            program = {line.strip() for line in _text(source).splitlines()}
            for line in ''.join(shown).splitlines():
                self.assertIn(line.strip(), program)


if __name__ == '__main__':
    unittest.main()
