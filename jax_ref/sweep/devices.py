"""Where and with what JAX computes.

The device is chosen before JAX starts, by the environment, so that processes that are spawned have it too.
"""

import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

CHOICES = ("auto", "cpu", "gpu")
INSTALL = "pip install 'jax[cuda12]'"
_CUPY = ("cupy", "cupy-cuda12x", "cupy-cuda13x")
_CUDA = ("jax-cuda12-plugin", "jax-cuda13-plugin")


def prepare(device, cache="", jobs=1):
    """Set JAX's environment for this device, one of ``CHOICES`` (auto: where JAX would compute by itself).

    ``cache``: the folder of compiled programs, '' for none. ``jobs``: how many processes share the device's memory.
    """
    settings = {
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",  # a GPU rounds the factors in float32 to tf32 otherwise
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # several processes share a GPU
        "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{0.9 / jobs:.3f}",
        **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")},
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    if cache:
        os.environ["SCRATCH_AD_CACHE"] = cache
    if device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"


def devices(device="auto"):
    """JAX's devices, the one it computes on first.

    Raises ValueError if JAX cannot start, or computes elsewhere than was asked for.
    """
    import jax

    platforms = os.environ.get("JAX_PLATFORMS")
    try:
        found = jax.devices()
    except Exception as error:
        says = f"{type(error).__name__}: {error}".removesuffix(": ")
        cause = f"JAX_PLATFORMS={platforms} is set, and JAX" if platforms else "JAX"
        raise ValueError(f"{cause} cannot start: {says}. Unset the variable, or take --device cpu.") from None
    if device == "gpu" and found[0].platform != "gpu":
        raise ValueError(f"--device gpu: {_why_no_gpu(platforms)}, or take --device cpu.")
    return found


def _why_no_gpu(platforms):
    if platforms:
        return f"JAX finds no GPU here. Unset JAX_PLATFORMS={platforms}"
    if len(versions(_CUDA)) == 1:
        return f"this JAX is built without CUDA. Install JAX for a GPU ({INSTALL})"
    return "JAX is built for CUDA but finds no GPU here. See whether nvidia-smi lists one"


def device(of=None):
    """The device that JAX computes on, or another of its devices, in words."""
    import jax

    of = of or jax.devices()[0]
    return of.platform if of.device_kind == of.platform else f"{of.platform}: {of.device_kind}"


def precision():
    """The settings that decide how exactly JAX computes."""
    import jax

    matmul = jax.config.jax_default_matmul_precision or "default"
    return f"x64 {'on' if jax.config.jax_enable_x64 else 'off'}, matrix products: {matmul}"


def versions(names=("numpy", "scipy", "jax", "jaxlib", "optree", "autograd", "torch", "mygrad", *_CUPY)):
    """Of Python and of those of the distributions that are installed."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def sources(user=""):
    """A digest of our sources and of those of the user's package, if one is named, so that a change is run again."""
    root = Path(__file__).parents[2]
    files = [path for package in ("jax_ref", "scratch_ad") for path in (root / package).rglob("*.py")]
    if user:
        package = importlib.import_module(user)
        folders = getattr(package, "__path__", ())  # several where there is no __init__.py
        files += [path for folder in folders for path in Path(folder).rglob("*.py")] or [Path(package.__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()[:12]
