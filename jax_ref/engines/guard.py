"""What an engine may raise, and how that stays without harm.

An engine is others' code: it may raise anything, in words that no terminal takes. Here is what it said in words that
can be shown, and how the user's Ctrl-C is told from a KeyboardInterrupt of its own. What it may change of what all code
shares is in ``surroundings``; whoever ends the process itself is the sweep's to mind.
"""

import contextlib
import signal
import threading

LONGEST, _SAID = 16000, 2000  # characters that are kept of any text, and of what was raised


# Words


def harmless(text, longest=LONGEST):
    """The text with escapes for all that cannot be printed but ends of lines, cut if it is longer than ``longest``."""
    text = str.__str__(text)  # a subclass may lie
    if len(text) <= longest and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    shown = lambda c: c if c in "\n\t" or c.isprintable() else c.encode("unicode_escape").decode()
    found, cut = "".join(map(shown, text[:longest])), f"… ({len(text)} characters)"
    return found if len(text) <= longest >= len(found) else found[: longest - len(cut)] + cut


def said(error):
    """What was raised in words, ``Type: message``, whatever it does when it is asked."""
    name = type.__dict__["__name__"].__get__(type(error))
    try:
        words = str(error)
    except BaseException:
        words = "with a message that cannot be had"
    return harmless(f"{name}: {words}".removesuffix(": "), _SAID)


def noted(error):
    """The notes of what was raised, each behind a full stop, whatever they do when they are asked."""
    try:
        return harmless("".join(f". {note}" for note in getattr(error, "__notes__", ())), _SAID)
    except BaseException:
        return ""


# Ctrl-C

_pressed = threading.Event()


@contextlib.contextmanager
def watching():
    """Within this, ``is_users`` tells the user's Ctrl-C; other threads than the main one get none."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def pressed(number, frame):
        _pressed.set()
        return before(number, frame)

    _pressed.clear()
    signal.signal(signal.SIGINT, pressed)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class TooLong(BaseException):
    """A check takes longer than its caller allows; nothing on the way takes it for an error of an engine's."""


def is_users(error):
    """Whether the user, by Ctrl-C, or the caller of a check, and not an engine, has raised this."""
    return isinstance(error, TooLong) or (isinstance(error, KeyboardInterrupt) and _pressed.is_set())


def heed():
    """Raises KeyboardInterrupt if the user's was caught on the way, by an engine."""
    if _pressed.is_set():
        raise KeyboardInterrupt
