"""The functions of ``scipy.special``: first those that JAX has, then those that it has not."""

from scipy.special import _ufuncs

from scratch_ad.scipy import special

from . import DOUBLE, DOUBLES, Argument, cases

REAL = ("float32", "float64")
NO_SUCH = "JAX has no such function"


def on(low, high, *shape):
    return Argument(shape, low, high)


def function(name):
    return getattr(special, name)


def known(name, call="a", dtypes=DOUBLE, orders=2, differs="", of=None, **arguments):
    cases(
        of or function(name),
        f"scipy.special.{name}({call})",
        dtypes=dtypes,
        orders=orders,
        differs=differs,
        **arguments,
    )


def beyond(names, call="a", dtypes=DOUBLE, differs=NO_SUCH, stack=False, **arguments):
    for name in names.split():
        expression = f"scipy.special.{name}({call})"
        cases(
            function(name),
            f"np.stack({expression})" if stack else expression,
            dtypes=dtypes,
            differs=differs,
            **arguments,
        )


# fmt: off

# what JAX has

for name, a, dtypes in (
    ("erf",       on(-3, 3, 101),      DOUBLE),
    ("erfc",      on(-3, 4, 101),      REAL),
    ("erfinv",    on(-0.9, 0.9, 101),  DOUBLE),
    ("dawsn",     on(-4, 4, 101),      DOUBLE),
    ("wofz",      on(-1, 1, 101),      ("complex128",)),
    ("ndtr",      on(-4, 4, 101),      DOUBLE),
    ("log_ndtr",  on(-4, 4, 101),      DOUBLE),
    ("ndtri",     on(0.01, 0.99, 101), DOUBLE),
    ("expit",     on(-6, 6, 101),      REAL),
    ("logit",     on(0.02, 0.98, 101), REAL),
    ("gamma",     on(0.5, 5, 101),     DOUBLE),
    ("gammaln",   on(0.5, 20, 101),    REAL),
    ("loggamma",  on(0.5, 20, 101),    DOUBLE),
    ("psi",       on(0.5, 9, 101),     DOUBLE),
    ("i0",        on(0.5, 9, 101),     DOUBLE),
    ("i0e",       on(-25, -0.5, 101),  DOUBLE),
    ("i1",        on(0.5, 9, 101),     DOUBLE),
    ("i1e",       on(-25, -0.5, 101),  DOUBLE),
    ("expi",      on(0.5, 5, 101),     DOUBLE),
    ("entr",      on(0.2, 4, 101),     REAL),
    ("fresnel",   on(-3, 3, 101),      DOUBLE),
    ("sici",      on(0.5, 9, 101),     DOUBLE),
):
    known(name, dtypes=dtypes, a=a)

for name, a, b, dtypes in (
    ("xlogy",     on(-2, 2, 2, 51),  on(0.2, 3, 51),    ("float32", *DOUBLES)),
    ("xlog1py",   on(-2, 2, 2, 51),  on(-0.5, 3, 51),   DOUBLES),
    ("rel_entr",  on(0.2, 2, 2, 51), on(0.2, 3, 51),    DOUBLE),
    ("kl_div",    on(0.2, 2, 2, 51), on(0.2, 3, 51),    REAL),
    ("boxcox",    on(0.2, 2, 2, 51), on(1, 2, 51),      DOUBLE),
    ("boxcox1p",  on(0.2, 2, 2, 51), on(1, 2, 51),      DOUBLE),
    ("poch",      on(0.5, 4, 2, 51), on(0.5, 4, 51),    DOUBLE),
    ("owens_t",   on(-2, 2, 2, 51),  on(-2, 2, 51),     DOUBLE),
):
    known(name, "a, b", dtypes=dtypes, a=a, b=b)

