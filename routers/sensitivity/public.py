"""What everybody knows already: people in every encyclopaedia, houses on every postcard, lines anybody calls.

Their births, illnesses and addresses are no secret of whoever asks about them. Only full names count, and of those only
what few others are called; a patient or a client of that name is a patient or a client.
"""

import re
from itertools import pairwise
from typing import Final

_FIGURES: Final = """
abraham lincoln, ada lovelace, adolf hitler, agatha christie, alan turing, albert camus, albert einstein, albrecht
dürer, alexander fleming, alfred hitchcock, alfred nobel, amelia earhart, amy winehouse, andy warhol, angela merkel,
angelina jolie, anne frank, annie ernaux, antonio gramsci, antonio vivaldi, ariana grande, aristotle onassis, audrey
hepburn, barack obama, benito mussolini, benjamin franklin, bernie sanders, bertolt brecht, bill clinton, bill gates,
billie eilish, bob dylan, boris johnson, bruce lee, bruce springsteen, buzz aldrin, carl friedrich gauss, catherine
deneuve, celine dion, charles chaplin, charles darwin, charles de gaulle, charles dickens, charlie chaplin, charlotte
brontë, che guevara, chinua achebe, christopher columbus, claude debussy, claude monet, coco chanel, cristiano
ronaldo, dante alighieri, david beckham, david bowie, desmond tutu, diego maradona, diego rivera, donald knuth, donald
trump, dwight eisenhower, edgar degas, edith piaf, edvard munch, edward snowden, eleanor roosevelt, elon musk, elton
john, elvis presley, emily brontë, emily dickinson, emmanuel macron, erich honecker, erich kästner, ernest hemingway,
ernest rutherford, eva perón, federico fellini, federico garcía lorca, fernando pessoa, fidel castro, florence
nightingale, francis crick, frank sinatra, frank zappa, franklin roosevelt, franz kafka, franz schubert, françois
mitterrand, freddie mercury, frida kahlo, friedrich nietzsche, friedrich schiller, fryderyk chopin, frédéric chopin,
gabriel garcía márquez, galileo galilei, george orwell, giacomo puccini, giuseppe garibaldi, giuseppe verdi, grace
hopper, greta garbo, greta thunberg, günter grass, hannah arendt, hans christian andersen, heinrich heine, helen
keller, helmut kohl, henri matisse, hillary clinton, honoré de balzac, immanuel kant, indira gandhi, ingmar bergman,
ingrid bergman, isaac newton, isabel allende, jack nicholson, jackie kennedy, james joyce, jane austen, jean-jacques
rousseau, jean-paul sartre, jeff bezos, jennifer lopez, jimi hendrix, jimmy carter, joan miró, joan of arc, joe biden,
johann sebastian bach, johann wolfgang, johannes brahms, johannes kepler, john f. kennedy, john keats, john lennon,
john travolta, johnny depp, jorge luis borges, joseph haydn, joseph stalin, josé saramago, judy garland, jules verne,
julia roberts, julius caesar, kamala harris, karl lagerfeld, karl marx, kurt cobain, kurt gödel, lady gaga, leo
tolstoy, leonard bernstein, leonard cohen, leonardo da vinci, leonardo dicaprio, leonhard euler, lewis carroll, lionel
messi, louis armstrong, louis pasteur, luciano pavarotti, ludwig van beethoven, luis buñuel, mahatma gandhi, malala
yousafzai, marco polo, margaret atwood, margaret thatcher, maria callas, maria montessori, marie curie, marie
skłodowska-curie, marilyn monroe, mark twain, mark zuckerberg, marlene dietrich, marlon brando, max planck, maya
angelou, michael jackson, michael phelps, michelle obama, miguel de cervantes, mikhail gorbachev, miles davis, mother
teresa, muhammad ali, napoleon bonaparte, neil armstrong, nelson mandela, niccolò machiavelli, nicolas sarkozy,
nicolaus copernicus, niels bohr, nikola tesla, nina simone, noam chomsky, novak djokovic, octavia butler, olaf scholz,
olympe de gouges, oprah winfrey, oscar wilde, otto von bismarck, pablo casals, pablo escobar, pablo neruda, pablo
picasso, paul cézanne, paul gauguin, paul mccartney, pedro almodóvar, pope francis, pope john, prince harry, prince
william, princess diana, rafael nadal, rainer maria rilke, ray charles, richard feynman, richard nixon, richard
wagner, robert oppenheimer, roger federer, ronald reagan, rosa luxemburg, rosalind franklin, sally ride, salvador
allende, salvador dalí, selena gomez, serena williams, sigmund freud, silvio berlusconi, simone biles, simone de
beauvoir, simón bolívar, sophia loren, sophie scholl, srinivasa ramanujan, stephen hawking, steve jobs, steve wozniak,
steven spielberg, stevie wonder, susan sontag, sylvia plath, søren kierkegaard, taylor swift, theodor fontane, theodor
herzl, theodore roosevelt, thomas edison, thomas jefferson, tim berners-lee, tom cruise, tom hanks, toni morrison,
ursula von der, usain bolt, venus williams, victor hugo, vincent van gogh, virginia woolf, vladimir lenin, vladimir
nabokov, vladimir putin, volodymyr zelenskyy, václav havel, walt disney, walt whitman, werner heisenberg, whitney
houston, william shakespeare, willy brandt, winston churchill, wisława szymborska, wolfgang amadeus, woody allen, yoko
ono, yuri gagarin, zinedine zidane, édith piaf
"""
_FIGURE: Final = frozenset(" ".join(_FIGURES.split()).split(", "))
_WORDS: Final = re.compile(r"[^\W\d_]+(?:[-'.\u2019][^\W\d_]+)*")

