"""Messages of our own making, written without a rule in view: other wordings, formats, languages and hidings.

Values are random and carry right check digits. `KINDS` are told by patterns, `PROSE` by meaning; nothing in `HARMLESS`
has to stay. What was missed when this was written is mended by kind, never by wording.
"""

import base64
import string
from collections.abc import Callable
from random import Random
from typing import Final

from stdnum import luhn, verhoeff
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.es import dni
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.iso7064 import mod_97_10
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.za import idnr as za_id

Make = Callable[[Random], str]
UPPER: Final = string.ascii_uppercase


def digits(draw: Random, count: int, first: str = "123456789") -> str:
    return draw.choice(first) + "".join(draw.choices(string.digits, k=count - 1))


def token(draw: Random, count: int, letters: str = string.ascii_letters + string.digits) -> str:
    return "".join(draw.choices(letters, k=count))


def grouped(number: str, sizes: tuple[int, ...], between: str) -> str:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(number[at : at + size])
        at += size
    return between.join(pieces)


def searched(valid: Callable[[str], bool], make: Callable[[], str]) -> str:
    while not valid(number := make()):
        pass
    return number


def card(draw: Random) -> str:
    number = draw.choice(("4", "51", "55", "2221", "6011"))
    number += digits(draw, 15 - len(number), string.digits)
    number += luhn.calc_check_digit(number)
    return draw.choice((number, grouped(number, (4, 4, 4, 4), " "), grouped(number, (4, 4, 4, 4), "-")))


def amex(draw: Random) -> str:
    number = draw.choice(("34", "37")) + digits(draw, 12, string.digits)
    return grouped(number + luhn.calc_check_digit(number), (4, 6, 5), draw.choice((" ", "-", "")))


def iban(draw: Random) -> str:
    country, bban = draw.choice(
        (
            ("DE", digits(draw, 18)),
            ("ES", digits(draw, 20)),
            ("NL", f"{token(draw, 4, string.ascii_uppercase)}{digits(draw, 10)}"),
            ("GB", f"{token(draw, 4, string.ascii_uppercase)}{digits(draw, 14)}"),
            ("PL", digits(draw, 24)),
        )
    )
    whole = f"{country}{mod_97_10.calc_check_digits(f'{bban}{country}')}{bban}"
    spaced = " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))
    return draw.choice((whole, spaced))


def ssn(draw: Random) -> str:
    area = draw.choice([each for each in range(100, 780) if each not in (666, 219, 457, 123, 111)])
    number = f"{area}{draw.randint(11, 98)}{draw.randint(1001, 9998)}"
    return draw.choice((grouped(number, (3, 2, 4), "-"), grouped(number, (3, 2, 4), " "), number))


def phone(draw: Random) -> str:
    return draw.choice(
        (
            f"+1 (212) 555-01{draw.randint(10, 99)}",
            f"(415) 555-01{draw.randint(10, 99)}",
            f"+44 20 7946 0{draw.randint(100, 999)}",
            f"+49 30 23125 {draw.randint(100, 999)}",
            f"+33 1 99 00 {draw.randint(10, 99)} {draw.randint(10, 99)}",
            f"+61 2 5550 {draw.randint(1000, 9999)}",
            f"0044 7700 900{draw.randint(100, 999)}",
        )
    )


def mail(draw: Random) -> str:
    name = draw.choice(("petra.holm", "j_okafor", "li-wei.chen", "contact+hr", "r.dubois77", "n.haddad"))
    return (
        f"{name}@{draw.choice(('example.net', 'mail.example.org', 'sub.dept.example.com', 'example.co.uk'))}"
    )


def jwt(draw: Random) -> str:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    head, body = part('{"alg":"RS256","typ":"JWT"}'), part(f'{{"sub":"{digits(draw, 8)}","iat":1733000000}}')
    return f"{head}.{body}.{token(draw, 64)}"


