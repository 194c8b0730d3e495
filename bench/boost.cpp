/*
 * Boost.Interprocess, as subjects that the C benchmarks find by name. Built as
 * a library of its own, which may be missing.
 */
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/interprocess_semaphore.hpp>
#include <cstdint>
#include <new>
#include <string>

#include "bench.h"

namespace bip = boost::interprocess;

namespace {

const std::size_t segment_bytes = 64 * 1024;
const std::size_t large_bytes = 256 * 1024 * 1024;

bip::interprocess_mutex *mutex;
bip::interprocess_semaphore *semaphore;
bip::managed_shared_memory *segment;

std::string name()
{
    return std::string(bench_name() + 1) + "-boost";
}


void make_mutex()
{
    mutex = new (bench_shared(4096)) bip::interprocess_mutex;
}


void lock_mutex(long n)
{
    for (long i = 0; i < n; i++) {
        mutex->lock();
        mutex->unlock();
    }
}


void make_semaphore()
{
    semaphore = new (bench_shared(4096)) bip::interprocess_semaphore(1);
}


void take_semaphore(long n)
{
    for (long i = 0; i < n; i++) {
        semaphore->wait();
        semaphore->post();
    }
}


void make_segment()
{
    segment = new bip::managed_shared_memory(bip::open_or_create,
                                             name().c_str(), large_bytes);
    for (int i = 0; i < 1000; i++) {
        std::string key = "object-" + std::to_string(i);
        segment->find_or_construct<std::int64_t>(key.c_str())(0);
    }
}


void remove_segment()
{
    delete segment;
    bip::shared_memory_object::remove(name().c_str());
}


void find_object(long n)
{
    for (long i = 0; i < n; i++)
        BENCH_USED(segment->find<std::int64_t>("object-777").first);
}


void open_segment(long n)
{
    for (long i = 0; i < n; i++) {
        bip::managed_shared_memory again(bip::open_only, name().c_str());
        BENCH_USED(again.get_address());
    }
}


void create_segment(long n)
{
    std::string fresh = name() + "-new";
    for (long i = 0; i < n; i++) {
        {
            bip::managed_shared_memory made(bip::create_only, fresh.c_str(),
                                            segment_bytes);
            BENCH_USED(made.get_address());
        }
        bip::shared_memory_object::remove(fresh.c_str());
    }
}


/* With a name, as neap's arrays have one. */
template <std::size_t bytes> void construct(long n)
{
    for (long i = 0; i < n; i++) {
        BENCH_USED(segment->construct<char>("array")[bytes](0));
        segment->destroy<char>("array");
    }
}

}  // namespace

extern "C" {
#define SUBJECT(id) __attribute__((visibility("default"))) \
    extern const struct bench_subject id; const struct bench_subject id

SUBJECT(bench_boost_mutex) = {"Boost interprocess_mutex", make_mutex,
                              lock_mutex, nullptr};
SUBJECT(bench_boost_semaphore) = {"Boost interprocess_semaphore",
                                  make_semaphore, take_semaphore, nullptr};
SUBJECT(bench_boost_find) = {"Boost find", make_segment, find_object,
                             remove_segment};
SUBJECT(bench_boost_open) = {"Boost managed_shared_memory", make_segment,
                             open_segment, remove_segment};
SUBJECT(bench_boost_create) = {"Boost managed_shared_memory", nullptr,
                               create_segment, nullptr};
SUBJECT(bench_boost_array_64) = {"Boost construct, destroy", make_segment,
                                 construct<64>, remove_segment};
SUBJECT(bench_boost_array_4k) = {"Boost construct, destroy", make_segment,
                                 construct<4096>, remove_segment};
SUBJECT(bench_boost_array_64k) = {"Boost construct, destroy", make_segment,
                                  construct<65536>, remove_segment};
SUBJECT(bench_boost_array_1m) = {"Boost construct, destroy", make_segment,
                                 construct<1048576>, remove_segment};
}
