"""Kinds of task and languages, on prompts of each."""

import pytest

from routers.complexity.conversation import Conversation, Turn
from routers.complexity.conversation import last_tasks as tasks
from routers.complexity.kind import kind_of
from routers.complexity.reading import read


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("code", "Write a Python function that merges two sorted lists and returns a new list."),
        ("code", "def f(x):\n    return x[::-1]\n\nWhy does this raise a TypeError on an int?"),
        ("maths", "Solve the equation 3x + 7 = 22 for x."),
        (
            "maths",
            "A baker sells 12 loaves for $3 each and 20 rolls for $0.50 each. How much does he earn in total?",
        ),
        ("maths", "Prove that every continuous function on a closed interval is bounded."),
        ("code", "Write a function that adds two numbers."),
        ("extraction", "Extract every company name and amount from this letter as JSON."),
        ("summarising", "Summarize the following meeting notes in three sentences."),
        ("translation", "Translate this into German: the train is late again."),
        ("translation", "Übersetze bitte: the train is late again."),
        ("creative", "Write a short poem about the sea in winter."),
        ("reasoning", "Why did the price of wheat fall although the harvest was poor?"),
        ("chat", "hello there, what's up"),
    ],
)
def test_kinds(kind: str, text: str) -> None:
    assert kind_of(read(tasks(Conversation((Turn("user", text),)))[0])) == kind


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "What is the best way to store the data of a customer?"),
        ("de", "Wie kann ich die Daten der Kunden speichern und nicht verlieren?"),
        ("fr", "Quelle est la meilleure façon de conserver les données des clients pour une entreprise ?"),
        ("es", "¿Cuál es la mejor forma de guardar los datos de una empresa para que no se pierdan?"),
        ("ja", "顧客データを保存する最良の方法は何ですか"),
        ("zh", "保存客户数据的最佳方法是什么"),
        ("ko", "고객 데이터를 저장하는 가장 좋은 방법은 무엇입니까"),
        ("ru", "Как лучше всего хранить данные клиентов?"),
        ("ar", "ما هي أفضل طريقة لتخزين بيانات العملاء؟"),
        ("und", "12345 67890"),
        ("und", ""),
    ],
)
def test_languages(language: str, text: str) -> None:
    assert read(tasks(Conversation((Turn("user", text),)))[0]).said.language == language
