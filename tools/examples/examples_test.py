"""The example runs, is short, and is what the root README shows."""

import re
import subprocess
import unittest

_PROGRAM = 'tools/examples/sum.cc'


def _text(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


class ExamplesTest(unittest.TestCase):

    def test_it_replicates_and_reads(self):
        run = subprocess.run(['tools/examples/sum'], timeout=60, check=True, capture_output=True, text=True)
        self.assertRegex(run.stdout, r'^40 is at [1-9]\d*, the sum is 42\n$')

    def test_it_is_shorter_than_60_lines(self):
        self.assertLess(len(_text(_PROGRAM).splitlines()), 60)

    def test_the_readme_shows_it(self):
        shown = re.findall(rf'<!-- from: {_PROGRAM} -->\n```cpp\n(.*?)```', _text('README.md'), re.DOTALL)
        self.assertEqual(len(shown), 1)
        program = {line.strip() for line in _text(_PROGRAM).splitlines()}
        for line in shown[0].splitlines():
            self.assertIn(line.strip(), program)


if __name__ == '__main__':
    unittest.main()
