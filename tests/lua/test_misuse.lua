--- What every object says to who misuses it: its name, and what to do.
local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

-- How to make it; the calls that wait; what gives back what this thread has not
-- (or raises); how another one comes to have it, so that they do wait.
local objects = {
  {"mutex", make = function(h) return h:mutex("thing") end,
   waits = {function(m, t) return m:lock(t) end},
   strange = {EPERM = function(m) return m:unlock() end},
   take = function(m) m:lock() end},
  {"recursive mutex",
   make = function(h) return h:mutex("thing", {recursive = true}) end,
   waits = {function(m, t) return m:lock(t) end},
   strange = {EPERM = function(m) return m:unlock() end},
   take = function(m) m:lock() end},
  {"semaphore", make = function(h) return h:semaphore("thing", 0) end,
   waits = {function(s, t) return s:acquire(t) end}},
  {"undo semaphore",
   make = function(h) return h:semaphore("thing", 1, {undo = true}) end,
   waits = {function(s, t) return s:acquire(t) end},
   strange = {EPERM = function(s) return s:release() end},
   take = function(s) s:acquire() end},
  {"event", make = function(h) return h:event("thing") end,
   waits = {function(e, t) return e:wait(t) end}},
  {"latch", make = function(h) return h:latch("thing", 1) end,
   waits = {function(l, t) return l:wait(t) end}},
  {"condition", make = function(h) return h:condition("thing") end,
   waits = {function(c, t)
     local mutex = neap.heap():mutex("elsewhere")
     return c:wait(mutex, t)
   end}, only_closed = true},
  {"reading", make = function(h) return h:rwlock("thing") end,
   waits = {function(r, t) return r:read(t) end},
   strange = {EPERM = function(r) return r:unlock() end},
   take = function(r) r:write() end},
  {"writing", make = function(h) return h:rwlock("thing") end,
   waits = {function(r, t) return r:write(t) end},
   strange = {EPERM = function(r) return r:unlock() end},
   take = function(r) r:read() end},
  {"barrier", make = function(h) return h:barrier("thing", 2) end,
   waits = {function(b, t) return b:wait(t) end}},
  {"counted barrier",
   make = function(h) return h:barrier("thing", nil, {counted = true}) end,
   waits = {}, strange = {EPERM = function(b) return b:leave() end}},
}

for _, kind in ipairs(objects) do
  local name = kind[1]

  test(name .. ": a stranger, a bad time-out and a closed one", function()
    local thing = kind.make(neap.heap())
    for code, call in pairs(kind.strange or {}) do
      lu.assertStrContains(fails(code, call(thing)), "'thing'")
    end
    for _, wait in ipairs(kind.waits) do
      for _, bad in ipairs {-1, -0.5, 0 / 0} do
        raises("a timeout is seconds from 0 up", wait, thing, bad)
      end
      raises("number expected", wait, thing, "soon")
    end
    thing:close()
    for _, wait in ipairs(kind.waits) do
      raises(" 'thing' is closed", wait, thing, 0)
    end
    for _, call in pairs(kind.strange or {}) do
      raises(" 'thing' is closed", call, thing)
    end
  end)

  if #kind.waits > 0 and not kind.only_closed then
    test(name .. ": dropped, it wakes who waits", function()
      local heap = neap.heap()
      local thing = kind.make(heap)
      local holder = kind.take and support.holder(heap, kind.take, thing)
      local waiter = support.waiter(heap, kind.waits[1], thing)
      lu.assertTrue(heap:drop("thing"))
      lu.assertStrContains(fails("EIDRM", support.answer(waiter)), "'thing'")
      lu.assertStrContains(fails("EIDRM", kind.waits[1](thing)), "'thing'")
      if holder then support.kill(holder) end
    end)
  end
end

test("condition: dropped, it wakes who waits; a stranger's mutex", function()
  local heap = neap.heap()
  local condition, mutex = heap:condition("thing"), heap:mutex("lock")
  lu.assertStrContains(fails("EPERM", condition:wait(mutex)), "'lock'")
  local waiter = support.waiter(heap, function()
    mutex:lock()
    return condition:wait(mutex)
  end)
  lu.assertTrue(heap:drop("thing"))
  lu.assertStrContains(fails("EIDRM", support.answer(waiter)), "'thing'")
  fails("EIDRM", condition:notify())
end)

test("once: dropped, it wakes who waits; closed, it says so", function()
  local heap = neap.heap()
  local once = heap:once("thing")
  local holder = support.holder(heap, function()
    once:run(function()
      heap:event("inside"):set()
      heap:semaphore("never", 0):acquire(0.2)
    end)
  end)
  heap:drop("thing")
  raises("'thing'", once.run, once, print)
  once:close()
  raises(" 'thing' is closed", once.run, once, print)
  support.kill(holder)
end)

test("what cannot be is not made, and a bound holds", function()
  local heap = neap.heap()
  raises("1 to 65535", heap.barrier, heap, "thing", 0)
  raises("a latch counts down from 1", heap.latch, heap, "thing", 0)
  lu.assertNil((heap:find("thing")))
  local slots = heap:semaphore("thing", 1, {bound = 1})
  lu.assertStrContains(fails("EOVERFLOW", slots:release()), "'thing'")
  local gate = heap:latch("gate", 1)
  gate:count_down()
  lu.assertStrContains(fails("EOVERFLOW", gate:count_down()), "'gate'")
  local lock = heap:mutex("lock")
  lock:lock()
  lu.assertStrContains(fails("EDEADLK", lock:lock()), "'lock'")
end)

test("how long a wait spins is an option of each", function()
  local heap = neap.heap()
  local function check(noun, ...)
    local arguments = table.pack(...)
    local at = arguments.n + 1
    for _, bad in ipairs {-1, 1000001, 0.5, "long", true} do
      arguments[at] = {spin = bad}
      raises("option 'spin': 'auto' or 0", heap[noun], heap, noun,
        table.unpack(arguments, 1, at))
    end
    lu.assertNil((heap:find(noun)))
    for _, spin in ipairs {"auto", 0, 200} do
      arguments[at] = {spin = spin}
      assert(heap[noun](heap, noun, table.unpack(arguments, 1, at))):close()
    end
  end
  check("mutex")
  check("semaphore", 1)
  check("event")
  check("latch", 1)
  check("condition")
  check("rwlock")
  check("barrier", 2)
  check("once")
  lu.assertEquals({heap:event("event", {spin = 0}):wait(0.01)},
    {false, "timeout"})
end)
