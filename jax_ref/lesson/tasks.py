"""The tasks: what is asked. By which properties it is judged needs JAX, which is imported when that is asked for."""

from typing import NamedTuple


class Task(NamedTuple):
    number: str
    title: str
    file: str

    @property
    def blank(self):
        return f"Task {self.number}: {self.title}"

    @property
    def properties(self):
        """A tuple of ``Property``, each worth a point."""
        from .properties import PROPERTIES

        return PROPERTIES[self.number]


TASKS = (
    Task("1.1", "the model", "task_11_model"),
    Task("1.2", "the gradient by small steps", "task_12_numerical"),
    Task("1.3", "forward mode on a list", "task_13_forward"),
    Task("1.4", "reverse mode on a list", "task_14_reverse"),
    Task("2.1", "rules", "task_21_rules"),
    Task("2.2", "un-broadcasting", "task_22_unbroadcast"),
    Task("3.1", "a tape", "task_31_tape"),
    Task("3.2", "dual numbers", "task_32_dual"),
    Task("3.3", "derivatives of derivatives", "task_33_nesting"),
    Task("3.4", "a checker", "task_34_checker"),
    Task("3.5", "a write into an array", "task_35_write"),
)
