local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

local function sleep_for_ever()
  neap.heap():semaphore("never", 0):acquire()
end

test("wait gives what the function returned, again and again", function()
  local process = assert(neap.fork(function(a, b) return {a, b} end, 1, "two"))
  lu.assertEquals(math.type(process.pid), "integer")
  lu.assertEquals({process:wait()}, {true, {1, "two"}})
  lu.assertEquals({process:wait(0)}, {true, {1, "two"}})
  lu.assertFalse(process:alive())
  lu.assertNil(process.color)
end)

test("wait ends at its time", function()
  local process = neap.fork(sleep_for_ever)
  lu.assertEquals({process:wait(0)}, {false, "timeout"})
  lu.assertEquals({process:wait(0.02)}, {false, "timeout"})
  lu.assertTrue(process:alive())
  process:close()
  raises("the process is closed", process.wait, process)
end)

test("an error is nil, its text with the traceback, and EWORKER", function()
  local process = neap.fork(function() error("boom") end)
  local text = fails("EWORKER", process:wait())
  lu.assertStrContains(text, "boom")
  lu.assertStrContains(text, "stack traceback")
end)

test("a killed process is nil, its signal, and EKILLED", function()
  for signal, name in pairs {[9] = "SIGKILL", TERM = "SIGTERM",
                             SIGUSR1 = "SIGUSR1"} do
    local process = neap.fork(sleep_for_ever)
    lu.assertTrue(process:kill(signal))
    lu.assertStrContains(fails("EKILLED", process:wait()), name)
    lu.assertTrue(process:kill())
  end
  local process = neap.fork(sleep_for_ever)
  process:kill()
  lu.assertStrContains(fails("EKILLED", process:wait()), "SIGTERM")
  raises("no signal 'SIGNONE'", process.kill, process, "SIGNONE")
  raises("no such signal", process.kill, process, 0)
  raises("no such signal", process.kill, process, 500)
end)

test("status tells how it ended", function()
  local process = neap.fork(function() os.exit(7) end)
  local ended, how = process:status()
  lu.assertTrue(ended)
  lu.assertEquals(how, {pid = process.pid, code = 7, core = false})
end)

test("leaving the scope ends the process", function()
  local pid
  do
    local process <close> = neap.fork(sleep_for_ever)
    pid = process.pid
    lu.assertTrue(process:alive())
  end
  lu.assertNil(io.open("/proc/" .. pid .. "/stat"))
end)

test("a child cannot end its siblings through its parent's handles", function()
  local sibling = neap.fork(sleep_for_ever)
  local process = neap.fork(function()
    sibling:close()
    sibling = nil
    collectgarbage()
  end)
  lu.assertEquals({process:wait()}, {true})
  lu.assertTrue(sibling:alive())
  sibling:close()
end)

test("a child dies with its parent", function()
  local heap = assert(neap.open(support.name("sky")))
  local command = support.command(([[
    local neap = require "neap"
    local heap = neap.open(%q)
    local child = neap.fork(function()
      heap:counter("child"):add()
      heap:semaphore("never", 0):acquire()
    end)
    heap:counter("pid"):set(child.pid)
    while heap:counter("child"):get() == 0 do end
    os.execute("kill -9 $PPID")
  ]]):format(support.name("sky")))
  support.shell(command)
  local pid = heap:counter("pid"):get()
  lu.assertTrue(pid > 1)
  support.eventually(function()
    local stat = support.read(("/proc/%d/stat"):format(pid))
    return not stat or stat:match("%) Z")
  end, "the orphan's end")
  heap:unlink()
end)

test("a hundred processes leave nothing behind", function()
  for i = 1, 100 do
    lu.assertEquals({neap.fork(function() return i end):wait()}, {true, i})
  end
end)

test("wrong arguments raise", function()
  raises("function expected, got nil", neap.fork)
  raises("function expected, got table", neap.fork, {})
  local process = neap.fork(setmetatable({}, {__call = function(_, v)
    return v
  end}), 5)
  lu.assertEquals({process:wait()}, {true, 5})
  raises("a timeout is seconds", process.wait, process, -1)
end)

test("signals have numbers and names", function()
  lu.assertEquals({neap.signals[9], neap.signals.SIGKILL}, {"SIGKILL", 9})
  lu.assertEquals(neap.signals[neap.signals.SIGSEGV], "SIGSEGV")
  lu.assertEquals(neap.signals[neap.signals["SIGRTMIN+1"]], "SIGRTMIN+1")
  lu.assertNil(neap.signals.SIGNONE)
  lu.assertNil(neap.signals[0])
  local process = assert(neap.fork(sleep_for_ever))
  assert(process:kill(neap.signals.SIGKILL))
  local _, text, code = process:wait()
  lu.assertEquals(code, "EKILLED")
  lu.assertStrContains(text, neap.signals[9])
end)
