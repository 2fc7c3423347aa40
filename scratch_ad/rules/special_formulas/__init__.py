"""The formulas of ``scipy_special`` that are longer than a line, because they would cancel or overflow otherwise.

    cancellation      what would cancel, and what several of the others share
    powers            powers, Box and Cox's transformations, Huber's loss
    erf               the error function and its relatives
    gamma             gamma, beta and zeta functions
    densities         of the gamma and beta distributions
    incomplete        incomplete gamma and beta functions, exponential integrals
    distributions     other distributions
    bessel            Bessel functions and their relatives
    elliptic          elliptic integrals and functions
    hypergeometric    hypergeometric functions by their parameters
    orthogonal        orthogonal polynomials, Legendre functions
    waves             Mathieu and spheroidal functions

Numbers such as 10.6.1 are sections and equations of the NIST Digital Library of Mathematical Functions (DLMF,
https://dlmf.nist.gov), whose notation this is. All is written in calls that dispatch, so that it has derivatives too.
"""
