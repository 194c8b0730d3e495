local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises = support.test, support.raises

test("run gives what each worker returned, in order", function()
  local results = neap.run(4, function(worker)
    return worker.id * 10 + worker.workers
  end)
  lu.assertEquals(results, {14, 24, 34, 44, n = 4})
  lu.assertEquals(neap.run(1, function() end), {n = 1})
  lu.assertEquals(neap.run(3, function(worker)
    if worker.id ~= 2 then return worker.id, "ignored" end
  end), {1, nil, 3, n = 3})
end)

test("each index of a range goes to exactly one worker", function()
  local heap = neap.heap()
  local hits = heap:array("hits", "u8", 1000)
  local results = neap.run(4, function(worker)
    local count = 0
    for i in worker:range(1, 1000) do
      hits:fetch_add(i, 1)
      count = count + 1
    end
    return count
  end)
  lu.assertEquals(hits:min(), 1)
  lu.assertEquals(hits:max(), 1)
  lu.assertEquals(results[1] + results[2] + results[3] + results[4], 1000)
end)

local function handed_out(...)
  local bounds = {...}
  local results = neap.run(2, function(worker)
    local seen = {}
    for i in worker:range(table.unpack(bounds)) do seen[#seen + 1] = i end
    return seen
  end)
  local all = {}
  for _, seen in ipairs(results) do
    table.move(seen, 1, #seen, #all + 1, all)
  end
  table.sort(all)
  return all
end

test("ranges have first, last, step and chunk", function()
  lu.assertEquals(handed_out(3, 7), {3, 4, 5, 6, 7})
  lu.assertEquals(handed_out(1, 10, 3), {1, 4, 7, 10})
  lu.assertEquals(handed_out(1, 9, 3), {1, 4, 7})
  lu.assertEquals(handed_out(5, 1, -2), {1, 3, 5})
  lu.assertEquals(handed_out(5, 1), {})
  lu.assertEquals(handed_out(1, 5, {chunk = 2}), {1, 2, 3, 4, 5})
  lu.assertEquals(handed_out(1, 5, 1, {chunk = 100}), {1, 2, 3, 4, 5})
  lu.assertEquals(handed_out(math.maxinteger - 1, math.maxinteger),
                  {math.maxinteger - 1, math.maxinteger})
  lu.assertEquals(handed_out(-2, 0), {-2, -1, 0})
end)

test("wrong ranges raise in the worker", function()
  local function range(...)
    local bounds = table.pack(...)
    return function()
      neap.run(1, function(worker)
        worker:range(table.unpack(bounds, 1, bounds.n))
      end)
    end
  end
  raises("number expected", range())
  raises("number expected", range(1))
  raises("number expected", range("1", 2))
  raises("no integer representation", range(1.5, 2))
  raises("a step is not 0", range(1, 2, 0))
  raises("no option 'chunks'", range(1, 2, {chunks = 2}))
  raises("a chunk is 1 or more", range(1, 2, {chunk = -2}))
end)

test("several ranges follow each other, each shared out anew", function()
  local heap = neap.heap()
  local hits = heap:array("hits", "i32", 3)
  neap.run(3, function(worker)
    for round = 1, 3 do
      for _ in worker:range(1, 100) do hits:fetch_add(round, 1) end
    end
  end)
  lu.assertEquals(hits:totable(), {100, 100, 100})
end)

test("a range can be left early", function()
  local results = neap.run(1, function(worker)
    for i in worker:range(1, 1000) do if i == 3 then break end end
    for i in worker:range(1, 5) do if i == 5 then return i end end
  end)
  lu.assertEquals(results, {5, n = 1})
end)

test("plain values of every kind travel", function()
  local values = {
    true, false, 0, -1, math.maxinteger, math.mininteger, 1.0, -0.0, 0.1,
    1 / 0, -1 / 0, 1e300, "", "text", "\0\255\n", ("x"):rep(100000), {},
    {1, 2, 3}, {a = {b = {c = "deep"}}}, {[1] = 1, [3] = 3}, {[2.5] = "f"},
    {[-1] = "m", [0] = "z"}, {[true] = 1}, {[1] = "a", [1.5] = "b", [3] = "c"},
  }
  local results = neap.run(#values, function(worker)
    return values[worker.id]
  end)
  for i, value in ipairs(values) do
    lu.assertEquals(results[i], value)
    lu.assertEquals(math.type(results[i]), math.type(value))
  end
  local nan = neap.run(1, function() return 0 / 0 end)[1]
  lu.assertTrue(nan ~= nan)
end)

test("a large result does not block its worker", function()
  local results = neap.run(2, function(worker)
    return (("0123456789"):rep(500000)) .. worker.id
  end)
  lu.assertEquals(#results[2], 5000001)
  lu.assertEquals(results[2]:sub(-1), "2")
end)

test("what cannot travel is told with its place", function()
  local loop = {}
  loop.again = {loop}
  local cases = {
    {print, "worker 1 of 1: cannot return a function"},
    {{f = print}, "cannot return a function (in .f)"},
    {{list = {1, io.stdout}}, "cannot return a userdata (in .list[2])"},
    {{[print] = 1}, "cannot return a function (in a key of the table)"},
    {coroutine.create(print), "cannot return a thread"},
    {loop, "cannot return a table that contains itself (in .again[1])"},
    {neap.heap(), "cannot return a userdata"},
  }
  for _, case in ipairs(cases) do
    raises(case[2], neap.run, 1, function() return case[1] end)
  end
end)

test("a table in two places is no loop", function()
  local twice = {1}
  lu.assertEquals(neap.run(1, function() return {twice, twice} end)[1],
                  {{1}, {1}})
end)

local function blow() error("boom") end

test("an error is raised with the worker's traceback", function()
  local line = debug.getinfo(blow, "S").linedefined
  local text = raises("worker 2 of 3: ", neap.run, 3, function(worker)
    if worker.id == 2 then blow() end
    neap.heap():semaphore("never", 0):acquire()
  end)
  lu.assertStrContains(text, "test_run.lua:" .. line .. ": boom")
  lu.assertStrContains(text, "stack traceback:")
  lu.assertStrContains(text, "in upvalue 'blow'")
  lu.assertNotStrContains(text, "work.lua")
end)

test("errors that are tables are raised as they are", function()
  local ok, raised = pcall(neap.run, 2, function(worker)
    if worker.id == 1 then error {code = 5, list = {"a"}} end
  end)
  lu.assertFalse(ok)
  lu.assertEquals(raised, {code = 5, list = {"a"}})
  raises("described", neap.run, 1, function()
    error(setmetatable({}, {__tostring = function() return "described" end}))
  end)
  raises("worker 1 of 1: nil", neap.run, 1, function() error() end)
  raises("worker 1 of 1: table: ", neap.run, 1, function() error {print} end)
end)

test("a killed worker is an error that names its signal", function()
  local text = raises("worker 2 of 2 (pid ", neap.run, 2, function(worker)
    if worker.id == 2 then os.execute("kill -9 $PPID") end
    neap.heap():semaphore("never", 0):acquire()
  end)
  lu.assertStrContains(text, "was killed by SIGKILL")
end)

test("a worker that leaves without an answer is an error", function()
  raises("worker 1 of 1 (pid ", neap.run, 1, function() os.exit(3) end)
  raises("ended with exit code 3 and returned nothing", neap.run, 1,
         function() os.exit(3) end)
end)

test("what a killed worker held is given back", function()
  local heap = neap.heap()
  local lock, hits = heap:mutex("lock"), heap:counter("hits")
  pcall(neap.run, 3, function(worker)
    lock:lock()
    hits:add()
    if worker.id == 2 then os.execute("kill -9 $PPID") end
    lock:unlock()
  end)
  lu.assertTrue((lock:lock(20)))
  lock:unlock()
  lu.assertTrue(heap:check().ok)
end)

test("random numbers differ between workers, and can be had again", function()
  local function draw() return math.random(1 << 30) end
  local function three(options) return neap.run(3, draw, options) end
  local one = three {seed = 42}
  lu.assertEquals(three {seed = 42}, one)
  lu.assertNotEquals(three {seed = 43}, one)
  local seen = {}
  for _, number in ipairs(three()) do seen[number] = true end
  for _, number in ipairs(one) do seen[number] = true end
  local count = 0
  for _ in pairs(seen) do count = count + 1 end
  lu.assertEquals(count, 6)
  math.randomseed(7)
  local first = three()
  lu.assertNotEquals(three(), first)
  math.randomseed(7)
  lu.assertEquals(three(), first)
end)

test("nothing is printed twice, and nothing is lost", function()
  local output = support.script [[
    local neap = require "neap"
    io.write("before ")
    neap.run(2, function(worker) io.write("worker ") end)
    io.write("after")
  ]]
  lu.assertEquals(output, "before worker worker after")
end)

test("no finalizer runs in a worker that runs in the parent", function()
  local output = support.script [[
    local neap = require "neap"
    local function finalized(name)
      return setmetatable({}, {__gc = function()
        io.write(name, " ")
        io.flush()
      end})
    end
    local kept = finalized("kept")
    finalized("garbage")
    neap.run(2, function() collectgarbage() collectgarbage() end)
    kept = nil
  ]]
  lu.assertEquals(output, "garbage kept ")
end)

test("workers may run workers", function()
  local results = neap.run(2, function(worker)
    local inner = neap.run(2, function(w) return worker.id * 10 + w.id end)
    return inner[1] + inner[2]
  end)
  lu.assertEquals(results, {23, 43, n = 2})
end)

test("a run works in a coroutine", function()
  local results = coroutine.wrap(function()
    return neap.run(2, function(worker) return worker.id end)
  end)()
  lu.assertEquals(results, {1, 2, n = 2})
end)

test("a bar is drawn on request and wiped", function()
  local output = support.script [[
    local neap = require "neap"
    local go = neap.heap():semaphore("go", 0)
    neap.run(2, function(worker)
      for i in worker:range(1, 4, {chunk = 1}) do go:acquire(0.15) end
    end, {progress = true, name = "four"})
    io.stderr:write("end")
  ]]
  lu.assertStrContains(output, "four [")
  lu.assertStrContains(output, " of 4")
  lu.assertEquals(output:sub(-4), "\rend")
  output = support.script [[
    local neap = require "neap"
    local go = neap.heap():semaphore("go", 0)
    neap.run(2, function(worker)
      for i in worker:range(1, 4) do go:acquire(0.15) end
    end)
  ]]
  lu.assertEquals(output, "")
end)

test("wrong arguments raise", function()
  local function nothing() end
  raises("1 to 1024 workers expected, got 0", neap.run, 0, nothing)
  raises("1 to 1024 workers expected, got 1025", neap.run, 1025, nothing)
  raises("1 to 1024 workers expected, got 1.5", neap.run, 1.5, nothing)
  raises("1 to 1024 workers expected, got nil", neap.run, nil, nothing)
  raises("1 to 1024 workers expected, got 4", neap.run, "4", nothing)
  raises("function expected, got nil", neap.run, 2)
  raises("function expected, got string", neap.run, 2, "f")
  raises("table expected, got boolean", neap.run, 2, nothing, true)
  raises("no option 'bar'", neap.run, 2, nothing, {bar = true})
  raises("option 'progress': true, false or 'auto'", neap.run, 2, nothing,
         {progress = "no"})
  raises("option 'seed': integer expected", neap.run, 2, nothing, {seed = 0.5})
  raises("option 'name': string expected", neap.run, 2, nothing, {name = 5})
  lu.assertEquals(neap.run(2.0, function() return 1 end), {1, 1, n = 2})
end)