known("betainc", "2.5, 0.5, a", a=on(0.05, 0.95, 101))
known("hyp1f1", "0.7, 1.5, a", a=on(-3, 3, 101))
known("zeta", "2.5, a", of=_ufuncs._zeta, a=on(0.5, 9, 101))
known("zeta", "a", of=_ufuncs._riemann_zeta, a=on(1.5, 9, 101))
known("polygamma", "1, a", a=on(0.5, 9, 101))
known("multigammaln", "a, 3", a=on(2, 9, 101))
known("factorial", a=on(0.5, 5, 101))
known("comb", "a, b", a=on(3, 6, 2, 51), b=on(0.5, 2.5, 51))
known("logsumexp", a=(2, 51))
known("logsumexp", "a, axis=1, b=b, keepdims=True", a=(2, 51), b=on(0.5, 2, 51))
known("logsumexp", "a, axis=0, b=b, return_sign=True", a=(2, 51), b=on(-2, -0.5, 2, 51))
known("softmax", "a, axis=-1", a=(2, 51), dtypes=REAL)
known("log_softmax", "a, axis=0", a=(2, 51))
known("sph_harm_y", "3, 1, a, b", a=on(0.2, 3, 101), b=on(0, 6, 101))

# of second order JAX has none in both arguments, or XLA takes long to compile it: tests/test_scipy_special.py has those

known("gammainc", "2.5, a", a=on(0.5, 6, 101))
known("gammaincc", "2.5, a", a=on(0.5, 6, 101))
known("gammainc", "a, b", orders=1, a=on(1, 4, 2, 3), b=on(1, 4, 3))
known("gammaincc", "a, b", orders=1, a=on(1, 4, 2, 3), b=on(1, 4, 3))
known("beta", "a, 1.5", a=on(0.5, 4, 101))
known("beta", "a, b", orders=1, a=on(0.5, 4, 2, 3), b=on(0.5, 4, 3))
known("erfcx", orders=1, a=on(-2, 2, 101))
known("betaln", "a, b", a=on(0.5, 4, 101), b=on(0.5, 3, 101))
known("exp1", a=on(0.5, 5, 101))
known("spence", a=on(0.2, 0.9, 101))  # between 1 and 2 JAX gives nan
known("hyp2f1", "0.7, 1.2, 1.9, a", a=on(-0.6, 0.6, 101))
known("hyp1f1", "a, b, c", orders=1, a=on(0.3, 4, 2, 3), b=on(0.5, 3, 3), c=on(-3, 9, 2, 3))
known("hyp2f1", "a, b, c, d", orders=1, a=on(0.3, 3, 2), b=on(0.3, 3, 1), c=on(0.5, 3, 1), d=on(-0.6, 0.6, 2))

# where JAX has the function, but not this derivative, or not these numbers

DIFFERS = "JAX has no derivative there"
known("expn", "2, a", differs="inside of jit JAX raises an error for its second derivative", a=on(0.5, 4, 8))
known("erfcx", differs="JAX 0.12 raises an error for its second derivative", a=on(-2, 2, 101))
known("erfcx", differs="JAX takes no complex numbers", dtypes=("complex128",), a=on(-3, 3, 5))
known("dawsn", differs="JAX takes no complex numbers", dtypes=("complex128",), a=on(-3, 3, 5))
known("hyp1f1", "0.7, 1.5, a", differs="JAX takes no complex numbers", dtypes=("complex128",), a=on(-3, 3, 5))
known("hyp1f1", "a, 1.5, b", differs="JAX's series cancels or ends early", a=on(-2, 2, 5), b=on(-40, 3, 5))
known("hyp1f1", "-1.0, a, b", differs="JAX gives nan at integers a ≤ 0", a=on(0.5, 3, 5), b=on(-3, 3, 5))
known("hyp2f1", "a, 1.2, b, c", differs="JAX's series diverges or ends early",
      a=on(-2, 2, 2, 3), b=on(0.5, 3, 3), c=on(-5, 0.95, 2, 3))
