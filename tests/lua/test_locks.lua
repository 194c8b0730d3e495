--- Who holds and waits for what, and deadlocks.
local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, fails = support.test, support.fails

--- Two that lock the same two mutexes in another order each.
local function cross(heap)
  local a, b, count = heap:mutex("a"), heap:mutex("b"), heap:counter("ready")
  local function take(first, second)
    return neap.fork(function()
      first:lock()
      count:add()
      while count:get() < 2 do end
      local ok, text, code = second:lock(20)
      if code == "EDEADLK" then first:unlock() end
      return {code = code or tostring(ok), text = text}
    end)
  end
  return take(a, b), take(b, a)
end

test("a deadlock is seen", function()
  local heap = neap.heap()
  local one, two = cross(heap)
  support.eventually(function()
    local _, deadlocks = heap:locks()
    return #deadlocks == 1
  end, "the deadlock")
  local uses, deadlocks = heap:locks()
  lu.assertStrContains(deadlocks[1].text, ("process %d "):format(one.pid))
  lu.assertEquals(#deadlocks[1].slots, 2)
  lu.assertEquals(#uses, 4)
  support.kill(one)
  support.kill(two)
end)

test("who asks for it gets an error instead of a deadlock", function()
  local name = support.name("sky")
  local heap = assert(neap.open(name, {deadlock = "error"}))
  local one, two = cross(heap)
  local codes = {}
  for _, process in ipairs {one, two} do
    local _, answer = process:wait(30)
    codes[#codes + 1] = answer.code
    if answer.code == "EDEADLK" then
      lu.assertStrContains(answer.text, "close a cycle")
    end
  end
  table.sort(codes)
  lu.assertEquals(codes, {"EDEADLK", "true"})
  lu.assertErrorMsgContains("'error' or 'wait' expected", neap.open, name,
                            {deadlock = "maybe"})
  assert(heap:unlink())
end)

test("a lock is measured on request", function()
  local heap <close> = neap.heap()
  local lock, slots = heap:mutex("lock"), heap:semaphore("slots", 2)
  lock:lock()
  lock:unlock()
  lu.assertEquals(heap:measure(), 2)
  lock:lock()
  local uses = heap:locks()
  lu.assertTrue(uses[1].held >= 0)
  lu.assertNil(uses[1].waited)
  lock:unlock()
  slots:acquire()
  local found = heap:statistics("lock")
  lu.assertEquals({found.acquisitions, found.contended, found.measured,
                   found.kind}, {1, 0, true, "mutex"})
  lu.assertTrue(found.longest_hold > 0)
  lu.assertEquals(found.held, found.longest_hold)
  found = heap:statistics("slots")
  lu.assertEquals({found.acquisitions, found.held}, {1, nil})
  lu.assertEquals(heap:measure("lock", false), 1)
  lu.assertFalse(heap:statistics("lock").measured)
  heap:event("e")
  fails("ETYPE", heap:measure("e"))
  fails("ENOENT", heap:statistics("nothing"))
end)
