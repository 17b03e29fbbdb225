"""Each check accepts good samples and refuses bad ones."""

import unittest

from tools.lint import checks, cpp_text

LONG_BODY = 'x();\n' * 70


class ChecksTest(unittest.TestCase):

    def refuses(self, check, path, text, line=1):
        self.assertEqual([found for found, _ in check(path, text)], [line], text[:80])

    def accepts(self, check, path, text):
        self.assertEqual(list(check(path, text)), [], text[:80])

    def test_file_length(self):
        check = checks.file_length
        self.refuses(check, 'a/b.cc', '\n' * 401, line=401)
        self.accepts(check, 'a/b.cc', '\n' * 400)
        self.accepts(check, 'a/b.md', '\n' * 401)

    def test_function_length(self):
        check = checks.function_length
        constructor = 'namespace n {\nstruct s : t<int> {\n  s()\n : a{1}, b{2} {\n'
        self.refuses(check, 'a.cc', 'void f() {\n' + LONG_BODY + '}\n')
        self.refuses(check, 'a.cc', constructor + LONG_BODY + '}\n};\n}\n', line=3)
        self.refuses(check, 'a.cc', '#define X {\nTEST(A, B) {\n' + LONG_BODY + '}\n', line=2)
        self.refuses(check, 'a.cc', 'template <class T>\nint f(T x) {\n' + LONG_BODY + '}\n')
        self.accepts(check, 'a.cc', 'void f() {\n' + 'x();\n' * 68 + '}\n')
        self.accepts(check, 'a.cc', 'namespace n {\n' + 'void f() {}\n' * 90 + '}\n')
        self.accepts(check, 'a.cc', 'class s : t<void()> {\n' + 'int f();\n' * 90 + '};\n')
        nested = 'class s {\n private:\n  struct t : u<v()> {\n'
        self.accepts(check, 'a.cc', nested + 'int i;\n' * 90 + '};\n};\n')
        self.accepts(check, 'a.cc', 'int table[] = {\n' + '1,\n' * 90 + '};\n')

    def test_functions_see_through_literals(self):
        f = 'void f() {\n  g("}", \'}\', R"(})", 1\'000);  // }\n  if (x) {\n  }\n}\n'
        self.assertEqual(list(cpp_text.functions(f + 'int g() { return 1; }\n')), [(1, 5), (6, 6)])

    def test_core_is_pure(self):
        check, path = checks.core_is_pure, 'actors/core/vote.cc'
        for bad in ('auto t = clock::now();', 'std::random_device d;', 'std::thread t;',
                    'std::mutex m;', 'std::shared_mutex m;', 'std::this_thread::yield();',
                    'usleep(1);', '#include <caf/fwd.hpp>', '#include "caf/fwd.hpp"',
                    '#include <fstream>', '#include <sys/stat.h>'):
            self.refuses(check, path, bad)
            self.accepts(check, 'actors/server.cc', bad)
        self.accepts(check, path, 'void tick(time_point now);  // never now()\n#include <map>\n')

    def test_then_has_error_handler(self):
        check = checks.then_has_error_handler
        self.refuses(check, 'a.cc', 'self->request(a, t, b)\n  .then([=](x m) { f(m, 1); });', 2)
        self.refuses(check, 'a.cc', 'p->then(on_ok);')
        self.accepts(check, 'a.cc', 'r.then([=](x m) { f(m); },\n [=](const error& e) { g(e); });')
        self.accepts(check, 'a.cc', '// r.then(f);\n')

    def test_tests_never_sleep(self):
        check = checks.tests_never_sleep
        for bad in ('std::this_thread::sleep_for(1ms);', 'usleep(10);', 'sleep(1);',
                    'absl::SleepFor(d);'):
            self.refuses(check, 'a/b_test.cc', bad)
            self.refuses(check, 'testing/b.h', bad)
            self.accepts(check, 'a/b.cc', bad)
        self.accepts(check, 'a/b_test.cc', '// no sleep(1) here\n')

    def test_nothing_left_over(self):
        check = checks.nothing_left_over
        for word in ('TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'):
            self.refuses(check, 'a.h', f'// {word}: later')
            self.refuses(check, 'tools/bazel', f'# {word}')
        self.accepts(check, 'a.h', 'int XXXL = autodoc;')

    def test_no_host_paths(self):
        check = checks.no_host_paths
        for bad in ('see /work/main', 'in `/tmp/x`', 'cd /home/me', 'in /tmp.'):
            self.refuses(check, 'README.md', bad)
        for good in ('/var/lib/troupe', '$HOME/work/x', 'http://host/home', '/usr/include',
                     '/workspace', 'a/tmp/b'):
            self.accepts(check, 'README.md', good)

    def test_folders_without_readme(self):

        def lacking(*paths):
            return list(checks.folders_without_readme(paths))

        self.assertEqual(lacking('a/BUILD.bazel', 'BUILD.bazel', 'README.md'), ['a'])
        self.assertEqual(lacking('a/BUILD.bazel', 'a/README.md', 'BUILD.bazel'), ['.'])
        self.assertEqual(lacking('b/x.cc', 'third_party/bazel/BUILD.bazel'), [])

    def test_scenarios(self):

        def problems(code, tests):
            table = f'| | what | tests |\n| 7 | x | `{tests}` |\n| 8 | y | with snapshots |\n'
            return [(path, line) for path, line, _ in checks.scenarios(
                {'a_test.cc': code + 'TEST(a_test, a_rule) {}', checks.SCENARIOS: table})]

        for good in ('', '// Scenario 7.\n', '// Scenarios 7 and 8.\n', '// Scenarios 7,\n// 8.\n'):
            self.assertEqual(problems(good, 'a_test.a_rule'), [])
        for bad in ('// Scenario 9: x', '// Scenarios 7, 9.', '// Scenarios 7,\n  // 9.',
                    '// (scenarios 7-9)'):
            self.assertEqual(problems(bad + '\n', 'a_test.a_rule'), [('a_test.cc', 1)])
        self.assertEqual(problems('', 'a_test.no_rule'), [(checks.SCENARIOS, 2)])


if __name__ == '__main__':
    unittest.main()