known("betainc", "a, b, c", differs=DIFFERS, a=on(0.4, 6, 2, 3), b=on(0.4, 6, 3), c=on(0.1, 0.9, 2, 3))
known("zeta", "a", of=_ufuncs._riemann_zeta, differs="JAX gives nan for s < 1", a=on(-3.5, 0.5, 5))
known("zeta", "a, b", of=_ufuncs._zeta, differs="JAX has none by s of second order", a=on(1.5, 5, 5), b=on(0.3, 5, 5))

# what JAX has not

for names, a in (
    ("exp2 exp10 expm1 exprel cosm1 sindg cosdg log_expit erfi wrightomega rgamma", on(-2, 2, 8)),
    ("log1p cbrt ndtri_exp", on(-0.9, -0.1, 8)),
    ("erfcinv", on(0.1, 1.9, 8)),
    ("tandg cotdg", on(20, 60, 3)),
    ("zetac", on(1.5, 9, 5)),
    ("j0 j1 itj0y0 it2j0y0 iti0k0 it2i0k0 itstruve0 itmodstruve0 it2struve0", on(0.3, 5, 8)),
    ("itairy", on(0.1, 0.3, 3)),
    ("y0 y1 k0 k1 k0e k1e ber bei ker kei berp beip kerp keip kelvin", on(0.4, 5, 8)),
    ("k0e k1e", on(20, 60, 8)),
    ("airy shichi modfresnelp modfresnelm", on(0.3, 3, 5)),
    ("airye", on(0.3, 3, 5)),
    ("ellipk ellipe", on(-2, 0.9, 8)),
    ("ellipkm1", on(0.1, 2, 8)),
    ("kolmogorov", on(0.4, 2, 8)),
    ("kolmogi", on(0.05, 0.95, 8)),
):
    for name in names.split():
        beyond(name, stack=function(name).nout > 1, a=a)

for names, call, a in (
    ("jv yv iv kv struve modstruve jve yve ive kve hankel1 hankel2 hankel1e hankel2e", "1.5, a", on(0.4, 5, 5)),
    ("yn kn", "2, a", on(0.4, 5, 5)),
    ("ive kve", "0.5, a", on(20, 60, 5)),
    ("hyp0f1", "1.5, a", on(-3, 3, 5)),
    ("hyperu", "0.7, 1.5, a", on(0.4, 3, 5)),
    ("wright_bessel log_wright_bessel", "0.7, 1.5, a", on(0.4, 3, 5)),
    ("eval_legendre eval_chebyt eval_chebyu eval_chebyc eval_chebys eval_laguerre", "3, a", on(-0.9, 0.9, 5)),
    ("eval_hermite eval_hermitenorm", "3, a", on(-0.9, 0.9, 5)),
    ("eval_sh_legendre eval_sh_chebyt eval_sh_chebyu", "3, a", on(0.1, 0.9, 5)),
    ("eval_legendre eval_chebyu eval_hermite eval_chebyt", "np.array([[0], [1], [2]]), a", on(-0.9, 0.9, 5)),
    ("eval_gegenbauer eval_genlaguerre", "3, 0.7, a", on(-0.9, 0.9, 5)),
    ("eval_jacobi", "3, 0.7, 1.2, a", on(-0.9, 0.9, 5)),
    ("eval_sh_jacobi", "3, 2.7, 1.2, a", on(0.1, 0.9, 5)),
    ("lpmv", "1, 2.5, a", on(-0.9, 0.9, 5)),
    ("besselpoly", "a, 0.7, 1.0", on(0.4, 2, 5)),
    ("bdtr bdtrc bdtri", "3, 8, a", on(0.1, 0.9, 5)),
    ("nbdtr nbdtrc nbdtri", "3, 4, a", on(0.1, 0.9, 5)),
    ("pdtri", "3, a", on(0.1, 0.9, 5)),
    ("smirnov", "5, a", on(0.1, 0.9, 5)),
    ("pdtr pdtrc", "3, a", on(0.5, 5, 5)),
    ("ellipj", "a, 0.3", on(-2, 2, 5)),
    ("pbdv pbvv pbwa", "0.7, a", on(0.3, 2, 5)),
    ("mathieu_cem mathieu_sem", "2, 1.3, a", on(5, 60, 5)),
    ("mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2", "2, 1.3, a", on(0.3, 1.2, 5)),
    ("pro_ang1 obl_ang1", "1, 2, 1.3, a", on(0.1, 0.9, 5)),
    ("pro_rad1 pro_rad2", "1, 2, 1.3, a", on(2, 3, 5)),
    ("obl_rad1", "1, 2, 1.3, a", on(0.3, 2, 5)),
    ("pro_ang1_cv", "1, 2, 1.3, scipy.special.pro_cv(1, 2, 1.3), a", on(0.1, 0.9, 5)),
    ("obl_ang1_cv", "1, 2, 1.3, scipy.special.obl_cv(1, 2, 1.3), a", on(0.1, 0.9, 5)),
    ("pro_rad1_cv pro_rad2_cv", "1, 2, 1.3, scipy.special.pro_cv(1, 2, 1.3), a", on(2, 3, 5)),
    ("obl_rad1_cv", "1, 2, 1.3, scipy.special.obl_cv(1, 2, 1.3), a", on(0.3, 2, 5)),
    ("spherical_jn spherical_yn spherical_in spherical_kn", "2, a", on(0.4, 5, 5)),
    ("spherical_jn", "np.array([[0], [1]]), a, derivative=True", on(0.4, 5, 5)),
    ("diric", "a, 5", on(-4, 4, 5)),
    ("perm", "a, 2.0", on(3, 5, 5)),
):
    for name in names.split():
        beyond(name, call, stack=getattr(function(name), "nout", 1) > 1, a=a)

