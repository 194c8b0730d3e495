"""The stubs and the module say the same."""
import ast
import importlib.util
import inspect
import os
import subprocess
import sys

import neap
import pytest
from neap import _neap

FOLDER = os.path.dirname(neap.__file__)


def stub(name):
    with open(os.path.join(FOLDER, name)) as file:
        return ast.parse(file.read())


def names_of(body):
    """What a stub defines, with the node that does."""
    found = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.asname == alias.name:
                    found[alias.name] = node
    return found


def public(names):
    return {n for n in names if not n.startswith("_")}


def classes(file):
    return {name: node for name, node in names_of(stub(file).body).items()
            if isinstance(node, ast.ClassDef)}


def test_a_marker_says_that_types_are_shipped():
    assert os.path.exists(os.path.join(FOLDER, "py.typed"))


def test_every_public_name_is_in_the_stub_and_the_other_way_round():
    modules = {"builtins", "os"}
    there = {n for n in public(dir(neap)) if not inspect.ismodule(
        getattr(neap, n))}
    told = public(names_of(stub("__init__.pyi").body)) - modules
    assert there == told
    assert set(neap.__all__) == there - {"open", "map"}


def test_every_name_of_the_extension_is_in_its_stub():
    assert public(dir(_neap)) == public(names_of(stub("_neap.pyi").body))


def members(kind):
    """Public attributes that neap defines, and the operators of a handle."""
    found = set()
    operators = {"__enter__", "__exit__", "__len__", "__iter__", "__next__",
                 "__contains__"}
    for base in kind.__mro__:
        if base.__module__ == "neap":
            found |= public(vars(base)) | operators & set(vars(base))
    return found


def told_members(name):
    """What the stubs say of a class: its own, and its base's in _neap."""
    found = set()
    for file in ("__init__.pyi", "_neap.pyi"):
        node = classes(file).get(name)
        if node is not None:
            found |= set(names_of(node.body))
    return {n for n in found if not n.startswith("_") or n in (
        "__enter__", "__exit__", "__len__", "__iter__", "__next__",
        "__contains__")}


@pytest.mark.parametrize("name", [
    "Heap", "Counter", "Mutex", "Semaphore", "Segment", "Mapping", "Process",
    "Worker", "Shared", "Range", "Event", "Latch", "Condition", "RWLock",
    "Guard", "Barrier", "Once", "KernelSemaphore", "Overlay",
])
def test_every_method_is_in_the_stub_and_the_other_way_round(name):
    assert members(getattr(neap, name)) == told_members(name)


@pytest.mark.parametrize("name", [
    "HeapInfo", "ObjectInfo", "SlotInfo", "CheckReport", "SegmentStat",
    "SegmentInfo", "KernelSemaphoreStat", "KernelSemaphoreInfo",
    "KernelSemaphoreUse",
])
def test_the_fields_of_tuples_are_those_of_the_stub(name):
    node = classes("__init__.pyi")[name]
    assert getattr(neap, name)._fields == tuple(names_of(node.body))


def parameters_of(function):
    found = []
    for p in inspect.signature(function).parameters.values():
        if p.name not in ("self", "cls"):
            found.append(p.name)
    return found


def told_parameters(node):
    a = node.args
    every = a.posonlyargs + a.args
    every += [a.vararg] if a.vararg else []
    every += a.kwonlyargs + ([a.kwarg] if a.kwarg else [])
    return [x.arg for x in every if x.arg not in ("self", "cls")]


def functions_told():
    for file in ("__init__.pyi", "_neap.pyi"):
        for name, node in names_of(stub(file).body).items():
            if isinstance(node, ast.FunctionDef) and hasattr(neap, name):
                yield name, getattr(neap, name), node
            if isinstance(node, ast.ClassDef) and hasattr(neap, name):
                for method, inner in names_of(node.body).items():
                    if isinstance(inner, ast.FunctionDef) and \
                            not method.startswith("__") and \
                            not inner.decorator_list:
                        yield (f"{name}.{method}",
                               getattr(getattr(neap, name), method), inner)


@pytest.mark.parametrize("name, function, node",
                         [pytest.param(*f, id=f[0]) for f in functions_told()])
def test_functions_take_the_arguments_that_the_stub_says(name, function, node):
    if function.__doc__ and "\n--\n" in function.__doc__:
        pytest.fail(f"{name} hides its signature in its docstring")
    assert parameters_of(function) == told_parameters(node)


def test_everything_public_has_a_docstring():
    silent = []
    for name in neap.__all__ + ["open", "map"]:
        thing = getattr(neap, name)
        if not (thing.__doc__ or "").strip():
            silent.append(name)
        if inspect.isclass(thing) and not issubclass(thing, (tuple, Exception)):
            silent += [f"{name}.{m}" for m in public(members(thing))
                       if not inspect.ismemberdescriptor(getattr(thing, m))
                       and not (getattr(thing, m).__doc__ or "").strip()]
    assert silent == []


# What SWIG's types are, and no stub can say.
OF_SWIG = ("metaclass differs", "disjoint base", ".__init__ is inconsistent")


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None,
                    reason="mypy is not installed")
def test_mypy_finds_no_difference_but_what_swig_makes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "neap", "--concise",
         "--ignore-missing-stub"],
        capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "MYPYPATH": os.path.dirname(FOLDER)})
    found = [line for line in done.stdout.splitlines()
             if line and not any(words in line for words in OF_SWIG)]
    assert found == [], done.stderr
