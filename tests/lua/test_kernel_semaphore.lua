local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails
local semaphores = neap.kernel_semaphore

--- A System V key that no other test has.
local function key() return tonumber(support.sysv():match("%d+")) end

--- fn(semaphore, address), for one of each kind; gone afterwards.
local function each(options, fn)
  for _, address in ipairs {support.name("jobs"), key()} do
    local semaphore <close> = assert(semaphores.open(address, options))
    local sound, why = pcall(fn, semaphore, address)
    semaphores.unlink(address)
    if not sound then error(why, 0) end
  end
end

--- The same for a set of three.
local function with_set(options, fn)
  options.create, options.count = true, options.count or 3
  local set <close> = assert(semaphores.open(key(), options))
  local sound, why = pcall(fn, set)
  semaphores.unlink(key())
  if not sound then error(why, 0) end
end

test("one is taken and given back", function()
  each({create = true, initial = 2}, function(jobs, address)
    lu.assertEquals(jobs:get(), 2)
    lu.assertEquals({jobs:acquire()}, {true})
    lu.assertEquals({jobs:try()}, {true})
    lu.assertEquals({jobs:try()}, {false, "timeout"})
    lu.assertEquals({jobs:acquire(0.02)}, {false, "timeout"})
    lu.assertTrue(jobs:release())
    local again, created = semaphores.open(address)
    lu.assertEquals(created, false)
    lu.assertEquals(again:get(), 1)
    lu.assertEquals(#again, 1)
    again:close()
    fails("EEXIST", semaphores.open(address, {create = true,
                                              exclusive = true}))
  end)
end)

test("another process's release wakes", function()
  each({create = true}, function(jobs)
    local child = neap.fork(function() return jobs:release() end)
    lu.assertTrue(jobs:acquire(20))
    lu.assertEquals({child:wait()}, {true, true})
  end)
end)

test("a guard and a function hold one", function()
  each({create = true, initial = 1}, function(jobs)
    do
      local guard <close> = jobs:guard()
      lu.assertEquals(jobs:get(), 0)
      lu.assertEquals({select(2, jobs:guard(0))}, {"timeout"})
    end
    lu.assertEquals(jobs:with(function(x) return jobs:get() + x end, 5), 5)
    lu.assertEquals(jobs:get(), 1)
  end)
end)

test("what there is is told and listed", function()
  each({create = true, initial = 1, mode = "0640"}, function(jobs, address)
    local stat = jobs:stat()
    lu.assertEquals(stat.kind, jobs:kind())
    lu.assertEquals(("%04o"):format(stat.mode), "0640")
    lu.assertEquals(jobs:look().value, 1)
    local seen
    for _, item in ipairs(assert(semaphores.list())) do
      if item.address == jobs:address() then seen = item end
    end
    lu.assertEquals(seen.mode, stat.mode)
    lu.assertEquals(seen.id, stat.id)
    lu.assertEquals(type(address) == "number", seen.id ~= nil)
  end)
end)

test("a set changes all at once or nothing", function()
  with_set({initial = 1}, function(set)
    lu.assertEquals(#set, 3)
    lu.assertTrue(set:apply {{1, -1}, {2, 4}})
    lu.assertEquals({set:get(), set:get(2), set:get(3)}, {0, 5, 1})
    lu.assertEquals({set:apply({{2, -5}, {3, -2}}, 0)}, {false, "timeout"})
    lu.assertEquals({set:apply({{2, -5}, {1, 0}}, 0.02)}, {true})
    lu.assertTrue(set:set(7, 3))
    lu.assertTrue(set:acquire(0, 6, 3))
    lu.assertTrue(set:release(2, 3))
    lu.assertEquals(set:get(3), 3)
    lu.assertEquals(set:look(3).last_pid, support.pid())
    raises("0 to 32767", set.release, set, 32767, 3)
  end)
end)

test("with undo what the dead took returns", function()
  with_set({initial = 2, undo = true}, function(set)
    local child = neap.fork(function()
      set:acquire(0, 2)
      set:acquire(nil, 1, 2)
      set:acquire(nil, 2, 2)
    end)
    support.eventually(function() return set:look(2).waiting == 1 end)
    lu.assertEquals(set:get(), 0)
    child:kill("SIGKILL")
    child:wait()
    lu.assertEquals({set:get(), set:get(2)}, {2, 2})
  end)
end)

test("a removed set wakes who waits", function()
  with_set({}, function(set)
    local child = neap.fork(function() return select(3, set:acquire()) end)
    support.eventually(function() return set:look().waiting == 1 end)
    assert(semaphores.unlink(key()))
    lu.assertEquals({child:wait()}, {true, "EIDRM"})
    fails("EIDRM", set:get())
  end)
end)

test("wrong arguments raise", function()
  with_set({}, function(set)
    raises("indices 1 to 3, not 4", set.get, set, 4)
    raises("indices 1 to 3, not 0", set.release, set, 1, 0)
    raises("1 or more", set.acquire, set, 0, 0)
    raises("change 2: {index, by} expected", set.apply, set, {{1, 1}, {1}})
    raises("1 to 500 changes", set.apply, set, {})
    raises("from 0 up", set.acquire, set, -1)
    fails("EFBIG", set:apply({{4, 1}}))
  end)
  raises("no option 'intial'", semaphores.open, "x", {intial = 3})
  fails("ENOTSUP", semaphores.open("file:x"))
  fails("ENOENT", semaphores.open(key()))
  fails("ENOENT", semaphores.unlink(key()))
  fails("ENOTSUP", semaphores.open("neap-test-x", {undo = true}))
  local posix = assert(semaphores.open(support.name("jobs"),
                                       {create = true, initial = 5}))
  fails("ENOTSUP", posix:acquire(0, 2))
  assert(semaphores.unlink(posix:address()))
  posix:close()
  raises("closed", posix.get, posix)
end)