for names, a, b in (
    ("powm1 agm gammaincinv", on(0.4, 3, 2, 3), on(0.2, 0.9, 3)),
    ("gammainccinv chdtri stdtrit", on(0.6, 3, 2, 3), on(0.1, 0.45, 3)),
    ("chdtr chdtrc", on(0.6, 9, 2, 3), on(0.4, 9, 3)),
    ("stdtr", on(0.6, 9, 2, 3), on(-3, 3, 3)),
    ("huber pseudo_huber", on(0.5, 1, 2, 3), on(-3, 3, 3)),
    ("inv_boxcox inv_boxcox1p", on(-0.4, 1, 2, 3), on(-0.5, 1, 3)),
    ("binom", on(3, 5, 2, 3), on(0.5, 2, 3)),
    ("ellipkinc ellipeinc", on(-4, 4, 2, 3), on(-1, 0.9, 3)),
    ("elliprc", on(0.4, 3, 2, 3), on(0.4, 3, 3)),
    ("tklmbda", on(-0.8, 0.8, 2, 3), on(0.2, 0.9, 3)),
    ("chdtriv", on(0.2, 0.8, 2, 3), on(1, 4, 3)),
    ("stdtridf", on(0.55, 0.7, 2, 3), on(0.8, 1, 3)),
    ("pdtrik", on(0.5, 0.9, 2, 3), on(2, 4, 3)),
):
    beyond(names, "a, b", a=a, b=b)
beyond("ellipj", "a, b", stack=True, a=on(-2, 2, 2, 3), b=on(0.1, 0.9, 3))
known("lambertw", of=_ufuncs._lambertw, dtypes=DOUBLES, differs=NO_SUCH, a=on(0.2, 3, 5))

