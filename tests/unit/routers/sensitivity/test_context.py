"""What only its context makes sensitive: birth, address, health, markings."""

import pytest


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("DATE_OF_BIRTH", "Freya Quill, geboren am 03.04.1952, beantragt Elterngeld."),
        ("DATE_OF_BIRTH", "DOB: 12 Mar 1984"),
        ("DATE_OF_BIRTH", "né le 3 mai 1990"),
        ("DATE_OF_BIRTH", "出生日期:1990年5月3日"),
        ("DATE_OF_BIRTH", "Agent: can I have your date of birth?\nCustomer: sure, 05/22/2006"),
        ("STREET_ADDRESS", "ship to 3499 Larkspur Blvd, Fairview, OR 97024"),
        ("STREET_ADDRESS", "Hauptstraße 5, 10115 Berlin"),
        ("STREET_ADDRESS", "I live at 12 Rue de la Paix, Paris"),
        ("STREET_ADDRESS", "Calle Mayor 15, 28013 Madrid"),
        ("STREET_ADDRESS", "Tilly Nicholson lives at 10252 Harbour 184"),
        ("STREET_ADDRESS", "20789 Allika 46\n Suite 501\n Riisa\n\n Estonia 62488"),
        ("STREET_ADDRESS", "東京都千代田区丸の内1-9-1"),
        ("HEALTH_CONDITION", "My wife Maria has been diagnosed with ovarian cancer"),
        ("HEALTH_CONDITION", "Patient: John Smith presents with hypertension"),
        ("HEALTH_CONDITION", "I was recently diagnosed with type 2 diabetes"),
        ("HEALTH_CONDITION", "Discharge note\nName: Freya Adeyinka\nDx: Crohn's disease"),
        ("CONFIDENTIAL_MARKING", "CONFIDENTIAL - DO NOT DISTRIBUTE\n\nQ3 margin fell."),
        ("CONFIDENTIAL_MARKING", "[INTERNAL USE ONLY] The reorganisation starts on Monday."),
        ("CONFIDENTIAL_MARKING", "Classification: Restricted\nThe plant closes in May."),
        ("CONFIDENTIAL_MARKING", "TLP:AMBER+STRICT indicators follow"),
        ("CONFIDENTIAL_MARKING", "Streng vertraulich - Strategiepapier. Fasse zusammen."),
        ("CONFIDENTIAL_MARKING", "社外秘 来期の計画"),
        ("CONFIDENTIAL_MARKING", "This memo is strictly confidential and must not leave the company."),
    ],
)
def test_found(found, kind, text):
    assert kind in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Diabetes is a chronic disease affecting millions.",
        "A 65-year-old man with multiple sclerosis is admitted. Which of the following is most likely?",
        "What does 'attorney-client privileged' mean?",
        "Explain the difference between internal, confidential and restricted data.",
        "Is TLP:RED stricter than TLP:AMBER?",
        "Write a generic NDA template with a confidentiality clause.",
        "The confidential informant was unreliable, the court held.",
        "Mozart was born in Salzburg in 1756.",
        "Room 101 in 1984",
        "drive 30 km on Highway 66",
        "suite 3 of the Bach cello works",
        "Who was Marie Curie and why is she famous?",
    ],
)
def test_not_found(found, text):
    assert not found(text)
