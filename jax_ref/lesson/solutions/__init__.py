"""The solutions, one plain file of NumPy per task, from which the student's files are made by leaving out what is
between ``# solution`` and ``# end``; lines that begin with ``#:`` stay there, as hints."""
