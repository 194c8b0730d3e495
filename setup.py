"""Builds the extension: SWIG writes the wrapper, and the core is compiled in.

SWIG is the system's if there is one, else the package of that name, which is
then asked for as a requirement of the build.
"""
import glob
import os
import re
import shutil

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = os.path.dirname(os.path.abspath(__file__))
INTERFACE = "bindings/python/neap.i"


def version():
    with open(os.path.join(HERE, "core/include/neap/version.h")) as file:
        return re.search(r'NEAP_VERSION "(.*)"', file.read()).group(1)


def readme():
    path = os.path.join(HERE, "README.md")
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


class BuildWithSwig(build_ext):
    """Writes neap_wrap.c where other products of the build are."""

    def build_extension(self, extension):
        os.makedirs(self.build_temp, exist_ok=True)
        wrapper = os.path.join(self.build_temp, "neap_wrap.c")
        # As in the Makefile. 321: words of Python that are fine as methods.
        self.spawn([
            shutil.which("swig") or "swig", "-python", "-builtin", "-Wextra",
            "-w321", "-Icore/include", "-Ibindings/python", "-module",
            "_neap", "-interface", "_neap", "-outdir", self.build_temp, "-o",
            wrapper, INTERFACE,
        ])
        extension.sources = [*extension.sources, wrapper]
        super().build_extension(extension)


os.chdir(HERE)
# Away from what `make` builds, and from the sources.
os.makedirs("build/pip", exist_ok=True)
setup(
    options={"build": {"build_base": "build/pip"},
             "egg_info": {"egg_base": "build/pip"}},
    version=version(),
    long_description=readme(),
    long_description_content_type="text/markdown",
    package_dir={"": "bindings/python"},
    packages=["neap"],
    package_data={"neap": ["py.typed", "*.pyi"]},
    setup_requires=[] if shutil.which("swig") else ["swig>=4.1"],
    cmdclass={"build_ext": BuildWithSwig},
    ext_modules=[
        Extension(
            "neap._neap",
            sources=sorted(glob.glob("core/*/*.c")),
            depends=[
                *glob.glob("bindings/python/*.i"),
                *glob.glob("core/**/*.h", recursive=True),
            ],
            include_dirs=["core/include", "core"],
            define_macros=[("_GNU_SOURCE", None)],
            extra_compile_args=[
                "-std=c11", "-O2", "-fvisibility=hidden", "-pthread",
                "-fno-strict-aliasing",
            ],
            # The core in here is ours, whatever libneap.so is about.
            extra_link_args=["-pthread", "-Wl,-Bsymbolic"],
        )
    ],
)
