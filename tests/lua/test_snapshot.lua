--- Snapshots: a heap in memory that nobody can change.
local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

local function furnished()
  local heap = neap.heap()
  heap:counter("hits"):set(42)
  heap:array("grid", "f64", 10):fill(2.5)
  return heap
end

test("a snapshot is the heap as it was", function()
  local heap <close> = furnished()
  local segment = assert(heap:snapshot())
  heap:counter("hits"):add()
  local copy <close> = assert(segment:heap())
  lu.assertEquals(copy:counter("hits"):get(), 42)
  lu.assertEquals(copy:array("grid"):sum(), 25)
  lu.assertTrue(copy:info().read_only)
  lu.assertEquals(segment:seals(), {seal = true, shrink = true, grow = true,
                                    write = true})
  fails("EACCES", copy:array("grid"):fill(1))
  fails("EACCES", copy:counter("hits"):add())
  segment:close()
  lu.assertEquals(copy:counter("hits"):get(), 42)
end)

test("a heap without a name passes as a segment", function()
  local heap <close> = furnished()
  local same <close> = assert(assert(heap:segment()):heap())
  same:counter("hits"):add()
  lu.assertEquals(heap:counter("hits"):get(), 43)
  local named <close> = assert(neap.open(support.name("sky")))
  fails("ENOTSUP", named:segment())
  named:unlink()
  fails("EFOREIGN", assert(neap.segment.create("memfd:x", 100000)):heap())
  fails("ENOTSUP", assert(neap.segment.create("anonymous:", 100000)):heap())
end)

test("a heap is served to whoever takes it", function()
  local heap <close> = furnished()
  local path = support.path("sky.sock")
  local server = neap.fork(function()
    return heap:serve(path, {count = 2, fresh = 0})
  end)
  for value = 42, 43 do
    local segment <close> = assert(neap.segment.take(path, 20))
    local copy <close> = assert(segment:heap())
    lu.assertEquals(copy:counter("hits"):get(), value)
    heap:counter("hits"):add()
  end
  lu.assertEquals({server:wait()}, {true, 2})
  lu.assertEquals(heap:serve(path, {timeout = 0.01}), 0)
  fails("ENOENT", heap:serve("/no/such/place"))
  raises("fresh", heap.serve, heap, path, {fresh = -1})
  raises("no option 'often'", heap.serve, heap, path, {often = 1})
end)
