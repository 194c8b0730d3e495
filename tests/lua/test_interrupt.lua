--- Ctrl-C: each script waits for ever and is interrupted; it must end at once,
-- as an interrupted Lua script does, and leave nothing behind.
local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test = support.test

--- Run a script in a process group of its own, send the group SIGINT when the
-- script has put its number into the counter "ready" of the heap "sky" as often
-- as it says, and give what it printed.
local function interrupted(source, ready)
  local heap = assert(neap.open(support.name("sky")))
  local output = support.path("output")
  local command = support.command(([[
    neap = require "neap"
    sky = neap.open(%q)
    function ready() sky:counter("ready"):add() end
    never = sky:semaphore("never", 0)
    %s
  ]]):format(support.name("sky"), source))
  local shell = neap.fork(function()
    return select(3, os.execute(("setsid sh -c '%s; echo code $?' > %s 2>&1")
      :format(command:gsub("'", "'\\''"), output)))
  end)
  local count = heap:counter("ready")
  support.eventually(function() return count:get() >= ready end, "the script")
  local pid = heap:counter("pid"):get()
  os.execute(("kill -INT %d 2>/dev/null"):format(
    pid > 0 and pid or -heap:counter("group"):get()))
  local ended = shell:wait(30)
  lu.assertTrue(ended, "the script did not end")
  heap:unlink()
  return support.read(output)
end

local group = [[
    local stat = io.open("/proc/self/stat")
    local fields = stat:read("a")
    stat:close()
    sky:counter("group"):set(tonumber(fields:match("%) %a %d+ (%d+)")))
]]

test("Ctrl-C ends a wait for a mutex", function()
  local output = interrupted(group .. [[
    local lock = sky:mutex("lock")
    local holder <close> = neap.fork(function() lock:lock() ready()
                                             never:acquire() end)
    while sky:counter("ready"):get() == 0 do end
    ready()
    lock:lock()
    print("went on")
  ]], 2)
  lu.assertStrContains(output, "interrupted!")
  lu.assertNotStrContains(output, "went on")
end)

test("Ctrl-C ends a wait for a semaphore, in a coroutine too", function()
  for _, wait in ipairs {"never:acquire()", "never:guard()",
                         "coroutine.wrap(function() never:acquire() end)()"} do
    local output = interrupted(group .. "ready() " .. wait
                               .. " print('went on')", 1)
    lu.assertStrContains(output, "interrupted!")
    lu.assertNotStrContains(output, "went on")
  end
end)

test("Ctrl-C ends a wait for anything else", function()
  for _, wait in ipairs {
    "sky:event('go'):wait()", "sky:latch('loaded', 1):wait()",
    "lock:lock() sky:condition('changed'):wait(lock)",
    "lock:lock() sky:condition('changed'):wait_for(lock, function() end)",
    "sky:barrier('step', 2):wait()",
    "neap.wait_any {sky:event('go'), never, timeout = 100}",
  } do
    local output = interrupted(group
      .. "local lock = sky:mutex('lock') ready() " .. wait
      .. " print('went on')", 1)
    lu.assertStrContains(output, "interrupted!")
    lu.assertNotStrContains(output, "went on")
  end
end)

test("Ctrl-C ends a wait for what another process has", function()
  for _, case in ipairs {
    {"shared:write() ready() never:acquire()", "shared:read()"},
    {"shared:read() ready() never:acquire()", "shared:write()"},
    {"once:run(function() ready() never:acquire() end)", "once:run(print)"},
  } do
    local output = interrupted(group .. ([[
      local shared, once = sky:rwlock("shared"), sky:once("once")
      local holder <close> = neap.fork(function() %s end)
      while sky:counter("ready"):get() == 0 do end
      ready()
      %s
      print("went on")
    ]]):format(case[1], case[2]), 2)
    lu.assertStrContains(output, "interrupted!")
    lu.assertNotStrContains(output, "went on")
  end
end)

test("a condition's mutex is locked after Ctrl-C", function()
  local output = interrupted(group .. [[
    local lock, changed = sky:mutex("lock"), sky:condition("changed")
    lock:lock()
    ready()
    print(pcall(changed.wait, changed, lock))
    print(lock:mine(), lock:unlock())
  ]], 1)
  lu.assertStrContains(output, "false\tinterrupted!")
  lu.assertStrContains(output, "true\ttrue")
end)

test("a barrier is broken after Ctrl-C", function()
  local output = interrupted(group .. [[
    local step = sky:barrier("step", 2)
    ready()
    print(pcall(step.wait, step))
    print(step:broken(), step:waiting(), select(3, step:wait()))
  ]], 1)
  lu.assertStrContains(output, "false\tinterrupted!")
  lu.assertStrContains(output, "true\t0\tEBROKEN")
end)

test("Ctrl-C ends a run and its workers, and only the parent speaks", function()
  local output = interrupted(group .. [[
    neap.run(3, function() ready() never:acquire() end)
    print("went on")
  ]], 3)
  local _, count = output:gsub("interrupted!", "")
  lu.assertEquals(count, 1)
  lu.assertNotStrContains(output, "went on")
  lu.assertNotStrContains(output, "worker")
end)

test("Ctrl-C ends workers that compute", function()
  local output = interrupted(group .. [[
    neap.run(2, function() ready() while true do end end)
  ]], 2)
  local _, count = output:gsub("interrupted!", "")
  lu.assertEquals(count, 1)
  lu.assertNotStrContains(output, "worker")
end)

test("a parent that catches the interruption finds its workers gone", function()
  local output = interrupted(group .. [[
    local ok, why = pcall(neap.run, 2, function(worker)
      sky:array("pids", "i32", 2)[worker.id] =
        io.open("/proc/self/stat"):read("n")
      ready()
      never:acquire()
    end)
    print(ok, why)
    local pids = sky:array("pids")
    for i = 1, 2 do
      print(io.open("/proc/" .. pids[i] .. "/stat") and "there" or "gone")
    end
  ]], 2)
  lu.assertStrContains(output, "false\t")
  lu.assertStrContains(output, "gone\ngone\n")
end)

test("Ctrl-C ends a wait for a process", function()
  local output = interrupted(group .. [[
    local process = neap.fork(function() ready() never:acquire() end)
    process:wait()
    print("went on")
  ]], 1)
  lu.assertStrContains(output, "interrupted!")
  lu.assertNotStrContains(output, "went on")
end)

test("a worker that is interrupted alone is an error of that worker", function()
  local output = interrupted([[
    neap.run(2, function(worker)
      if worker.id == 2 then
        sky:counter("pid"):set(io.open("/proc/self/stat"):read("n"))
        ready()
      end
      never:acquire()
    end)
  ]], 1)
  lu.assertStrContains(output, "worker 2 of 2: ")
  lu.assertStrContains(output, "interrupted!")
end)

test("Ctrl-C that came just before a wait in a coroutine ends it", function()
  local output = interrupted([[
    local stat = io.open("/proc/self/stat")
    local pid = stat:read("a"):match("^%d+")
    stat:close()
    sky:counter("pid"):set(2^22 + 1)
    coroutine.wrap(function()
      io.popen("kill -INT " .. pid):close()
      ready()
      never:acquire()
    end)()
    print("went on")
  ]], 1)
  lu.assertStrContains(output, "interrupted!")
  lu.assertNotStrContains(output, "went on")
end)