for names, a, b, c in (
    ("betaincc",  on(0.5, 5, 2, 3),  on(0.5, 5, 3),     on(0.1, 0.9, 2, 3)),
    ("betaincinv betainccinv", on(1, 5, 2, 3), on(1, 5, 3), on(0.1, 0.9, 2, 3)),
    ("btdtria",   on(0.2, 0.8, 2, 3),on(1, 3, 3),       on(0.3, 0.7, 2, 3)),
    ("btdtrib",   on(1, 3, 2, 3),    on(0.2, 0.8, 3),   on(0.3, 0.7, 2, 3)),
    ("fdtr fdtrc", on(1, 8, 2, 3), on(1, 8, 3), on(0.3, 3, 2, 3)),
    ("fdtri",     on(2, 8, 2, 3),    on(2, 8, 3),       on(0.2, 0.8, 2, 3)),
    ("fdtridfd",  on(2, 4, 2, 3),    on(0.6, 0.62, 3),  on(1.2, 1.3, 2, 3)),
    ("gdtr gdtrc", on(0.5, 2, 2, 3), on(0.5, 4, 3), on(0.3, 3, 2, 3)),
    ("gdtria",    on(0.2, 0.8, 2, 3),on(0.5, 4, 3),     on(0.3, 3, 2, 3)),
    ("gdtrib",    on(0.5, 2, 2, 3),  on(0.2, 0.8, 3),   on(0.3, 3, 2, 3)),
    ("gdtrix",    on(0.5, 2, 2, 3),  on(0.5, 4, 3),     on(0.2, 0.8, 2, 3)),
    ("bdtrik",    on(0.4, 0.8, 2, 3),on(8, 10, 3),      on(0.3, 0.6, 2, 3)),
    ("bdtrin",    on(3, 4, 2, 3),    on(0.4, 0.8, 3),   on(0.3, 0.6, 2, 3)),
    ("nbdtrik",   on(0.4, 0.8, 2, 3),on(4, 6, 3),       on(0.3, 0.6, 2, 3)),
    ("nbdtrin",   on(3, 4, 2, 3),    on(0.4, 0.8, 3),   on(0.3, 0.6, 2, 3)),
    ("nrdtrimn",  on(0.2, 0.8, 2, 3),on(0.5, 2, 3),     on(-1, 1, 2, 3)),
    ("nrdtrisd",  on(-1, 0, 2, 3),   on(0.6, 0.8, 3),   on(0.5, 1, 2, 3)),
    ("voigt_profile",on(-2, 2, 2, 3),   on(0.4, 2, 3),     on(0.4, 2, 2, 3)),
    ("elliprf elliprd elliprg", on(0.4, 3, 2, 3), on(0.4, 3, 3), on(0.4, 3, 2, 3)),
    ("radian",    on(0.4, 3, 2, 3),  on(0.4, 3, 3),     on(0.4, 3, 2, 3)),
):
    beyond(names, "a, b, c", a=a, b=b, c=c)
beyond("voigt_profile", "a, b, c", a=on(-2, 2, 2, 4), b=on(0.01, 0.1, 4), c=on(0.4, 2, 2, 4))
beyond("voigt_profile", "a, 0.0, b", a=on(-2, 2, 2, 3), b=on(0.4, 2, 3))
beyond("elliprj", "a, b, c, d", a=on(0.4, 3, 2, 3), b=on(0.4, 3, 3), c=on(0.4, 3, 2, 3), d=on(0.4, 3, 3))
beyond("chndtr", "a, 2.5, b", a=on(0.4, 6, 2, 3), b=on(0.4, 3, 3))
beyond("chndtrix", "a, 2.5, b", a=on(0.2, 0.8, 2, 3), b=on(0.4, 3, 3))
beyond("chndtrinc", "a, 2.5, b", a=on(5, 6, 2, 3), b=on(0.2, 0.5, 3))
beyond("ncfdtr", "2.5, 3.5, a, b", a=on(0.4, 3, 2, 3), b=on(0.4, 3, 3))
beyond("ncfdtri", "2.5, 3.5, a, b", a=on(0.4, 3, 2, 3), b=on(0.2, 0.8, 3))
beyond("smirnovi", "5, a", a=on(0.1, 0.9, 5))
