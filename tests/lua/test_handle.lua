local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises = support.test, support.raises

--- One handle of each class, with a method to call on it.
local function handles()
  local heap = neap.heap()
  local raw = neap.segment.create("memfd:raw", 4096)
  return {
    {heap, "heap", heap.info},
    {heap:counter("c"), "counter 'c'", heap:counter("c").get},
    {heap:array("a", "f64", 3), "array 'a'", heap:array("a").sum},
    {heap:mutex("m"), "mutex 'm'", heap:mutex("m").mine},
    {heap:semaphore("s", 1), "semaphore 's'", heap:semaphore("s").get},
    {raw, "segment 'memfd:raw'", raw.size},
    {raw:map(), "mapping 'memfd:raw'", raw:map().length},
    {neap.fork(function() end), "process", neap.fork(function() end).alive},
  }
end

test("a closed handle is told by name, and can be closed again", function()
  for _, case in ipairs(handles()) do
    local handle, who, method = table.unpack(case)
    method(handle)
    handle:close()
    handle:close()
    raises(who .. " is closed", method, handle)
    lu.assertStrContains(tostring(handle), "(closed)")
    lu.assertFalse(handle == setmetatable({}, {}))
  end
end)

test("errors name the method and the handle", function()
  local hits = neap.heap():counter("hits")
  hits:close()
  raises("calling 'add' on bad self (counter 'hits' is closed)",
         function() hits:add() end)
  raises("neap.counter expected, got no value", function() hits.add() end)
end)

test("every handle says what it is", function()
  for _, case in ipairs(handles()) do
    local meta = getmetatable(case[1])
    lu.assertStrMatches(meta.__name, "neap%.%a+")
    lu.assertEquals(tostring(case[1]):sub(1, #meta.__name), meta.__name)
    for _, event in ipairs {"__gc", "__close", "__eq", "__tostring",
                            "__index"} do
      lu.assertNotNil(meta[event], event)
    end
    lu.assertTrue(case[1] == case[1])
  end
end)

test("methods refuse every other kind of value", function()
  local strangers = handles()
  local others = {1, "x", true, {}, print, io.stdout, coroutine.create(print)}
  for i, case in ipairs(handles()) do
    for _, other in ipairs(others) do
      raises("expected, got", case[3], other)
    end
    for j, other in ipairs(strangers) do
      if i ~= j then raises("expected, got", case[3], other[1]) end
    end
    raises("expected, got", case[3])
  end
end)

test("leaving the scope closes", function()
  local kept
  do
    local heap <close> = neap.heap()
    local hits <close> = heap:counter("hits")
    kept = hits
  end
  raises("counter 'hits' is closed", kept.get, kept)
end)

test("handles by the thousand are collected", function()
  local heap = neap.heap()
  for i = 1, 3000 do
    heap:counter("c" .. i % 10)
    heap:array("a", "u8", 10, 10)[i % 10 + 1][1] = 1
  end
  for _ = 1, 200 do neap.heap() end
  lu.assertTrue(heap:check().ok)
end)

test("handles are good in a child, and ending there harms nobody", function()
  local heap = neap.heap()
  local hits = heap:counter("hits")
  neap.run(3, function()
    hits:add()
    hits:close()
    heap:close()
    heap, hits = nil, nil
    collectgarbage()
  end)
  lu.assertEquals(hits:add(), 4)
end)

test("an exit by lua_close in a child harms nobody", function()
  local heap = neap.heap()
  local hits = heap:counter("hits")
  local lock = heap:mutex("lock")
  lock:lock()
  neap.fork(function() os.exit(true, true) end):wait()
  lu.assertTrue(lock:mine())
  lock:unlock()
  lu.assertEquals(hits:add(), 1)
end)

test("the version is three numbers, and the clock runs", function()
  lu.assertStrMatches(neap.version, "%d+%.%d+%.%d+")
  local now = neap.now()
  lu.assertEquals(math.type(now), "float")
  support.eventually(function() return neap.now() > now end)
end)
