"""How long a score takes, and what it holds in memory: `python bench/complexity.py`, one thread."""

import sys
import time
import tracemalloc
from importlib.resources import files
from random import Random
from typing import Final

from routers.complexity.conversation import Conversation, Turn
from routers.complexity.scorer import Scorer

ROUNDS: Final = (
    (1_000, 4_000),
    (6_000, 2_000),
    (100_000, 500),
)  # characters of a prompt, how often it is scored
TEXTS: Final = 50  # of each kind and size, in turn: a text that was just scored is quicker to score again

PROSE = (
    "the of and a contract model server question answer integral function return price 12 450 3.5 because "
    "however patient review summary explain why method result value index (see below), [1] = x + y; "
    "customer invoice total"
)
WORDS = PROSE.split()


def prompt(size: int, seed: int) -> Conversation:
    """A prompt of about that many characters, different for each seed."""
    draw = Random(seed)
    parts: list[str] = []
    length = 0
    while length < size:
        word = draw.choice(WORDS) if draw.random() < 0.6 else "".join(draw.choices("abcdefghinorstu", k=6))
        parts.append(word + draw.choice((" ", " ", " ", " ", ", ", ". ", "\n")))
        length += len(parts[-1])
    return Conversation((Turn("user", "".join(parts)),))


# What people and programs do send, in our own words. A prompt is made of such paragraphs in an order of its own.
EXAM: Final = (
    "A solution of a weak acid HA ($K_a = 1.8 \\times 10^{-5}$) is titrated with 0.10 M NaOH. Which of these holds "
    "when half of the acid has been neutralised?\nA. The pH equals the pKa.\nB. The pH equals 7.00.\n"
    "C. The concentration of HA is zero.\nD. The solution no longer buffers.",
    "Let f be continuous on [0, 1] and differentiable inside it, with f(0) = f(1) = 0. How many zeros must "
    "f'(x) + 2x f(x) have at least in (0, 1)?\nA. none\nB. exactly one\nC. at least one\nD. at least two"
    "\nE. infinitely many",
    "A tenant stops paying because the roof leaks; the landlord had promised repairs in writing, yet the lease says "
    "that rent is due in any event. The tenant's best argument is that\n(A) the promise was a condition.\n"
    "(B) the premises are no longer fit to live in.\n(C) the landlord waived the rent.\n(D) the lease is illusory.",
    "Two blocks of 2.0 kg and 3.0 kg hang from a light cord over a pulley without friction. What is the acceleration "
    "of the heavier one?\nA. 0.98 m/s^2\nB. 1.96 m/s^2\nC. 3.27 m/s^2\nD. 4.90 m/s^2\nE. 6.54 m/s^2\nF. 9.81 m/s^2",
    "Which cells present fragments of a swallowed pathogen to helper T cells?\nA. erythrocytes\nB. dendritic cells\n"
    "C. platelets\nD. keratinocytes",
)
CODE: Final = (
    "def merge(left: list[int], right: list[int]) -> list[int]:\n    out: list[int] = []\n    while left and right:\n"
    "        out.append((left if left[0] <= right[0] else right).pop(0))\n    return out + left + right",
    "class Ledger:\n    def __init__(self, path: str) -> None:\n        self._rows = {}  # by account\n"
    "        self._path = path\n\n    def book(self, account: str, cents: int) -> None:\n"
    '        if cents == 0:\n            raise ValueError("nothing to book")\n'
    "        self._rows[account] = self._rows.get(account, 0) + cents",
    "for (let i = 0; i < rows.length; i++) {\n  const total = rows[i].items.reduce((sum, x) => sum + x.price, 0);\n"
    "  if (total > limit && !rows[i].paid) { late.push({ id: rows[i].id, total }); }\n}",
    "SELECT c.name, count(*) AS orders FROM customers c JOIN orders o ON o.customer = c.id\n"
    "WHERE o.placed >= '2025-01-01' GROUP BY c.name HAVING count(*) > 3 ORDER BY orders DESC;",
    "The second test fails with KeyError: 'total' although the first one passes. Explain why, and mend the function "
    "without changing its signature.",
)
CHINESE: Final = (
    "某公司与供应商签订了为期三年的供货协议，约定每季度交付两千件零件，单价随铜价浮动。",
    "第二年春天，仓库因暴雨进水，供应商连续两个月没有交货，公司只好从别处高价采购，并因此停产十一天。",
    "请先列出双方各自最有力的论点，再判断违约责任应当如何分担，并指出还缺少哪些证据。",
    "设函数在闭区间上连续，在开区间内可导，且两个端点的函数值相等。",
    "试证明至少存在一点使导数为零，并说明去掉连续性条件后结论为什么不再成立，给出一个具体的反例。",
    "下面的程序每天凌晨读取订单表，把未付款的记录汇总后发送邮件，昨晚它运行了四十分钟仍未结束。",
    "日志显示同一条查询被重复执行了九千多次，请分析可能的原因，说明怎样改写查询或者增加索引。",
    "奶奶下周过八十岁生日，全家打算去湖边的小饭馆聚一聚，顺便给她放一段旧照片做成的短片。",
)
JAPANESE: Final = (
    "ある会社が部品の供給について三年間の契約を結び、価格は銅の相場に応じて決めることにした。",
    "二年目の春、大雨で倉庫が浸水し、二か月にわたって納品が止まったため、会社は十一日間の操業停止に追い込まれた。",
    "まず双方の主張をそれぞれ整理し、責任をどのように分けるべきか、足りない証拠は何かを述べてください。",
    "関数が閉区間で連続、開区間で微分可能であり、両端での値が等しいとする。",
    "導関数がゼロになる点が少なくとも一つ存在することを証明し、連続でない場合の反例を挙げよ。",
    "毎朝注文の表を読み込んで未払いの一覧を送るプログラムが、昨夜は四十分たっても終わりませんでした。",
    "同じクエリが九千回以上実行されています。考えられる原因と、索引を加える場合の注意点を説明してください。",
    "来週は祖母の八十歳の誕生日なので、湖のそばの小さな食堂に家族で集まり、古い写真を見せるつもりです。",
)
KINDS: Final = {
    "an exam": ("\n\n", EXAM),
    "code": ("\n\n", CODE),
    "Chinese": ("", CHINESE),
    "Japanese": ("", JAPANESE),
}


