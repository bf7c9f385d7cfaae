"""Words that tell what a task is about, and those that tell of what kind it is."""

from typing import Final

TOPICS: Final = {
    "proof": "prove show derive proof theorem lemma demonstrate justify verify deduce imply implies",
    "why": "how why explain reason because cause",
    "fact": "who whom whose when where name year born city country film actor song album president played "
    "wrote author",
    "quantity": "many much total each per percent percentage ratio average cost price rate half twice "
    "times more less fewer remaining left sum number calculate compute find determine solve",
    "maths": "equation function integral matrix vector polynomial prime integer triangle probability angle "
    "sin cos log sqrt frac mathbb derivative limit group ring field graph theorem cdot boxed "
    "begin align",
    "science": "velocity mass force energy temperature pressure volume kg cm mm ft lb mol voltage current "
    "circuit wavelength heat density gas atm degrees meter seconds charge electron hz",
    "code": "def return function python code list string array class int import print assert program write "
    "algorithm loop implement output input dict tuple sql",
    "negation": "not except least never false incorrect neither nor cannot without unless none",
    "condition": "if then suppose assume given let such that unless when otherwise provided",
    "constraint": "must only exactly least most between words sentence sentences using all following "
    "format include every",
    "law": "court defendant plaintiff statute contract liable law legal evidence jury appeal rule",
    "medicine": "patient history pain blood treatment disease symptoms drug cell dna protein gene",
    "passage": "passage according author following information excerpt century war king government social "
    "theory people",
    "judgement": "should best likely primarily mainly major important would",
    "statement": "which following statement statements true correct",
}

KINDS: Final = {
    "translation": "translate translation translated übersetze übersetzen traduire traduis traduisez traduce traducir "
    "traduci tradurre traduza vertaal 翻译 翻訳 переведи перевод",
    "summarising": "summarise summarize summary summarising summarizing tldr condense abridge recap zusammenfassen "
    "zusammenfassung fasse résume résumé résumer resume resumen resumir riassumi riassunto 总结 摘要 要約",
    "extraction": "extract extraction extracting parse fields entities entity classify categorize categorise label "
    "json csv tabulate extrahiere extraire extrae extraer estrai",
    "code": "def class return import function python javascript typescript java rust golang sql html css bash "
    "regex code compile debug stacktrace traceback exception refactor algorithm api async endpoint docker "
    "kubernetes assert const struct void int bool null println unittest pytest git commit",
    "maths": "solve equation integral derivative calculate compute probability polynomial matrix theorem frac sqrt "
    "sum triangle integer prime percent percentage fraction ratio cdot boxed modulo vector geometry "
    "algebra arithmetic berechne calcule calcula prove proof lemma continuous differentiable converges "
    "convergent eigenvalue eigenvalues logarithm beweise démontre demuestra dimostra",
    "creative": "poem story haiku limerick lyrics song novel fiction slogan screenplay sonnet ballad rhyme tagline "
    "joke gedicht geschichte poème histoire poema historia cuento poesia",
    "reasoning": "why explain prove reason logic puzzle argue compare analyse analyze evaluate deduce infer clues "
    "assume suppose implications warum pourquoi",
    "counting": "many much total each per cost costs left altogether twice half more fewer",
}
