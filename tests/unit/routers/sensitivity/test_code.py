"""Source code in many languages is a kind of its own; what merely resembles it is not."""

import pytest

from routers.sensitivity.code import shown
from routers.sensitivity.label import Level, Segment

CODE = {
    "python": "def total(rows):\n    found = 0\n    for row in rows:\n        found += row.price\n    return found\n",
    "python, a body": "    if not rows:\n        raise ValueError('empty')\n    best = max(rows, key=price)\n"
    "    self.seen.add(best)\n    log.info('chose %s', best)\n    return best.copy()\n",
    "c": "#include <stdio.h>\n\nint main(void) {\n    puts(\"hi\");\n    return 0;\n}\n",
    "c++": "namespace shop {\ntemplate <typename T>\n"
    "class Basket : public Base {\n public:\n  void add(const T& t);\n};\n}\n",
    "java": "import java.util.List;\n\npublic final class Till {\n    private int sum = 0;\n    void add(int n) {\n"
    "        sum += n;\n    }\n}\n",
    "c#": "using System.Linq;\n\npublic record Order(int Id);\npublic static int Sum(int[] a) => a.Sum();\n",
    "javascript": "const total = rows.map(r => r.price);\n"
    "export default function sum(a) {\n  return a.reduce(add, 0);\n}\n",
    "typescript": "interface Row {\n  price: number;\n}\n"
    "export const sum = (rows: Row[]): number => rows.length;\n",
    "go": "package till\n\nfunc Sum(rows []int) int {\n\ttotal := 0\n\treturn total\n}\n",
    "rust": "use std::fmt;\n\npub fn sum(rows: &[u32]) -> u32 {\n    let mut total = 0;\n    total\n}\n",
    "kotlin": "data class Row(val price: Int)\n\n"
    "fun sum(rows: List<Row>): Int {\n    return rows.sumOf { it.price }\n}\n",
    "swift": "struct Row {\n    let price: Int\n}\n"
    "func sum(_ rows: [Row]) -> Int {\n    var total = 0\n    return total\n}\n",
    "ruby": "class Till\n  def sum(rows)\n    rows.map(&:price).sum\n  end\nend\n",
    "php": "<?php\n$total = 0;\nforeach ($rows as $row) {\n    $total += $row->price;\n}\n",
    "perl": "use strict;\nmy $total = 0;\nsub add {\n    my ($n) = @_;\n    $total += $n;\n}\n",
    "lua": "local total = 0\nfunction add(n)\n  total = total + n\nend\n",
    "shell": "#!/bin/sh\nfor f in *.txt; do\n  if [ -s \"$f\" ]; then\n    wc -l \"$f\"\n  fi\ndone\n",
    "sql": "CREATE TABLE rows (id int, price numeric);\n"
    "SELECT id, sum(price) FROM rows\nWHERE price > 3\nGROUP BY id;\n",
    "haskell": "module Till (total) where\n\ntotal :: [Int] -> Int\ntotal = foldr (+) 0\n",
    "lisp": "(defun total (rows)\n  (reduce #'+ rows))\n\n(defvar *till* (total '(1 2)))\n",
    "r": "library(dplyr)\ntotal <- sum(rows$price)\nbest <- rows[which.max(rows$price), ]\n",
    "basic": "Public Function Total(rows As Variant) As Long\n    Dim sum As Long\nEnd Function\n",
    "css": ".row {\n  color: red;\n  margin: 0 auto;\n}\n.row > a:hover {\n  color: blue;\n  border: none;\n}\n",
    "a diff": "+ def total(rows):\n+     return sum(rows)\n-     pass\n+ import math\n",
    "numbered lines": "1: def total(rows):\n2:     return sum(rows)\n",
    "in a message": "Why does this fail?\n```python\nfrom shop import till\nprint(till.total)\n```\nThank you!",
}  # fmt: skip
NOT_CODE = {
    "prose": "Please import the goods from Denmark.\n"
    "For each of them we pay:\nthe duty, and the class of goods.\n" * 4,
    "clauses": "The seller shall (a) deliver the goods;\n"
    "(b) insure them in transit; and\n(c) hand over the papers.\n" * 3,
    "json": '{\n  "name": "till",\n  "rows": [\n    {"price": 3},\n    {"price": 4}\n  ],\n  "on": true\n}\n' * 3,
    "yaml": "till:\n  rows:\n    - price: 3\n    - price: 4\n  on: true\n" * 3,
    "csv": "id,price,name\n1,3,apple\n2,4,pear\n" * 5,
    "arithmetic": "First: 12 + 30 = 42.\nThen 42 / 2 = 21.\nThe answer is x = 21.\n" * 2,
    "a log": "2026-01-01 10:00:00 INFO started in 3.2 s\n2026-01-01 10:00:01 WARN slow disk (sda)\n" * 4,
    "markdown": "# Title\n\n* first (see below)\n* second\n\n| a | b |\n|---|---|\n| 1 | 2 |\n" * 2,
    "tags": "<instructions>\nAnswer in two sentences.\n</instructions>\n"
    "<document>\nThe harbour lay quiet.\n</document>\n",
    "a list": "Things to do:\n- call Anna\n- pack\n- print the tickets\n",
    "one quoted line": "What does `import os` do?\nimport os\nI have never seen it.",
}  # fmt: skip


@pytest.mark.parametrize("language", CODE)
def test_code_is_known(language, judged):
    assert shown(CODE[language], 0, len(CODE[language]))
    assert "SOURCE_CODE" in judged(("user", CODE[language])).label.types


@pytest.mark.parametrize("kind", NOT_CODE)
def test_what_resembles_it_is_none(kind):
    assert not shown(NOT_CODE[kind], 0, len(NOT_CODE[kind]))


def test_it_is_a_kind_of_its_own_that_may_go_anywhere_unless_the_policy_says_otherwise(judged):
    verdict = judged(("user", CODE["go"]), ("tool", CODE["rust"]))
    assert verdict.label.types == {"SOURCE_CODE": 1}
    assert verdict.label.categories == {"CODE"}
    assert verdict.label.level == Level.INTERNAL
    assert [finding.end for finding in verdict.findings] == [0]


def test_it_is_found_deep_in_a_long_text_and_behind_an_encoding(classifier, judged):
    prose = "The harbour lay quiet, and nobody spoke of it. " * 400
    assert classifier.label([Segment(f"{prose}\n{CODE['python']}\n{prose}")]).types == {"SOURCE_CODE": 1}
    escaped = CODE["python"].replace("\n", "\\n")
    assert "SOURCE_CODE" in judged(("user", escaped)).label.types


def test_few_lines_scattered_over_a_long_text_are_none():
    text = ("The harbour lay quiet. " * 400 + "\nreturn (x);\n") * 8
    assert not any(shown(text, start, start + 8_192) for start in range(0, len(text), 8_192))
