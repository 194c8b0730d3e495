local lu = require "luaunit"
local neap = require "neap"
local core = require "neap.core"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

test("rearming tells whether the object can be had", function()
  local slots = neap.heap():semaphore("slots", 0)
  local watch <close> = assert(neap.watch(slots))
  lu.assertTrue(watch:fd() >= 0)
  lu.assertIs(watch:rearm(), false)
  slots:release()
  lu.assertIs(watch:rearm(), true)
  lu.assertTrue(slots:acquire(0))
  lu.assertIs(watch:rearm(), false)
  lu.assertEquals(watch:name(), "slots")
  lu.assertEquals(tostring(watch), "neap.watch 'slots'")
end)

test("the descriptor becomes readable for each kind of object", function()
  local heap = neap.heap()
  local go, loaded, slots, lock = heap:event("go"), heap:latch("loaded", 1),
    heap:semaphore("slots", 0), heap:mutex("lock")
  lock:lock()
  for _, case in ipairs {
    {go, function() go:set() end},
    {loaded, function() loaded:count_down() end},
    {slots, function() slots:release() end},
  } do
    local watch <close> = assert(neap.watch(case[1]))
    lu.assertIs(watch:rearm(), false)
    local process <close> = neap.fork(case[2])
    lu.assertTrue(core.wait_input(watch:fd()))
    lu.assertIs(watch:rearm(), true)
    process:wait()
  end
  local watch <close> = assert(neap.watch(lock))
  lock:unlock()
  lu.assertTrue(core.wait_input(watch:fd()))
  lu.assertTrue(lock:lock(0))
  lu.assertIs(watch:rearm(), false)
  lock:unlock()
end)

test("a worker has a watch of its own", function()
  local heap = neap.heap()
  local go, slots = heap:event("go"), heap:semaphore("slots", 0)
  local watch <close> = assert(neap.watch(slots))
  neap.run(2, function(worker)
    if worker.id == 2 then return slots:release() end
    assert(watch:rearm() == (slots:get() > 0))
    assert(core.wait_input(watch:fd()))
    assert(slots:acquire(0))
    go:set()
  end)
  lu.assertIs(go:is_set(), true)
  lu.assertIs(watch:rearm(), false)
end)

test("a watch outlives the handle of its object, and its heap's", function()
  local heap = neap.heap()
  local go = heap:event("go")
  local watch <close> = assert(neap.watch(go))
  go:close()
  heap:event("go"):set()
  heap:close()
  lu.assertTrue(core.wait_input(watch:fd()))
end)

test("a dropped object is told by its watch, and not watched anew", function()
  local heap = neap.heap()
  local go = heap:event("go")
  local watch <close> = assert(neap.watch(go))
  heap:drop("go")
  lu.assertTrue(core.wait_input(watch:fd()))
  fails("EIDRM", neap.watch(go))
  fails("EIDRM", go:wait(0))
end)

test("wrong arguments to watch raise", function()
  local heap = neap.heap()
  raises("semaphore or mutex expected, got nil", neap.watch, nil)
  raises("semaphore or mutex expected, got userdata", neap.watch,
         heap:barrier("step", 2))
  local go = heap:event("go")
  local watch = neap.watch(go)
  watch:close()
  raises("watch 'go' is closed", watch.fd, watch)
  raises("watch 'go' is closed", watch.rearm, watch)
  go:close()
  raises("event 'go' is closed", neap.watch, go)
end)
