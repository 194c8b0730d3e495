import threading

import neap
import pytest


def test_a_new_counter_is_0(heap):
    assert heap.counter("seen").get() == 0


def test_add_returns_the_new_value(heap):
    seen = heap.counter("seen")
    assert seen.add() == 1
    assert seen.add(41) == 42
    assert seen.add(-2) == 40
    assert seen.get() == 40


def test_integers_wrap_around(heap):
    seen = heap.counter("seen")
    seen.set(2**63 - 1)
    assert seen.add() == -(2**63)


def test_numpy_integers_count_too(heap):
    numpy = pytest.importorskip("numpy")
    assert heap.counter("seen").add(numpy.int32(7)) == 7


def test_two_handles_of_a_name_are_one_counter(heap):
    heap.counter("seen").add(5)
    assert heap.counter("seen").get() == 5


def test_exchange_returns_what_was_there(heap):
    seen = heap.counter("seen")
    seen.set(3)
    assert seen.exchange(9) == 3
    assert seen.get() == 9


def test_compare_exchange_tells_whether_it_was_set(heap):
    seen = heap.counter("seen")
    assert seen.compare_exchange(0, 4) is True
    assert seen.compare_exchange(0, 5) is False
    assert seen.get() == 4


def test_max_and_min_only_go_one_way(heap):
    seen = heap.counter("seen")
    assert seen.max(10) == 10
    assert seen.max(4) == 10
    assert seen.min(7) == 7
    assert seen.min(8) == 7


def test_a_double_counter_takes_and_gives_floats(heap):
    real = heap.counter("real", kind="double")
    assert real.kind == "double"
    assert real.add(0.5) == 0.5
    assert real.add() == 1.5
    assert real.exchange(8) == 1.5
    assert real.compare_exchange(8.0, 2.25) is True
    assert real.max(1.0) == 2.25
    assert real.min(-1.0) == -1.0
    assert isinstance(real.get(), float)


def test_a_striped_counter_adds_up_over_threads(heap):
    seen = heap.counter("seen", kind="striped")

    def count():
        for _ in range(1000):
            seen.add(2)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen.get() == 8000


def test_a_striped_counter_refuses_what_it_cannot_do(heap):
    seen = heap.counter("seen", kind="striped")
    for call in (seen.exchange, seen.max, seen.min):
        with pytest.raises(OSError, match="striped"):
            call(1)
    with pytest.raises(OSError, match="striped"):
        seen.compare_exchange(0, 1)


def test_no_addition_of_workers_is_lost(heap):
    seen = heap.counter("seen")

    def work(worker):
        for _ in range(20000):
            seen.add()

    neap.run(4, work)
    assert seen.get() == 80000


def test_a_counter_knows_its_name_and_kind(heap):
    seen = heap.counter("größer")
    assert seen.name == "größer"
    assert seen.kind == "plain"
    assert repr(seen) == "<neap.Counter 'größer' = 0>"


def test_opening_without_a_kind_takes_what_is_there(heap):
    heap.counter("seen", kind="striped")
    assert heap.counter("seen").kind == "striped"


@pytest.mark.parametrize("n", ["1", 1.5, None, [], 1j])
def test_what_is_no_integer_is_a_type_error(heap, n):
    seen = heap.counter("seen")
    for call in (seen.add, seen.set, seen.exchange, seen.max, seen.min):
        with pytest.raises(TypeError, match="must be an int"):
            call(n)
    assert seen.get() == 0


@pytest.mark.parametrize("n", ["1", None, 1j])
def test_what_is_no_number_is_a_type_error_for_doubles(heap, n):
    real = heap.counter("real", kind="double")
    with pytest.raises(TypeError, match="must be a number"):
        real.add(n)


def test_an_integer_of_more_than_64_bits_is_an_overflow(heap):
    with pytest.raises(OverflowError, match="64 bits"):
        heap.counter("seen").add(2**63)


def test_another_kind_is_a_type_mismatch_that_says_what_is_there(heap):
    heap.counter("seen", kind="striped")
    with pytest.raises(neap.TypeMismatch, match="striped"):
        heap.counter("seen", kind="double")


def test_a_dropped_counter_says_so(heap):
    seen = heap.counter("seen")
    heap.drop("seen")
    with pytest.raises(OSError, match="dropped") as info:
        seen.add()
    assert info.value.errno == 43  # EIDRM
    assert "dropped" in repr(seen)
    assert heap.counter("seen").get() == 0


def test_a_closed_counter_is_a_value_error(heap):
    seen = heap.counter("seen")
    seen.close()
    seen.close()
    for call in (seen.add, seen.get, lambda: seen.name, lambda: seen.kind):
        with pytest.raises(neap.Closed, match="counter 'seen' is closed"):
            call()
    with pytest.raises(ValueError):
        seen.set(1)
    assert "closed" in repr(seen)


def test_a_counter_cannot_be_made_but_by_a_heap():
    with pytest.raises(TypeError):
        neap.Counter()
    bare = neap.Counter.__new__(neap.Counter)
    for call in (bare.add, bare.close, bare.get):
        with pytest.raises(neap.Closed):
            call()


def test_a_counter_outlives_the_handle_of_its_heap(name):
    heap = neap.open(name)
    seen = heap.counter("seen")
    heap.close()
    assert seen.add() == 1
