import os
import signal

import neap
import pytest


def test_what_is_mapped_is_told_with_its_kind():
    with neap.map("anonymous:", 40960) as mapping:
        mapping.write(5000, "u8", 1)
        page = mapping.translate(5000)
        assert (page.offset, page.present, page.swapped) == (904, True, False)
        assert (page.map.kind, page.map.size) == ("anonymous", 40960)
        assert page.map.protection == "rw-" and page.map.shared
        assert page.sharers == (os.getpid(),)
        assert page.map.address in [item.address for item in neap.maps()]
        assert neap.translate(page.map.address + 5000)[:3] == page[:3]


def test_who_shares_a_page_is_found(heap):
    with neap.map("anonymous:", 4096) as mapping:
        go = heap.event("go")

        def touch():
            mapping.write(0, "u8", 1)
            go.set()
            signal.pause()

        child = neap.fork(touch)
        assert go.wait(20)
        page = mapping.translate()
        assert set(page.sharers) == {os.getpid(), child.pid}
        assert neap.translate(page.map.address, child.pid).present
        child.kill(signal.SIGKILL)
        with pytest.raises(neap.WorkerKilled):
            child.wait()


def test_what_is_not_there_is_an_error():
    with pytest.raises(OSError, match="nothing is mapped"):
        neap.translate(0)
    with pytest.raises(ProcessLookupError, match="no process"):
        neap.maps(4194304)
    with neap.map("anonymous:", 4096) as mapping:
        with pytest.raises(IndexError):
            mapping.translate(4096)


def test_features_can_be_told():
    names = [feature.name for feature in neap.features()]
    assert "futex_waitv" in names and "membarrier" in names
    assert all(feature.use and feature.without for feature in neap.features())
