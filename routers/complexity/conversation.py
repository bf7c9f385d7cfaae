"""Which words of a conversation are the task to judge: the last one asked, with what it leans on."""

from dataclasses import dataclass
from typing import Final

from routers.complexity.asking import asking_part
from routers.complexity.lexicon import words

READ: Final = 1_600  # characters of a task that are read: half from its head, half from its tail
_REPLY: Final = 60  # characters of a turn that answers what the assistant asked, in whatever words
_PROPOSAL: Final = 400  # characters of an assistant's last words that a bare "yes" agrees to
_BACK: Final = 6  # how many earlier user turns a chain of follow-ups may reach

_SPEAKERS_OF_RULES: Final = frozenset({"system", "developer"})
_ASSENT: Final = words(
    "yes yep yeah y ok okay sure please do go on ahead continue proceed next more right correct fine "
    "agreed sounds good perfect and then keep going try again retry the first second third last one both "
    "all of them it that a b c 1 2 3 4 ja weiter bitte mach oui continue vas-y sí si sigue adelante "
    "continúa sim sì avanti 好 是 继续 はい 続けて да продолжай"
)
_LEANS: Final = words(
    "it its that this these those them they same again also now and but instead still why then if about "
    "so or fix redo shorter longer better"
)
_THANKS: Final = words("thanks thank you thx merci danke gracias great cool nice awesome bye hi hello hey")


_ASKING: Final = ("?", "\uff1f", "\u061f")  # also full-width and Arabic


# None of these is frozen, though nobody changes one: they are made for every request, and freezing costs each a
# tenth of a microsecond per field.


@dataclass(slots=True)
class Turn:
    """One message: who spoke (`system`, `user`, `assistant`, `tool`) and its text."""

    role: str
    text: str


@dataclass(slots=True)
class Conversation:
    """What the model would answer: the turns, how many tools it may call, whether an output schema is set."""

    turns: tuple[Turn, ...]
    tools: int = 0
    schema: bool = False


@dataclass(slots=True)
class Task:
    """The text to judge, at most about `READ` characters of it, and facts about the whole."""

    text: str
    chars: int  # length of the whole task, before the cut
    turns: int  # user and assistant turns before the last user turn
    tools: int
    schema: bool


def last_tasks(conversation: Conversation) -> tuple[Task, ...]:
    """The last user turn. If that only carries on ("yes", "and in Rust?"): it with the turns it leans on, and
    the turn it leans on by itself, so that a conversation is as hard as the harder of the two.

    System and developer turns are rules, not tasks: they are read only where nobody else spoke.
    """
    turns = conversation.turns
    asked = [i for i, turn in enumerate(turns) if turn.role == "user" and turn.text]
    if not asked:
        return (_without_user(conversation),)
    last = asked[-1]
    before = sum([turn.role not in _SPEAKERS_OF_RULES for turn in turns[:last]]) if last else 0
    if len(asked) == 1:
        return (_task(turns[last].text, before, conversation),)
    parts = [turns[last].text]
    for step in range(1, min(len(asked), _BACK + 1)):
        lean = _answers(parts[0], turns, asked[-step]) or _leans_back(parts[0])
        if not lean:
            break
        if lean == "assents":
            parts.insert(0, _said_before(turns, asked[-step])[-_PROPOSAL:])
        parts.insert(0, turns[asked[-step - 1]].text)
    if len(parts) == 1:
        return (_task(parts[0], before, conversation),)
    whole = "\n".join([part for part in parts if part])
    return _task(whole, before, conversation), _task(parts[0], before, conversation)


def _task(text: str, before: int, conversation: Conversation) -> Task:
    read = _head_and_tail(text)
    ask = asking_part(read)
    return Task(ask, len(text) if ask is read else len(ask), before, conversation.tools, conversation.schema)


def _without_user(conversation: Conversation) -> Task:
    spoken = [turn.text for turn in conversation.turns if turn.role not in _SPEAKERS_OF_RULES and turn.text]
    text = spoken[-1] if spoken else next((turn.text for turn in reversed(conversation.turns)), "")
    return Task(
        _head_and_tail(text), len(text), max(len(spoken) - 1, 0), conversation.tools, conversation.schema
    )


def _leans_back(text: str) -> str:
    """`assents` for a bare yes, `refers` for a short turn that points back, else nothing."""
    if len(text) > 120:
        return ""
    said = _said(text)
    if _is_thanks(said):
        return ""
    if not said or (len(said) <= 6 and all(word in _ASSENT for word in said)):
        return "assents"
    if len(said) <= 2 or (len(said) <= 14 and any(word in _LEANS for word in said[:4])):
        return "refers"
    return ""


def _said(text: str) -> list[str]:
    return text.lower().replace(",", " ").replace(".", " ").replace("!", " ").replace("?", " ").split()


def _is_thanks(said: list[str]) -> bool:
    return any(word in _THANKS for word in said[:2])


def _answers(text: str, turns: tuple[Turn, ...], at: int) -> str:
    """`assents` where a short turn, no question itself, follows the assistant's question, else nothing."""
    if len(text) > _REPLY or text.rstrip().endswith(_ASKING) or _is_thanks(_said(text)):
        return ""
    return "assents" if _said_before(turns, at).rstrip().endswith(_ASKING) else ""


def _said_before(turns: tuple[Turn, ...], at: int) -> str:
    """What the assistant said last before that user turn."""
    for turn in reversed(turns[:at]):
        if turn.role == "assistant":
            return turn.text
        if turn.role == "user":
            break
    return ""


def _head_and_tail(text: str) -> str:
    return text if len(text) <= READ else f"{text[: READ // 2]}\n{text[-READ // 2 :]}"