def made_of(paragraphs: tuple[str, ...], between: str, size: int, seed: int) -> Conversation:
    """A prompt of that many characters, the paragraphs in an order that differs for each seed."""
    draw = Random(seed)
    text = ""
    while len(text) < size:
        text += between.join(draw.sample(paragraphs, len(paragraphs))) + between
    return Conversation((Turn("user", text[:size]),))


def prompts(kind: str, size: int) -> list[Conversation]:
    """Prompts of a kind: random words, or one of KINDS."""
    if kind not in KINDS:
        return [prompt(size, seed) for seed in range(TEXTS)]
    between, paragraphs = KINDS[kind]
    return [made_of(paragraphs, between, size, seed) for seed in range(TEXTS)]


def timed(scorer: Scorer, asked: list[Conversation], rounds: int) -> tuple[float, float]:
    """Median and 99th percentile of a score, in microseconds."""
    took = []
    for turn in range(rounds):
        start = time.perf_counter_ns()
        scorer.score(asked[turn % len(asked)])
        took.append((time.perf_counter_ns() - start) / 1e3)
    took.sort()
    return took[rounds // 2], took[rounds * 99 // 100]


def main() -> int:
    """Prints percentiles in microseconds per size, the loading time and the memory held."""
    data = files("routers.complexity").joinpath("default.weights").read_bytes()
    loads = []
    for _ in range(7):
        start = time.perf_counter()
        Scorer.from_bytes(data)
        loads.append(time.perf_counter() - start)
    tracemalloc.start()
    scorer = Scorer.from_bytes(data)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"weights {len(data) / 1e6:.2f} MB, load {min(loads) * 1e3:.1f} ms")
    print(f"memory held {held / 1e6:.1f} MB, at most {peak / 1e6:.1f} MB")
    for size, rounds in ROUNDS:
        for kind in ("words", *KINDS):
            half, most = timed(scorer, prompts(kind, size), rounds)
            print(f"{size:>7} characters of {kind:8}: p50 {half:7.1f} µs   p99 {most:7.1f} µs")
    for kind in ("Chinese", "Japanese"):  # three bytes a character
        half, most = timed(scorer, prompts(kind, 333), ROUNDS[0][1])
        print(f"{333:>7} characters of {kind:8}: p50 {half:7.1f} µs   p99 {most:7.1f} µs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
