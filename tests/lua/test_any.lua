local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails
local waiter, answer, kill = support.waiter, support.answer, support.kill

local function set_of(heap)
  return heap:event("go"), heap:latch("loaded", 1),
         heap:semaphore("slots", 0), heap:mutex("lock")
end

test("waiting for any tells which one and gives it", function()
  local go, loaded, slots, lock = set_of(neap.heap())
  slots:release(2)
  local i, object = neap.wait_any {go, loaded, slots, lock}
  lu.assertEquals(i, 3)
  lu.assertIs(object, slots)
  lu.assertEquals(slots:get(), 1)
  lu.assertFalse(lock:mine())
  lu.assertEquals(neap.wait_any {go, lock, slots}, 2)
  lu.assertTrue(lock:mine())
  lock:unlock()
  go:set()
  lu.assertEquals(neap.wait_any {timeout = 0, loaded, go}, 2)
  loaded:count_down()
  lu.assertEquals(neap.wait_any {timeout = 1, loaded, go}, 1)
end)

test("waiting for any ends at its time", function()
  local go, loaded, slots = set_of(neap.heap())
  lu.assertEquals({neap.wait_any {go, loaded, slots, timeout = 0}},
                  {false, "timeout"})
  local before = neap.now()
  lu.assertEquals({neap.wait_any {go, loaded, slots, timeout = 0.05}},
                  {false, "timeout"})
  lu.assertTrue(neap.now() - before >= 0.05)
end)

test("another process ends the wait, by each kind of object", function()
  for i, bring in ipairs {
    function(go) go:set() end,
    function(_, loaded) loaded:count_down() end,
    function(_, _, slots) slots:release() end,
    function(_, _, _, lock) lock:unlock() end,
  } do
    local heap = neap.heap()
    local go, loaded, slots, lock = set_of(heap)
    lock:lock()
    local process = waiter(heap, function()
      return (neap.wait_any {go, loaded, slots, lock})
    end)
    bring(go, loaded, slots, lock)
    lu.assertEquals({answer(process)}, {i})
  end
end)

test("objects of two heaps can be waited for", function()
  local one, other = neap.heap(), neap.heap()
  local go, slots = one:event("go"), other:semaphore("slots", 0)
  local process = waiter(one, function()
    return (neap.wait_any {go, slots})
  end)
  slots:release()
  lu.assertEquals({answer(process)}, {2})
end)

test("a mutex whose owner died comes abandoned", function()
  local heap = neap.heap()
  local go, lock, ready = heap:event("go"), heap:mutex("lock"),
                          heap:event("ready")
  local owner = neap.fork(function()
    lock:lock()
    ready:set()
    go:wait()
  end)
  ready:wait()
  kill(owner)
  local i, object, news = neap.wait_any {go, lock}
  lu.assertEquals({i, news}, {2, "abandoned"})
  lu.assertIs(object, lock)
  lock:unlock()
end)

test("one who waits for any and is killed harms nobody", function()
  local heap = neap.heap()
  local go, _, slots = set_of(heap)
  local victim = waiter(heap, function() neap.wait_any {go, slots} end)
  local other = waiter(heap, slots.acquire, slots)
  kill(victim)
  slots:release()
  lu.assertEquals({answer(other)}, {true})
  lu.assertTrue(heap:check().ok)
end)

test("a dropped object among those that are waited for is EIDRM", function()
  local heap = neap.heap()
  local go, loaded = set_of(heap)
  local process = waiter(heap, function() return neap.wait_any {go, loaded} end)
  heap:drop("loaded")
  fails("EIDRM", answer(process))
  fails("EIDRM", neap.wait_any {go, loaded})
end)

test("wrong arguments to wait_any raise", function()
  local heap = neap.heap()
  local go, _, _, lock = set_of(heap)
  raises("table expected", neap.wait_any)
  raises("table expected", neap.wait_any, go)
  raises("1 to 64 objects", neap.wait_any, {})
  raises("1 to 64 objects", neap.wait_any, {timeout = 1})
  local many = {}
  for i = 1, 65 do many[i] = go end
  raises("1 to 64 objects", neap.wait_any, many)
  raises("number 2: an event, latch, semaphore or mutex expected, got nil",
         neap.wait_any, setmetatable({go}, {__len = function() return 2 end}))
  raises("got string", neap.wait_any, {"go"})
  raises("got userdata", neap.wait_any, {heap:barrier("step", 2)})
  raises("from 0 up", neap.wait_any, {go, timeout = -1})
  raises("number expected", neap.wait_any, {go, timeout = "1"})
  raises("no option 'timeuot'", neap.wait_any, {go, timeuot = 1})
  go:close()
  raises("event 'go' is closed", neap.wait_any, {lock, go})
  lu.assertFalse(lock:mine())
end)

test("a deadlock is an error if the heap was opened for that", function()
  local heap = assert(neap.open(support.name("crossing"),
    {deadlock = "error", ephemeral = true}))
  local a, b = heap:mutex("a"), heap:mutex("b")
  a:lock()
  local other = support.waiter(heap, function()
    b:lock()
    a:lock()
    return a:unlock(), b:unlock()
  end)
  local came, text, code = neap.wait_any {b}
  lu.assertNil(came)
  lu.assertEquals(code, "EDEADLK")
  lu.assertStrContains(text, "any of several, among them 'b'")
  a:unlock()
  lu.assertEquals({support.answer(other)}, {true, true})
  heap:close()
end)
