local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails
local waiter, answer, kill = support.waiter, support.answer, support.kill

--- A heap with a mutex and a condition.
local function pair()
  local heap = neap.heap()
  return heap, heap:mutex("lock"), heap:condition("changed")
end

--- A process that waits for the condition, and what its wait returns, with
-- whether it has the mutex afterwards.
local function sleeper(heap, lock, changed, ...)
  return waiter(heap, function(...)
    assert(lock:lock())
    local result = table.pack(lock:mine(), changed:wait(lock, ...))
    result[1] = lock:mine()
    assert(lock:unlock())
    return table.unpack(result, 1, result.n)
  end, ...)
end

test("a wait unlocks the mutex and locks it again", function()
  local heap, lock, changed = pair()
  local process = sleeper(heap, lock, changed)
  lu.assertEquals({lock:lock(0)}, {true})
  lu.assertTrue(changed:notify())
  lock:unlock()
  lu.assertEquals({answer(process)}, {true, true})
  lu.assertEquals(changed:name(), "changed")
end)

test("a wait ends at its time with the mutex locked", function()
  local _, lock, changed = pair()
  lock:lock()
  local before = neap.now()
  lu.assertEquals({changed:wait(lock, 0.05)}, {false, "timeout"})
  lu.assertTrue(neap.now() - before >= 0.05)
  lu.assertEquals({changed:wait(lock, 0)}, {false, "timeout"})
  lu.assertTrue(lock:mine())
  lock:unlock()
end)

test("to notify wakes as many as it says", function()
  local heap, lock, changed = pair()
  local tickets, left = heap:counter("tickets"), heap:latch("left", 4)
  local function take()
    local guard <close> = lock:guard()
    changed:wait_for(lock, function() return tickets:get() > 0 end)
    tickets:add(-1)
    left:count_down()
  end
  local processes = {}
  for i = 1, 4 do processes[i] = waiter(heap, take) end
  lock:with(function() tickets:add(1) changed:notify() end)
  support.eventually(function() return left:left() == 3 end, "one")
  lock:with(function() tickets:add(2) changed:notify(2) end)
  support.eventually(function() return left:left() == 1 end, "two")
  lock:with(function() tickets:add(1) changed:notify(100) end)
  for i = 1, 4 do answer(processes[i]) end
  lu.assertEquals(tickets:get(), 0)
end)

test("no more are notified than it says", function()
  local heap, lock, changed = pair()
  local processes, notified = {}, heap:counter("notified")
  for i = 1, 4 do
    processes[i] = waiter(heap, function()
      local guard <close> = lock:guard()
      assert(changed:wait(lock))
      notified:add()
    end)
  end
  lock:with(function() changed:notify() end)
  lock:with(function() changed:notify(2) end)
  support.eventually(function() return notified:get() >= 3 end)
  heap:event("never"):wait(0.3)
  lu.assertEquals(notified:get(), 3)
  lock:with(function() changed:notify() end)
  for i = 1, 4 do answer(processes[i]) end
  lu.assertTrue(heap:check().ok)
end)

test("another mutex than that of those who wait raises, and names both",
function()
  local heap, lock, changed = pair()
  local process = sleeper(heap, lock, changed)
  local other = heap:mutex("other")
  other:lock()
  raises("cannot wait with mutex 'other': others wait with mutex 'lock'",
         changed.wait, changed, other, 0)
  lu.assertTrue(other:mine())
  lock:with(function() changed:notify() end)
  lu.assertEquals({answer(process)}, {true, true})
  lu.assertEquals({changed:wait(other, 0)}, {false, "timeout"})
  other:unlock()
end)

test("notify_all wakes all", function()
  local heap, lock, changed = pair()
  local processes = {}
  for i = 1, 4 do processes[i] = sleeper(heap, lock, changed) end
  lock:with(function() changed:notify_all() end)
  for i = 1, 4 do lu.assertEquals({answer(processes[i])}, {true, true}) end
end)

test("to notify nobody is fine, and is not kept", function()
  local _, lock, changed = pair()
  lu.assertTrue(changed:notify())
  lu.assertTrue(changed:notify_all())
  lock:lock()
  lu.assertEquals({changed:wait(lock, 0.02)}, {false, "timeout"})
  lock:unlock()
end)

test("producers and consumers lose nothing", function()
  local heap, lock, changed = pair()
  local store, taken = heap:counter("store"), heap:counter("taken")
  neap.run(4, function(worker)
    for _ = 1, 200 do
      local guard <close> = lock:guard()
      if worker.id % 2 == 0 then
        assert(changed:wait_for(lock, function() return store:get() < 3 end))
        store:add()
      else
        assert(changed:wait_for(lock, function() return store:get() > 0 end))
        store:add(-1)
        taken:add()
      end
      changed:notify_all()
    end
  end)
  lu.assertEquals({store:get(), taken:get()}, {0, 400})
end)

test("a waiter that is killed leaves the others to be woken", function()
  local heap, lock, changed = pair()
  local victim = sleeper(heap, lock, changed)
  local other = sleeper(heap, lock, changed)
  kill(victim)
  lock:with(function() changed:notify() end)
  lu.assertEquals({answer(other)}, {true, true})
  lu.assertTrue(heap:check().ok)
end)

test("a waiter that dies with the notification in its hand passes it on",
function()
  local heap, lock, changed = pair()
  local victim = sleeper(heap, lock, changed)
  local other = sleeper(heap, lock, changed)
  victim:kill("SIGSTOP")
  lock:with(function() changed:notify() end)
  kill(victim)
  lu.assertEquals({answer(other)}, {true, true})
end)

