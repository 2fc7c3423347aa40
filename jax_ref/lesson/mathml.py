"""The formulas of the lesson, which are written as LaTeX, in MathML: pages show them without scripts or a network."""

import re
from html import escape
from itertools import pairwise

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+(?:\.[0-9]+)?|\s+|.")
_NAMED = "partial∂ nabla∇ times× cdot· cdots⋯ dots… approx≈ to→ infty∞ sum∑ le≤ ge≥ ne≠ circ∘"
_SIGNS = {name[:-1]: name[-1] for name in _NAMED.split(" ")}
_SIGNS |= {"quad": "\u2003", " ": "\u2009", ",": "\u2009", ";": "\u2004", "{": "{", "}": "}", "|": "‖"}
_PRIME = '<mo lspace="0" rspace="0">′</mo>'
_LETTERS = {"gamma": "γ", "delta": "δ", "varepsilon": "ε", "pi": "π", "theta": "θ", "Re": "ℜ", "Im": "ℑ", "ell": "ℓ"}
_NAMES = {"exp", "tanh", "sin", "cos", "log", "max"}
_UPRIGHT = {"mathrm", "text", "mathbf", "operatorname"}


def mathml(tex, block=False):
    """The ``math`` element of a formula. Raises ValueError for a command that is not known here."""
    rest = [token for token in _TOKEN.findall(tex) if not token.isspace()][::-1]
    inside = _until(rest, "")
    return f'<math display="block">{inside}</math>' if block else f"<math>{inside}</math>"


def _until(rest, end):
    """What stands before the token ``end``, which is taken away too."""
    parts = []
    while rest:
        if rest[-1] == end:
            rest.pop()
            return "".join(parts)
        parts.append(_scripted(rest))
    if end:
        raise ValueError(f"a formula ends where {end} is missing")
    return "".join(parts)


def _scripted(rest):
    named = rest[-1][1:] in _NAMES
    found = _with_scripts(_atom(rest), rest)
    return found + '<mspace width="0.17em"/>' if named and rest and rest[-1] not in ("(", "\\left") else found


def _with_scripts(base, rest):
    scripts = {}
    while rest and rest[-1] in ("^", "_"):
        mark = rest.pop()
        scripts[mark] = _atom(rest)
    below, above = scripts.get("_"), scripts.get("^")
    if above and not re.sub("</?mrow>", "", above).replace(_PRIME, ""):  # the sign is a raised one by itself
        return f"<mrow>{f'<msub>{base}{below}</msub>' if below else base}{above}</mrow>"
    if below and above:
        return f"<msubsup>{base}{below}{above}</msubsup>"
    return f"<msub>{base}{below}</msub>" if below else f"<msup>{base}{above}</msup>" if above else base


def _atom(rest):
    if not rest:
        raise ValueError("a formula ends in the middle")
    token = rest.pop()
    if token == "{":
        return f"<mrow>{_until(rest, '}')}</mrow>"
    if token == "'":
        return _PRIME
    if token in "}^_":
        raise ValueError(f"a formula has {token} where nothing is before it")
    if token[0] != "\\" or len(token) == 1:
        if token[0].isdigit() or token.isalpha():
            kind = "mn" if token[0].isdigit() else "mi"
            return f"<{kind}>{token}</{kind}>"
        return f'<mo stretchy="false">{escape("−" if token == "-" else token)}</mo>'
    name = token[1:]
    if name in _SIGNS:
        return f'<mo stretchy="false">{_SIGNS[name]}</mo>'
    if name in _LETTERS:
        return f"<mi>{_LETTERS[name]}</mi>"
    if name in _NAMES:
        return f"<mi>{name}</mi>"
    if name in _UPRIGHT:
        return _upright(rest)
    if name == "frac":
        return f"<mfrac>{_atom(rest)}{_atom(rest)}</mfrac>"
    if name == "sqrt":
        return f"<msqrt>{_atom(rest)}</msqrt>"
    if name in ("vec", "overrightarrow"):
        return f'<mover accent="true">{_atom(rest)}<mo stretchy="{str(name != "vec").lower()}">→</mo></mover>'
    if name == "overline":
        return f'<mover accent="true">{_atom(rest)}<mo stretchy="true">¯</mo></mover>'
    if name == "left":
        opening, inside = rest.pop(), _until(rest, "\\right")
        return f"<mrow><mo>{opening}</mo>{inside}<mo>{rest.pop()}</mo></mrow>"
    if name == "prime":
        return _PRIME
    raise ValueError(f"no MathML for \\{name}")


def _upright(rest):
    """A word as it stands; a group in which there are commands is a formula."""
    if rest[-1] != "{":
        return f"<mtext>{escape(rest.pop())}</mtext>"
    end = len(rest) - 1 - rest[::-1].index("}")
    word = rest[end + 1 : -1][::-1]
    if any(token[0] == "\\" for token in word):
        return _atom(rest)
    del rest[end:]
    return f"<mtext>{escape(''.join(word))}</mtext>"


def split(text):
    """The parts of a text in Markdown: (kind, part), kind "" or "$" or "$$" for formulas; code is left as it is."""
    found = [(0, 0, "", "")]
    for match in re.finditer(r"`+[^`]*`+|\$\$(.+?)\$\$|\$([^$\n]+?)\$", text, re.DOTALL):
        block, line = match.groups()
        if block or line:
            found.append((*match.span(), "$$" if block else "$", block or line))
    for (_, end, *_), (start, _, kind, tex) in pairwise(found):
        yield "", text[end:start]
        yield kind, tex
    yield "", text[found[-1][1] :]
