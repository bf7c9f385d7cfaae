"""Source code, whatever the language: known by lines that declare, import or assign, which prose has none of.

One such line may be quoted in any text, so it takes several, or one and what surrounds it: lines that end in `;` or
a brace, calls, the words that close a block, a fence. Data (JSON, YAML, CSV), markup without scripts, logs and a
single line of shell are not source code here.
"""

import re
from typing import Final

_LEAD: Final = (
    r"[ \t]*(?:(?:[+>|-]|>>>|\.\.\.|[0-9]{1,6}[:|\u2192]?)[ \t]+)?"  # a diff's, a prompt's, line numbers
)
_END: Final = r"[ \t]*\r?(?=\n|\Z)"
_DECLARES: Final = (
    # Python, Ruby, Scala, Groovy
    r"class \w+(?:\([\w., =\[\]]*\))?:" + _END,
    r"self\.\w+(?:: [^\n=]{1,60})? [+|-]?= ",
    r"if __name__ == ",
    # C and its family
    r"# ?(?:include ?[<\"]|define [A-Za-z_]|ifn?def [A-Za-z_]|pragma \w|if defined|endif" + _END + ")",
    r"(?:public|private|protected|internal|static|export|extern|inline|abstract|override|final|virtual|async)\b"
    r"[^\n.?!]{1,160}[{;]" + _END,
    r"(?:[\w:<>\[\]*&]{1,60} ){1,4}\*{0,2}[\w:~]{1,60}\([^\n;]{0,160}\)[\w ]{0,20}(?:\{|\n\{)",
    r"(?:typedef |struct |union |enum )[^\n.?!]{0,120}[{;]" + _END,
    r"template ?<",
    r"(?:namespace|package|using|use|open|mod) [\w.:\\{}, *=<>]{1,120};" + _END,
    r"import (?:static )?[\w.*]{1,120};",
    # JavaScript and TypeScript, Go, Rust, Swift, Kotlin
    r"(?:export )?(?:default )?(?:async )?function ?\*? ?[\w.:]*\(",
    r"(?:export )?(?:const|let|var|val)(?: mut)? [\w{}\[\], $:<>|?&*]{1,120}? ?:?= ",
    r"(?:module\.)?exports(?:\.\w+)? = ",
    r"(?:export )?(?:default )?(?:pub )?(?:interface|type|class|struct|trait|impl|object|record|protocol|extension|"
    r"enum|data class)\b[^\n.?!]{1,120}\{",
    r"(?:\w+ ){0,3}(?:func|fun|fn) (?:\([\w *.]{1,40}\) )?[\w.<>]{1,60} ?[(<]",
    r"[a-z]\w*(?:, \w+){0,3} := ",
    r"#!?\[\w+[\](]",
    # PHP, Perl, Lua, shells
    r"<\?(?:php|=)",
    r"\$\w+(?:->\w+|\[[^\n\]]{0,40}\]){0,4} ?[.+]?= ",
    r"(?:my|our|local) [\$@%(]",
    r"use (?:strict|warnings|utf8)\b",
    r"sub \w+ ?(?:\{|\n\{)",
    r"local (?:function )?\w+(?:, ?\w+){0,4}(?: =|\()",
    r"#!/",
    r"(?:if|elif|while|until) (?:\[\[? |! |test |\(\( ?)",
    # SQL
    r"(?i:update \S{1,80} set \S{1,80} ?=)",
    r"(?i:select\b[^\n]{0,160}[*,=][^\n]{0,160}\bfrom \S)",
    # Haskell and ML, Lisps, R, MATLAB, Basic, Fortran, Tcl, Terraform, pages with scripts
    r"[a-z]\w*'? :: ?[^\n]{1,160}->",
    r"(?:module [A-Z][\w.]* (?:\(|where)|import qualified |instance [A-Z]\w* |data [A-Z]\w* = |let rec )",
    r"\((?:defun|defmacro|defvar|define|defn|ns|setq|let\*?|lambda|require|provide) ",
    r"[\w.]{1,40} <- ",
    r"library\(\w+\)",
    r"function (?:\[[^\n\]]{1,60}\]|\w+) ?= ?\w+\(",
    r"(?:Public |Private )?(?:Sub|Function) \w+\(",
    r"(?:proc|oo::class|namespace eval) [\w:]+ \{|set \w+ [\[$\"{]",
    r"(?:resource|data|variable|output|module|provider) \"[^\"\n]{1,60}\"(?: \"[^\"\n]{1,60}\")? \{",
    r"(?i:<!doctype html|<script\b|<style\b)",
)
_KEYED: Final = (  # the same, told by words alone
    r"Dim \w+ As |End (?:Sub|Function|If)" + _END,
    r"(?:async )?def [\w.]+[?!]?(?: ?[(\[:=]|" + _END + ")",
    r"class [A-Z]\w*(?: < [\w:]+)?" + _END,
    r"from [\w.]+ import [\w(*]",
    r"import (?:[a-z_][\w.]*(?: as \w+)?(?:, ?[a-z_][\w.]*)*"
    + _END
    + r"|(?:\w+ )?['\"(]|[^\n;'\"]{1,120} from ['\"])",
    r"(?:namespace|package) [a-z][\w.:]{0,60}(?: \{)?" + _END,
    r"require(?:_relative)?[ (]['\"]",
    r"library\(\w+\)",
    r"(?:create|CREATE|alter|ALTER|drop|DROP) (?i:or replace |temp(?:orary)? |unique |materialized ){0,2}"
    r"(?i:table|view|index|function|procedure|trigger|type|schema|database|extension|operator)\b (?!of |for )",
    r"(?:insert|INSERT) (?i:into \S{1,80} ?(?:\(|values|select))",
    r"(?:delete|DELETE) (?i:from \S{1,80} where )",
    r"SELECT\b[^\n]{1,200}\bFROM \S",
    r"(?:subroutine|SUBROUTINE) \w+ ?\(|(?:implicit none|IMPLICIT NONE|end (?:do|if|subroutine|module|function))"
    + _END,
)
_FENCE: Final = (
    r"(?:```|~~~)(?!(?:json|ya?ml|text|txt|csv|toml|xml|markdown|md|log|console|output|plain)\b)"
    r"[a-zA-Z+#]{1,16}"
)
_STATES: Final = (  # lines that only code has, though not what would make them a language's
    r"(?:if|elif|else if|while|for|with|except|try|else|finally|switch|match|catch|do|foreach|case|when|unless)\b"
    r"[^\n.?!]{0,120}[:{]" + _END,
    r"(?:[\w.:*\[\]]+ [+|*-]?= |return |await |yield |new |throw |raise |} )?[\w.:>$!&*\[\]-]{1,80}\([^\n]{0,160}\)"
    r"[,;)}\]]{0,4}(?: \{)?" + _END,
    r"[^\n]{0,160}[()=\[\]<>$&|+*][^\n]{0,80};(?: ?(?://|/\*)[^\n]{0,120})?" + _END,
    r"[^\n\"'.?!]{0,160}[\w)\]>] ?\{" + _END,
    r"[\w.\[\]]{1,60} [+|*-]?= (?:[^\n]{0,120}[\w\"')\]}][()\[\]{}.][^\n]{0,120}|"
    r"[\"'\[{(]|None|True|False|null|true|false|new )",
    r"return(?: [\w.]{1,60}(?:[(\[;]|" + _END + r")| [\"'(\[{]|;|" + _END + ")",
    r"(?:raise|throw|assert|await|yield|goto) [\w.\"'(]",
    r"[\w.*-]{1,40}: [^\n;]{1,80};" + _END,
    r"[$@%]\w+\b[^\n]{0,120};" + _END,
    r"(?:\w+ [|&]{1,2} \w+|\w+ -{1,2}[a-z]\w* |\[\[? -[a-z] )[^\n]{0,120}" + _END,
)
_ATTENDS: Final = (  # and those that stand beside them
    r"[\w.\[\]\"']{1,60} [+|*-]?= [^\n]{1,160}",
    r"(?:break|continue|pass|end|fi|done|esac|endif|endfunction|then|begin|else|END|BEGIN);?" + _END,
    r"(?:FROM|WHERE|(?:LEFT |RIGHT |INNER |OUTER )*JOIN|GROUP BY|ORDER BY|AND|ON|VALUES|SET) \S",
    r"@[A-Za-z_][\w.]*(?:\([^\n]*\))?" + _END,
    r"(?://|/\*|\*/|--|#|\* ) ?[^\n]",
    r"[}\])]{1,4}[;,)]?" + _END,
    r"[\w.:*&<>-]{1,60}(?: [\w.:*&,<>\[\]-]{1,60}){0,2};" + _END,
)
_MARKS: Final = ("{", ";\n", ")\n", ":\n")  # with too few of these in a piece, no line of it is looked at
_MARKED: Final = (
    r"(?=[^\n({;=:#<\[$]{0,200}+[({;=:#<\[$])"  # prose seldom goes on to what makes code, and is left at once
)
_NO_PROSE: Final = (  # how sentences and answers to choose from begin; most lines are left here, at little cost
    r"(?![A-Z][a-z']*,? [a-z']+,? [a-z']{2,}|[A-J][.)] |"
    r"(?!create|alter|drop|insert|delete|update|select|public|private|export)(?:[a-z]+,? ){4}[a-z])"
)
_LINES: Final = f"(?:{_MARKED}(?:{'|'.join(_DECLARES)})|{'|'.join(_KEYED)}|{_FENCE})"
_LINE: Final = re.compile(f"\n{_NO_PROSE}{_LEAD}{_LINES}")
_FIRST: Final = re.compile(f"{_NO_PROSE}{_LEAD}{_LINES}")
_BESIDE: Final = re.compile(
    f"\n{_NO_PROSE}{_LEAD}(?:{_MARKED}(?P<states>{'|'.join(_STATES)})|{'|'.join(_ATTENDS)})"
)

ENOUGH: Final = 5  # points that make source code
_FEW: Final = 3  # marks that make a piece worth a second look
_DECLARED: Final = 4  # points of a line that declares; one that states has one, attended by two another


def shown(text: str, start: int, stop: int) -> bool:
    """Whether `text[start:stop]` holds source code, judged alone: what long prose gathers by and by is none."""
    if "\n" not in text[start:stop].strip():
        return False  # one line is not enough, whatever it is
    declared = (start == 0 and _FIRST.match(text, 0, stop) is not None) * 1
    for _ in _LINE.finditer(text, start, stop):
        declared += 1
        if declared * _DECLARED >= ENOUGH:
            return True
    if not declared and sum(text.count(mark, start, stop) for mark in _MARKS) < _FEW:
        return False
    states = attends = 0
    for match in _BESIDE.finditer(text, start, stop):
        if match.lastgroup == "states":
            states += 1
        else:
            attends += 1
        if declared * _DECLARED + states + min(states, attends) // 2 >= ENOUGH:
            return True
    return False
