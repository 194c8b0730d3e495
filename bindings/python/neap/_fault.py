"""Mapped memory that is gone, or forbidden: an exception, not the end."""
import errno
import os

from . import _neap


class MappingFault(OSError):
    """An access to a page that is no longer there (errno ESTALE: another program
    made the file shorter while it was mapped), or that its protection forbids
    (EFAULT). The text says which file, which byte, and the address.

    It is raised at the next call or turn of a loop after the access, which went
    to a page of zeros, or to a copy, of this process's own. The mapping is
    spoiled then: close it, and map the file again.
    """

    __module__ = "neap"

    def __new__(cls, *args):
        if not args:  # raised in a thread that is not the first
            args = _neap._take_fault() or (
                errno.ESTALE, "mapped memory was gone, or forbidden")
        return super().__new__(cls, *args)


def guard(on=None):
    """Turn the guard of mapped memory on or off, or just ask (None): whether it
    was on before.

    It is on when neap is imported, unless NEAP_GUARD=0 is in the environment:
    an access to a page that is gone or forbidden is a MappingFault, also when
    numpy makes it; without it the process dies of SIGBUS or SIGSEGV. Handlers
    that were there before get all other faults. Whoever installs some afterwards
    (faulthandler.enable()) comes first until something is mapped or a heap opened
    the next time, or it is turned on again.
    """
    if on is None:
        return _neap._guard_is_on()
    return _neap._set_guard(bool(on))


def check_fault():
    """Raise MappingFault now, if this thread has come upon one: at the end of a
    block that reads elements, say, before their values are used."""
    found = _neap._take_fault()
    if found:
        raise MappingFault(*found)


_neap._set_fault_class(MappingFault)
if os.environ.get("NEAP_GUARD") != "0":
    guard(True)