_LANDMARKS: Final = re.compile(
    r"10 downing street|221 ?b,? baker street|1600 pennsylvania ave|1600 amphitheatre p|1 infinite loop|350 fifth ave|"
    r"1 apple park|20 w(?:est)? 34th st|4 privet drive|30 rockefeller|platz der republik 1|55 rue du faubourg|"
    r"12 grimmauld place|742 evergreen terrace|willy-brandt-straße 1|11 wall street|1 hacker way|"
    r"5 av(?:enue|\.)? anatole france",
    re.IGNORECASE,
)
_FREE: Final = re.compile(
    r"(?:\+?1[ .-]?)?\(?8(?:00|33|44|55|66|77|88)\)?[ .-]|0 ?0?800|90[0-2] |0180[1-7]|0808|0900|0845|0870|0300|1[38]00 "
)
_LINES: Final = re.compile(
    r"(?<![a-z])(?:hotlines?|helplines?|customer (?:care|service|support)|emergency|toll.?free|freephone|"
    r"switchboard|press office|"
    r"kundenservice|kostenfrei|gebührenfrei|telefonseelsorge|notruf|numéro vert|service client|gratuit|"
    r"atención al (?:cliente|"
    r"ciudadano)|teléfono gratuito|numero verde|servizio clienti|klantenservice|infolini\w+|linha de apoio|crisis line|"
    r"support line|24[ -]?h(?:our)? line|free from|lost cards?|llame gratis|poison control|reservations?)(?![a-z])"
)


def figure(text: str) -> bool:
    """Whether the text names somebody whom everybody knows, by first name and surname."""
    words = _WORDS.findall(text.lower())
    pairs = pairwise(words)
    triples = zip(words, words[1:], words[2:], strict=False)
    return any(" ".join(name) in _FIGURE for name in (*pairs, *triples))


def landmark(address: str) -> bool:
    """Whether the address is one that everybody knows."""
    return _LANDMARKS.match(address) is not None


def line(written: str, around: str) -> bool:
    """Whether a telephone number, as written, is one that a whole country may call: free to call, or said to be such a
    line (`around` is the text beside it in lower case)."""
    return _FREE.match(written) is not None and _LINES.search(around) is not None