def vin(draw: Random) -> str:
    values = dict(
        zip(
            "ABCDEFGHJKLMNPRSTUVWXYZ",
            (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
            strict=True,
        )
    )
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    body = (
        draw.choice(("1HG", "WVW", "JTD", "5YJ")) + token(draw, 5, "ABCDEFGHJKLMNPRSTUVWXYZ1234567890") + "0"
    )
    body += token(draw, 2, "ABCDEFGHJKLMNPRSTVWXY") + digits(draw, 6)
    total = sum(
        weight * (int(char) if char.isdigit() else values[char])
        for weight, char in zip(weights, body, strict=True)
    )
    return body[:8] + "0123456789X"[total % 11] + body[9:]


def aba(draw: Random) -> str:
    def valid(number: str) -> bool:
        return sum(int(digit) * weight for digit, weight in zip(number, (3, 7, 1) * 3, strict=True)) % 10 == 0

    return searched(valid, lambda: f"0{draw.choice('1234')}{digits(draw, 7, string.digits)}")


def dea(draw: Random) -> str:
    number = digits(draw, 6)
    odd, even = sum(map(int, number[::2])), sum(map(int, number[1::2]))
    return f"{draw.choice('ABFM')}{draw.choice(string.ascii_uppercase)}{number}{(odd + 2 * even) % 10}"


def npi(draw: Random) -> str:
    number = draw.choice("12") + digits(draw, 8, string.digits)
    return number + luhn.calc_check_digit(f"80840{number}")


def born(draw: Random) -> str:
    day, month, year = draw.randint(1, 28), draw.randint(1, 12), draw.randint(1948, 2004)
    return draw.choice(
        (f"{day:02}.{month:02}.{year}", f"{year}-{month:02}-{day:02}", f"{day:02}/{month:02}/{year}")
    )


def street(draw: Random) -> str:
    number = draw.randint(2, 980)
    return draw.choice(
        (
            f"{number} Willow Creek Road, Apt {draw.randint(2, 40)}, Dayton, OH 45402",
            f"{number} Cherrywood Lane, Bristol BS1 4DJ",
            f"Lindenallee {number}, 50667 Köln",
            f"{number} rue des Lilas, 69003 Lyon",
            f"Calle de Alcalá {number}, 28009 Madrid",
            f"Via Garibaldi {number}, 20121 Milano",
        )
    )


def hetu_of(draw: Random) -> str:
    def make() -> str:
        return (
            f"{draw.randint(1, 28):02}{draw.randint(1, 12):02}{draw.randint(40, 99)}-{draw.randint(2, 899):03}"
            f"{draw.choice('0123456789ABCDEFHJKLMNPRSTUVWXY')}"
        )

    return searched(hetu.is_valid, make)


def nir_of(draw: Random) -> str:
    born = f"{draw.choice('12')}{draw.randint(40, 99)}{draw.randint(1, 12):02}"
    body = f"{born}{draw.randint(1, 19):02}{draw.randint(1, 400):03}{draw.randint(1, 400):03}"
    return draw.choice(
        (
            body + nir.calc_check_digits(body),
            grouped(body + nir.calc_check_digits(body), (1, 2, 2, 2, 3, 3, 2), " "),
        )
    )


def pesel_of(draw: Random) -> str:
    body = f"{draw.randint(50, 99)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}{draw.randint(1000, 9999)}"
    return body + pesel.calc_check_digit(body)


def aadhaar(draw: Random) -> str:
    body = digits(draw, 11, "23456789")
    return grouped(body + verhoeff.calc_check_digit(body), (4, 4, 4), draw.choice((" ", "", "-")))


def za(draw: Random) -> str:
    return searched(
        za_id.is_valid,
        lambda: (
            f"{draw.randint(50, 99)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}{digits(draw, 7, string.digits)}"
        ),
    )


# By type: how its values look, and what people write around them.
KINDS: Final[dict[str, tuple[Make, tuple[str, ...]]]] = {
    "CREDIT_CARD": (
        card,
        (
            "charge it to {} please",
            "Kartennummer lautet {}, gültig bis 09/29",
            "pago con tarjeta {}",
            "cc#: {}",
            "booking paid with {} at checkout",
            "| name | pan |\n| --- | --- |\n| Holm | {} |",
            '{{"payment": {{"number": "{}", "exp": "11/28"}}}}',
        ),
    ),
    "AMEX": (amex, ("the amex ends badly: {}", "Our corporate card {} was declined", "carte bancaire : {}")),
    "IBAN_CODE": (
        iban,
        (
            "please wire it to {}",
            "Überweise bitte auf {}",
            "mon RIB : {}",
            "cuenta {}",
            "konto: {}",
            "refund -> {} asap",
        ),
    ),
    "US_SSN": (
        ssn,
        (
            "social security number {}",
            "SSN={}",
            "my social is {}",
            "soc sec no. {} on the W-2",
            '"taxpayer_ssn": "{}"',
            "Employee: Holm, SS# {}",
        ),
    ),
    "EMAIL_ADDRESS": (
        mail,
        (
            "write to {} tomorrow",
            "cc {}; thanks",
            "<{}>",
            "E-Mail-Adresse {}",
            "mailto:{}",
            "From: Petra <{}>\nTo: all",
        ),
    ),
    "PHONE_NUMBER": (
        phone,
        (
            "ring me on {}",
            "Tel. {}",
            "her mobile is {}",
            "appelez le {}",
            "WhatsApp {}",
            "Rückruf unter {} erbeten",
        ),
    ),
    "DATE_OF_BIRTH": (
        born,
        (
            "she was born on {}",
            "Geburtsdatum: {}",
            "date de naissance {}",
            "DOB {}",
            "nacida el {}",
            "né le {} à Lyon",
            '{{"birth_date": "{}"}}',
            "geboren am {} in Graz",
            "patient d.o.b. {}",
        ),
    ),
    "STREET_ADDRESS": (
        street,
        (
            "deliver it to {}",
            "I live at {}",
            "Meine Anschrift: {}",
            "Adresse : {}",
            "envíalo a {}",
            "ship to:\n{}",
        ),
    ),
    "UK_NINO": (
        lambda d: (
            d.choice(("AB", "JG", "PR", "SK"))
            + grouped(digits(d, 6), (2, 2, 2), d.choice((" ", "")))
            + d.choice("ABCD")
        ),
        ("national insurance no {}", "NINO: {}", "his NI number is {}"),
    ),
    "UK_NHS": (
        lambda d: grouped(
            searched(nhs.is_valid, lambda: digits(d, 10, "4679")), (3, 3, 4), d.choice((" ", ""))
        ),
        ("NHS number {}", "nhs no: {}", "patient's NHS {}"),
    ),
    "DE_TAX_ID": (
        lambda d: searched(idnr.is_valid, lambda: digits(d, 11)),
        ("Steuer-ID {}", "meine Steueridentifikationsnummer ist {}", "IdNr.: {}"),
    ),
    "FR_NIR": (nir_of, ("numéro de sécurité sociale {}", "NIR : {}", "n° sécu {}")),
    "ES_NIF": (
        lambda d: (n := digits(d, 8)) + dni.calc_check_digit(n),
        ("DNI {}", "mi NIF es {}", "con documento {} de identidad"),
    ),
    "NL_BSN": (
        lambda d: searched(bsn.is_valid, lambda: digits(d, 9)),
        ("BSN {}", "burgerservicenummer: {}", "mijn bsn is {}"),
    ),
    "PL_PESEL": (pesel_of, ("PESEL {}", "numer PESEL: {}", "pesel klienta to {}")),
    "FI_HETU": (hetu_of, ("henkilötunnus {}", "hetu: {}", "asiakas {} soitti")),
    "IN_AADHAAR": (aadhaar, ("Aadhaar no. {}", "my aadhar card is {}", "UIDAI {}")),
    "IN_PAN": (
        lambda d: f"{token(d, 3, UPPER)}P{token(d, 1, UPPER)}{digits(d, 4)}{token(d, 1, UPPER)}",
        ("PAN {}", "permanent account number: {}", "income tax PAN card {}"),
    ),
    "BR_CPF": (
        lambda d: cpf.format(searched(cpf.is_valid, lambda: digits(d, 11))),
        ("CPF {}", "meu cpf é {}", "cadastro {} do cliente"),
    ),
    "ZA_ID": (za, ("SA ID number {}", "identity number {} (South Africa)", "RSA ID: {}")),
    "PASSPORT": (
        lambda d: d.choice(
            (
                digits(d, 9),
                f"{token(d, 1, string.ascii_uppercase)}{digits(d, 8)}",
                f"{token(d, 2, string.ascii_uppercase)}{digits(d, 7)}",
            )
        ),
        (
            "passport no. {}",
            "Reisepassnummer {}",
            "my passport is {}, expires 2031",
            "numéro de passeport : {}",
            "pasaporte {}",
        ),
    ),
    "US_DRIVER_LICENSE": (
        lambda d: f"{token(d, 1, string.ascii_uppercase)}{digits(d, 7)}",
        ("driver's license {}", "DL# {} (California)", "drivers licence number is {}"),
    ),
    "US_BANK_ROUTING": (aba, ("routing number {}", "ABA: {}", "RTN {} for the deposit")),
    "BANK_ACCOUNT": (
        lambda d: digits(d, d.choice((8, 10, 12))),
        (
            "account number {}",
            "Kontonummer {}",
            "acct no. {} at the credit union",
            "numéro de compte {}",
            "sort code 20-45-77, account {}",
        ),
    ),
    "CREDIT_CARD_CVV": (
        lambda d: digits(d, 3),
        (
            "cvv {}",
            "the security code on the back of the card is {}",
            "CVC: {}",
            "card verification value {}",
        ),
    ),
    "MEDICAL_RECORD_NUMBER": (
        lambda d: digits(d, 8),
        (
            "MRN {}",
            "medical record no. {}",
            "patient number {}",
            "chart # {} shows the biopsy",
            "Patientennummer: {}",
        ),
    ),
    "HEALTH_PLAN_ID": (
        lambda d: f"{token(d, 3, string.ascii_uppercase)}{digits(d, 9)}",
        (
            "health plan member id {}",
            "insurance member number: {}",
            "Blue Shield subscriber ID {}",
            "Versichertennummer {}",
        ),
    ),
    "US_DEA": (dea, ("DEA {}", "prescriber DEA number: {}", "dea# {}")),
    "US_NPI": (npi, ("NPI {}", "national provider identifier {}", "rendering provider npi: {}")),
    "IMEI": (
        lambda d: (n := "35" + digits(d, 12)) + luhn.calc_check_digit(n),
        ("IMEI {}", "the phone's imei is {}", "*#06# shows {}"),
    ),
    "VIN": (vin, ("VIN {}", "chassis no. {}", "Fahrgestellnummer {}", "my car {} needs a recall check")),
    "CRYPTO": (
        lambda d: f"0x{token(d, 40, '0123456789abcdef')}",
        ("send it to my wallet {}", "ETH address: {}", "pay {} in ether"),
    ),
    "JWT": (jwt, ("Authorization: Bearer {}", "the cookie holds {}", "token={}")),
    "OPENAI": (
        lambda d: f"sk-proj-{token(d, 74)}T3BlbkFJ{token(d, 74)}",
        ("OPENAI_API_KEY={}", "it says {} is wrong", "client = OpenAI(api_key='{}')"),
    ),
    "GITHUB": (
        lambda d: f"{d.choice(('ghp_', 'gho_', 'ghs_'))}{token(d, 36)}",
        ("git clone https://{}@github.com/acme/x.git", "my PAT {} expired", "GITHUB_TOKEN: {}"),
    ),
    "AWS": (
        lambda d: f"AKIA{token(d, 16, string.ascii_uppercase + '234567')}",
        ("aws_access_key_id = {}", "key {} was leaked", "AccessKeyId: {}"),
    ),
    "AWS_SECRET": (
        lambda d: token(d, 40, string.ascii_letters + string.digits + "/+"),
        ("aws_secret_access_key = {}", '"SecretAccessKey": "{}"', "export AWS_SECRET_ACCESS_KEY='{}'"),
    ),
    "GOOGLE": (
        lambda d: f"AIza{token(d, 35, string.ascii_letters + string.digits + '_-')}",
        ("maps key {}", "?key={}", "GOOGLE_API_KEY: '{}'"),
    ),
    "SLACK": (
        lambda d: f"xoxb-{digits(d, 12)}-{digits(d, 13)}-{token(d, 24)}",
        ("bot token {}", "SLACK_TOKEN={}"),
    ),
    "STRIPE": (lambda d: f"sk_live_{token(d, 24)}", ("stripe.api_key = '{}'", "we used {} in prod")),
    "HUGGING_FACE": (
        lambda d: f"hf_{token(d, 34, string.ascii_letters)}",
        ("huggingface-cli login --token {}", "HF_TOKEN={}"),
    ),
    "ANTHROPIC": (lambda d: f"sk-ant-api03-{token(d, 93)}AA", ("x-api-key: {}", "ANTHROPIC_API_KEY={}")),
    "GENERIC_KEY": (
        lambda d: token(d, 32, "0123456789abcdef"),
        ("api_key: {}", "client_secret={}", 'X-Api-Key: "{}"', "APP_TOKEN={}", "const secretKey = '{}';"),
    ),
    "PRIVATE_KEY": (
        lambda d: "\n".join(token(d, 64, string.ascii_letters + string.digits + "+/") for _ in range(6)),
        (
            "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----",
            "key: |\n  -----BEGIN EC PRIVATE KEY-----\n  {}",
        ),
    ),
    "CONNECTION_STRING": (
        lambda d: f"{d.choice(('svc', 'app', 'root'))}:{token(d, 14)}@db{d.randint(1, 9)}.internal",
        (
            "postgres://{}:5432/billing",
            "mongodb+srv://{}/prod",
            "amqp://{}/vhost",
            "redis://{}:6379/0",
            "DATABASE_URL=mysql://{}/shop",
        ),
    ),
    "PASSWORD": (
        lambda d: token(d, 7) + d.choice("!#%&?") + token(d, 4),
        (
            "my password is {}",
            "Passwort: {}",
            "login admin / pw {}",
            "mot de passe : {}",
            "contraseña: {}",
            "the root pass for the router is {}",
            'password="{}"',
            "PGPASSWORD={} psql",
            "la password è {}",
            "senha: {}",
            "wachtwoord {}",
        ),
    ),
}

PROSE: Final[dict[str, tuple[str, ...]]] = {  # told by meaning, or written as people do
    "HEALTH_CONDITION": (
        "My sister Ana was just told she has stage two breast cancer, what should I cook for her?",
        "Mr. Okafor is HIV positive and takes his pills at noon.",
        "Meine Mutter hat Parkinson und stürzt oft, was hilft?",
        "Notre employée Claire Dubois est en arrêt maladie pour dépression.",
        "Mi padre tiene diabetes tipo 2 y no quiere tomar metformina.",
        "The patient, a 46-year-old teacher named Holm, suffers from bipolar disorder.",
        "Our colleague Li Wei had a miscarriage last week; how do I word the card?",
        "John tested positive for hepatitis C yesterday.",
        "Frau Haddad wurde mit Multipler Sklerose diagnostiziert.",
        "My son has been diagnosed with ADHD and is on methylphenidate.",
        "Mrs. Tanaka's biopsy came back: malignant melanoma.",
        "I was hospitalised for an overdose in May and my boss must not know.",
        "Il signor Ricci soffre di epilessia da anni.",
        "Mijn man heeft dementie en loopt weg.",
        "Employee 4471 (R. Singh) disclosed chronic kidney disease during the review.",
        "Discharge note: Maria Lopez, 33, admitted with acute appendicitis, penicillin allergy.",
        "Could you draft an email to HR? Dana Whitfield will be out six weeks for a hysterectomy.",
        "Please rephrase: Tom's blood test shows he has gonorrhea.",
        "Grandpa was rushed to the ER with a stroke last night, what do I ask the doctors?",
        "I take lithium for bipolar and want to know whether ibuprofen is fine.",
        "Summarize: Ms. Alvarez reports suicidal ideation and was started on sertraline 50 mg.",
        "Kaufmann, Jens (geb. 1971) leidet an chronischer Niereninsuffizienz.",
        "Notre collègue Sophie est enceinte de cinq mois, comment organiser son remplacement ?",
        "Mi hermana Lucía está en tratamiento por leucemia.",
        "The claimant, Robert Hale, sustained a spinal injury and uses opioids daily.",
        "My daughter's therapist says she has an eating disorder.",
        "Re: employee Kim Tran - accommodation request for Crohn's disease",
        "Pt: J. Morrison. Hx: COPD, T2DM. A1c 9.2. Smoker.",
        "Wife (38) miscarried at 11 weeks; we are devastated.",
        "He told me he's HIV+, should I, as his manager Greg Olsen's boss, tell anyone?",
        "Bob from accounting went to rehab for cocaine addiction.",
        "Our student Mei Lin has severe peanut allergy and asthma.",
        "Ich habe Depressionen und nehme Escitalopram.",
        "J'ai un cancer du sein et je commence la chimio lundi.",
        "Tengo VIH desde 2015 y quiero viajar.",
        "Ho l'epilessia, posso guidare?",
        "Patient Anna Nowak: rozpoznano cukrzycę typu 2.",
        "Mr Petrov's MRI revealed a brain tumour.",
        "Lab result for Emily Stone: HbA1c 8.1%, positive for hepatitis B surface antigen",
        "Fatima's chemotherapy starts on Monday, write a supportive note.",
        "Please write a get-well message for Hannah, who broke her hip and has osteoporosis.",
        "HR note: Carlos Mendes on sick leave until 3 June, burnout.",
        "Our neighbour Mr Lund has early-onset Alzheimer's.",
        "I am 12 weeks pregnant and haven't told my employer.",
        "Translate: 'Jan Kowalski choruje na cukrzycę'",
        "patient: Aisha Karim, 52F, hx of MI, on warfarin",
        "Explain my lab results: LDL 190, HbA1c 7.9, I'm on metformin",
        "Rewrite: Priya Nair was diagnosed with lupus in March.",
        "Mein Sohn hat ADHS, welche Schule?",
        "Ma femme a fait une fausse couche hier.",
        "My ex-husband is an alcoholic and abuses oxycodone.",
        "Victor's PSA came back at 14, prostate cancer suspected.",
        "insured: Olga Petrova; claim: bilateral mastectomy",
        "Emma Larsen, DOB 1990-02-03, schizophrenia, discharged on clozapine",
        "Meu marido tem câncer de pulmão.",
    ),
    "CONFIDENTIAL_MARKING": (
        "STRICTLY CONFIDENTIAL - board members only\nAgenda for Monday",
        "This document is proprietary and confidential. Do not distribute.",
        "TLP:AMBER+STRICT\nIndicators attached",
        "Nur für den internen Gebrauch. Bitte nicht weiterleiten.",
        "Document confidentiel - ne pas diffuser",
        "Classification: Company Secret",
        "Shared under NDA: the roadmap for next year",
        "This file contains technical data controlled under ITAR; export is prohibited.",
        "Streng vertraulich! Entwurf des Kaufvertrags",
        "CONFIDENCIAL: solo para uso interno",
        "Attorney-client privileged communication",
        "RISERVATO - uso interno",
        "Internal use only. Draft of the reorganisation.",
        "[CONFIDENTIAL] Q3 forecast below, please summarise",
        "Vertraulich behandeln: Gehaltsliste folgt",
        "Contains EAR99-restricted? No: ECCN 5E002 controlled source, no foreign nationals.",
        "*** COMPANY CONFIDENTIAL ***\nPricing model v3",
        "Please keep this strictly between us - it's confidential information under our NDA.",
        "Sensitivity: Restricted",
        "Data classification = Confidential",
        "[INTERNAL ONLY] migration plan",
        "NOT FOR PUBLIC RELEASE",
        "This e-mail is intended solely for the addressee and contains confidential information.",
        "Export controlled - ECCN 3A001",
        "UNCLASSIFIED//FOUO",
        "Proprietary & Confidential — Acme",
        "Confidential draft, do not circulate",
        "Nur zum internen Gebrauch",
        "CONFIDENTIEL DÉFENSE",
        "Vertrauliche Unterlage: Strategie 2027",
        "Internal - not for distribution",
        "TLP: RED - participants only",
        "Dokument poufny",
        "Strictly private & confidential",
        "SECRET//NOFORN",
        "Company-Internal: salary bands 2026",
        "The following is material nonpublic information about the merger.",
        "Under embargo until 5 May 2027",
        "Documento reservado para uso interno da empresa",
        "社外秘 2026年度計画",
        "Company Confidential \u2013 do not share outside Finance",
        "FOR INTERNAL DISTRIBUTION ONLY",
        "privileged & confidential: prepared at the request of counsel",
        "Document classification level: SECRET",
        "Embargoed until 9 June",
        "*Confidentiel* : note de direction",
        "Nicht zur Weitergabe bestimmt",
        "This presentation contains trade secrets of Acme Corp.",
        "Distribution: need-to-know",
        "C3 - Restricted",
        "SOLO PARA USO INTERNO - presupuesto",
        "Export-controlled technical data (EAR 9E003)",
    ),
    "PASSWORD in prose": (
        "use Tr0ub4dor&3 as the password when you log in",
        "the wifi here is BlueHeron_2291",
        "root:Xy7!kkPq2",
        "user: admin\npass: Winter2026!",
        "pwd=9fK!22mmZ",
        "credentials are jsmith / Qwe!4455zx",
        "PIN for the alarm is 4821",
        "my passphrase: correct-Horse7-battery",
        "SSH into it with deploy / hG7$kd92m",
        "The admin password was changed to Sommer#2024",
        "password for the zip file: 7xKp-22qL",
        "Kennwort lautet: Katze&Hund99",
        "sudo password: letmein99!",
        "temp password -> Abc12345$",
        "Secret answer: Fluffy1987",
        "wifi password: sunflower-9921-blue",
        "Login: maria@example.org / Passw0rd!2025",
        "the db password's hunter2!",
        "username=bob;password=Sup3rS3cret",
        "I changed it to Zebra$Lamp42, please store that password",
        "root password for staging = kR9#vv21",
        "Mot de passe: Bonjour2024!",
        "pwd: N0t-Th4t-Easy",
        "my gmail pass is Cupcake*88",
        "Zugangsdaten: admin / Winter#2025",
    ),
    "STREET_ADDRESS": (
        "Send the parcel to Mrs. Okoye, 17 Maple Avenue, Leeds LS6 2AB",
        "he moved to 2290 Birch Street Apt 4, Boise, ID 83702",
        "Meine neue Adresse: Hauptstraße 14b, 10115 Berlin",
        "J'habite au 12 avenue Foch, 75016 Paris",
        "vivo en Carrer de Mallorca 401, Barcelona",
        "1 Chome-1-2 Oshiage, Sumida City, Tokyo 131-0045",
        "Keizersgracht 123, 1015 CJ Amsterdam",
        "ul. Marszałkowska 10/5, 00-590 Warszawa",
        "Rua Augusta 1500, São Paulo - SP, 01304-001",
        "PO Box 1182, Anchorage AK 99501",
        "Flat 3, 22 Baker Road, Manchester M14 5TQ",
        "Storgatan 12, 114 51 Stockholm",
        "My office moved; ship it to 4410 Magnolia Blvd, Burbank, CA 91505",
        "Meet me at home: 8 Rosewood Close, Oxford OX4 3PQ",
        "Wohnhaft in der Gartenstraße 27, 80331 München",
        "Domicilio: Calle Mayor 12, 3º B, 28013 Madrid",
        "Anna lives at 55 Elm Street",
        "15 Rue Victor Hugo, 31000 Toulouse, c/o Mme Petit",
        "Prinsengracht 263-267, Amsterdam",
        "Via Roma 8, 50123 Firenze FI",
    ),
    "DATE_OF_BIRTH": (
        "Jane (b. 12 May 1987)",
        "born 04/07/1979",
        "DOB 7-Jan-1990",
        "Her birthday is March 3rd, 1992",
        "Né(e) le : 14/02/1985",
        "geb. 03.11.1966",
        "date of birth 1988/12/01",
        "Birth: 19910312",
        "F. nac.: 09-08-1994",
        "生年月日 1990年5月3日",
        "DOB: 03-22-1985",
        "d.o.b 22 Mar 85",
        "born in Hull on 2/2/1974",
        "Geboren: 1. April 1988",
        "date-of-birth=1979-11-30",
        "He turns 40 on 5 May 2027, birthday 5 May 1987",
    ),
    "BANK_ACCOUNT": (
        "my checking account is 000123456789 at Wells Fargo",
        "Account 48213377 sort 20-00-00",
        "Kto-Nr. 1234567, BLZ 50010517",
        "numero di conto 000012345678",
        "IBAN ends; account no 99887766",
        "direct deposit acct 4400123987",
        "compte n° 00012345678",
        "cuenta bancaria 2100 0418 45 0200051332",
        "BSB 062-000 account 12345678",
        "Transit 00123 Institution 004 Account 1234567",
    ),
    "national numbers": (
        "CURP GOMC900101HDFRRL09",
        "SIN 046 454 286",
        "TFN 876 543 210",
        "Medicare 2123 45670 1",
        "NRIC S1234567D",
        "RRN 900101-1234568",
        "身份证号 11010519491231002X",
        "マイナンバー 123456789018",
        "personnummer 811228-9874",
        "codice fiscale RSSMRA85T10A562S",
        "My ITIN is 912-70-1234",
        "Ausweisnummer L01X00T47",
        "numéro de permis 12AA34567",
        "Führerschein Nr. B072RRE2I55",
    ),
    "numbers": (
        "acct 77120934 / sort 60-83-71",
        "IBAN: FR76 3000 6000 0112 3456 7890 189",
        "visa 4556 7375 8689 9855 exp 04/28 cvv 123",
        "passport L898902C3",
        "SSN 078051121 on file",
        "NHS 943 476 5919",
        "VAT? no, tax id 12-3456789 for Jane",
        "license plate? driver licence SMITH901015JN9AA",
        "Medicare number 1EG4-TE5-MK73",
        "my SIN: 130-692-544",
        "Tax File Number: 123 456 782",
        "Aadhaar 2341 2341 2346",
        "clabe 032180000118359719",
    ),
    "keys": (
        "{'token': 'ghu_16C7e42F292c6912E7710c838347Ae178B4a'}",
        "heroku key 1f3a9c1e-77b2-4c1d-9d2f-0a9e5b6c7d8e for the API",
        "npm_1aBcD2eFgH3iJkL4mNoP5qRsT6uVwX7yZ8aB",
        'gcp: "private_key_id": "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",'
        ' "private_key": "-----BEGIN PRIVATE KEY-----\\nMIIEv"',
        "Authorization: Basic YWRtaW46cGFzc3dvcmQxMjM=",
    ),
}

_NAMES: Final = ("Petra", "Okafor", "Li Wei", "Claire", "R. Singh", "Mr. Haddad")
_ASIDE: Final = (
    "Can you help me with this form? {}",
    "{}\n\nSummarise the above in two lines.",
    "Translate into French: {}",
    "log 2024-11-02T10:11:12Z INFO {}",
    "- item one\n- {}\n- item three",
    "Hi team, {name} asked about it. {} Thanks!",
)


def _hex(text: str) -> str:
    return text.encode().hex()


def _lines(text: str) -> str:
    return "\n".join(text[at : at + 24] for at in range(0, len(text), 24))


HIDINGS: Final[dict[str, Callable[[str], str]]] = {
    "soft hyphens": lambda v: "\u00ad".join(v),
    "word joiners": lambda v: "\u2060".join(v),
    "mathematical digits": lambda v: "".join(chr(0x1D7CE + int(c)) if c.isdigit() else c for c in v),
    "fullwidth": lambda v: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in v),
    "url-safe base64": lambda v: base64.urlsafe_b64encode(f"value is {v} ok".encode()).decode(),
    "base64 in two lines": lambda v: _lines(base64.b64encode(f"here you are: {v}, thanks".encode()).decode()),
    "hex with spaces": lambda v: " ".join(f"{ord(c):02x}" for c in v),
    "hex": lambda v: _hex(f"it: {v}"),
    "spaced by three": lambda v: "   ".join(v),
    "dots between": lambda v: ".".join(c for c in v if c.isalnum()),
    "json escapes": lambda v: "".join(f"\\u{ord(c):04x}" for c in v),
    "percent": lambda v: "".join(f"%{ord(c):02x}" for c in v),
    "decimal entities": lambda v: "".join(f"&#{ord(c):03d};" for c in v),
    "quoted lines": lambda v: f"{v[: len(v) // 2]}\n> {v[len(v) // 2 :]}",
    "bold digits": lambda v: "".join(f"**{c}**" if i % 4 == 0 else c for i, c in enumerate(v)),
    "string pieces": lambda v: f'"{v[: len(v) // 2]}" + "{v[len(v) // 2 :]}"',
}
HIDDEN: Final[tuple[tuple[str, Make, str], ...]] = (
    ("CREDIT_CARD", lambda d: (n := "4" + digits(d, 14)) + luhn.calc_check_digit(n), "card number {}"),
    (
        "US_SSN",
        lambda d: grouped(ssn(d).replace("-", "").replace(" ", ""), (3, 2, 4), "-"),
        "social security number: {}",
    ),
    ("EMAIL_ADDRESS", mail, "mail: {}"),
    ("GITHUB", lambda d: f"ghp_{token(d, 36)}", "token {}"),
)