test("a waiter is told that the mutex's last owner died", function()
  local heap, lock, changed = pair()
  local process = sleeper(heap, lock, changed)
  local owner = support.holder(heap, function()
    lock:lock()
    changed:notify()
  end)
  kill(owner)
  lu.assertEquals({answer(process)}, {true, true, "abandoned"})
  lu.assertEquals({lock:lock()}, {true, "abandoned"})
  lu.assertTrue(lock:repaired())
  lock:unlock()
  lu.assertEquals({lock:lock()}, {true})
  lock:unlock()
end)

test("a waiter whose time is over is told it too", function()
  local heap, lock, changed = pair()
  local process = waiter(heap, function()
    lock:lock()
    local news
    repeat news = select(2, changed:wait(lock, 0.02)) until news ~= "timeout"
    return news
  end)
  local owner = support.holder(heap, lock.lock, lock)
  local before = neap.now()
  support.eventually(function() return neap.now() > before + 0.1 end)
  kill(owner)
  lu.assertEquals({answer(process)}, {"abandoned"})
end)

test("wait_for waits until the predicate holds and returns its value",
function()
  local heap, lock, changed = pair()
  local n = heap:counter("n")
  local process = waiter(heap, function()
    local guard <close> = lock:guard()
    return changed:wait_for(lock, function()
      assert(lock:mine())
      return n:get() >= 3 and n:get()
    end)
  end)
  for _ = 1, 3 do
    lock:with(function() n:add() changed:notify() end)
  end
  lu.assertEquals({answer(process)}, {3})
end)

test("wait_for does not wait for what holds already", function()
  local _, lock, changed = pair()
  lock:lock()
  lu.assertEquals({changed:wait_for(lock, function() return "now" end, 0)},
                  {"now"})
  lock:unlock()
end)

test("wait_for ends at its time, looks once more, and keeps the mutex",
function()
  local _, lock, changed = pair()
  lock:lock()
  local looks = 0
  local function never() looks = looks + 1 return nil end
  lu.assertEquals({changed:wait_for(lock, never, 0.03)}, {false, "timeout"})
  lu.assertTrue(looks >= 2)
  local function second() never() return looks % 2 == 0 end
  looks = 0
  lu.assertEquals({changed:wait_for(lock, second, 0)}, {true})
  lu.assertTrue(lock:mine())
  lock:unlock()
end)

test("what the predicate raises is raised, with the mutex locked", function()
  local _, lock, changed = pair()
  lock:lock()
  raises("own words", changed.wait_for, changed, lock,
         function() error("own words") end)
  lu.assertTrue(lock:unlock())
end)

test("the predicate may yield", function()
  local _, lock, changed = pair()
  local step = coroutine.wrap(function()
    lock:lock()
    local value = changed:wait_for(lock, coroutine.yield)
    lock:unlock()
    return value
  end)
  step()
  lu.assertEquals(step("here"), "here")
end)

test("who does not hold the mutex may not wait", function()
  local heap, lock, changed = pair()
  local text = fails("EPERM", changed:wait(lock))
  lu.assertStrContains(text, "lock mutex 'lock' before")
  fails("EPERM", changed:wait_for(lock, function() return true end))
  local owner = support.holder(heap, lock.lock, lock)
  fails("EPERM", changed:wait(lock, 0))
  kill(owner)
end)

test("a mutex of another heap raises", function()
  local _, lock, changed = pair()
  local other = neap.heap():mutex("other")
  other:lock()
  raises("lies in another heap", changed.wait, changed, other)
  lu.assertTrue(other:mine())
  other:unlock()
  lu.assertFalse(lock:mine())
end)

test("a dropped condition is EIDRM, for waiters too, with the mutex locked",
function()
  local heap, lock, changed = pair()
  local process = sleeper(heap, lock, changed)
  heap:drop("changed")
  local mine, result, _, code = answer(process)
  lu.assertEquals({mine, result, code}, {true, nil, "EIDRM"})
  fails("EIDRM", changed:notify())
  fails("EIDRM", changed:notify_all())
  lock:lock()
  fails("EIDRM", changed:wait(lock))
  lu.assertTrue(lock:unlock())
end)

test("a mutex that is dropped meanwhile is EIDRM", function()
  local heap, lock, changed = pair()
  local process = waiter(heap, function()
    lock:lock()
    return changed:wait(lock)
  end)
  heap:drop("lock")
  changed:notify()
  fails("EIDRM", answer(process))
end)

test("wrong arguments to conditions raise", function()
  local heap, lock, changed = pair()
  lock:lock()
  raises("a timeout is seconds from 0 up", changed.wait, changed, lock, -1)
  raises("a timeout is seconds from 0 up", changed.wait_for, changed, lock,
         print, -1)
  raises("neap.mutex expected, got no value", changed.wait, changed)
  raises("neap.mutex expected", changed.wait, changed, heap:event("e"))
  raises("neap.mutex expected", changed.wait_for, changed, 5, print)
  raises("function expected, got nil", changed.wait_for, changed, lock)
  raises("notifies 1 or more", changed.notify, changed, 0)
  raises("notifies 1 or more", changed.notify, changed, -1)
  lu.assertTrue(lock:mine())
  fails("ETYPE", heap:condition("lock"))
  lu.assertEquals(heap:object("changed"), changed)
  changed:close()
  raises("condition 'changed' is closed", changed.wait, changed, lock)
  raises("condition 'changed' is closed", changed.notify, changed)
  lock:unlock()
  lock:close()
  raises("mutex 'lock' is closed", changed.wait, heap:condition("changed"),
         lock)
end)