HARMLESS: Final[tuple[str, ...]] = (
    "Order 4829103847 shipped on 2024-03-12 with tracking 9400110898825022579493.",
    "In 1999, 12,345,678 people lived in the province; by 2020 it was 14 million.",
    "Compute 123456789 * 987654321 modulo 1000000007.",
    "The ISBN is 978-3-16-148410-0 and the DOI 10.1000/182.",
    "git commit 9fceb02d0ae598e95dc970b74767f19372d61af8 fixed the race.",
    "Set the password policy to at least 12 characters and explain why.",
    "How do I reset my password if I forgot it?",
    "What is diabetes, and how is it diagnosed?",
    "List famous people who had Parkinson's disease.",
    "Explain what an IBAN is and how its check digits work.",
    "Was ist der Unterschied zwischen Kontonummer und IBAN?",
    "Write a regular expression for US phone numbers.",
    "uuid 550e8400-e29b-41d4-a716-446655440000 not found",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "version 10.4.3.2 of the driver, build 20240612.1",
    "Latitude 48.85837, longitude 2.29448, altitude 330 m",
    "What does 'confidential' mean in contract law?",
    "Write a short story about a spy whose file is marked top secret.",
    "export API_KEY=<your-key-here> before you run it",
    "Use os.environ['OPENAI_API_KEY'] rather than a literal.",
    "api_key: ${API_KEY}",
    "password: changeme is a bad default; discuss.",
    "The meeting is at 10:30 in room 4-217; dial extension 5521.",
    "Invoice INV-2024-000187, amount due 1,234.56 EUR, net 30 days.",
    "Flight LH2034 departs 07:45 from gate B22, seat 14C, fare class Y.",
    "La tour Eiffel mesure 330 mètres et pèse 10 100 tonnes.",
    "Der Zug fährt um 14:32 von Gleis 7; Fahrkarte 29,90 Euro.",
    "Resistor 10k, capacitor 100nF, part no. BC547B-112-9981.",
    "The ticket JIRA-48213 blocks PR 1182; see line 2041 of main.c.",
    "Sum of the digits of 4539148803436468 (not a real number)?",
    "Parse '2001:db8::8a2e:370:7334' as an IPv6 address.",
    "MAC tables hold 8192 entries; VLAN 4094 is reserved.",
    "What is the capital of Burkina Faso?",
    "Implement Dijkstra in Rust with a binary heap.",
    "<svg viewBox='0 0 24 24'><path d='M12 2C6.48 2 2 6.48 2 12s4.48 10 10 10'/></svg>",
    "color: #a1b2c3; margin: 0 auto; z-index: 9999999;",
    "Mendelssohn was born on 3 February 1809 in Hamburg.",
    "Albert Einstein was born on 14 March 1879 in Ulm.",
    "Wie beantrage ich einen Reisepass? Welche Unterlagen brauche ich?",
    "Can a doctor look up a patient's NHS number? How is it formatted?",
    "Serial number SN-48291-AA-7731 is out of warranty since 2022.",
    "The company's address is 1600 Amphitheatre Parkway, Mountain View.",
    "SELECT id, total FROM orders WHERE id = 8812345671 LIMIT 10;",
    "Bitcoin's genesis block was mined on 3 January 2009.",
    "The checksum 0x1EDC6F41 is the CRC-32C polynomial.",
    "Bake at 180 °C for 25 minutes; serves 4 to 6.",
    "pip install numpy==1.26.4 pandas==2.2.2",
    "Barcode 4006381333931 is an EAN-13; verify its check digit.",
    "call +1-800-FLOWERS is a vanity number; how do they work?",
    "Dial 911 in an emergency, or 112 in Europe.",
    "Explain JWT: header, payload and signature, each base64url.",
    "The HIV epidemic changed public health policy in the 1980s.",
    "Depression affects 280 million people worldwide.",
    "What are the side effects of metformin?",
    "NDA stands for non-disclosure agreement; draft a template.",
    "TLP is the Traffic Light Protocol. What are its levels?",
    "Row 17: 0.4821 0.9932 1.2031 8.8812 3.1415 2.7182",
    "Room 221B, Baker Street is where Holmes lives.",
    "12 34 56 78 90: what comes next in this sequence?",
    "Population: 8,336,817 (2020 census), area 778.2 km2.",
    "k8s secret names must be lower case; see kubectl get secrets.",
    "The account manager asked for the number of accounts: 48213300.",
    "Model numbers WH-1000XM5 and WF-1000XM4 compared",
    "Convert 1733000000 from a Unix timestamp.",
    "id_token and access_token differ in OAuth 2.0: how?",
    "Product key format is XXXXX-XXXXX-XXXXX-XXXXX-XXXXX.",
    "Can you proofread: the the internal combustion engine only uses fuel.",
    "What is the internal use of goto in the Linux kernel?",
    "What causes breast cancer?",
    "Summarise the plot of Philadelphia, in which Andrew Beckett has AIDS.",
    "Frida Kahlo suffered from polio as a child.",
    "Write a press release about our diabetes app.",
    "Compare sertraline and fluoxetine for depression.",
    "Patients with hypertension should reduce salt.",
    "Which country has the highest rate of HIV?",
    "Steve Jobs died of pancreatic cancer in 2011.",
    "Write a haiku about anxiety.",
    "The internal combustion engine is classified by fuel.",
    "Draft an NDA template for contractors.",
    "What does strictly confidential mean?",
    "How to keep data private in Python classes?",
    "The secret to good bread is time.",
    "restricted Boltzmann machines explained",
    "Our privacy policy says we do not share data.",
    "do not copy the list, mutate it in place",
    "password must contain 8 characters and a digit",
    "if password == 'admin123': raise ValueError",
    "PASSWORD_HASHERS = ['django.contrib.auth.hashers.Argon2PasswordHasher']",
    "Wie ändere ich mein Passwort in Windows 11?",
    "mot de passe oublié : que faire ?",
    "pass 3 arguments to the function",
    "pass the salt, please",
    "passport requirements for minors",
    "Main Street is the central street of many towns.",
    "In 42nd Street the musical opened in 1980.",
    "route 66 runs from Chicago to Santa Monica",
    "Chapter 12 Drive defines motivation",
    "5 star hotel near the square",
    "Mozart was born on 27 January 1756.",
    "Serena Williams was born September 26, 1981; list her titles.",
    "account 2 of the game is locked",
    "checking account vs savings account",
    "The population was 48213377 in 1990.",
    "sort code is a UK concept",
    "Sin(0.46454286) = ?",
    "TFN stands for tax file number",
    "PIN 4 of the chip is ground",
    "pin 13 toggles the LED 1000 times",
    "The code 2123 45670 1 failed",
    "Invoice number 811228-9874 overdue",
    "Employee handbook section 4.2: sick leave",
    "The patient should be told about side effects.",
    "Case study: a 54-year-old man presents with chest pain. What is the diagnosis?",
    "A 30-year-old woman named Jane Doe presents with fatigue. Which of the following is most likely?\nA. "
    "Anemia\nB. Lupus",
    "Team members 12 and 13 are out",
    "student 101 course catalogue",
    "member 5 of the struct is unsigned",
    "client 443 port refused",
    "Employee #1 at Google was Craig Silverstein.",
    "Alice has 3 apples, Bob has 5; who is under more stress?",
    "Alice is in rehab of her shoulder? No: of her house.",
    "John underwent training at Quantico.",
    "Germany underwent reunification in 1990.",
    "Apple has been treated as a safe stock for years.",
    "Rome was treated for centuries as eternal",
    "the stroke engine: two-stroke vs four-stroke",
    "He had a heart attack of nostalgia in the novel by Proust.",
    "Hat Deutschland mehr Einwohner als Frankreich? Tumor-Statistik der WHO",
    "ma depression economica",
    "export is prohibited in module scope: use named exports",
    "company secret sauce recipes",
    "in confidence intervals, alpha is 0.05",
    "Explain the difference between type 1 and type 2 diabetes.",
    "Which antidepressants are SSRIs?",
    "Write a Python class Patient with name and diagnosis fields.",
    "Our app tracks calories; suggest a slogan.",
    "Vincent van Gogh suffered from depression.",
    "What's the dosage range of insulin for adults?",
    "How many people died of flu in 1918?",
    "Summarise: 'Cancer research received 2bn in funding'",
    "The board meets on Monday, distribution list attached.",
    "Make the method private and document it.",
    "Is 'confidential' spelled with a t?",
    "A restricted boltzmann machine has hidden units.",
    "Embargoes and sanctions in economics",
    "Choose a strong password: tips?",
    "pass the argument --password-file to docker",
    "def set_password(self, raw): self.password = make_password(raw)",
    "admin/settings page returns 404",
    "root: / is mounted read-only",
    "5th Avenue is famous for shopping.",
    "The White House, 1600 Pennsylvania Avenue NW",
    "Route 128 tech corridor",
    "Berlin has 3.7 million people, Munich 1.5 million",
    "Shakespeare was born in April 1564.",
    "Marie Curie was born on 7 November 1867.",
    "The company was founded on 5 May 1987.",
    "git rev-parse HEAD -> 1f3a9c1e77b24c1d",
    "UUID v4: 1f3a9c1e-77b2-4c1d-9d2f-0a9e5b6c7d8e",
    "Error 0x80070057 at 00401000",
    "call (555) is the fictional area code",
    "$4,556,737.58 was raised",
    "The lot number is 2341 2341 2347",
    "Total: 12-3456789 units",
    "chapter 943 section 476 item 5919",
    "RGB 123 456 782 is invalid",
    "matrix 1 2 3; 4 5 6; 7 8 9",
    "sum(range(1000000000))",
    "Wi-Fi is 802.11ax; it is faster",
    "the door code is broken",
    "PIN diodes have 2 terminals and 1500 V",
    "See table b. 12 May 1987 was a Tuesday",
)


def spoken(seed: int = 20_261_121) -> list[tuple[str, str]]:
    """(type, message): every kind in every wording, three values of each, two of them within a longer message."""
    draw = Random(seed)  # noqa: S311  # made-up values, the same in every run
    rows = []
    for kind, (make, wordings) in KINDS.items():
        for wording in wordings:
            for times in range(3):
                said = wording.format(make(draw))
                if times:
                    aside = draw.choice(_ASIDE)
                    said = aside.replace("{name}", draw.choice(_NAMES)).replace("{}", said)
                rows.append((kind, said))
    rows += [(kind, said) for kind, messages in PROSE.items() for said in messages]
    return rows


def hidden(seed: int = 20_261_122) -> list[tuple[str, str]]:
    """(hiding, message): values that a model would read through what hides them, twice each."""
    draw = Random(seed)  # noqa: S311  # made-up values, the same in every run
    return [
        (f"{way}: {kind}", wording.format(hide(make(draw))))
        for way, hide in HIDINGS.items()
        for kind, make, wording in HIDDEN
        for _ in range(2)
        if not (
            kind in ("EMAIL_ADDRESS", "GITHUB")
            and way in ("dots between", "bold digits", "mathematical digits")
        )
    ]
